/* query.c: the commands that are about an export and not about its sectors.
 * Query Config lives here; MAC Mask List and Reserve/Release belong here too
 * and are answered as unrecognised commands by the worker.  Pure.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>

#include "query.h"

enum {
	CCMD_READ = 0, CCMD_TEST = 1, CCMD_PREFIX = 2, CCMD_SET = 3,
	CCMD_FORCE = 4
};

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

enum query_verdict
query_decide(const struct frame_config *f, const struct config *c)
{
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
		return c->len == 0 ? QUERY_STORE : QUERY_TAKEN;
	case CCMD_FORCE:
		return config_is(c, f) ? QUERY_ANSWER : QUERY_STORE;
	default:
		return QUERY_BAD;
	}
}
