/* test_query.c: Query Config's subcommands, and the string's file.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <unistd.h>

#include "aoe/query.h"
#include "aoe/state.h"

static void
config_set(struct config *c, const char *text)
{
	c->len = (uint16_t)strlen(text);
	memcpy(c->bytes, text, c->len);
}

static void
subcommands_are_decided(void **state)
{
	static const struct {
		uint8_t			 ccmd;
		const char		*given, *has;
		enum query_verdict	 verdict;
	} rows[] = {
		{ 5, "", "", QUERY_BAD }, { 15, "a", "a", QUERY_BAD },
		{ 0, "", "", QUERY_ANSWER }, { 0, "", "abc", QUERY_ANSWER },
		{ 1, "abc", "abcd", QUERY_SILENT },
		{ 1, "abcd", "abc", QUERY_SILENT },
		{ 1, "", "abc", QUERY_SILENT }, { 1, "", "", QUERY_ANSWER },
		{ 1, "abc", "abc", QUERY_ANSWER },
		{ 2, "abcd", "abc", QUERY_SILENT },
		{ 2, "b", "abc", QUERY_SILENT },
		{ 2, "ab", "abc", QUERY_ANSWER },
		{ 2, "abc", "abc", QUERY_ANSWER },
		{ 2, "", "abc", QUERY_ANSWER }, { 2, "", "", QUERY_ANSWER },
		{ 3, "abd", "abc", QUERY_TAKEN },
		{ 3, "", "abc", QUERY_TAKEN },
		{ 3, "abc", "abc", QUERY_ANSWER },
		{ 3, "abc", "", QUERY_STORE },
		{ 3, "", "", QUERY_ANSWER },
		{ 4, "abd", "abc", QUERY_STORE },
		{ 4, "", "abc", QUERY_STORE },
		{ 4, "abc", "", QUERY_STORE },
		{ 4, "abc", "abc", QUERY_ANSWER },
	};
	struct frame_config f;
	struct config c;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		f.ccmd = rows[i].ccmd;
		f.string = (const uint8_t *)rows[i].given;
		f.len = (uint16_t)strlen(rows[i].given);
		config_set(&c, rows[i].has);
		assert_int_equal(query_decide(&f, &c), rows[i].verdict);
	}
}

static void
state_files_are_doubted(void **state)
{
	static const char *const bad[] = {
		"", "{", "[]", "{}", "7", "{\"config\":7}",
		"{\"config\":\"6\"}", "{\"config\":\"6g\"}",
		"{\"config\":\"6A\"}", "{\"config\":\"61\"} x",
		"{\"config\":\"61\",\"config\":\"62\"}",
	};
	struct config c;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(bad); i++) {
		c.len = 9;
		assert_int_equal(state_parse(bad[i], strlen(bad[i]), &c), -1);
		assert_int_equal(c.len, 0);
	}
}

static void
state_is_read_as_written(void **state)
{
	static const uint16_t lengths[] = { 0, 1, 5, 1023, 1024 };
	struct config a, b;
	size_t i, k;
	char *text;

	(void)state;
	for (i = 0; i < nitems(lengths); i++) {
		a.len = lengths[i];
		for (k = 0; k < a.len; k++)
			a.bytes[k] = (uint8_t)(k * 7);
		text = state_format(&a);
		assert_non_null(text);
		assert_int_equal(state_parse(text, strlen(text), &b), 0);
		assert_int_equal(b.len, a.len);
		assert_memory_equal(b.bytes, a.bytes, a.len);
		free(text);
	}
}

static void
state_is_kept_on_disk(void **state)
{
	char dir[] = "/tmp/test_query.XXXXXX", path[64];
	struct config c;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(state_load(dir, "a", &c), 0);
	assert_int_equal(c.len, 0);
	config_set(&c, "one");
	assert_int_equal(state_save(dir, "a", &c), 0);
	config_set(&c, "two");
	assert_int_equal(state_save(dir, "a", &c), 0);
	assert_int_equal(state_load(dir, "a", &c), 0);
	assert_int_equal(c.len, 3);
	assert_memory_equal(c.bytes, "two", 3);
	/* Damaged: said, and empty. */
	snprintf(path, sizeof(path), "%s/a.json", dir);
	assert_int_equal(truncate(path, 5), 0);
	assert_int_equal(state_load(dir, "a", &c), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(c.len, 0);
	/* What lies in the way of the new file is not followed. */
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/a.json.new", dir);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(state_save(dir, "a", &c), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(state_load(dir, "a", &c), 0);
	assert_int_equal(state_save(dir, "a", &c), -1);
	assert_int_equal(errno, ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subcommands_are_decided),
		cmocka_unit_test(state_files_are_doubted),
		cmocka_unit_test(state_is_read_as_written),
		cmocka_unit_test(state_is_kept_on_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
