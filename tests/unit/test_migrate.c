/* test_migrate.c: what backshelf-migrate reads of old names and files.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "etc/migrate/authkeys.h"
#include "etc/migrate/migrate.h"
#include "shword.h"

static void
dates(void **state)
{
	static const char *const bad[] = {
		"", "2010-05-04", "2010-05-04.05290", "2010-05-04.0529081",
		"2010-05-04-052908", "2010-13-04.052908", "2010-02-30.052908",
		"2010-05-04.242908", "2010-05-04.056008", "2010-05-04.052960",
		"1969-12-31.235959", "x010-05-04.052908", "2010-05-04T052908Z",
		/* The clocks went from two to three. */
		"2010-03-28.023000",
	};
	time_t t;
	size_t i;

	(void)state;
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (date_parse(bad[i], '.', &t) != -1)
			fail_msg("%s", bad[i]);
	assert_int_equal(date_parse("2010-05-04.052908", '.', &t), 0);
	assert_int_equal(t, 1272943748);
	assert_int_equal(date_parse("2010-05-04-052908", '-', &t), 0);
	assert_int_equal(t, 1272943748);
	assert_int_equal(date_parse("2012-02-29.000000", '.', &t), 0);
}

static void
levels(void **state)
{
	static const char *const bad[] = {
		"", "hourly", "hourly.", ".0", "hourly.x", "hourly.-1",
		"hourly.01", "_delete.123", ".sync", "hourly.99999999",
		"hourly.1x",
	};
	unsigned n;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (level_parse(bad[i], &len, &n) != -1)
			fail_msg("%s", bad[i]);
	assert_int_equal(level_parse("hourly.0", &len, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(len, 6);
	assert_int_equal(level_parse("a.b.12", &len, &n), 0);
	assert_int_equal(n, 12);
	assert_int_equal(len, 3);
}

static void
fake_stat(void **state)
{
	char text[FAKE_SIZE];

	(void)state;
	fake_format(text, S_IFREG | 04755, 0, 1000, 42);
	assert_string_equal(text, "104755 0,0 1000:42");
	fake_format(text, S_IFCHR | 0666, makedev(1, 3), 0, 0);
	assert_string_equal(text, "20666 1,3 0:0");
}

#define HEAD	"{\"version\": 1, \"source\": \"irsync\", \"dir\": \"/d\", " \
		"\"root\": \"/r\", \"prefix\": \"\", \"owner\": false, " \
		"\"uid\": 0, \"gid\": 0}\n"
#define MOVE	"{\"from\": \"a.full\", \"host\": \"a\"}\n"

static void
ledger_is_refused(void **state)
{
	static const struct {
		const char	*text;
		unsigned	 line;
	} rows[] = {
		{ "", 1 }, { "\n", 1 }, { "{}\n", 1 },
		{ HEAD MOVE, 3 },		/* no record */
		{ HEAD MOVE "{}\n", 3 },
		{ HEAD "{\"from\": \"../x\", \"host\": \"a\"}\n{}\n", 2 },
		{ HEAD "{\"from\": \"/x\", \"host\": \"a\"}\n{}\n", 2 },
		{ HEAD "{\"from\": \"x\", \"host\": \"../a\"}\n{}\n", 2 },
		{ HEAD "{\"from\": \"x\", \"host\": \"a\"", 2 },
	};
	struct moves m;
	struct diag d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&d, 0, sizeof(d));
		assert_int_equal(ledger_parse(rows[i].text,
		    strlen(rows[i].text), &m, &d), -1);
		assert_int_equal(d.line, rows[i].line);
		assert_null(m.v);
	}
}

static void
ledger_comes_back(void **state)
{
	struct move mv = { .from = strdup("hourly.0/a b\n\xff%"),
	    .host = strdup("a") };
	struct moves m = { .source = strdup("rsnapshot"),
	    .dir = strdup("/o ld"), .root = strdup("/r"),
	    .prefix = strdup("home/al ice"),
	    .owner = { true, 1000, 4294967294U }, .v = &mv, .n = 1 }, back;
	struct diag d = { 0 };
	char *text;

	(void)state;
	mv.s = (struct snapshot){ .stamp = "2026-11-22T040201Z",
	    .recorded = true, .entries = 7, .status = SNAPSHOT_PARTIAL,
	    .way = STORE_WAY_LINKDEST, .client = "rsnapshot" };
	text = ledger_format(&m);
	assert_non_null(text);
	assert_int_equal(ledger_parse(text, strlen(text), &back, &d), 0);
	assert_int_equal(back.n, 1);
	assert_string_equal(back.v[0].from, mv.from);
	assert_string_equal(back.dir, m.dir);
	assert_string_equal(back.prefix, m.prefix);
	assert_int_equal(back.owner.gid, 4294967294U);
	assert_int_equal(back.v[0].s.entries, 7);
	assert_int_equal(back.v[0].s.status, SNAPSHOT_PARTIAL);
	moves_free(&back);
	free(text);
	free(mv.from);
	free(mv.host);
	m.v = NULL;
	m.n = 0;
	moves_free(&m);
}

#define KEY	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAA" \
		"AAAAAAAAAAAAAAAAAAAA"

static void
keys_in_doubt(void **state)
{
	static const struct {
		const char	*line;
		const char	*says;
	} rows[] = {
		{ "command=\"validate-ssh.sh\" ssh-dss AAAA x@a", "DSA" },
		{ "command=\"validate-ssh.sh x\" " KEY, "no arguments" },
		{ "command=\"validate-ssh.sh\" nokey", "known type" },
		{ "command=\"validate-ssh.sh\"", "no key" },
		{ "command=\"validate-ssh.sh " KEY, "no key" },
		{ "command=\"validate-ssh.sh\",tunnel " KEY " x", NULL },
		{ "command=\"validate-ssh.sh\",what " KEY, "option what" },
		{ "command=\"validate-ssh.sh\",expiry-time=\"a b\" " KEY,
		    "expiry-time" },
		{ "command=\"validate-ssh.sh\",command=\"x\" " KEY,
		    "two commands" },
		{ "command=\"rrsync\" " KEY, "one absolute folder" },
		{ "command=\"rrsync /a /b\" " KEY, "one absolute folder" },
		{ "command=\"rrsync a\" " KEY, "one absolute folder" },
		{ "command=\"rrsync -x /a\" " KEY, "-x is not known" },
		{ "command=\"rrsync $A\" " KEY, "a shell would" },
		{ "command=\"rrsync /a; id\" " KEY, "a shell would" },
		{ "command=\"validate-ssh.sh\",from=\"a b\" " KEY, "from" },
	};
	struct authkey k;
	struct diag d;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&d, 0, sizeof(d));
		rc = authkey_parse(rows[i].line, &k, &d);
		if (rows[i].says == NULL ? rc != 0 : rc != -1 ||
		    strstr(d.msg, rows[i].says) == NULL)
			fail_msg("%s: %d %s", rows[i].line, rc, d.msg);
		authkey_free(&k);
	}
}

static void
keys_understood(void **state)
{
	static const struct {
		const char		*line;
		enum authkey_kind	 kind;
		const char		*client, *from, *more;
		bool			 push, pull;
	} rows[] = {
		{ "", AUTHKEY_OTHER, NULL, NULL, NULL, false, false },
		{ "# rrsync", AUTHKEY_OTHER, NULL, NULL, NULL, false, false },
		{ KEY " x@y", AUTHKEY_OTHER, NULL, NULL, NULL, false, false },
		{ "command=\"other\" " KEY, AUTHKEY_OTHER, NULL, NULL, NULL,
		    false, false },
		{ "command=\"/d/validate-ssh.sh\" " KEY " irsync@a.b",
		    AUTHKEY_VALIDATE, "a.b", NULL, NULL, true, false },
		{ "command=\"/d/validate-ssh.sh\" " KEY " irsync@irsync",
		    AUTHKEY_VALIDATE, NULL, NULL, NULL, true, false },
		{ "no-pty,COMMAND=\"sh /d/validate-ssh.sh\",from=\"*.x,!y\","
		    "expiry-time=\"20300101\",environment=\"A=b,c\" " KEY,
		    AUTHKEY_VALIDATE, NULL, "*.x,!y",
		    ",expiry-time=\"20300101\"", true, false },
		{ "command=\"rrsync -ro '/d/a b/c.full/'\",restrict " KEY,
		    AUTHKEY_RRSYNC, "c", NULL, NULL, false, true },
		{ "command=\"perl /x/rrsync -wo -munge \\\"/d/c\\\"\" " KEY,
		    AUTHKEY_RRSYNC, "c", NULL, NULL, true, false },
	};
	struct authkey k;
	struct diag d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&d, 0, sizeof(d));
		if (authkey_parse(rows[i].line, &k, &d) == -1)
			fail_msg("%s: %s", rows[i].line, d.msg);
		assert_int_equal(k.kind, rows[i].kind);
		assert_string_equal(k.client != NULL ? k.client : "-",
		    rows[i].client != NULL ? rows[i].client : "-");
		assert_string_equal(k.from != NULL ? k.from : "-",
		    rows[i].from != NULL ? rows[i].from : "-");
		assert_string_equal(k.more != NULL ? k.more : "-",
		    rows[i].more != NULL ? rows[i].more : "-");
		assert_int_equal(k.push, rows[i].push);
		assert_int_equal(k.pull, rows[i].pull);
		authkey_free(&k);
	}
}

static const char *
lookup(void *arg, const char *name, size_t len)
{
	(void)arg;
	return len == 1 && *name == 'a' ? "A $b" : NULL;
}

static void
words(void **state)
{
	static const struct {
		const char	*line;
		const char	*word;		/* NULL: refused */
	} rows[] = {
		{ "x", "x" }, { "", "" }, { "'a b'\"c\"d e", "a bcd" },
		{ "'$a'", "$a" }, { "$a", "A $b" }, { "\"${a}x\"", "A $bx" },
		{ "$b", NULL }, { "${a", NULL }, { "$", NULL },
		{ "${a}}", NULL }, { "$(a)", NULL }, { "`a`", NULL },
		{ "'a", NULL }, { "\"a", NULL }, { "a\\b", NULL },
		{ "a;b", NULL }, { "a&", NULL }, { "*", NULL }, { "~", NULL },
		{ "\"`a`\"", NULL }, { "$1", NULL },
	};
	struct shword w;
	char *word;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w = (struct shword){ .p = rows[i].line,
		    .len = strlen(rows[i].line), .lookup = lookup };
		word = shword_value(&w);
		if ((word == NULL) != (rows[i].word == NULL) ||
		    (word != NULL && strcmp(word, rows[i].word) != 0))
			fail_msg("%s: %s", rows[i].line, word);
		free(word);
	}
	w = (struct shword){ .p = "a\0b", .len = 3 };
	assert_null(shword_value(&w));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates),
		cmocka_unit_test(levels),
		cmocka_unit_test(fake_stat),
		cmocka_unit_test(ledger_is_refused),
		cmocka_unit_test(ledger_comes_back),
		cmocka_unit_test(keys_in_doubt),
		cmocka_unit_test(keys_understood),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
