/* fair.h: who gives how much if room has to be made.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_FAIR_H
#define BACKSHELF_FAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sweep.h"

/* What one client could give, the first to go first.  Zero-initialise. */
struct fair {
	const struct sweep_share *gain;	/* n; borrowed */
	size_t			 n;
	size_t			 taken;	/* out: the first so many go */
};

/* Take of one client, which holds `total` bytes, until it holds no more than
 * `limit`, or has no more to give.  What it holds then. */
uint64_t fair_limit(struct fair *, uint64_t total, uint64_t limit);

/* Take of all clients until so many bytes and inodes are gained: each time of
 * the one that has most snapshots left to give, and of these of the one with
 * most to gain; but not of one that has nothing to gain.  Is it enough?  False
 * also if memory is short, and nothing taken. */
bool	 fair_gain(struct fair *, size_t n, uint64_t bytes, uint64_t inodes);

#endif
