/* test_human.c: sizes and durations as people write them.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "human.h"

static void
sizes_are_read(void **state)
{
	static const struct {
		const char	*text;
		int		 err;
		uint64_t	 bytes;
	} rows[] = {
		{ "", EINVAL, 0 }, { "-1", EINVAL, 0 }, { "1X", EINVAL, 0 },
		{ "1KiBs", EINVAL, 0 }, { "1.", EINVAL, 0 },
		{ "1.5", EINVAL, 0 }, { ".5K", EINVAL, 0 }, { "K", EINVAL, 0 },
		{ "9223372036854775808", ERANGE, 0 },
		{ "99999999999999999999", ERANGE, 0 },
		{ "8192P", ERANGE, 0 },
		{ "0", 0, 0 }, { "1", 0, 1 }, { "12b", 0, 12 },
		{ "1k", 0, 1024 }, { "64 MiB", 0, 64 << 20 },
		{ "1.5K", 0, 1536 }, { "500G", 0, UINT64_C(500) << 30 },
		{ "1.25T", 0, (UINT64_C(5) << 40) / 4 },
		{ "9223372036854775807", 0, INT64_MAX },
	};
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		errno = 0;
		if (rows[i].err != 0) {
			assert_int_equal(human_parse_size(rows[i].text,
			    &bytes), -1);
			assert_int_equal(errno, rows[i].err);
			continue;
		}
		assert_int_equal(human_parse_size(rows[i].text, &bytes), 0);
		assert_int_equal(bytes, rows[i].bytes);
	}
}

static void
durations_are_read(void **state)
{
	static const struct {
		const char	*text;
		int		 err;
		uint64_t	 secs;
	} rows[] = {
		{ "", EINVAL, 0 }, { "d", EINVAL, 0 }, { "1y", EINVAL, 0 },
		{ "1h2d", EINVAL, 0 }, { "1d2d", EINVAL, 0 },
		{ "1d2", EINVAL, 0 }, { "-1d", EINVAL, 0 },
		{ "99999999999999999w", ERANGE, 0 },
		{ "14", 0, 14 * 86400 }, { "14d", 0, 14 * 86400 },
		{ "0", 0, 0 }, { "26h", 0, 26 * 3600 },
		{ "1d12h", 0, 36 * 3600 }, { "2w", 0, 14 * 86400 },
		{ "1h30m5s", 0, 5405 },
	};
	uint64_t secs;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		errno = 0;
		if (rows[i].err != 0) {
			assert_int_equal(human_parse_duration(rows[i].text,
			    86400, &secs), -1);
			assert_int_equal(errno, rows[i].err);
			continue;
		}
		assert_int_equal(human_parse_duration(rows[i].text, 86400,
		    &secs), 0);
		assert_int_equal(secs, rows[i].secs);
	}
}

static void
sizes_are_written(void **state)
{
	static const struct {
		uint64_t	 bytes;
		const char	*text;
	} rows[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" }, { 10240, "10 KiB" },
		{ UINT64_C(1) << 40, "1.0 TiB" }, { UINT64_MAX, "15 EiB" },
	};
	char buf[HUMAN_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		human_size(buf, rows[i].bytes);
		assert_string_equal(buf, rows[i].text);
	}
}

static void
durations_are_written(void **state)
{
	static const struct {
		uint64_t	 secs;
		const char	*text;
	} rows[] = {
		{ 0, "0 s" }, { 59, "59 s" }, { 60, "1 min" },
		{ 3600, "1 h" }, { 12000, "3 h 20 min" }, { 86400, "1 d" },
	};
	char buf[HUMAN_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		human_duration(buf, rows[i].secs);
		assert_string_equal(buf, rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(sizes_are_written),
		cmocka_unit_test(durations_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
