/* test_stamp.c: snapshot names.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "stamp.h"

static void
bad_stamps_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "2026", "2026-11-22T040201", "2026-11-22T040201Zx",
		"2026-11-22 040201Z", "2026-13-01T000000Z",
		"2026-00-01T000000Z", "2026-02-29T000000Z",
		"2026-11-31T000000Z", "2026-11-22T240000Z",
		"2026-11-22T006000Z", "2026-11-22T000060Z",
		"2026-11-2aT000000Z", "1969-12-31T235959Z",
		"+026-11-22T040201Z", "../../../../etcccc",
	};
	time_t t = 7;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(bad); i++) {
		errno = 0;
		assert_int_equal(stamp_parse(bad[i], &t), -1);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(t, 7);
	}
}

static void
good_stamps_come_back(void **state)
{
	static const struct {
		const char	*stamp;
		time_t		 t;
	} good[] = {
		{ "1970-01-01T000000Z", 0 },
		{ "2024-02-29T235959Z", 1709251199 },
		{ "2026-11-22T040201Z", 1795320121 },
		{ "9999-12-31T235959Z", 253402300799 },
	};
	char buf[STAMP_SIZE];
	time_t t;
	size_t i;

	(void)state;
	setenv("TZ", "Asia/Kolkata", 1);
	tzset();
	for (i = 0; i < nitems(good); i++) {
		assert_int_equal(stamp_parse(good[i].stamp, &t), 0);
		assert_int_equal(t, good[i].t);
		assert_int_equal(stamp_format(buf, t), 0);
		assert_string_equal(buf, good[i].stamp);
	}
}

static void
times_without_a_stamp_are_refused(void **state)
{
	char buf[STAMP_SIZE];

	(void)state;
	assert_int_equal(stamp_format(buf, -1), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(stamp_format(buf, 253402300800), -1);
	assert_int_equal(errno, ERANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_stamps_are_refused),
		cmocka_unit_test(good_stamps_come_back),
		cmocka_unit_test(times_without_a_stamp_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
