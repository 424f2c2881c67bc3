/* query.c: Query Config, MAC Mask List and Reserve/Release decided.  The state
 * as it is and a message in, a verdict and the state as it shall be out;
 * nothing is stored here.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>

#include "mac.h"
#include "query.h"

enum {
	CCMD_READ = 0, CCMD_TEST = 1, CCMD_PREFIX = 2, CCMD_SET = 3,
	CCMD_FORCE = 4
};

enum { MCMD_READ = 0, MCMD_EDIT = 1 };
enum { DCMD_NONE = 0, DCMD_ADD = 1, DCMD_DELETE = 2 };
enum { RCMD_READ = 0, RCMD_SET = 1, RCMD_FORCE = 2 };

static bool
config_is(const struct config *c, const struct frame_config *f)
{
	return c->len == f->len && memcmp(c->bytes, f->string, f->len) == 0;
}

static bool
config_begins(const struct config *c, const struct frame_config *f)
{
	return c->len >= f->len && memcmp(c->bytes, f->string, f->len) == 0;
}

static enum query_verdict
config_set(const struct frame_config *f, const struct state *st,
    struct state *new)
{
	*new = *st;
	new->config.len = f->len;
	memcpy(new->config.bytes, f->string, f->len);
	return QUERY_STORE;
}

enum query_verdict
query_config(const struct frame_config *f, const struct state *st,
    struct state *new)
{
	const struct config *c = &st->config;

	switch (f->ccmd) {
	case CCMD_READ:
		return QUERY_ANSWER;
	case CCMD_TEST:
		return config_is(c, f) ? QUERY_ANSWER : QUERY_SILENT;
	case CCMD_PREFIX:
		return config_begins(c, f) ? QUERY_ANSWER : QUERY_SILENT;
	case CCMD_SET:
		if (config_is(c, f))
			return QUERY_ANSWER;
		return c->len == 0 ? config_set(f, st, new) : QUERY_TAKEN;
	case CCMD_FORCE:
		return config_is(c, f) ? QUERY_ANSWER :
		    config_set(f, st, new);
	default:
		return QUERY_BAD;
	}
}

/* Follow one directive. */
static enum mask_error
direct(struct maclist *l, unsigned max, uint8_t dcmd, uint64_t mac)
{
	switch (dcmd) {
	case DCMD_NONE:
		return MASK_OK;
	case DCMD_ADD:
		return maclist_has(l, mac) || maclist_add(l, max, mac) ?
		    MASK_OK : MASK_FULL;
	case DCMD_DELETE:
		maclist_remove(l, mac);
		return MASK_OK;
	default:
		return MASK_BADDIR;
	}
}

enum query_verdict
query_mask(const struct frame_mask *f, const struct state *st, unsigned max,
    struct state *new, struct mask_edit *edit)
{
	uint64_t mac;
	uint8_t dcmd;

	edit->error = MASK_OK;
	edit->done = 0;
	if (f->mcmd == MCMD_READ)
		return QUERY_ANSWER;
	if (f->mcmd != MCMD_EDIT)
		return QUERY_BAD;
	*new = *st;
	for (; edit->done < f->count; edit->done++) {
		dcmd = frame_directive(f, edit->done, &mac);
		edit->error = direct(&new->mask, max, dcmd, mac);
		if (edit->error != MASK_OK)
			break;
	}
	return maclist_equal(&new->mask, &st->mask) ? QUERY_ANSWER :
	    QUERY_STORE;
}

static enum query_verdict
reserve_set(const struct frame_reserve *f, const struct state *st,
    struct state *new)
{
	unsigned i;

	*new = *st;
	new->reserved.n = 0;
	for (i = 0; i < f->count; i++)
		(void)maclist_add(&new->reserved, MACLIST_MAX,
		    mac_get(f->macs + (size_t)i * FRAME_MAC));
	return maclist_equal(&new->reserved, &st->reserved) ? QUERY_ANSWER :
	    QUERY_STORE;
}

enum query_verdict
query_reserve(const struct frame_reserve *f, uint64_t from,
    const struct state *st, struct state *new)
{
	switch (f->rcmd) {
	case RCMD_READ:
		return QUERY_ANSWER;
	case RCMD_SET:
		if (query_is_reserved(st, from))
			return QUERY_RESERVED;
		return reserve_set(f, st, new);
	case RCMD_FORCE:
		return reserve_set(f, st, new);
	default:
		return QUERY_BAD;
	}
}

bool
query_is_masked(const struct state *st, uint64_t from)
{
	return st->mask.n > 0 && !maclist_has(&st->mask, from);
}

bool
query_is_reserved(const struct state *st, uint64_t from)
{
	return st->reserved.n > 0 && !maclist_has(&st->reserved, from);
}
