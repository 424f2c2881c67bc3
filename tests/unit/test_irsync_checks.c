/* test_irsync_checks.c: what a line of rsync's says of a living file.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "irsync/look.h"

#define SINCE	1000

static void
items_are_told(void **state)
{
	static const struct {
		const char	*line;
		char		 kind;
		const char	*what;
	} rows[] = {
		{ "", 0, "" }, { ">f+++++++++", 0, "" },
		{ ">f+++++++++ ", 0, "" }, { "*deleting   a", 0, "" },
		{ "hf          a => b", 0, "" }, { "Total file size: 1", 0, "" },
		{ ".d          a/", 0, "" },
		{ ">f+++++++++ a", '+', "" }, { "cd+++++++++ a/", '+', "" },
		{ ">fcstpog.ax a", '*', "content, size, time, mode, owner, "
		    "group, ACL, attributes" },
		{ "cLc.T...... a -> b", '*', "content, time" },
		{ ".f...p..... a", '*', "mode" },
	};
	const char *name;
	char what[80];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		if (item_parse(rows[i].line, &name, what, sizeof(what)) !=
		    rows[i].kind)
			fail_msg("%s", rows[i].line);
		assert_string_equal(what, rows[i].what);
		if (rows[i].kind != 0)
			assert_int_equal(name[0], 'a');
	}
}

static void
changes_are_explained_or_not(void **state)
{
	static const struct {
		const char	*line;
		time_t		 mtime, ctime;	/* -1: not there */
		time_t		 folder;
		enum live	 live;
	} rows[] = {
		/* Not about content. */
		{ "", 0, 0, 0, LIVE_SAME },
		{ ">f", 0, 0, 0, LIVE_SAME },
		{ ".f...p..... a", 0, 0, 0, LIVE_SAME },
		{ "cd+++++++++ a/", -1, -1, 0, LIVE_SAME },
		{ "cL+++++++++ a", -1, -1, 0, LIVE_SAME },
		{ "hf          a", 0, 0, 0, LIVE_SAME },
		/* Not there. */
		{ ">f+++++++++ a", -1, -1, SINCE, LIVE_GONE },
		{ ">f+++++++++ a", -1, -1, SINCE - 1, LIVE_MISSING },
		{ ">f+++++++++ a", -1, -1, -1, LIVE_GONE },
		/* Another size or time. */
		{ ">fcst...... a", SINCE, SINCE, 0, LIVE_CHANGED },
		{ ">fc.t...... a", SINCE - 9, SINCE, 0, LIVE_CHANGED },
		{ ">fcs....... a", SINCE - 9, SINCE, 0, LIVE_CHANGED },
		{ ">fcst...... a", SINCE - 9, SINCE - 1, 0, LIVE_DAMAGED },
		{ ">fc.T...... a", SINCE - 9, SINCE - 1, 0, LIVE_DAMAGED },
		/* The same: whatever the times are, the next push is blind. */
		{ ">fc........ a", SINCE - 9, SINCE - 9, 0, LIVE_DAMAGED },
		{ ">fc........ a", SINCE - 9, SINCE + 9, 0, LIVE_DAMAGED },
		{ ">fc..p..... a", SINCE + 9, SINCE + 9, 0, LIVE_DAMAGED },
	};
	struct stat file, folder;
	size_t i;

	(void)state;
	memset(&file, 0, sizeof(file));
	memset(&folder, 0, sizeof(folder));
	for (i = 0; i < nitems(rows); i++) {
		file.st_mtime = rows[i].mtime;
		file.st_ctime = rows[i].ctime;
		folder.st_mtime = rows[i].folder;
		if (live_judge(rows[i].line, rows[i].mtime == -1 ? NULL :
		    &file, rows[i].folder == -1 ? NULL : &folder, SINCE) !=
		    rows[i].live)
			fail_msg("%zu: %s", i, rows[i].line);
	}
}

static void
parts_are_read(void **state)
{
	static const char *const bad[] = {
		"", "/", "1", "1/", "/2", "0/2", "3/2", "1/0", "1/1001",
		"-1/2", "1/2x", "x/2", "11111111/2", "1.5/2", "1/2/3",
	};
	unsigned part, parts;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(bad); i++)
		if (part_parse(bad[i], &part, &parts) != -1)
			fail_msg("%s", bad[i]);
	assert_int_equal(part_parse("1/1", &part, &parts), 0);
	assert_int_equal(part_parse("1000/1000", &part, &parts), 0);
	assert_int_equal(part, 1000);
	assert_int_equal(parts, 1000);
}

static void
paths_are_plain(void **state)
{
	static const struct {
		const char	*path;
		bool		 plain;
	} rows[] = {
		{ "", false }, { "a", false }, { "/", true }, { "/.", false },
		{ "/..", false }, { "/a/../b", false }, { "/a/./b", false },
		{ "/a/..", false }, { "/...", true }, { "//a//b/", true },
		{ "/a/.b", true }, { "/a..", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++)
		assert_int_equal(path_is_plain(rows[i].path), rows[i].plain);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_told),
		cmocka_unit_test(changes_are_explained_or_not),
		cmocka_unit_test(parts_are_read),
		cmocka_unit_test(paths_are_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
