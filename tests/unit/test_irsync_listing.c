/* test_irsync_listing.c: rsync's lines about entries; what they say of versions
 * and differences.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "irsync/look.h"

#define A	"2026-11-20T010000Z"
#define B	"2026-11-21T010000Z"
#define C	"2026-11-22T010000Z"
#define F	">f+++++++++ "
#define M	" 0:0 rw-r--r-- 2026/11/20-01:00:00 "

static void
other_lines_are_passed_over(void **state)
{
	static const char *const rows[] = {
		"", "created directory /proc/self/none", ">f", F, F "12",
		F "x" M "a//", F "-1" M "a//", F "1 0:0 rw-r--r-- x a//",
		F "1" " 0:0 rw-r--r- 2026/11/20-01:00:00 a//",
		F "1" " 0:0 rw-r--rz 2026/11/20-01:00:00 a//",
		F "1" " 4294967296:0 rw-r--r-- 2026/11/20-01:00:00 a//",
		F "1" " 0:0 rw-r--r-- 2026/13/20-01:00:00 a//",
		F "1" " 0:0 rw-r--r-- 2026/00/20-01:00:00 a//",
		F "1" " 0:0 rw-r--r-- 2026/11/20-24:00:00 a//",
		F "9223372036854775808" M "a//",
		"!f+++++++++ 1" M "a//", ">x+++++++++ 1" M "a//",
	};
	struct listing l = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++)
		listing_line(&l, rows[i]);
	assert_int_equal(l.n, 0);
	assert_int_equal(l.skipped, 0);
	listing_line(&l, F "1" M "cut off by its lengt");
	listing_line(&l, F "1" M "//");
	assert_int_equal(l.n, 0);
	assert_int_equal(l.skipped, 2);
	assert_int_equal(listing_end(&l), 0);
	assert_null(listing_find(&l, "a"));
	listing_free(&l);
}

static void
entries_are_read(void **state)
{
	static const struct {
		const char	*line, *path, *target;
		char		 type;
		mode_t		 mode;
		uint32_t	 gid;
		uint64_t	 size;
	} rows[] = {
		{ F "0" M "a//", "a", NULL, 'f', 0644, 0, 0 },
		{ F "9223372036854775807" M "a -> b//", "a -> b", NULL, 'f',
		    0644, 0, INT64_MAX },
		{ F "5 1:4294967295 rwsr-Sr-T 1969/12/31-23:59:59 n\\#012//",
		    "n\n", NULL, 'f', 07744, UINT32_MAX, 5 },
		{ F "5 1:DEFAULT --------- 2026/11/20-01:00:00 \\#134#012//",
		    "\\#012", NULL, 'f', 0, 0, 5 },
		{ "cd+++++++++ 4096" M "d///", "d", NULL, 'd', 0644, 0, 4096 },
		{ "cL+++++++++ 9" M "l// -> //x => y", "l", "//x => y", 'L',
		    0644, 0, 9 },
		{ F "1" M "\\#000//", "\\#000", NULL, 'f', 0644, 0, 1 },
	};
	struct listing l;
	const struct entry *e;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		memset(&l, 0, sizeof(l));
		listing_line(&l, rows[i].line);
		assert_int_equal(listing_end(&l), 0);
		assert_non_null(e = listing_find(&l, rows[i].path));
		assert_int_equal(e->type, rows[i].type);
		assert_int_equal(e->mode, rows[i].mode);
		assert_int_equal(e->gid, rows[i].gid);
		assert_int_equal(e->size, rows[i].size);
		if (rows[i].target == NULL)
			assert_null(e->target);
		else
			assert_string_equal(e->target, rows[i].target);
		assert_int_equal(e->same, 0);
		listing_free(&l);
	}
}

static void
fill(struct listing *l, const char *const *lines)
{
	memset(l, 0, sizeof(*l));
	for (; *lines != NULL; lines++)
		listing_line(l, *lines);
	assert_int_equal(listing_end(l), 0);
}

static void
links_are_one_file(void **state)
{
	static const char *const lines[] = {
		F "1" M "x/leader//",
		"hf          1" M "a/one// => x/leader",
		"hf+++++++++ 1" M "b/two// => x/leader",
		/* None of these can be: */
		"hf+++++++++ 1" M "c/self// => c/self",
		"hf+++++++++ 1" M "c/gone// => nowhere",
		"hf+++++++++ 1" M "c/link// => a/one",
		"hL+++++++++ 1" M "c/type// => x/leader",
		"cL+++++++++ 1" M "s/a// -> target",
		"hL+++++++++ 1" M "s/b// => s/a",
		F "2" M "x/leader//",
		NULL
	};
	static const struct {
		const char	*a, *b;
		bool		 same;
	} rows[] = {
		{ "a/one", "x/leader", true }, { "b/two", "a/one", true },
		{ "c/self", "x/leader", false }, { "c/gone", "a/one", false },
		{ "c/link", "a/one", false }, { "c/type", "a/one", false },
		{ "s/a", "s/b", true },
	};
	struct listing l;
	size_t i;

	(void)state;
	fill(&l, lines);
	assert_int_equal(l.n, 9);
	for (i = 0; i < nitems(rows); i++)
		assert_int_equal(listing_find(&l, rows[i].a)->same ==
		    listing_find(&l, rows[i].b)->same, rows[i].same);
	assert_string_equal(listing_find(&l, "s/b")->target, "target");
	assert_null(listing_find(&l, "a/one")->target);
	listing_free(&l);
}

static const struct snapshot snaps[] = {
	{ .stamp = A, .recorded = true }, { .stamp = B, .recorded = true },
	{ .stamp = C, .recorded = true },
};

static void
versions_are_runs(void **state)
{
	static const char *const lines[] = {
		F "1" M A "/f//", "hf          1" M B "/f// => " A "/f",
		F "1" M C "/f//",
		F "1" M B "/late//",
		"cd+++++++++ 1" M A "/d///", "cd+++++++++ 2" M C "/d///",
		"cd+++++++++ 2" M B "/d///",
		NULL
	};
	static const struct {
		const char	*path;
		size_t		 n, last[3];
		const char	*there;
	} rows[] = {
		{ "/none", 0, { 0 }, "" },
		{ "/f", 2, { 1, 2 }, "++" },
		{ "/late", 2, { 1, 2 }, "+-" },
		{ "/d", 1, { 2 }, "+" },
	};
	struct listing l;
	struct version *v;
	size_t i, j, n;

	(void)state;
	fill(&l, lines);
	for (i = 0; i < nitems(rows); i++) {
		v = versions_make(snaps, 3, &l, rows[i].path, &n);
		assert_non_null(v);
		assert_int_equal(n, rows[i].n);
		for (j = 0; j < n; j++) {
			assert_int_equal(v[j].last, rows[i].last[j]);
			assert_int_equal(v[j].e != NULL,
			    rows[i].there[j] == '+');
		}
		free(v);
	}
	listing_free(&l);
}

static void
differences_are_told(void **state)
{
	static const char *const lines[] = {
		F "1" M A "/gone//", F "1" M B "/new//",
		F "1" M A "/same//", "hf          1" M B "/same// => " A "/same",
		F "1" M A "/size//", F "2" M B "/size//",
		F "1" M A "/other//", F "1" M B "/other//",
		F "1" M A "/type//", "cd+++++++++ 1" M B "/type///",
		F "1" M A "/all//",
		F "2 1:0 rwxr--r-- 2026/11/20-01:00:01 " B "/all//",
		"cL+++++++++ 1" M A "/to// -> x", "cL+++++++++ 1" M B "/to// -> y",
		"cd+++++++++ 1" M A "///", "cd+++++++++ 1" M B "///",
		"cd+++++++++ 1" M A "/d///", "cd+++++++++ 2" M B "/d///",
		NULL
	};
	static const char *const linked[] = {
		"/all", "size, time, mode, owner", "/gone", "", "/new", "",
		"/other", "attributes", "/size", "size", "/to", "target",
		"/type", "type",
	};
	struct listing l;
	struct difference *d;
	char text[80];
	size_t i, n;

	(void)state;
	fill(&l, lines);
	d = compare_make(&l, A, B, true, &n);
	assert_int_equal(n, nitems(linked) / 2);
	for (i = 0; i < n; i++) {
		assert_string_equal((d[i].b != NULL ? d[i].b :
		    d[i].a)->path + STAMP_LEN, linked[2 * i]);
		compare_text(text, sizeof(text), d[i].what);
		assert_string_equal(text, linked[2 * i + 1]);
	}
	assert_null(d[1].b);
	assert_null(d[2].a);
	free(d);
	/* Where nothing is shared, what looks alike is alike. */
	d = compare_make(&l, A, B, false, &n);
	assert_int_equal(n, nitems(linked) / 2 - 1);
	free(d);
	d = compare_make(&l, A, C, true, &n);
	assert_int_equal(n, 8);
	free(d);
	listing_free(&l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_lines_are_passed_over),
		cmocka_unit_test(entries_are_read),
		cmocka_unit_test(links_are_one_file),
		cmocka_unit_test(versions_are_runs),
		cmocka_unit_test(differences_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
