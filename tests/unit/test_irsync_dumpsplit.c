/* test_irsync_dumpsplit.c: a dump's stream into parts.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "irsync/dumpsplit.h"

static char	got[65536];

static int
on_begin(void *arg, const char *file)
{
	(void)arg;
	strlcat(got, "<", sizeof(got));
	strlcat(got, file, sizeof(got));
	strlcat(got, ">", sizeof(got));
	return 0;
}

static int
on_data(void *arg, const char *buf, size_t n)
{
	size_t have = strlen(got);

	(void)arg;
	if (have + n < sizeof(got)) {
		memcpy(got + have, buf, n);
		got[have + n] = '\0';
	}
	return 0;
}

static bool
split(const char *text, bool whole, size_t step)
{
	struct dumpsplit d = { .sink = { on_begin, on_data, NULL },
	    .whole = whole,
	    .done = "-- Dump completed" };
	size_t i, n, len = strlen(text);

	got[0] = '\0';
	for (i = 0; i < len; i += n) {
		n = len - i < step ? len - i : step;
		assert_int_equal(dumpsplit_feed(&d, text + i, n), 0);
	}
	assert_int_equal(dumpsplit_end(&d), 0);
	return d.complete;
}

static const char dump[] = "-- MariaDB dump\nSET x;\n"
    "-- Table structure for table `a``b`\nCREATE a;\nINSERT '"
    "-- Table structure for table `no`';\n"
    "DELIMITER ;;\nCREATE TRIGGER x BEGIN\n"
    "-- Table structure for table `no`\n-- Dump completed\nEND ;;\n"
    "DELIMITER ;\n"
    "-- Temporary table structure for view `v`\nCREATE v;\n"
    "-- Table structure for table `z/\303\251`\nCREATE z;\n"
    "-- Dumping routines for database 'd'\nCREATE r;\n"
    "-- Final view structure for view `v`\nVIEW v;\n"
    "SET back;\n\n-- Dump completed\n";
static const char parts[] = "<+header>-- MariaDB dump\nSET x;\n"
    "<a%60b>-- Table structure for table `a``b`\nCREATE a;\nINSERT '"
    "-- Table structure for table `no`';\n"
    "DELIMITER ;;\nCREATE TRIGGER x BEGIN\n"
    "-- Table structure for table `no`\n-- Dump completed\nEND ;;\n"
    "DELIMITER ;\n"
    "<+views>-- Temporary table structure for view `v`\nCREATE v;\n"
    "<z%2F\303\251>-- Table structure for table `z/\303\251`\nCREATE z;\n"
    "<+routines>-- Dumping routines for database 'd'\nCREATE r;\n"
    "<+views>-- Final view structure for view `v`\nVIEW v;\n"
    "SET back;\n\n-- Dump completed\n";

static void
parts_begin_at_their_comments(void **state)
{
	size_t step;

	(void)state;
	for (step = 1; step < sizeof(dump); step++) {
		assert_true(split(dump, false, step));
		assert_string_equal(got, parts);
	}
	assert_true(split(dump, true, 7));
	assert_memory_equal(got, "<dump>-- MariaDB", 16);
	assert_string_equal(got + 6, dump);
}

static void
only_the_last_line_makes_it_complete(void **state)
{
	static const struct {
		const char	*text;
		bool		 complete;
	} rows[] = {
		{ "", false },
		{ "\n", false },
		{ "-- Dump completed", true },
		{ "-- Dump completed on 2026-11-22  4:02:01\n", true },
		{ "-- Dump completed\n\n", true },
		{ "-- Dump completed\nmore\n", false },
		{ "-- Dump complete\n", false },
		{ "DELIMITER ;;\n-- Dump completed\n", false },
		{ "-- Dump completed\n--\n\n\\unrestrict x\n\n", true },
		{ "INSERT x -- Dump completed\n", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++)
		if (split(rows[i].text, false, 5) != rows[i].complete)
			fail_msg("%s", rows[i].text);
}

static void
long_lines_pass_whole(void **state)
{
	static char text[30000], want[30100];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text + 5000, "\n-- Table structure for table `t`\n", 34);
	assert_false(split(text, false, 4096));
	snprintf(want, sizeof(want), "<+header>%.5001s<t>%s", text,
	    text + 5001);
	assert_string_equal(got, want);
}

static void
names_become_files(void **state)
{
	static const struct {
		const char	*name, *file;
	} rows[] = {
		{ "orders", "orders" },
		{ "a.b-c_d$1", "a.b-c_d$1" },
		{ ".hidden", "%2Ehidden" },
		{ "..", "%2E." },
		{ "-x", "%2Dx" },
		{ "+views", "%2Bviews" },
		{ "a/b\n", "a%2Fb%0A" },
		{ "50%", "50%25" },
	};
	char buf[DUMP_NAME], big[300];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		assert_int_equal(dump_file_name(buf, rows[i].name,
		    strlen(rows[i].name)), 0);
		assert_string_equal(buf, rows[i].file);
	}
	assert_int_equal(dump_file_name(buf, "", 0), -1);
	memset(big, 'a', sizeof(big));
	assert_int_equal(dump_file_name(buf, big, 240), 0);
	assert_int_equal(dump_file_name(buf, big, 241), -1);
	memset(big, '/', sizeof(big));
	assert_int_equal(dump_file_name(buf, big, 80), 0);
	assert_int_equal(dump_file_name(buf, big, 81), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_begin_at_their_comments),
		cmocka_unit_test(only_the_last_line_makes_it_complete),
		cmocka_unit_test(long_lines_pass_whole),
		cmocka_unit_test(names_become_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
