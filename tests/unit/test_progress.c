/* test_progress.c: the line that says how far a run is.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "rotate/progress.h"

static void
lines_say_what_is_known(void **state)
{
	static const struct {
		struct progress_state	s;
		size_t			width;
		const char		*line;
	} rows[] = {
		{ { "web", 1, 1, 1, 0, 0, 0 }, 200,
		    "web (1/1): 1 snapshot, 0 files, 0/s" },
		{ { "web", 3, 12, 5, 1000, 0, 2000 }, 200,
		    "web (3/12): 5 snapshots, 1000 files, 500/s" },
		{ { "web", 3, 12, 5, 1000, 3000, 2000 }, 200,
		    "web (3/12): 5 snapshots, 1000 of about 3000 files, 500/s"
		    ", 4 s left" },
		/* More than the records said. */
		{ { "web", 3, 12, 5, 1000, 999, 2000 }, 200,
		    "web (3/12): 5 snapshots, 1000 files, 500/s" },
		{ { "web", 3, 12, 5, 0, 999, 2000 }, 200,
		    "web (3/12): 5 snapshots, 0 of about 999 files, 0/s" },
		{ { "web", 3, 12, 5, 1000, 3000, 2000 }, 10, "web (3/12)" },
		{ { "web", 3, 12, 5, 1000, 3000, 2000 }, 0, "" },
	};
	char buf[PROGRESS_LINE];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		progress_line(buf, &rows[i].s, rows[i].width);
		assert_string_equal(buf, rows[i].line);
	}
}

static void
a_long_name_is_cut(void **state)
{
	char host[300], buf[PROGRESS_LINE];
	struct progress_state s = { host, 1, 1, 1, 1, 1, 1 };

	(void)state;
	memset(host, 'x', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	progress_line(buf, &s, 1000);
	assert_int_equal(strlen(buf), PROGRESS_LINE - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_say_what_is_known),
		cmocka_unit_test(a_long_name_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
