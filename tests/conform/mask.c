/* mask.c: AoEr11 section 3.3, MAC Mask List.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>

#include "conform.h"

enum { NOTHING = 0, ADD = 1, DELETE = 2, NONSENSE = 9 };

#define DIRECTIVE	8
#define HEAD		4

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0xaa, 1 };
static const uint8_t mac_b[6] = { 2, 0, 0, 0, 0xaa, 2 };

static void
begin_mask(struct conform *c, unsigned who, uint8_t mcmd, uint8_t n)
{
	const uint8_t head[HEAD] = { 0, mcmd, 0, n };

	begin(c, who, AOE_MASK);
	put_bytes(c, head, sizeof(head));
}

static void
put_directive(struct conform *c, uint8_t dcmd, const uint8_t mac[6])
{
	put_byte(c, 0);
	put_byte(c, dcmd);
	put_bytes(c, mac, 6);
}

/* One directive, whose answer is without an error of any kind. */
static bool
edit(struct conform *c, uint8_t dcmd, const uint8_t mac[6])
{
	begin_mask(c, ME, 1, 1);
	put_directive(c, dcmd, mac);
	if (!accepted(c, ME))
		return false;
	if (c->got.body_len < HEAD || c->got.body[2] != 0) {
		saw(c, NOT_OK, "mask error %u",
		    c->got.body_len < HEAD ? 255 : c->got.body[2]);
		return false;
	}
	return true;
}

/* Is the list in the last answer this one, in any order? */
static bool
lists(struct conform *c, const uint8_t *const *macs, size_t n)
{
	const uint8_t *p = c->got.body;
	size_t i, k, found = 0;

	if (c->got.body_len < HEAD ||
	    c->got.body_len < HEAD + (size_t)p[3] * DIRECTIVE) {
		saw(c, NOT_OK, "a list longer than its frame");
		return false;
	}
	for (i = 0; i < n; i++)
		for (k = 0; k < p[3]; k++)
			if (memcmp(p + HEAD + k * DIRECTIVE + 2, macs[i],
			    6) == 0) {
				found++;
				break;
			}
	saw(c, OK, "%u addresses", p[3]);
	return p[3] == n && found == n;
}

static bool
reads(struct conform *c, const uint8_t *const *macs, size_t n)
{
	begin_mask(c, ME, 0, 0);
	return accepted(c, ME) && lists(c, macs, n);
}

/* Leave nobody on the list.  We are taken off last. */
static bool
emptied(struct conform *c)
{
	return edit(c, DELETE, mac_a) && edit(c, DELETE, mac_b) &&
	    edit(c, DELETE, c->wire[OTHER].mac) &&
	    edit(c, DELETE, c->wire[ME].mac) && reads(c, NULL, 0);
}

/* The verdict, once the list is empty again. */
static enum verdict
cleaned(struct conform *c, bool good)
{
	char first[sizeof(c->saw)];

	strlcpy(first, c->saw, sizeof(first));
	if (!emptied(c))
		return NOT_OK;
	strlcpy(c->saw, first, sizeof(c->saw));
	return ok_if(good);
}

static enum verdict
it_is_empty_at_first(struct conform *c)
{
	return ok_if(reads(c, NULL, 0));
}

static enum verdict
reserved_bytes_are_zero(struct conform *c)
{
	const uint8_t *p;
	bool good;

	begin_mask(c, ME, 1, 1);
	c->out[WIRE_HEAD] = 0xee;
	put_directive(c, ADD, c->wire[ME].mac);
	c->out[WIRE_HEAD + HEAD] = 0xee;
	if (!accepted(c, ME) || c->got.body_len < HEAD + DIRECTIVE)
		return NOT_OK;
	p = c->got.body;
	good = p[0] == 0 && p[HEAD] == 0;
	saw(c, OK, "0x%02x and 0x%02x", p[0], p[HEAD]);
	return cleaned(c, good);
}

static enum verdict
added_ones_are_listed(struct conform *c)
{
	const uint8_t *const all[] = { c->wire[ME].mac, mac_a, mac_b };
	bool good;

	good = edit(c, ADD, c->wire[ME].mac) && edit(c, ADD, mac_a) &&
	    edit(c, ADD, mac_b) && lists(c, all, 3) && reads(c, all, 3);
	return cleaned(c, good);
}

static enum verdict
nobody_is_listed_twice(struct conform *c)
{
	const uint8_t *const all[] = { c->wire[ME].mac };
	bool good;

	good = edit(c, ADD, c->wire[ME].mac) &&
	    edit(c, ADD, c->wire[ME].mac) && reads(c, all, 1);
	return cleaned(c, good);
}

static enum verdict
deleted_ones_are_not_listed(struct conform *c)
{
	const uint8_t *const all[] = { c->wire[ME].mac, mac_b };
	bool good;

	good = edit(c, ADD, c->wire[ME].mac) && edit(c, ADD, mac_a) &&
	    edit(c, ADD, mac_b) && edit(c, DELETE, mac_a) && reads(c, all, 2);
	return cleaned(c, good);
}

static enum verdict
a_stranger_may_be_deleted(struct conform *c)
{
	const uint8_t *const all[] = { c->wire[ME].mac };
	bool good;

	good = edit(c, ADD, c->wire[ME].mac) && edit(c, DELETE, mac_a) &&
	    reads(c, all, 1);
	return cleaned(c, good);
}

static enum verdict
nothing_does_nothing(struct conform *c)
{
	return ok_if(edit(c, NOTHING, mac_a) && reads(c, NULL, 0));
}

static bool
other_is_heard(struct conform *c)
{
	begin(c, OTHER, AOE_CONFIG);
	put_zeros(c, 8);
	return accepted(c, OTHER);
}

static bool
other_is_ignored(struct conform *c, uint8_t command, size_t args)
{
	begin(c, OTHER, command);
	put_zeros(c, args);
	return silent(c, OTHER);
}

static enum verdict
an_empty_list_lets_all_in(struct conform *c)
{
	return saw(c, ok_if(other_is_heard(c)), "another client is answered");
}

static enum verdict
who_is_not_listed_is_ignored(struct conform *c)
{
	bool good;

	good = edit(c, ADD, c->wire[ME].mac) &&
	    other_is_ignored(c, AOE_CONFIG, 8) &&
	    other_is_ignored(c, AOE_ATA, 12) &&
	    other_is_ignored(c, AOE_MASK, 4) &&
	    other_is_ignored(c, AOE_RESERVE, 2);
	return cleaned(c, good);
}

static enum verdict
who_is_listed_is_heard(struct conform *c)
{
	bool good;

	good = edit(c, ADD, c->wire[ME].mac) &&
	    edit(c, ADD, c->wire[OTHER].mac) && other_is_heard(c);
	if (good)
		saw(c, OK, "both are answered");
	return cleaned(c, good);
}

/* Several directives of which the second is nonsense. */
static enum verdict
a_bad_directive_is_error_2(struct conform *c)
{
	bool good;

	begin_mask(c, ME, 1, 3);
	put_directive(c, ADD, c->wire[ME].mac);
	put_directive(c, NONSENSE, mac_a);
	put_directive(c, ADD, mac_b);
	if (!accepted(c, ME) || c->got.body_len < HEAD)
		return NOT_OK;
	saw(c, OK, "mask error %u, count %u", c->got.body[2],
	    c->got.body[3]);
	good = c->got.body[2] == 2 && c->got.body[3] == 1;
	return cleaned(c, good);
}

/* Fill it, one address after the other, up to 300. */
static enum verdict
a_full_list_is_error_3(struct conform *c)
{
	uint8_t mac[6] = { 2, 0, 0, 0xbb, 0, 0 };
	unsigned i, n = 0, error = 0;

	if (!edit(c, ADD, c->wire[ME].mac))
		return NOT_OK;
	while (n < 300 && error == 0) {
		mac[4] = n >> 8;
		mac[5] = n;
		if (!edit(c, ADD, mac))
			error = c->got.body_len < HEAD ? 255 :
			    c->got.body[2];
		else
			n++;
	}
	for (i = 0; i < n; i++) {
		mac[4] = i >> 8;
		mac[5] = i;
		if (!edit(c, DELETE, mac))
			return NOT_OK;
	}
	saw(c, OK, "mask error %u at %u addresses", error, n + 1);
	return cleaned(c, error == 3);
}

static enum verdict
counts_that_lie_are_refused(struct conform *c)
{
	begin_mask(c, ME, 1, 9);
	put_directive(c, NOTHING, mac_a);
	return refused(c, ME, 2);
}

static enum verdict
unknown_subcommands_are_refused(struct conform *c)
{
	begin_mask(c, ME, 2, 0);
	return refused(c, ME, 2);
}

const struct clause mask_clauses[] = {
	{ "3.3", "the list is empty at first", it_is_empty_at_first },
	{ "3.3", "an empty list lets everybody in",
	    an_empty_list_lets_all_in },
	{ "3.3", "directive 0 does nothing", nothing_does_nothing },
	{ "3.3", "what is added is listed", added_ones_are_listed },
	{ "3.3", "nobody is listed twice", nobody_is_listed_twice },
	{ "3.3", "what is deleted is not listed",
	    deleted_ones_are_not_listed },
	{ "3.3", "what is not there may be deleted",
	    a_stranger_may_be_deleted },
	{ "3.3", "who is not listed is ignored, whatever the command",
	    who_is_not_listed_is_ignored },
	{ "3.3", "who is listed is answered", who_is_listed_is_heard },
	{ "3.3", "a bad directive is mask error 2, with its number",
	    a_bad_directive_is_error_2 },
	{ "3.3", "a full list is mask error 3", a_full_list_is_error_3 },
	{ "3.3", "reserved bytes are zero", reserved_bytes_are_zero },
	{ "3.3", "more directives than there are is AoE error 2",
	    counts_that_lie_are_refused },
	{ "3.3", "an unknown subcommand is AoE error 2",
	    unknown_subcommands_are_refused },
	{ 0 }
};
