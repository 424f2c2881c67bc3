/* test_irsync_laststate.c: what is remembered of the last backups.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

#include "irsync/laststate.h"

#define RUN(f) "{\"started\":1,\"ended\":2,\"exit\":0,\"snapshot\":\"\"," \
	"\"entries\":3,\"size\":4,\"sent\":5,\"bytes_new\":6,\"msecs\":7," \
	"\"error\":" f "}"
#define ROW(runs) "{\"storage\":\"s\",\"complete\":0," \
	"\"complete_snapshot\":\"\",\"runs\":[" runs "]}"
#define FILE_OF(rows) "{\"version\":1,\"host\":\"h\",\"storages\":[" rows "]}"

static void
wrong_bytes_are_refused(void **state)
{
	static const char *const rows[] = {
		"", "{}", "[]", "null", "\xff\xfe", "{\"version\":1}",
		"{\"version\":2,\"host\":\"h\",\"storages\":[]}",
		"{\"version\":1,\"host\":\"h\",\"storages\":{}}",
		"{\"version\":1,\"host\":\"h\",\"storages\":[1]}",
		"{\"version\":1,\"host\":\"\\u0007\",\"storages\":[]}",
		FILE_OF("{}"),
		FILE_OF(ROW("1")),
		FILE_OF(ROW("{}")),
		FILE_OF(ROW(RUN("\"\\u001b[2J\""))),
		FILE_OF(ROW(RUN("7"))),
		FILE_OF(ROW(RUN("\"\""))) "x",
	};
	struct laststate ls;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		errno = 0;
		if (laststate_parse(rows[i], strlen(rows[i]), &ls) != -1)
			fail_msg("taken: %s", rows[i]);
		assert_int_equal(errno, EINVAL);
		assert_null(ls.v);
		assert_int_equal(ls.n, 0);
	}
	assert_int_equal(laststate_parse(FILE_OF(ROW(RUN("\"\""))),
	    strlen(FILE_OF(ROW(RUN("\"\"")))), &ls), 0);
	laststate_free(&ls);
}

static void
what_is_written_is_read(void **state)
{
	struct laststate a = { .host = "h" }, b;
	struct laststate_run *r, run;
	char *text;
	int i;

	(void)state;
	for (i = 0; i < LASTSTATE_RUNS + 5; i++) {
		r = laststate_begin(&a, "b@srv:/\ttab", 1000 + i);
		assert_non_null(r);
		assert_int_equal(r->exit, -1);
		run = *r;
		run.ended = 2000 + i;
		run.exit = i % 2 == 0 ? 0 : 69;
		run.msecs = 12345;
		strlcpy(run.stamp, "2026-11-22T040201Z", sizeof(run.stamp));
		strlcpy(run.error, i % 2 == 0 ? "" : "no route",
		    sizeof(run.error));
		laststate_end(&a, "b@srv:/\ttab", &run);
	}
	assert_non_null(laststate_begin(&a, "/disk", 5));
	assert_non_null(text = laststate_format(&a));
	assert_int_equal(laststate_parse(text, strlen(text), &b), 0);
	assert_int_equal(b.n, 2);
	assert_int_equal(b.v[0].n, LASTSTATE_RUNS);
	assert_string_equal(b.v[0].name, "b@srv:/?tab");
	assert_int_equal(b.v[0].complete, 2000 + LASTSTATE_RUNS + 4);
	assert_string_equal(b.v[0].complete_stamp, "2026-11-22T040201Z");
	assert_int_equal(b.v[0].runs[LASTSTATE_RUNS - 1].exit, 0);
	assert_int_equal(b.v[0].runs[LASTSTATE_RUNS - 2].exit, 69);
	assert_string_equal(b.v[0].runs[LASTSTATE_RUNS - 2].error, "no route");
	assert_ptr_equal(laststate_find(&b, "/disk"), &b.v[1]);
	assert_null(laststate_find(&b, "/dis"));
	assert_int_equal(b.v[1].runs[0].ended, 0);
	laststate_free(&a);
	laststate_free(&b);
	free(text);
}

static void
the_storage_that_is_no_longer_used_makes_room(void **state)
{
	struct laststate ls = { .n = 0 };
	char name[16];
	int i;

	(void)state;
	for (i = 0; i < LASTSTATE_STORAGES + 3; i++) {
		snprintf(name, sizeof(name), "/d%d", i);
		assert_non_null(laststate_begin(&ls, name, 1000 + i));
	}
	assert_int_equal(ls.n, LASTSTATE_STORAGES);
	assert_null(laststate_find(&ls, "/d2"));
	assert_non_null(laststate_find(&ls, "/d3"));
	assert_non_null(laststate_find(&ls, name));
	laststate_free(&ls);
}

static void
files_are_replaced_whole(void **state)
{
	char dir[] = "/tmp/laststate.XXXXXX", path[64];
	struct laststate ls = { .host = "h" };
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/new/h.json", dir);
	assert_int_equal(laststate_read(path, &ls), 0);
	assert_int_equal(ls.n, 0);
	assert_non_null(laststate_begin(&ls, "/d", 1));
	assert_int_equal(laststate_write(path, &ls), 0);
	assert_int_equal(laststate_write(path, &ls), 0);
	laststate_free(&ls);
	assert_int_equal(laststate_read(path, &ls), 0);
	assert_int_equal(ls.n, 1);
	laststate_free(&ls);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(truncate(path, 5), 0);
	assert_int_equal(laststate_read(path, &ls), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/new", dir);
	assert_int_equal(rmdir(path), 0);	/* no temporary file is left */
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_bytes_are_refused),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(the_storage_that_is_no_longer_used_makes_room),
		cmocka_unit_test(files_are_replaced_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
