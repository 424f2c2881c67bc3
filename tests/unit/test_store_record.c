/* test_store_record.c: records and states, from bytes and to bytes.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "lib/store_internal.h"

#define STAMP	"2026-11-22T040201Z"

#define RECORD_FIELDS							\
	"\"way\": \"overlay\", \"client\": \"192.0.2.7\", "		\
	"\"base\": \"\", \"started\": 1, \"ended\": 2, "		\
	"\"rsync_exit\": 0, \"entries\": 9, \"linked\": 1, \"moved\": 7, " \
	"\"dropped\": 3, \"copied\": 4, \"bytes\": 1234, "		\
	"\"bytes_new\": 40960"

static const char good[] = "{\"version\": 1, \"stamp\": \"" STAMP "\", "
    "\"status\": \"vanished\", \"overlay_xattrs\": true, " RECORD_FIELDS "}";

static const struct bad {
	const char	*what;
	const char	*text;
} bad_records[] = {
	{ "empty", "" },
	{ "no JSON", "stamp" },
	{ "cut off", "{\"version\": 1" },
	{ "a list", "[1]" },
	{ "a number", "1" },
	{ "nothing in it", "{}" },
	{ "another version", "{\"version\": 2, \"stamp\": \"" STAMP "\", "
	    "\"status\": \"partial\", \"overlay_xattrs\": true, "
	    RECORD_FIELDS "}" },
	{ "another stamp", "{\"version\": 1, \"stamp\": "
	    "\"2026-11-22T040202Z\", \"status\": \"partial\", "
	    "\"overlay_xattrs\": true, " RECORD_FIELDS "}" },
	{ "unknown status", "{\"version\": 1, \"stamp\": \"" STAMP "\", "
	    "\"status\": \"fine\", \"overlay_xattrs\": true, "
	    RECORD_FIELDS "}" },
	{ "a number for a truth", "{\"version\": 1, \"stamp\": \"" STAMP
	    "\", \"status\": \"partial\", \"overlay_xattrs\": 1, "
	    RECORD_FIELDS "}" },
	{ "a key twice", "{\"version\": 1, \"version\": 1, \"stamp\": \""
	    STAMP "\", \"status\": \"partial\", \"overlay_xattrs\": true, "
	    RECORD_FIELDS "}" },
	{ "something behind it", "{\"version\": 1, \"stamp\": \"" STAMP
	    "\", \"status\": \"partial\", \"overlay_xattrs\": true, "
	    RECORD_FIELDS "} {}" },
};

static void
assert_unrecorded(const struct snapshot *s)
{
	assert_false(s->recorded);
	assert_int_equal(s->status, SNAPSHOT_COMPLETE);
	assert_string_equal(s->stamp, STAMP);
	assert_int_equal(s->time, 1795320121);
	assert_int_equal(s->entries, 0);
	assert_string_equal(s->client, "");
}

static void
test_record_bad(void **state)
{
	struct snapshot s;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(bad_records); i++) {
		memset(&s, 0xa5, sizeof(s));
		errno = 0;
		if (store_record_parse(bad_records[i].text,
		    strlen(bad_records[i].text), STAMP, &s) != -1)
			fail_msg("%s: taken", bad_records[i].what);
		assert_int_equal(errno, EINVAL);
		assert_unrecorded(&s);
	}
}

/* Every field out of its bounds, one at a time. */
static void
test_record_bounds(void **state)
{
	static const struct {
		const char	*from;
		const char	*to;
	} rows[] = {
		{ "\"started\": 1", "\"started\": -1" },
		{ "\"started\": 1", "\"started\": 1.0" },
		{ "\"ended\": 2", "\"ended\": 99999999999999999999" },
		{ "\"ended\": 2", "\"ended\": \"2\"" },
		{ "\"rsync_exit\": 0", "\"rsync_exit\": 256" },
		{ "\"rsync_exit\": 0", "\"rsync_exit\": -1" },
		{ "\"entries\": 9", "\"entries\": -9" },
		{ "\"bytes\": 1234", "\"bytes\": 9223372036854775808" },
		{ "\"bytes\": 1234", "\"bytes\": null" },
		{ "\"base\": \"\"", "\"base\": \"2026-02-30T000000Z\"" },
		{ "\"base\": \"\"", "\"base\": \"../x\"" },
		{ "\"way\": \"overlay\"", "\"way\": \"overlay2\"" },
		{ "192.0.2.7", "a\\nb" },
		{ "192.0.2.7", "a\\u0000b" },
		{ "192.0.2.7", "\\u00e9" },
		{ "192.0.2.7", "0123456789012345678901234567890123456789"
		    "012345678901234567890123" },
		{ "\"moved\": 7, ", "" },
	};
	char text[2048];
	struct snapshot s;
	const char *at;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		assert_non_null(at = strstr(good, rows[i].from));
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good),
		    good, rows[i].to, at + strlen(rows[i].from));
		if (store_record_parse(text, strlen(text), STAMP, &s) != -1)
			fail_msg("taken: %s", rows[i].to);
		assert_unrecorded(&s);
	}
}

static void
test_record_good(void **state)
{
	char *padded;
	struct snapshot s;
	size_t n = strlen(good);

	(void)state;
	assert_int_equal(store_record_parse(good, n, STAMP, &s), 0);
	assert_true(s.recorded);
	assert_int_equal(s.status, SNAPSHOT_VANISHED);
	assert_int_equal(s.way, STORE_WAY_OVERLAY);
	assert_string_equal(s.client, "192.0.2.7");
	assert_string_equal(s.base, "");
	assert_int_equal(s.ended, 2);
	assert_int_equal(s.dropped, 3);
	assert_int_equal(s.bytes_new, 40960);
	assert_true(s.overlay_xattrs);
	/* Not to be known means no. */
	assert_false(s.solid);
	/* Every cut of it is bad. */
	for (n = 0; n < strlen(good); n++)
		assert_int_equal(store_record_parse(good, n, STAMP, &s), -1);
	/* The longest that is read, and one byte more. */
	assert_non_null(padded = malloc(STORE_RECORD_MAX + 1));
	memset(padded, ' ', STORE_RECORD_MAX + 1);
	memcpy(padded, good, strlen(good));
	assert_int_equal(store_record_parse(padded, STORE_RECORD_MAX, STAMP,
	    &s), 0);
	assert_int_equal(store_record_parse(padded, STORE_RECORD_MAX + 1,
	    STAMP, &s), -1);
	free(padded);
	/* A name that is none. */
	assert_int_equal(store_record_parse(good, strlen(good), "x", &s), -1);
	assert_string_equal(s.stamp, "");
}

static void
test_record_round_trip(void **state)
{
	struct snapshot a, b;
	char *text;

	(void)state;
	assert_int_equal(store_record_parse(good, strlen(good), STAMP, &a), 0);
	a.bytes = INT64_MAX;
	a.rsync_exit = 255;
	a.solid = true;
	a.way = STORE_WAY_LINKDEST;
	strlcpy(a.base, STAMP, sizeof(a.base));
	assert_non_null(text = store_record_format(&a));
	assert_int_equal(store_record_parse(text, strlen(text), STAMP, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	free(text);
	/* What would be no text is made one. */
	strlcpy(a.client, "a\n\xff", sizeof(a.client));
	assert_non_null(text = store_record_format(&a));
	assert_int_equal(store_record_parse(text, strlen(text), STAMP, &b), 0);
	assert_string_equal(b.client, "a??");
	free(text);
}

static void
test_state_round_trip(void **state)
{
	static char sub[] = "a b/\n\xff%/\x01\"\\";
	struct push_state a = {
		.way = STORE_WAY_LINKDEST, .base = STAMP, .subdir = sub,
		.boot_id = "x", .started = 5, .synced = true
	}, b;
	char *text;
	size_t n;

	(void)state;
	assert_non_null(text = push_state_format(&a));
	assert_int_equal(push_state_parse(text, strlen(text), &b), 0);
	assert_string_equal(b.subdir, sub);
	assert_string_equal(b.base, STAMP);
	assert_int_equal(b.way, a.way);
	assert_int_equal(b.started, 5);
	assert_true(b.synced);
	free(b.subdir);
	for (n = 0; n + 1 < strlen(text); n++) {
		assert_int_equal(push_state_parse(text, n, &b), -1);
		assert_null(b.subdir);
	}
	free(text);
}

static void
test_commit_round_trip(void **state)
{
	static char sub[] = "a/b";
	struct push_commit a = {
		.way = STORE_WAY_OVERLAY, .stamp = STAMP, .subdir = sub,
		.client = "::1", .deletes = true, .started = 5, .ended = 6,
		.rsync_exit = 24
	}, b;
	char *text;

	(void)state;
	assert_non_null(text = push_commit_format(&a));
	assert_int_equal(push_commit_parse(text, strlen(text), &b), 0);
	assert_string_equal(b.stamp, STAMP);
	assert_string_equal(b.base, "");
	assert_string_equal(b.client, "::1");
	assert_true(b.deletes);
	assert_false(b.resumed);
	assert_int_equal(b.rsync_exit, 24);
	push_commit_free(&b);
	free(text);
	a.stamp[0] = '\0';
	assert_non_null(text = push_commit_format(&a));
	assert_int_equal(push_commit_parse(text, strlen(text), &b), -1);
	free(text);
}

static void
test_subdir(void **state)
{
	static const struct {
		const char	*subdir;
		bool		 valid;
	} rows[] = {
		{ "/", false }, { "/a", false }, { "a/", false },
		{ "a//b", false }, { ".", false }, { "..", false },
		{ "a/..", false }, { "../a", false }, { "a/./b", false },
		{ "a/../b", false },
		{ "", true }, { "a", true }, { "a/b", true }, { "...", true },
		{ "..a/.b", true }, { "a\nb/\xff", true },
	};
	static const struct {
		const char	*outer;
		const char	*inner;
		bool		 covers;
	} covers[] = {
		{ "a", "", false }, { "a", "b", false }, { "a", "ab", false },
		{ "a/b", "a", false }, { "ab", "a", false },
		{ "", "", true }, { "", "a/b", true }, { "a", "a", true },
		{ "a", "a/b", true },
	};
	char longest[258];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++)
		if (subdir_valid(rows[i].subdir) != rows[i].valid)
			fail_msg("%s", rows[i].subdir);
	for (i = 0; i < nitems(covers); i++)
		if (subdir_covers(covers[i].outer, covers[i].inner) !=
		    covers[i].covers)
			fail_msg("%s %s", covers[i].outer, covers[i].inner);
	memset(longest, 'n', sizeof(longest));
	longest[256] = '\0';
	assert_false(subdir_valid(longest));
	longest[255] = '\0';
	assert_true(subdir_valid(longest));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_bad),
		cmocka_unit_test(test_record_bounds),
		cmocka_unit_test(test_record_good),
		cmocka_unit_test(test_record_round_trip),
		cmocka_unit_test(test_state_round_trip),
		cmocka_unit_test(test_commit_round_trip),
		cmocka_unit_test(test_subdir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
