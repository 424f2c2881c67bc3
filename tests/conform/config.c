/* config.c: AoEr11 section 3.2, Query Config Information.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>

#include "conform.h"

enum { READ = 0, TEST = 1, PREFIX = 2, SET = 3, FORCE = 4 };

#define STRING_MAX	1024

static void
begin_config(struct conform *c, uint8_t ccmd, const void *s, size_t len,
    size_t says)
{
	const uint8_t head[8] = { 0, 0, 0, 0, 0, 0x10 | ccmd, says >> 8,
	    says };

	begin(c, ME, AOE_CONFIG);
	put_bytes(c, head, sizeof(head));
	put_bytes(c, s, len);
}

static bool
config_ask(struct conform *c, uint8_t ccmd, const char *s)
{
	begin_config(c, ccmd, s, strlen(s), strlen(s));
	return accepted(c, ME);
}

/* Is the string now, as a read tells it, this one? */
static bool
reads(struct conform *c, const void *s, size_t len)
{
	struct config cf;

	if (!config_ask(c, READ, ""))
		return false;
	if (!config_get(&c->got, &cf)) {
		saw(c, NOT_OK, "a string longer than its frame");
		return false;
	}
	saw(c, OK, "%zu bytes", cf.len);
	return cf.len == len && memcmp(cf.string, s, len) == 0;
}

static enum verdict
a_read_tells_the_limits(struct conform *c)
{
	struct config cf;

	if (!config_ask(c, READ, "") || !config_get(&c->got, &cf))
		return NOT_OK;
	return saw(c, ok_if(cf.buffers > 0 && cf.sectors > 0 &&
	    cf.sectors * 512 + 22 <= c->wire[ME].mtu),
	    "%u buffers, %u sectors", cf.buffers, cf.sectors);
}

static enum verdict
a_read_tells_the_version(struct conform *c)
{
	struct config cf;

	if (!config_ask(c, READ, "") || !config_get(&c->got, &cf))
		return NOT_OK;
	return saw(c, ok_if(cf.version == 1 && (c->got.body[5] & 15) == READ),
	    "version %u, subcommand %u", cf.version, c->got.body[5] & 15);
}

static enum verdict
a_read_with_a_length_is_a_read(struct conform *c)
{
	if (!config_ask(c, FORCE, "abc"))
		return NOT_OK;
	begin_config(c, READ, "", 0, STRING_MAX);
	if (!accepted(c, ME))
		return NOT_OK;
	return ok_if(reads(c, "abc", 3));
}

static enum verdict
a_test_fits_the_whole(struct conform *c)
{
	return ok_if(config_ask(c, FORCE, "abc") && config_ask(c, TEST, "abc") &&
	    reads(c, "abc", 3));
}

static bool
passes_over(struct conform *c, uint8_t ccmd, const char *s)
{
	begin_config(c, ccmd, s, strlen(s), strlen(s));
	return silent(c, ME);
}

static enum verdict
a_test_passes_over_the_rest(struct conform *c)
{
	return ok_if(config_ask(c, FORCE, "abc") &&
	    passes_over(c, TEST, "ab") && passes_over(c, TEST, "abcd") &&
	    passes_over(c, TEST, "xyz"));
}

static enum verdict
a_prefix_fits_the_beginning(struct conform *c)
{
	return ok_if(config_ask(c, FORCE, "abc") &&
	    config_ask(c, PREFIX, "ab") && config_ask(c, PREFIX, "abc") &&
	    config_ask(c, PREFIX, "") && reads(c, "abc", 3));
}

static enum verdict
a_prefix_passes_over_the_rest(struct conform *c)
{
	return ok_if(config_ask(c, FORCE, "abc") &&
	    passes_over(c, PREFIX, "abcd") && passes_over(c, PREFIX, "b"));
}

static enum verdict
an_empty_string_is_set(struct conform *c)
{
	return ok_if(config_ask(c, FORCE, "") && config_ask(c, SET, "one") &&
	    reads(c, "one", 3));
}

static enum verdict
another_string_is_not_set(struct conform *c)
{
	enum verdict v;

	if (!config_ask(c, FORCE, "one"))
		return NOT_OK;
	begin_config(c, SET, "two", 3, 3);
	if ((v = refused(c, ME, 4)) != OK)
		return v;
	if (!reads(c, "one", 3))
		return saw(c, NOT_OK, "error 4, and it is set");
	return saw(c, OK, "AoE error 4");
}

static enum verdict
the_same_string_is_set_again(struct conform *c)
{
	return ok_if(config_ask(c, FORCE, "one") &&
	    config_ask(c, SET, "one") && reads(c, "one", 3));
}

static enum verdict
force_sets_any(struct conform *c)
{
	return ok_if(config_ask(c, FORCE, "one") &&
	    config_ask(c, FORCE, "other") && reads(c, "other", 5));
}

static enum verdict
force_empties(struct conform *c)
{
	return ok_if(config_ask(c, FORCE, "one") &&
	    config_ask(c, FORCE, "") && reads(c, "", 0));
}

static enum verdict
any_bytes_are_a_string(struct conform *c)
{
	uint8_t s[STRING_MAX];
	size_t i;

	for (i = 0; i < sizeof(s); i++)
		s[i] = (uint8_t)(i * 7);
	begin_config(c, FORCE, s, sizeof(s), sizeof(s));
	return ok_if(accepted(c, ME) && reads(c, s, sizeof(s)));
}

static enum verdict
longer_strings_are_refused(struct conform *c)
{
	static const uint8_t s[STRING_MAX + 1];

	begin_config(c, FORCE, s, sizeof(s), sizeof(s));
	return refused(c, ME, 2);
}

static enum verdict
lengths_that_lie_are_refused(struct conform *c)
{
	begin_config(c, FORCE, "abc", 3, 500);
	return refused(c, ME, 2);
}

static enum verdict
unknown_subcommands_are_refused(struct conform *c)
{
	begin_config(c, 15, "", 0, 0);
	return refused(c, ME, 2);
}

/* The last one: back to what everybody else expects. */
static enum verdict
it_is_left_empty(struct conform *c)
{
	return ok_if(config_ask(c, FORCE, "") && reads(c, "", 0));
}

const struct clause config_clauses[] = {
	{ "3.2", "a read tells buffers, and sectors that the frame holds",
	    a_read_tells_the_limits },
	{ "3.2", "it tells version 1 and its subcommand",
	    a_read_tells_the_version },
	{ "3.2", "a read's length means nothing",
	    a_read_with_a_length_is_a_read },
	{ "3.2", "a string is set where there is none",
	    an_empty_string_is_set },
	{ "3.2", "another is not set: AoE error 4, the first stays",
	    another_string_is_not_set },
	{ "3.2", "the same may be set again", the_same_string_is_set_again },
	{ "3.2", "force sets in any case", force_sets_any },
	{ "3.2", "force with nothing empties it", force_empties },
	{ "3.2", "any 1024 bytes are a string", any_bytes_are_a_string },
	{ "3.2", "1025 bytes are AoE error 2", longer_strings_are_refused },
	{ "3.2", "more than there is in the frame is AoE error 2",
	    lengths_that_lie_are_refused },
	{ "3.2", "a test of the whole string is answered",
	    a_test_fits_the_whole },
	{ "3.2", "a test of another is not", a_test_passes_over_the_rest },
	{ "3.2", "a prefix is answered", a_prefix_fits_the_beginning },
	{ "3.2", "what is no prefix is not", a_prefix_passes_over_the_rest },
	{ "3.2", "an unknown subcommand is AoE error 2",
	    unknown_subcommands_are_refused },
	{ "3.2", "it is as empty as it was in the end", it_is_left_empty },
	{ 0 }
};
