/* test_query.c: what clients have an export remember: decided, and its file.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "aoe/mac.h"
#include "aoe/query.h"
#include "aoe/state.h"

#define A	UINT64_C(0x020000000001)	/* B and C come behind it */

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
	static struct state st, new;
	struct frame_config f;
	size_t i;

	(void)state;
	st.mask.n = 1;
	st.mask.v[0] = A;
	for (i = 0; i < nitems(rows); i++) {
		f.ccmd = rows[i].ccmd;
		f.string = (const uint8_t *)rows[i].given;
		f.len = (uint16_t)strlen(rows[i].given);
		config_set(&st.config, rows[i].has);
		memset(&new, 0, sizeof(new));
		assert_int_equal(query_config(&f, &st, &new),
		    rows[i].verdict);
		if (rows[i].verdict != QUERY_STORE)
			continue;
		assert_int_equal(new.config.len, f.len);
		assert_memory_equal(new.config.bytes, f.string, f.len);
		assert_true(maclist_equal(&new.mask, &st.mask));
	}
}

/* A list from letters: "AC" is A, then C. */
static void
list_make(struct maclist *l, const char *text)
{
	l->n = 0;
	for (; *text != '\0'; text++)
		l->v[l->n++] = A + (uint64_t)(*text - 'A');
}

/* Directives from pairs: "+A-B.C!D" adds A, deletes B, does nothing with C,
 * and means nothing to anybody with D. */
static unsigned
directives_make(uint8_t *p, const char *text)
{
	unsigned n;

	for (n = 0; *text != '\0'; n++, text += 2, p += FRAME_DIRECTIVE) {
		p[0] = 0;
		p[1] = (uint8_t)(strchr(".+-!", text[0]) - ".+-!");
		mac_put(p + 2, A + (uint64_t)(text[1] - 'A'));
	}
	return n;
}

static void
masks_are_edited(void **state)
{
	static const struct {
		uint8_t			 mcmd;
		const char		*has, *edits, *becomes;
		unsigned		 max;
		enum query_verdict	 verdict;
		enum mask_error		 error;
		unsigned		 done;
	} rows[] = {
		{ 2, "A", "", "", 9, QUERY_BAD, MASK_OK, 0 },
		{ 255, "", "+A", "", 9, QUERY_BAD, MASK_OK, 0 },
		{ 1, "", "!A", "", 9, QUERY_ANSWER, MASK_BADDIR, 0 },
		{ 1, "", "+A!B+C", "A", 9, QUERY_STORE, MASK_BADDIR, 1 },
		{ 1, "AB", "+C", "AB", 2, QUERY_ANSWER, MASK_FULL, 0 },
		{ 1, "A", "+B+C+D", "AB", 2, QUERY_STORE, MASK_FULL, 1 },
		{ 1, "AB", "-A+C", "BC", 2, QUERY_STORE, MASK_OK, 2 },
		{ 1, "AB", "+A", "AB", 2, QUERY_ANSWER, MASK_OK, 1 },
		{ 1, "", "", "", 9, QUERY_ANSWER, MASK_OK, 0 },
		{ 1, "A", ".B.A", "A", 9, QUERY_ANSWER, MASK_OK, 2 },
		{ 1, "A", "-B", "A", 9, QUERY_ANSWER, MASK_OK, 1 },
		{ 1, "ABC", "-B", "AC", 9, QUERY_STORE, MASK_OK, 1 },
		{ 1, "ABC", "-A-B-C", "", 9, QUERY_STORE, MASK_OK, 3 },
		{ 1, "", "+A-A+A", "A", 9, QUERY_STORE, MASK_OK, 3 },
		{ 0, "AB", "", "AB", 9, QUERY_ANSWER, MASK_OK, 0 },
	};
	static struct state st, new;
	struct maclist want;
	struct frame_mask f;
	struct mask_edit edit;
	uint8_t p[64];
	size_t i;

	(void)state;
	f.directives = p;
	for (i = 0; i < nitems(rows); i++) {
		f.mcmd = rows[i].mcmd;
		f.count = directives_make(p, rows[i].edits);
		list_make(&st.mask, rows[i].has);
		list_make(&want, rows[i].becomes);
		assert_int_equal(query_mask(&f, &st, rows[i].max, &new,
		    &edit), rows[i].verdict);
		assert_int_equal(edit.error, rows[i].error);
		assert_int_equal(edit.done, rows[i].done);
		if (rows[i].verdict == QUERY_STORE)
			assert_true(maclist_equal(&new.mask, &want));
	}
}

static void
reservations_are_decided(void **state)
{
	static const struct {
		uint8_t			 rcmd;
		const char		*has, *given;
		uint64_t		 from;
		enum query_verdict	 verdict;
	} rows[] = {
		{ 3, "", "", A, QUERY_BAD }, { 255, "A", "A", A, QUERY_BAD },
		{ 1, "B", "A", A, QUERY_RESERVED },
		{ 1, "BC", "", A, QUERY_RESERVED },
		{ 1, "", "A", A, QUERY_STORE },
		{ 1, "", "B", A, QUERY_STORE },
		{ 1, "BA", "", A, QUERY_STORE },
		{ 1, "AB", "BA", A, QUERY_STORE },
		{ 1, "AB", "AB", A, QUERY_ANSWER },
		{ 1, "", "", A, QUERY_ANSWER },
		{ 2, "B", "A", A, QUERY_STORE },
		{ 2, "B", "", A, QUERY_STORE },
		{ 2, "B", "B", A, QUERY_ANSWER },
		{ 0, "B", "", A, QUERY_ANSWER },
	};
	static struct state st, new;
	struct frame_reserve f;
	struct maclist given;
	uint8_t p[64];
	unsigned k;
	size_t i;

	(void)state;
	f.macs = p;
	for (i = 0; i < nitems(rows); i++) {
		list_make(&st.reserved, rows[i].has);
		list_make(&given, rows[i].given);
		for (k = 0; k < given.n; k++)
			mac_put(p + k * FRAME_MAC, given.v[k]);
		f.rcmd = rows[i].rcmd;
		f.count = given.n;
		assert_int_equal(query_reserve(&f, rows[i].from, &st, &new),
		    rows[i].verdict);
		if (rows[i].verdict == QUERY_STORE)
			assert_true(maclist_equal(&new.reserved, &given));
	}
}

static void
an_empty_list_shuts_nobody_out(void **state)
{
	static struct state st;

	(void)state;
	assert_false(query_is_masked(&st, A));
	assert_false(query_is_reserved(&st, A));
	list_make(&st.mask, "B");
	list_make(&st.reserved, "BC");
	assert_true(query_is_masked(&st, A));
	assert_false(query_is_masked(&st, A + 1));
	assert_true(query_is_reserved(&st, A));
	assert_false(query_is_reserved(&st, A + 2));
}

static void
lists_have_an_end(void **state)
{
	static struct maclist l;
	unsigned i;

	(void)state;
	for (i = 0; i < 255; i++)
		assert_true(maclist_add(&l, 1000, i));
	assert_false(maclist_add(&l, 1000, i));
	assert_int_equal(l.n, 255);
	maclist_remove(&l, 7);
	assert_false(maclist_has(&l, 7));
	assert_true(maclist_has(&l, 8));
	assert_false(maclist_add(&l, 254, 7));
	assert_true(maclist_add(&l, 255, 7));
	assert_true(l.v[254] == 7);
}

static void
state_files_are_doubted(void **state)
{
	static const char *const bad[] = {
		"", "{", "[]", "7", "{\"config\":7}",
		"{\"config\":\"6\"}", "{\"config\":\"6g\"}",
		"{\"config\":\"6A\"}", "{\"config\":\"61\"} x",
		"{\"config\":\"61\",\"config\":\"62\"}",
		"{\"config\":\"61\",\"colour\":\"red\"}",
		"{\"mask\":\"02:00:00:00:00:01\"}", "{\"mask\":[7]}",
		"{\"mask\":[\"02:00:00:00:00\"]}", "{\"reserved\":{}}",
		"{\"reserved\":[\"02:00:00:00:00:01\",\"\"]}",
		"{\"sectors\":\"8\"}", "{\"sectors\":-1}",
		"{\"sectors\":8.0}", "{\"sectors\":18014398509481984}",
		"{\"window\":1}", "{\"window\":\"123456789abcdef\"}",
		"{\"window\":\"0123456789abcdefa\"}",
		"{\"window\":\"0123456789ABCDEF\"}",
	};
	static const struct state empty;
	static struct state st;
	struct diags ds;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(bad); i++) {
		memset(&ds, 0, sizeof(ds));
		st.config.len = 9;
		assert_int_equal(state_parse(bad[i], strlen(bad[i]), &st,
		    &ds), -1);
		assert_memory_equal(&st, &empty, sizeof(st));
		assert_int_equal(ds.n, 1);
		diags_free(&ds);
	}
}

/* 255 addresses are a list's end, 256 are damage. */
static void
state_lists_have_an_end(void **state)
{
	static struct state st;
	struct diags ds = { 0 };
	char text[8192], *p = text;
	size_t i;

	(void)state;
	p += sprintf(p, "{\"mask\":[");
	for (i = 0; i < 255; i++)
		p += sprintf(p, "\"02:00:00:00:00:%02zx\",", i);
	memcpy(p - 1, "]}", 3);
	assert_int_equal(state_parse(text, strlen(text), &st, &ds), 0);
	assert_int_equal(st.mask.n, 255);
	memcpy(p - 1, ",\"02:00:00:00:00:ff\"]}", 23);
	assert_int_equal(state_parse(text, strlen(text), &st, &ds), -1);
	assert_int_equal(ds.n, 1);
	diags_free(&ds);
}

static void
state_is_read_as_written(void **state)
{
	static const uint16_t lengths[] = { 0, 1, 5, 255, 1023, 1024 };
	static const uint64_t sizes[] = { 0, 8, 1 << 30, INT64_MAX / 512, 2048,
	    16 };
	static struct state a, b;
	struct diags ds = { 0 };
	size_t i, k;
	char *text;

	(void)state;
	for (i = 0; i < nitems(lengths); i++) {
		a.config.len = lengths[i];
		for (k = 0; k < a.config.len; k++)
			a.config.bytes[k] = (uint8_t)(k * 7);
		for (a.mask.n = 0; a.mask.n < a.config.len % 256; a.mask.n++)
			a.mask.v[a.mask.n] = A + a.mask.n;
		list_make(&a.reserved, "CAB");
		a.sectors = sizes[i];
		a.window = UINT64_C(0xf0e1d2c3b4a59687) * i;
		text = state_format(&a);
		assert_non_null(text);
		assert_int_equal(state_parse(text, strlen(text), &b, &ds), 0);
		assert_int_equal(b.config.len, a.config.len);
		assert_memory_equal(b.config.bytes, a.config.bytes,
		    a.config.len);
		assert_true(maclist_equal(&a.mask, &b.mask));
		assert_true(maclist_equal(&a.reserved, &b.reserved));
		assert_true(a.sectors == b.sectors && a.window == b.window);
		free(text);
	}
	/* What was written before there were lists. */
	assert_int_equal(state_parse("{\"config\":\"6869\"}", 17, &b, &ds), 0);
	assert_int_equal(b.config.len, 2);
	assert_int_equal(b.mask.n, 0);
	assert_true(b.sectors == 0 && b.window == 0);
	assert_int_equal(diags_any(&ds), 0);
}

/* As a row that begins reads it, and as it is replaced. */
static int
state_load(const char *dir, const char *alias, struct state *st,
    struct diags *ds)
{
	char text[STATE_MAX];
	ssize_t n;

	memset(st, 0, sizeof(*st));
	if ((n = state_read(dir, alias, text, sizeof(text))) == -1)
		diags_add(ds, 0, 0, "%s", strerror(errno));
	return n <= 0 ? (int)n : state_parse(text, (size_t)n, st, ds);
}

static int
state_save(const char *dir, const char *alias, const struct state *st)
{
	char *text = state_format(st);
	int rc, saved;

	assert_non_null(text);
	rc = state_write(dir, alias, text, strlen(text));
	saved = errno;
	free(text);
	errno = saved;
	return rc;
}

static void
state_is_kept_on_disk(void **state)
{
	char dir[] = "/tmp/test_query.XXXXXX", path[64];
	static struct state st;
	struct diags ds = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(state_load(dir, "a", &st, &ds), 0);
	assert_int_equal(st.config.len, 0);
	config_set(&st.config, "one");
	assert_int_equal(state_save(dir, "a", &st), 0);
	config_set(&st.config, "two");
	list_make(&st.mask, "AB");
	assert_int_equal(state_save(dir, "a", &st), 0);
	assert_int_equal(state_load(dir, "a", &st, &ds), 0);
	assert_int_equal(st.config.len, 3);
	assert_memory_equal(st.config.bytes, "two", 3);
	assert_int_equal(st.mask.n, 2);
	assert_int_equal(diags_any(&ds), 0);
	/* Damaged, empty, or no file: said, and empty. */
	snprintf(path, sizeof(path), "%s/a.json", dir);
	assert_int_equal(truncate(path, 5), 0);
	assert_int_equal(state_load(dir, "a", &st, &ds), -1);
	assert_int_equal(st.config.len, 0);
	assert_int_equal(ds.n, 1);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(state_load(dir, "a", &st, &ds), -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(state_load(dir, "a", &st, &ds), -1);
	assert_int_equal(ds.n, 3);
	diags_free(&ds);
	/* What lies in the way of the new file is not followed. */
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/a.json.new", dir);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(state_save(dir, "a", &st), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(state_load(dir, "a", &st, &ds), 0);
	assert_int_equal(state_save(dir, "a", &st), -1);
	assert_int_equal(errno, ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subcommands_are_decided),
		cmocka_unit_test(masks_are_edited),
		cmocka_unit_test(reservations_are_decided),
		cmocka_unit_test(an_empty_list_shuts_nobody_out),
		cmocka_unit_test(lists_have_an_end),
		cmocka_unit_test(state_files_are_doubted),
		cmocka_unit_test(state_lists_have_an_end),
		cmocka_unit_test(state_is_read_as_written),
		cmocka_unit_test(state_is_kept_on_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
