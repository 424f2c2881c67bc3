/* test_store_ahead.c: what was counted when base was linked ahead.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "lib/store_internal.h"

static void
bad_sums(void **state)
{
	static const char *const rows[] = {
		"", "x", "[]", "{}",
		"{\"entries\": 1, \"linked\": 1, \"copied\": 0}",
		"{\"entries\": -1, \"linked\": 1, \"copied\": 0, "
		    "\"bytes_new\": 1}",
		"{\"entries\": 1, \"linked\": \"1\", \"copied\": 0, "
		    "\"bytes_new\": 1}",
		"{\"entries\": 1, \"linked\": 1, \"copied\": 0, "
		    "\"bytes_new\": 99999999999999999999}",
		"{\"entries\": 1, \"linked\": 1, \"copied\": 0, "
		    "\"bytes_new\": 1} 2",
	};
	struct merge_stats st;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		errno = 0;
		if (ahead_sum_parse(rows[i], strlen(rows[i]), &st) != -1 ||
		    errno != EINVAL)
			fail_msg("taken: %s", rows[i]);
	}
}

static void
comes_back(void **state)
{
	const struct merge_stats in = { .entries = UINT32_MAX + 7ULL,
	    .linked = 5, .copied = 1, .bytes_new = INT64_MAX };
	struct merge_stats out;
	char *text;

	(void)state;
	assert_non_null(text = ahead_sum_format(&in));
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_int_equal(ahead_sum_parse(text, strlen(text), &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_sums),
		cmocka_unit_test(comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
