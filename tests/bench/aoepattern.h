/* aoepattern.h: what the benchmark's disks hold.  Each sector begins with the
 * number of its export, its own number and the round in which it was written,
 * so that a reader can tell at once whether it was given what it asked for.
 * The rest of a sector is zeros: checking it would measure the reader.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BENCH_AOEPATTERN_H
#define BENCH_AOEPATTERN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PATTERN_SECTOR	512

/* Exports of a bench are numbered from 0; each shelf has SLOTS of them. */
#define BENCH_SLOTS	250
#define BENCH_SHELF(k)	((uint16_t)(1 + (k) / BENCH_SLOTS))
#define BENCH_SLOT(k)	((uint8_t)((k) % BENCH_SLOTS))

struct pattern {
	uint32_t	export;
	uint32_t	round;
	uint64_t	lba;
};

/* Mark `count` sectors from lba on. */
static inline void
pattern_put(uint8_t *data, uint32_t export, uint64_t lba, unsigned count,
    uint32_t round)
{
	struct pattern p = { .export = export, .round = round };
	unsigned i;

	for (i = 0; i < count; i++) {
		p.lba = lba + i;
		memcpy(data + (size_t)i * PATTERN_SECTOR, &p, sizeof(p));
	}
}

/* Are they the sectors asked for, of any round? */
static inline bool
pattern_is(const uint8_t *data, uint32_t export, uint64_t lba, unsigned count)
{
	struct pattern p;
	unsigned i;

	for (i = 0; i < count; i++) {
		memcpy(&p, data + (size_t)i * PATTERN_SECTOR, sizeof(p));
		if (p.export != export || p.lba != lba + i)
			return false;
	}
	return true;
}

#endif
