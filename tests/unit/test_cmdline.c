/* test_cmdline.c: SSH_ORIGINAL_COMMAND to words.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "sshguard/cmdline.h"

static void
shell_words_are_refused(void **state)
{
	static const struct {
		const char	*cmd;
		unsigned	 col;
		const char	*says;
	} rows[] = {
		{ "rsync '--server'", 7, "quotation" },
		{ "rsync a\"b\"", 8, "quotation" },
		{ "a;b", 2, "one command" },
		{ "a &", 3, "one command" },
		{ "a || b", 3, "one command" },
		{ "a >b", 3, "one command" },
		{ "a <b", 3, "one command" },
		{ "(a)", 1, "one command" },
		{ "a)", 2, "one command" },
		{ "a $b", 3, "expanded" },
		{ "a `b`", 3, "expanded" },
		{ "a $(b)", 3, "expanded" },
		{ "a #b", 3, "comments" },
		{ "a\nb", 2, "control" },
		{ "a\rb", 2, "control" },
		{ "\x7f", 1, "control" },
		{ "a \\", 3, "backslash" },
	};
	struct strv w = { 0 };
	struct diag d;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		memset(&d, 0, sizeof(d));
		assert_int_equal(cmdline_split(rows[i].cmd,
		    strlen(rows[i].cmd), &w, &d), -1);
		assert_int_equal(d.col, rows[i].col);
		assert_non_null(strstr(d.msg, rows[i].says));
		strv_free(&w);
	}
	assert_int_equal(cmdline_split("a\0b", 3, &w, &d), -1);
	assert_int_equal(d.col, 2);
	strv_free(&w);
	assert_int_equal(cmdline_split("a\\\0b", 4, &w, &d), -1);
	assert_int_equal(d.col, 3);
	strv_free(&w);
}

static void
words_are_split_as_rsync_quotes(void **state)
{
	/* '|' stands between the words. */
	static const struct {
		const char	*cmd;
		const char	*words;
	} rows[] = {
		{ "", "" },
		{ " \t ", "" },
		{ "true", "true" },
		{ " a\tb  c ", "a|b|c" },
		{ "a\\ b c", "a b|c" },
		{ "a\\\\b", "a\\b" },
		{ "\\'\\\"\\$\\`\\;\\&\\<\\>\\(\\)\\#", "'\"$`;&<>()#" },
		{ "a\\\nb", "a\nb" },
		{ "a#b {x,y} !c ~d e*?[f]", "a#b|{x,y}|!c|~d|e*?[f]" },
		{ "\\a\\b", "ab" },
		{ "\xc3\xa4\xff", "\xc3\xa4\xff" },
		{ "rsync --server -logDtpre.iLsfxCIvu . h.full/a\\ b\\;c",
		    "rsync|--server|-logDtpre.iLsfxCIvu|.|h.full/a b;c" },
	};
	struct strv w = { 0 };
	struct diag d;
	char joined[256];
	size_t i, k;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		memset(&d, 0, sizeof(d));
		assert_int_equal(cmdline_split(rows[i].cmd,
		    strlen(rows[i].cmd), &w, &d), 0);
		assert_string_equal(d.msg, "");
		joined[0] = '\0';
		for (k = 0; k < w.n; k++) {
			if (k > 0)
				strlcat(joined, "|", sizeof(joined));
			strlcat(joined, w.v[k], sizeof(joined));
		}
		assert_string_equal(joined, rows[i].words);
		strv_free(&w);
	}
}

static void
sizes_are_bounded(void **state)
{
	static char buf[CMDLINE_MAX + 2];
	struct strv w = { 0 };
	struct diag d;
	size_t i;

	(void)state;
	memset(buf, 'a', sizeof(buf));
	assert_int_equal(cmdline_split(buf, CMDLINE_MAX, &w, &d), 0);
	assert_int_equal(w.n, 1);
	assert_int_equal(strlen(w.v[0]), CMDLINE_MAX);
	strv_free(&w);
	assert_int_equal(cmdline_split(buf, CMDLINE_MAX + 1, &w, &d), -1);
	assert_non_null(strstr(d.msg, "too long"));
	strv_free(&w);

	for (i = 0; i < 2 * (CMDLINE_WORDS + 1); i += 2)
		buf[i + 1] = ' ';
	assert_int_equal(cmdline_split(buf, 2 * CMDLINE_WORDS, &w, &d), 0);
	assert_int_equal(w.n, CMDLINE_WORDS);
	strv_free(&w);
	assert_int_equal(cmdline_split(buf, 2 * CMDLINE_WORDS + 1, &w, &d),
	    -1);
	assert_non_null(strstr(d.msg, "too many"));
	strv_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shell_words_are_refused),
		cmocka_unit_test(words_are_split_as_rsync_quotes),
		cmocka_unit_test(sizes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
