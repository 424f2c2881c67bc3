/* test_conf.c: configuration files and the places of their errors.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "conf.h"
#include "faults.h"

static cfg_t *
parse(const char *text, struct diags *ds)
{
	cfg_opt_t client[] = {
		CFG_BOOL("push", cfg_true, CFGF_NONE),
		CFG_END()
	};
	cfg_opt_t db[] = {
		CFG_STR_LIST("skip", NULL, CFGF_NONE),
		CFG_END()
	};
	cfg_opt_t opts[] = {
		CFG_STR("root", "/x", CFGF_NONE),
		CFG_INT("age", 14, CFGF_NONE),
		CFG_STR_LIST("list", NULL, CFGF_NONE),
		CFG_SEC("db", db, CFGF_MULTI),
		CFG_SEC("client", client, CFGF_MULTI | CFGF_TITLE |
		    CFGF_NO_TITLE_DUPES),
		CFG_END()
	};

	return conf_parse(text, opts, ds);
}

/* One fault each. */
static int
parse_fault(const char *text, struct diags *ds)
{
	assert_null(parse(text, ds));
	assert_int_equal(ds->n, 1);
	return -1;
}

static void
errors_have_places(void **state)
{
	static const struct fault rows[] = {
		{ "root = \"a\"\n  rot = 1\n", 2, 3, "did you mean 'root'" },
		{ "zzzzzz = 1", 1, 1, "unknown key 'zzzzzz'" },
		{ "\nage = x", 2, 1, "invalid integer" },
		{ "client \"a\" {\n push = maybe\n}", 2, 2, "boolean" },
		{ "client \"a\" {}\nclient 'a' {}", 2, 1,
		    "client 'a' is there twice, first in line 1, column 1" },
		{ "client \"a\" {}\nclient \"\\x61\" {}", 2, 0,
		    "duplicate" },
		{ "root = \"a", 1, 0, "end of file" },
		{ "include(\"/etc/passwd\")", 1, 1, "unknown key" },
		{ "root = \"${HOME}\"", 1, 9, "not expanded" },
		{ "root = \"a's ${HOME}\"", 1, 13, "not expanded" },
		{ "// don't\nroot = \"${HOME}\"", 2, 9, "not expanded" },
		{ "/* don't\n */ root = \"${HOME}\"", 2, 13, "not expanded" },
		{ "root = 'a\\\\' age = ${HOME}", 1, 20, "not expanded" },
		{ "}", 1, 0, "closing brace" },
		{ "\nclient \"}\" { # }\n push = true", 2, 0, "not end" },
		{ "client \"a\" {\n/* }\n*/", 1, 0, "not end" },
		{ "client \"a\" {}\nclient \"\\\"}\" {", 2, 0, "not end" },
	};

	(void)state;
	faults_are_found(rows, nitems(rows), parse_fault);
}

static void
twice_is_an_error(void **state)
{
	static const struct fault rows[] = {
		{ "age = 1\n age = 1", 2, 2, "'age' is set twice, first in "
		    "line 1, column 1" },
		{ "root = a root = b", 1, 10, "'root' is set twice" },
		{ "list = {a}\n/* list */ list = {b}", 2, 12, "'list' is set "
		    "twice, first in line 1, column 1" },
		{ "list = {a, b}\nlist = {}", 2, 1, "'list' is set twice" },
		{ "list = {}\nlist = {a}", 2, 1, "'list' is set twice" },
		{ "list += {a}\nlist = {b}", 2, 1, "'list' is set twice" },
		{ "list = a list = b", 1, 10, "'list' is set twice" },
		{ "db {}\ndb { skip = {a} }", 2, 1, "'db' is set twice" },
		{ "db { skip = {'}'}\nskip = {\"\\\"{\"} }", 2, 1,
		    "'skip' is set twice, first in line 1, column 6" },
		{ "client a {\n push = true }\nclient b { push = true\n"
		    "push=false}", 4, 1, "'push' is set twice, first in line "
		    "3, column 12" },
		/* A text may be wrong besides. */
		{ "age = 1 age = 2 {", 1, 9, "'age' is set twice" },
		{ "} age = 1 age = 2", 1, 11, "'age' is set twice" },
		{ "list = { age = 1 }\nlist = {", 2, 1, "'list' is set" },
	};
	struct diags ds = { 0 };

	(void)state;
	faults_are_found(rows, nitems(rows), parse_fault);
	/* All of them at once. */
	assert_null(parse("age = 1 age = 2 age = 3\nroot = a\nroot = b",
	    &ds));
	assert_int_equal(ds.n, 3);
	diags_free(&ds);
}

static void
good_text_is_silent(void **state)
{
	static const char *const texts[] = {
		"", "# ${HOME}\n", "root = '${HOME}'",
		"/* ${HOME} */ // ${HOME}", "root = '\"${HOME}'",
		"list = {a}\nlist += {b} list += {c}\n", "list = {a, a}",
		"list = {list, '='} db { skip = {list} } age = 1",
		"client a { push = true } client b { push = true }",
		"root = a/b age = 1 // root = c\n# age = 2\n/* age = 3 */",
		"age = 3 # don't\nclient 'a' { push = false }",
		"age = 3 /* { *//* {\n */# {\n// {\nclient \"{\\\"{\" {}",
	};
	struct diags ds = { 0 };
	cfg_t *cfg;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(texts); i++) {
		cfg = parse(texts[i], &ds);
		assert_false(diags_any(&ds));
		assert_non_null(cfg);
		cfg_free(cfg);
	}
}

static void
words_are_found_outside_comments(void **state)
{
	static const struct {
		const char	*text;
		unsigned	 from;
		const char	*word;
		unsigned	 line, col;
	} rows[] = {
		{ "", 1, "age", 0, 0 }, { "age", 1, "", 0, 0 },
		{ "# age\n// age\n/* age\n */ age", 1, "age", 4, 5 },
		{ "pages = 1", 1, "age", 0, 0 },
		{ "/* age", 1, "age", 0, 0 }, { "a = \"", 1, "b", 0, 0 },
		{ "x = \"# age\"", 1, "age", 1, 8 },
		{ "x = \"\\\"# \"\nage", 1, "age", 2, 1 },
		{ "x = \"a\" # age\n'//' age", 1, "age", 2, 6 },
		{ "age\n age", 2, "age", 2, 2 },
		{ "p = {\"/e\", \"/etc\"}", 1, "\"/etc\"", 1, 12 },
	};
	unsigned line, col;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		conf_place(rows[i].text, rows[i].from, rows[i].word, &line,
		    &col);
		assert_int_equal(line, rows[i].line);
		assert_int_equal(col, rows[i].col);
	}
}

static void
only_texts_are_read(void **state)
{
	static const char *const paths[] = {
		"/nonexistent/file", "/tmp", "/dev/null", "/proc/self/exe",
	};
	struct diags ds = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < nitems(paths); i++) {
		assert_null(conf_read(paths[i], &ds));
		assert_int_equal(ds.n, 1);
		diags_free(&ds);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_have_places),
		cmocka_unit_test(twice_is_an_error),
		cmocka_unit_test(good_text_is_silent),
		cmocka_unit_test(words_are_found_outside_comments),
		cmocka_unit_test(only_texts_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
