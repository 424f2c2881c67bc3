/* reserve.c: AoEr11 section 3.4, Reserve/Release.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>

#include "conform.h"

enum { READ = 0, SET = 1, FORCE = 2 };

#define HEAD	2

/* A list of either client, both, or nobody. */
static void
begin_reserve(struct conform *c, unsigned who, uint8_t rcmd, bool me,
    bool other)
{
	begin(c, who, AOE_RESERVE);
	put_byte(c, rcmd);
	put_byte(c, (uint8_t)(me + other));
	if (me)
		put_bytes(c, c->wire[ME].mac, 6);
	if (other)
		put_bytes(c, c->wire[OTHER].mac, 6);
}

static bool
lists(struct conform *c, bool me, bool other)
{
	const uint8_t *p = c->got.body;
	size_t n = (size_t)me + other;

	if (c->got.body_len < HEAD ||
	    c->got.body_len < HEAD + (size_t)p[1] * 6) {
		saw(c, NOT_OK, "a list longer than its frame");
		return false;
	}
	saw(c, OK, "%u addresses", p[1]);
	return p[1] == n &&
	    (!me || memcmp(p + HEAD, c->wire[ME].mac, 6) == 0) &&
	    (!other || memcmp(p + HEAD + 6 * me, c->wire[OTHER].mac, 6) == 0);
}

/* Do it, and see the list in the answer. */
static bool
reserve(struct conform *c, unsigned who, uint8_t rcmd, bool me, bool other)
{
	begin_reserve(c, who, rcmd, me, other);
	return accepted(c, who) && lists(c, me, other);
}

static bool
reads(struct conform *c, unsigned who, bool me, bool other)
{
	begin_reserve(c, who, READ, false, false);
	return accepted(c, who) && lists(c, me, other);
}

static bool
is_refused(struct conform *c, unsigned who, uint8_t rcmd, bool me, bool other)
{
	begin_reserve(c, who, rcmd, me, other);
	return refused(c, who, 6) == OK;
}

static void
begin_read(struct conform *c, unsigned who)
{
	const struct ata a = { .aflags = ATA_EXTENDED, .count = 1,
	    .command = 0x24 };

	begin(c, who, AOE_ATA);
	put_zeros(c, WIRE_ATA);
	ata_put(c->out + WIRE_HEAD, &a);
}

static bool
may_read(struct conform *c, unsigned who)
{
	begin_read(c, who);
	return accepted(c, who);
}

static bool
may_not_read(struct conform *c, unsigned who)
{
	begin_read(c, who);
	return refused(c, who, 6) == OK;
}

/* The verdict, once nobody has it reserved again. */
static enum verdict
cleaned(struct conform *c, bool good)
{
	char first[sizeof(c->saw)];

	strlcpy(first, c->saw, sizeof(first));
	if (!reserve(c, ME, FORCE, false, false) || !reads(c, ME, false, false))
		return NOT_OK;
	strlcpy(c->saw, first, sizeof(c->saw));
	return ok_if(good);
}

static enum verdict
it_is_free_at_first(struct conform *c)
{
	return ok_if(reads(c, ME, false, false) && may_read(c, OTHER));
}

static enum verdict
it_is_set_where_it_is_empty(struct conform *c)
{
	return cleaned(c, reserve(c, ME, SET, true, false) &&
	    reads(c, ME, true, false));
}

static enum verdict
it_may_name_several(struct conform *c)
{
	return cleaned(c, reserve(c, ME, SET, true, true) &&
	    may_read(c, ME) && may_read(c, OTHER) &&
	    reads(c, OTHER, true, true));
}

static enum verdict
others_are_refused(struct conform *c)
{
	return cleaned(c, reserve(c, ME, SET, true, false) &&
	    may_read(c, ME) && may_not_read(c, OTHER));
}

static enum verdict
others_may_identify(struct conform *c)
{
	const struct ata a = { .count = 1, .command = 0xec };
	struct ata back;

	return cleaned(c, reserve(c, ME, SET, true, false) &&
	    ata_do(c, OTHER, &a, &back));
}

static enum verdict
others_may_query(struct conform *c)
{
	bool good = reserve(c, ME, SET, true, false);

	begin(c, OTHER, AOE_CONFIG);
	put_zeros(c, 8);
	return cleaned(c, good && accepted(c, OTHER) &&
	    reads(c, OTHER, true, false));
}

static enum verdict
others_may_not_set(struct conform *c)
{
	return cleaned(c, reserve(c, ME, SET, true, false) &&
	    is_refused(c, OTHER, SET, false, true) &&
	    is_refused(c, OTHER, SET, false, false) &&
	    reads(c, ME, true, false));
}

static enum verdict
who_is_listed_may_set(struct conform *c)
{
	return cleaned(c, reserve(c, ME, SET, true, true) &&
	    reserve(c, OTHER, SET, false, true) && may_not_read(c, ME));
}

static enum verdict
an_empty_list_releases(struct conform *c)
{
	return cleaned(c, reserve(c, ME, SET, true, false) &&
	    reserve(c, ME, SET, false, false) && may_read(c, OTHER));
}

static enum verdict
force_asks_nobody(struct conform *c)
{
	return cleaned(c, reserve(c, ME, SET, true, false) &&
	    reserve(c, OTHER, FORCE, false, true) && may_read(c, OTHER) &&
	    may_not_read(c, ME));
}

static enum verdict
counts_that_lie_are_refused(struct conform *c)
{
	begin(c, ME, AOE_RESERVE);
	put_byte(c, FORCE);
	put_byte(c, 9);
	put_bytes(c, c->wire[ME].mac, 6);
	return cleaned(c, refused(c, ME, 2) == OK);
}

static enum verdict
unknown_subcommands_are_refused(struct conform *c)
{
	begin_reserve(c, ME, 3, false, false);
	return cleaned(c, refused(c, ME, 2) == OK);
}

const struct clause reserve_clauses[] = {
	{ "3.4", "nobody has reserved it at first", it_is_free_at_first },
	{ "3.4", "an empty list may be set by anybody",
	    it_is_set_where_it_is_empty },
	{ "3.4", "it may name several", it_may_name_several },
	{ "3.4", "who is not listed gets AoE error 6 for ATA",
	    others_are_refused },
	{ "3.4", "but may identify the disk", others_may_identify },
	{ "3.4", "and ask for config and list", others_may_query },
	{ "3.4", "who is not listed may not set: AoE error 6",
	    others_may_not_set },
	{ "3.4", "who is listed may set any other list",
	    who_is_listed_may_set },
	{ "3.4", "an empty list releases", an_empty_list_releases },
	{ "3.4", "force asks nobody", force_asks_nobody },
	{ "3.4", "more addresses than there are is AoE error 2",
	    counts_that_lie_are_refused },
	{ "3.4", "an unknown subcommand is AoE error 2",
	    unknown_subcommands_are_refused },
	{ 0 }
};
