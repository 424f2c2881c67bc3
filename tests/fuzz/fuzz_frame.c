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
	if (op.action == ATA_VERIFY && op.lba + op.count > d.sectors)
		abort();
	frame_ata_answer(p, op.status, op.error, op.result);
}

/* The state that all messages of a run meet and change. */
static struct state st, new;

static void
try_config(uint8_t *p, size_t size)
{
	struct frame_config f;

	if (frame_config_decode(p, size, &f) == -1)
		return;
	if (query_config(&f, &st, &new) != QUERY_STORE)
		return;
	st = new;
	if (frame_config_answer(p, f.ccmd, 1, 1, 2, st.config.bytes,
	    st.config.len) > size)
		abort();
}

static void
try_mask(uint8_t *p, size_t size)
{
	struct mask_edit edit;
	struct frame_mask f;
	enum query_verdict v;

	if (frame_mask_decode(p, size, &f) == -1)
		return;
	v = query_mask(&f, &st, 20, &new, &edit);
	if (edit.done > f.count || (edit.error == MASK_OK &&
	    f.mcmd == 1 && edit.done != f.count))
		abort();
	if (edit.error != MASK_OK &&
	    frame_mask_error(p, (uint8_t)edit.error, edit.done) > size)
		abort();
	if (v != QUERY_STORE)
		return;
	st = new;
	if (st.mask.n > 20)
		abort();
}

static void
try_reserve(uint8_t *p, size_t size, uint64_t from)
{
	struct frame_reserve f;

	if (frame_reserve_decode(p, size, &f) == -1)
		return;
	if (query_reserve(&f, from, &st, &new) != QUERY_STORE)
		return;
	if (f.rcmd == 1 && query_is_reserved(&st, from))
		abort();
	st = new;
	if (frame_reserve_answer(p, f.rcmd, st.reserved.v,
	    st.reserved.n) > size)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame f;
	uint8_t *p;

	memset(&st, 0, sizeof(st));
	st.config.len = 3;
	memcpy(st.config.bytes, "abc", 3);
	st.mask.n = st.reserved.n = 1;
	if ((p = malloc(size + 1)) == NULL)
		return 0;
	p = realloc(p, size > 0 ? size : 1);
	memcpy(p, data, size);
	if (frame_decode_answer(p, size, &f) == FRAME_OK &&
	    frame_decode(p, size, &f) == FRAME_OK)
		abort();
	if (frame_decode(p, size, &f) == FRAME_OK) {
		(void)frame_is_broadcast(&f);
		if (f.command == AOE_ATA)
			try_ata(p, size);
		else if (f.command == AOE_MASK)
			try_mask(p, size);
		else if (f.command == AOE_RESERVE)
			try_reserve(p, size, f.src);
		else
			try_config(p, size);
		frame_answer(p, 1, f.shelf, f.slot, AOE_BADARG);
	}
	free(p);
	return 0;
}
