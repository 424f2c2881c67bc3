/* fuzz_frame.c: any bytes as a frame: decoded, decided and answered in place,
 * in a buffer of just its size.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aoe/ata.h"
#include "aoe/frame.h"
#include "aoe/query.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
try_ata(uint8_t *p, size_t size)
{
	static const struct ata_disk d = { .sectors = 1000, .max = 17 };
	struct frame_ata a;
	struct ata_op op;

	if (frame_ata_decode(p, size, &a) == -1)
		return;
	ata_decide(&a, &d, &op);
	if (op.action == ATA_READ || op.action == ATA_WRITE) {
		if (op.count == 0 || op.count > d.max ||
		    op.lba + op.count > d.sectors)
			abort();
		if (op.action == ATA_WRITE && a.datalen < op.count * SECTOR)
			abort();
	}
	frame_ata_answer(p, op.status, op.error, op.result);
}

static void
try_config(uint8_t *p, size_t size)
{
	struct config c = { .len = 3, .bytes = "abc" };
	struct frame_config f;

	if (frame_config_decode(p, size, &f) == -1)
		return;
	if (query_decide(&f, &c) == QUERY_STORE) {
		c.len = f.len;
		memcpy(c.bytes, f.string, f.len);
		if (frame_config_answer(p, f.ccmd, 1, 1, 2, c.bytes,
		    c.len) > size)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame f;
	uint8_t *p;

	if ((p = malloc(size + 1)) == NULL)
		return 0;
	p = realloc(p, size > 0 ? size : 1);
	memcpy(p, data, size);
	if (frame_decode(p, size, &f) == FRAME_OK) {
		(void)frame_is_broadcast(&f);
		if (f.command == AOE_ATA)
			try_ata(p, size);
		else
			try_config(p, size);
		frame_answer(p, 1, f.shelf, f.slot, AOE_BADARG);
	}
	free(p);
	return 0;
}
