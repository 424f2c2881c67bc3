/* test_irsync_guards.c: what irsync refuses to back up, and what it looks at.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>

#include "unit.h"

#include "irsync/irsync.h"

static void
split(struct strv *out, const char *list)
{
	char *copy = strdup(list), *rest = copy, *word;

	memset(out, 0, sizeof(*out));
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0')
			assert_int_equal(strv_add(out, word), 0);
	free(copy);
}

static void
each_guard_has_its_flag(void **state)
{
	static const struct {
		bool		 known;
		time_t		 before, now;
		const char	*machine, *mounts, *empty;	/* before */
		const char	*mounts_now, *empty_now, *missing_now;
		const char	*says;		/* "" nothing */
		size_t		 allow;		/* offset of the flag */
	} rows[] = {
		{ true, 1000, 1000 - CLOCK_SLACK, "me", "", "", "", "", "",
		    "", 0 },
		{ false, 9000, 0, "other", "", "", "", "", "", "", 0 },
		{ true, 1000, 1000 - CLOCK_SLACK - 1, "me", "", "", "", "", "",
		    "--allow-clock-back",
		    offsetof(struct guards, allow_clock_back) },
		{ true, 0, 1, "other", "", "", "", "", "",
		    "--allow-other-host",
		    offsetof(struct guards, allow_other_host) },
		{ true, 0, 1, "me", "/home", "", "", "", "",
		    "/home: nothing is mounted there",
		    offsetof(struct guards, allow_unmounted) },
		{ true, 0, 1, "me", "/srv/x/y", "", "", "", "",
		    "--allow-unmounted",
		    offsetof(struct guards, allow_unmounted) },
		{ true, 0, 1, "me", "/home", "", "/home /x", "", "", "", 0 },
		{ true, 0, 1, "me", "/elsewhere", "", "", "", "", "", 0 },
		{ true, 0, 1, "me", "", "", "", "/home", "",
		    "/home: there is nothing in it",
		    offsetof(struct guards, allow_empty) },
		{ false, 0, 1, "", "", "", "", "/home", "",
		    "--allow-empty", offsetof(struct guards, allow_empty) },
		{ true, 0, 1, "me", "", "/home", "", "/home", "", "", 0 },
		{ true, 0, 1, "me", "", "", "", "", "/srv/x",
		    "/srv/x: it is configured, and not there; --allow-missing",
		    offsetof(struct guards, allow_missing) },
		{ true, 0, 1, "me", "", "", "", "/opt", "", "", 0 },
		{ true, 0, 1, "me", "", "", "", "", "/opt", "", 0 },
	};
	struct irsync_conf c;
	struct diags ds = { 0 };
	struct guards none = { false }, one;
	struct facts before, now;
	struct strv out = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(irsync_conf_parse("storage = \"/b\"\n"
	    "paths = {\"/home\", \"/srv/x\"}\npath \"/opt\" { optional = true }",
	    &c, &ds), 0);
	for (i = 0; i < nitems(rows); i++) {
		memset(&before, 0, sizeof(before));
		memset(&now, 0, sizeof(now));
		before.known = rows[i].known;
		before.clock = rows[i].before;
		now.clock = rows[i].now;
		strlcpy(before.machine, rows[i].machine, 256);
		strlcpy(now.machine, "me", 256);
		split(&before.mounts, rows[i].mounts);
		split(&before.empty, rows[i].empty);
		split(&now.mounts, rows[i].mounts_now);
		split(&now.empty, rows[i].empty_now);
		split(&now.missing, rows[i].missing_now);
		assert_int_equal(guards_check(&c, &none, &before, &now, &out),
		    0);
		if (out.n != (rows[i].says[0] != '\0') ||
		    (out.n > 0 && strstr(out.v[0], rows[i].says) == NULL))
			fail_msg("row %zu: %zu: %s", i, out.n,
			    out.n > 0 ? out.v[0] : "");
		strv_free(&out);
		if (rows[i].says[0] != '\0') {
			memset(&one, 0, sizeof(one));
			*((bool *)&one + rows[i].allow) = true;
			assert_int_equal(guards_check(&c, &one, &before, &now,
			    &out), 0);
			assert_int_equal(out.n, 0);
		}
		facts_free(&before);
		facts_free(&now);
	}
	assert_int_equal(guards_gone_max(0), 10);
	assert_int_equal(guards_gone_max(21), 10);
	assert_int_equal(guards_gone_max(23), 11);
	irsync_conf_free(&c);
}

static void
mounts_are_read(void **state)
{
	static const char text[] =
	    "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
	    "23 22 0:21 / /proc rw - proc proc rw\n"
	    "24 22 8:2 / /home rw shared:1 master:2 - xfs /dev/sda2 rw\n"
	    "25 22 8:3 / /a\\040b\\134c rw - ext4 /dev/sdb rw\n"
	    "26 22 8:2 / /home rw - xfs /dev/sda2 rw\n"
	    "27 22 8:4 / nothing rw - ext4 x rw\n"
	    "28 22 8:4 / /no/dash rw ext4\n"
	    "29 22 8:4\n\n"
	    "30 22 8:5 / /z\\000 rw - ext4 /dev/x rw";
	struct strv m = { 0 };

	(void)state;
	assert_int_equal(mounts_parse(text, true, &m), 0);
	assert_int_equal(m.n, 4);
	assert_string_equal(m.v[0], "/");
	assert_string_equal(m.v[1], "/home");
	assert_string_equal(m.v[2], "/a b\\c");
	assert_string_equal(m.v[3], "/z\\000");
	strv_free(&m);
	assert_int_equal(mounts_parse(text, false, &m), 0);
	assert_int_equal(m.n, 5);
	strv_free(&m);
	assert_int_equal(mounts_parse("", true, &m), 0);
	assert_int_equal(m.n, 0);
}

static void
facts_are_kept(void **state)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"version\":1}",
	    "{\"version\":1,\"clock\":1,\"machine\":\"m\",\"mounts\":[1],"
	    "\"empty\":[]}",
	    "{\"version\":1,\"clock\":1,\"machine\":\"m\",\"mounts\":"
	    "[\"%00\"],\"empty\":[]}",
	    "{\"version\":1,\"clock\":-1,\"machine\":\"m\",\"mounts\":[],"
	    "\"empty\":[]}" };
	struct facts a = { .known = true, .clock = 77, .machine = "m" }, b;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(bad); i++) {
		assert_int_equal(facts_parse(bad[i], strlen(bad[i]), &b), -1);
		assert_false(b.known);
	}
	assert_int_equal(strv_add(&a.mounts, "/caf\303\251 \"x\""), 0);
	assert_int_equal(strv_add(&a.empty, "/a%b\n"), 0);
	assert_non_null(text = facts_format(&a));
	assert_int_equal(facts_parse(text, strlen(text), &b), 0);
	assert_true(b.known);
	assert_int_equal(b.clock, 77);
	assert_string_equal(b.machine, "m");
	assert_string_equal(b.mounts.v[0], a.mounts.v[0]);
	assert_string_equal(b.empty.v[0], a.empty.v[0]);
	free(text);
	facts_free(&a);
	facts_free(&b);
}

static void
rules_of_a_path_stay_below_it(void **state)
{
	static const struct {
		const char	*path, *text, *rules;
	} rows[] = {
		{ "/home", "*.o\n", "- /home/*.o|- /home/**/*.o|" },
		{ "/home", "/x/y\n", "- /home/x/y|" },
		{ "/home", "x/", "- /home/x/|- /home/**/x/|" },
		{ "/home", "+ /keep\n- /*\n", "+ /home/keep|- /home/*|" },
		{ "/", "/tmp/*", "- /tmp/*|" },
		{ "/a[b]", "/x", "- /a\\[b]/x|" },
		{ "/a\\b", "/x", "- /a\\b/x|" },
		{ "/a\\b", "/*", "- /a\\\\b/*|" },
		{ "/home", "# x\n; y\n\n\r\n!\n", "" },
		{ NULL, "*.o\n+ /x\n- y\n/z", "- *.o|+ /x|- y|- /z|" },
	};
	char *text, *p;
	size_t i, len, n;
	FILE *f;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		assert_non_null(f = open_memstream(&text, &len));
		assert_int_equal(rules_lines(f, rows[i].path, rows[i].text), 0);
		fclose(f);
		for (p = text, n = len; n > 0; n--, p++)
			if (*p == '\0')
				*p = '|';
		assert_string_equal(text, rows[i].rules);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_guard_has_its_flag),
		cmocka_unit_test(mounts_are_read),
		cmocka_unit_test(facts_are_kept),
		cmocka_unit_test(rules_of_a_path_stay_below_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
