/* header.c: AoEr11 section 2, the header of every message.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>

#include "conform.h"

#define AT_VERSION	14
#define AT_ERROR	15
#define AT_SHELF	16
#define AT_SLOT		18
#define AT_TAG		20

/* A Query Config read, the simplest message. */
static void
begin_query(struct conform *c)
{
	begin(c, ME, AOE_CONFIG);
	put_zeros(c, 8);
}

static enum verdict
addresses_are_turned_round(struct conform *c)
{
	begin_query(c);
	if (!accepted(c, ME))
		return NOT_OK;
	return saw(c, ok_if(memcmp(c->got.src, c->to.mac, 6) == 0),
	    "from %02x:%02x:%02x:%02x:%02x:%02x", c->got.src[0],
	    c->got.src[1], c->got.src[2], c->got.src[3], c->got.src[4],
	    c->got.src[5]);
}

static enum verdict
answers_have_version_one(struct conform *c)
{
	begin_query(c);
	if (!accepted(c, ME))
		return NOT_OK;
	return saw(c, ok_if(c->in[AT_VERSION] >> 4 == 1), "version %u",
	    c->in[AT_VERSION] >> 4);
}

static enum verdict
another_version_is_refused(struct conform *c)
{
	begin_query(c);
	c->out[AT_VERSION] = 0x20;
	return refused(c, ME, 5);
}

static enum verdict
other_flags_are_zero(struct conform *c)
{
	begin_query(c);
	c->out[AT_VERSION] |= 0x03;
	if (!accepted(c, ME))
		return NOT_OK;
	return saw(c, ok_if((c->got.flags & 0x03) == 0), "flags 0x%x",
	    c->got.flags);
}

static enum verdict
responses_are_not_answered(struct conform *c)
{
	begin_query(c);
	c->out[AT_VERSION] |= AOE_RESPONSE;
	return ok_if(silent(c, ME));
}

static enum verdict
errors_are_set_by_the_target(struct conform *c)
{
	begin_query(c);
	c->out[AT_VERSION] |= AOE_ERROR;
	c->out[AT_ERROR] = 3;
	if (!answered(c, ME))
		return NOT_OK;
	return saw(c, ok_if(!(c->got.flags & AOE_ERROR) &&
	    c->got.error == 0), "flags 0x%x, error %u", c->got.flags,
	    c->got.error);
}

static enum verdict
unknown_commands_are_refused(struct conform *c)
{
	begin(c, ME, 0x7f);
	put_zeros(c, 8);
	return refused(c, ME, 1);
}

static enum verdict
vendor_commands_are_refused(struct conform *c)
{
	begin(c, ME, 0xf0);
	put_zeros(c, 8);
	return refused(c, ME, 1);
}

/* Send the message to these numbers; the answer must have the target's. */
static enum verdict
broadcast(struct conform *c, uint16_t shelf, uint8_t slot)
{
	begin_query(c);
	memcpy(c->out, wire_broadcast, 6);
	c->out[AT_SHELF] = shelf >> 8;
	c->out[AT_SHELF + 1] = shelf;
	c->out[AT_SLOT] = slot;
	if (!accepted(c, ME))
		return NOT_OK;
	return saw(c, ok_if(c->got.shelf == c->to.shelf &&
	    c->got.slot == c->to.slot), "e%u.%u", c->got.shelf, c->got.slot);
}

static enum verdict
all_shelves_are_ours(struct conform *c)
{
	return broadcast(c, SHELF_ALL, c->to.slot);
}

static enum verdict
all_slots_are_ours(struct conform *c)
{
	return broadcast(c, c->to.shelf, SLOT_ALL);
}

static enum verdict
everything_is_ours(struct conform *c)
{
	return broadcast(c, SHELF_ALL, SLOT_ALL);
}

static enum verdict
other_shelves_are_not(struct conform *c)
{
	begin_query(c);
	c->out[AT_SHELF + 1] ^= 0x40;
	return ok_if(silent(c, ME));
}

static enum verdict
other_slots_are_not(struct conform *c)
{
	begin_query(c);
	c->out[AT_SLOT] ^= 0x40;
	return ok_if(silent(c, ME));
}

static enum verdict
commands_come_back(struct conform *c)
{
	begin_query(c);
	if (!accepted(c, ME))
		return NOT_OK;
	return saw(c, ok_if(c->got.command == AOE_CONFIG), "command %u",
	    c->got.command);
}

static enum verdict
tags_come_back(struct conform *c)
{
	static const uint8_t tags[][4] = {
		{ 0, 0, 0, 0 }, { 0xff, 0xff, 0xff, 0xff },
		{ 0x12, 0x34, 0x56, 0x78 }, { 0x80, 0, 0, 1 },
	};
	size_t i, n = sizeof(tags) / sizeof(tags[0]);

	for (i = 0; i < n; i++) {
		begin_query(c);
		memcpy(c->out + AT_TAG, tags[i], 4);
		if (!accepted(c, ME))
			return NOT_OK;
	}
	return saw(c, OK, "%zu of %zu", i, n);
}

static enum verdict
padding_is_not_needed(struct conform *c)
{
	begin_query(c);
	return saw(c, ok_if(accepted(c, ME)), "%zu bytes answered", c->len);
}

static enum verdict
cut_arguments_are_refused(struct conform *c)
{
	begin(c, ME, AOE_CONFIG);
	put_zeros(c, 2);
	return refused(c, ME, 2);
}

const struct clause header_clauses[] = {
	{ "2.1", "an answer goes from the address asked to the sender",
	    addresses_are_turned_round },
	{ "2.2", "answers have version 1", answers_have_version_one },
	{ "2.2", "another version is AoE error 5",
	    another_version_is_refused },
	{ "2.3", "the other two flags are zero in answers",
	    other_flags_are_zero },
	{ "2.3", "a message with the response flag is not answered",
	    responses_are_not_answered },
	{ "2.4", "error flag and code are the target's to set",
	    errors_are_set_by_the_target },
	{ "2.4", "an unknown command is AoE error 1",
	    unknown_commands_are_refused },
	{ "2.4", "arguments that are cut short are AoE error 2",
	    cut_arguments_are_refused },
	{ "2.5", "the broadcast shelf is answered with the own address",
	    all_shelves_are_ours },
	{ "2.5", "so is the broadcast slot", all_slots_are_ours },
	{ "2.5", "so are both", everything_is_ours },
	{ "2.5", "another shelf is not answered", other_shelves_are_not },
	{ "2.5", "another slot is not answered", other_slots_are_not },
	{ "2.6", "the command comes back", commands_come_back },
	{ "2.6", "a vendor's command that is not known is AoE error 1",
	    vendor_commands_are_refused },
	{ "2.7", "any tag comes back", tags_come_back },
	{ "2.8", "a message needs no padding", padding_is_not_needed },
	{ 0 }
};
