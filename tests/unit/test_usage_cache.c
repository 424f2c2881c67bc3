/* test_usage_cache.c: what the last walk found, damaged and whole.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "rotate/usage.h"

#define S1	"2026-11-21T040201Z"
#define S2	"2026-11-22T040201Z"

static void
damaged_ones_are_empty(void **state)
{
	static const char *const rows[] = {
		"", "{}", "[]", "{\"version\": 1}",
		"{\"version\": 2, \"time\": 1, \"snapshots\": [], "
		    "\"history\": []}",
		"{\"version\": 1, \"time\": -1, \"snapshots\": [], "
		    "\"history\": []}",
		"{\"version\": 1, \"time\": 1, \"snapshots\": {}, "
		    "\"history\": []}",
		"{\"version\": 1, \"time\": 1, \"snapshots\": [1], "
		    "\"history\": []}",
		"{\"version\": 1, \"time\": 1, \"snapshots\": [[\"x\", 1]], "
		    "\"history\": []}",
		"{\"version\": 1, \"time\": 1, \"snapshots\": [[\"" S1
		    "\", -1]], \"history\": []}",
		"{\"version\": 1, \"time\": 1, \"snapshots\": [[\"" S1
		    "\", 9223372036854775807]], \"history\": []}",
		"{\"version\": 1, \"time\": 1, \"snapshots\": [[\"" S2
		    "\", 1], [\"" S1 "\", 1]], \"history\": []}",
		"{\"version\": 1, \"time\": 1, \"snapshots\": [[\"" S1
		    "\", 1], [\"" S1 "\", 1]], \"history\": []}",
		"{\"version\": 1, \"time\": 1, \"snapshots\": [], "
		    "\"history\": [[1]]}",
		"{\"version\": 1, \"time\": 1, \"snapshots\": [], "
		    "\"history\": [[-1, 1]]}",
	};
	struct usage_cache c;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		if (usage_cache_parse(rows[i], strlen(rows[i]), &c) != -1)
			fail_msg("row %zu: found sound", i);
		assert_int_equal(errno, EINVAL);
		assert_null(c.v);
		assert_null(c.history);
		assert_int_equal(c.time, 0);
	}
}

static void
what_is_written_is_read(void **state)
{
	struct usage_share v[] = { { S1, 4096 }, { S2, 0 } };
	struct usage_cache c = { .time = 99, .v = v, .n = 2 }, back;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < USAGE_HISTORY + 10; i++)
		assert_int_equal(usage_cache_add(&c, (time_t)i * 86400, i), 0);
	assert_int_equal(c.points, USAGE_HISTORY);
	/* The last of a day counts. */
	assert_int_equal(usage_cache_add(&c,
	    (time_t)(USAGE_HISTORY + 9) * 86400 + 5, 7), 0);
	assert_int_equal(c.points, USAGE_HISTORY);
	text = usage_cache_format(&c);
	assert_int_equal(usage_cache_parse(text, strlen(text), &back), 0);
	assert_int_equal(back.time, 99);
	assert_int_equal(back.n, 2);
	assert_string_equal(back.v[0].stamp, S1);
	assert_int_equal(back.v[0].bytes, 4096);
	assert_int_equal(back.points, USAGE_HISTORY);
	assert_int_equal(back.history[0].bytes, 10);
	assert_int_equal(back.history[USAGE_HISTORY - 1].bytes, 7);
	assert_int_equal(usage_cache_add(&back, 0, 1), 0);
	free(text);
	usage_cache_free(&back);
	free(c.history);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_ones_are_empty),
		cmocka_unit_test(what_is_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
