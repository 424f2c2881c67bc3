/* test_policy.c: sshguard.conf(5) and networks.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "faults.h"
#include "sshguard/policy.h"
#include "store.h"

/* One fault each, and nobody is let in by what was understood. */
static int
parse(const char *text, struct diags *ds)
{
	struct policy p;
	int rc = policy_parse(text, &p, ds);

	assert_null(p.clients);
	assert_int_equal(ds->n, 1);
	return rc;
}

static void
broken_policies_allow_nobody(void **state)
{
	static const struct fault rows[] = {
		{ "rot = '/x'\n", 1, 1, "did you mean 'root'" },
		{ "root = 'x'\n", 1, 1, "not an absolute path: x" },
		{ "root = '/x/../y'\n", 1, 1, "not an absolute path" },
		{ "\n rsync = 'rsync'\n", 2, 2, "not an absolute path" },
		{ "log = ''\n", 1, 1, "not an absolute path" },
		{ "push = maybe\n", 1, 1, "boolean" },
		{ "way = 'hardlink'\n", 1, 1, "not: hardlink" },
		{ "sandbox = 'none'\n", 1, 1, "on or off" },
		{ "timeout = '25h'\n", 1, 1, "at most 24h" },
		{ "timeout = 'x'\n", 1, 1, "at most 24h" },
		{ "from = {'10.0.0.1/8'}\n", 1, 1, "network: 10.0.0.1/8" },
		{ "client 'a' {\n from = {'::1', 'b'}\n}\n", 2, 2, ": b" },
		{ "way = auto\nclient 'a' {\n\n  way = 'x'\n}\n", 4, 3,
		    "not: x" },
		{ "client 'a' {}\nclient 'a' {}\n", 2, 1, "twice, first" },
		{ "client 'a' {\n from = {'::1'}\nfrom = {'::/0'} }\n", 3, 1,
		    "'from' is set twice, first in line 2, column 2" },
		{ "client '' {}\n", 1, 0, "not a name" },
		{ "client '../a' {}\n", 1, 9, "not a name" },
		{ "client 'a.full' {}\n", 1, 9, "not a name" },
		{ "client 'a' { root = '/x' }\n", 1, 14, "unknown key" },
		{ "client 'a' {\n", 1, 0, "does not end" },
	};

	(void)state;
	faults_are_found(rows, nitems(rows), parse);
}

static void
every_error_is_reported(void **state)
{
	struct diags ds = { 0 };
	struct policy p;

	(void)state;
	assert_int_equal(policy_parse("root = 'x'\nway = 'y'\n"
	    "client '!' {}\nclient 'a' { timeout = 'z' }\n", &p, &ds), -1);
	assert_int_equal(ds.n, 4);
	assert_int_equal(ds.v[0].line, 1);
	assert_int_equal(ds.v[1].line, 2);
	assert_int_equal(ds.v[2].line, 3);
	assert_int_equal(ds.v[3].line, 4);
	diags_free(&ds);
}

static void
defaults_are_safe(void **state)
{
	const struct policy_client *c;
	struct diags ds = { 0 };
	struct policy p;

	(void)state;
	assert_int_equal(policy_parse("client 'a' {}", &p, &ds), 0);
	assert_false(diags_any(&ds));
	assert_string_equal(p.root, "/data/irsync");
	assert_string_equal(p.rsync, "/usr/bin/rsync");
	assert_null(p.log);
	assert_null(policy_find(&p, "b"));
	assert_null(policy_find(&p, ""));
	c = policy_find(&p, "a");
	assert_non_null(c);
	assert_true(c->push);
	assert_false(c->pull);
	assert_true(c->sandbox);
	assert_int_equal(c->way, -1);
	assert_int_equal(c->timeout, 3600);
	assert_int_equal(c->n_hours, 0);
	assert_int_equal(c->interval, 0);
	assert_int_equal(c->quota, 0);
	assert_int_equal(c->quota_files, 0);
	assert_int_equal(c->bwlimit, 0);
	assert_int_equal(c->sessions, 10);
	assert_true(policy_from(c, "192.0.2.1"));
	assert_true(policy_from(c, NULL));
	policy_free(&p);
}

static void
a_client_overrides_the_defaults(void **state)
{
	const struct policy_client *a, *b;
	struct diags ds = { 0 };
	struct policy p;

	(void)state;
	/* Defaults count for every client, wherever they stand. */
	assert_int_equal(policy_parse("client 'a' {\n"
	    " push = false\n pull = no\n sandbox = 'off'\n way = 'linkdest'\n"
	    " from = {'192.0.2.0/24', '2001:db8::/32'}\n timeout = '0'\n}\n"
	    "client 'b.example.net' {}\n"
	    "root = '/srv/x/'\npull = true\nway = 'btrfs'\n"
	    "from = {'10.0.0.0/8'}\nlog = '/var/log/x'\ntimeout = '10m'\n",
	    &p, &ds), 0);
	assert_string_equal(p.root, "/srv/x");
	assert_string_equal(p.log, "/var/log/x");
	a = policy_find(&p, "a");
	b = policy_find(&p, "b.example.net");
	assert_false(a->push);
	assert_false(a->pull);
	assert_false(a->sandbox);
	assert_int_equal(a->way, STORE_WAY_LINKDEST);
	assert_int_equal(a->timeout, 0);
	assert_true(policy_from(a, "192.0.2.255"));
	assert_true(policy_from(a, "::ffff:192.0.2.1"));
	assert_true(policy_from(a, "2001:db8:1::1"));
	assert_false(policy_from(a, "10.0.0.1"));
	assert_false(policy_from(a, NULL));
	assert_false(policy_from(a, "UNKNOWN"));
	assert_true(b->push);
	assert_true(b->pull);
	assert_int_equal(b->way, STORE_WAY_BTRFS);
	assert_int_equal(b->timeout, 600);
	assert_true(policy_from(b, "10.255.0.1"));
	assert_false(policy_from(b, "11.0.0.1"));
	policy_free(&p);
}

static void
networks(void **state)
{
	static const char *const bad[] = {
		"", "/", "/8", "1.2.3", "1.2.3.4/", "1.2.3.4/33",
		"1.2.3.4/-1", "1.2.3.4/+8", "1.2.3.4/8x", "1.2.3.4/24",
		"::1/129", "::1/64", "x", "1.2.3.4.5", " 1.2.3.4",
		"fe80::1%eth0",
		("00000000000000000000000000000000000000000000"
		"000000000000000000000000000000000000/8"),
	};
	static const struct {
		const char	*net;
		const char	*address;
		int		 has;
	} rows[] = {
		{ "0.0.0.0/0", "255.255.255.255", 1 },
		{ "0.0.0.0/0", "::1", 0 },
		{ "::/0", "::1", 1 },
		{ "::/0", "1.2.3.4", 0 },
		{ "::/0", "::ffff:1.2.3.4", 0 },
		{ "::ffff:1.2.3.0/120", "1.2.3.4", 1 },
		{ "1.2.3.4", "::ffff:1.2.3.4", 1 },
		{ "1.2.3.4", "::ffff:1.2.3.5", 0 },
		{ "1.2.3.4", "1.2.3.4", 1 },
		{ "1.2.3.4/32", "1.2.3.5", 0 },
		{ "1.2.3.0/25", "1.2.3.127", 1 },
		{ "1.2.3.0/25", "1.2.3.128", 0 },
		{ "::1", "::1", 1 },
		{ "::1", "::2", 0 },
		{ "2001:db8::/33", "2001:db8:7fff::", 1 },
		{ "2001:db8::/33", "2001:db8:8000::", 0 },
		{ "1.2.3.4", "", 0 },
	};
	struct network n;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(bad); i++)
		if (network_parse(bad[i], &n) != -1)
			fail_msg("%s", bad[i]);
	for (i = 0; i < nitems(rows); i++) {
		assert_int_equal(network_parse(rows[i].net, &n), 0);
		if (network_has(&n, rows[i].address) != rows[i].has)
			fail_msg("%s %s", rows[i].net, rows[i].address);
	}
}

static void
networks_are_written_as_they_are_read(void **state)
{
	static const char *const rows[] = {
		"1.2.3.4", "1.2.3.0/24", "0.0.0.0/0", "::1", "2001:db8::/32",
		"::/0", "::/96",
	};
	char text[NETWORK_TEXT];
	struct network n;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		assert_int_equal(network_parse(rows[i], &n), 0);
		network_format(&n, text);
		assert_string_equal(text, rows[i]);
	}
}

static void
limits(void **state)
{
	const struct policy_client *a, *b;
	struct diags ds = { 0 };
	struct policy p;

	(void)state;
	assert_int_equal(policy_parse("client 'a' { interval = '1h'\n"
	    " hours = {'22:00-06:00', '12:00-13:00'} quota = '5G'\n"
	    " quota-files = 1000 bwlimit = '2M' sessions = 3\n"
	    " commands = {'/bin/df -h /data', '/bin/a\\\\ b'} }\n"
	    "client 'b' {}\ninterval = '20h'\ncommands = {'/bin/x'}\n"
	    "hours = {'00:00-24:00'}\nclient 'c' { hours = {'22:00-00:00'} "
	    "}\n", &p, &ds), 0);
	a = policy_find(&p, "a");
	b = policy_find(&p, "b");
	assert_int_equal(a->interval, 3600);
	assert_true(a->quota == 5ULL << 30);
	assert_int_equal(a->quota_files, 1000);
	assert_int_equal(a->bwlimit, 2048);
	assert_int_equal(a->sessions, 3);
	assert_int_equal(a->commands.n, 2);
	assert_string_equal(a->commands.v[0], "/bin/df -h /data");
	assert_string_equal(a->commands.v[1], "/bin/a\\ b");
	assert_true(policy_hours(a, 22 * 60));
	assert_true(policy_hours(a, 0));
	assert_true(policy_hours(a, 5 * 60 + 59));
	assert_false(policy_hours(a, 6 * 60));
	assert_true(policy_hours(a, 12 * 60 + 30));
	assert_false(policy_hours(a, 13 * 60));
	assert_int_equal(b->interval, 72000);
	assert_int_equal(b->commands.n, 1);
	assert_true(b->quota == 0 && b->bwlimit == 0 && b->sessions == 10);
	assert_true(policy_hours(b, 0) && policy_hours(b, 1439));
	assert_true(policy_hours(policy_find(&p, "c"), 1439));
	assert_false(policy_hours(policy_find(&p, "c"), 0));
	policy_free(&p);
}

static void
bad_limits(void **state)
{
	static const char *const rows[] = {
		"hours = {'22:00'}", "hours = {'24:01-1:00'}",
		"hours = {'22:00-22:00'}", "hours = {'24:00-01:00'}",
		"hours = {'00:00-00:00'}", "hours = {'22:60-23:00'}",
		"hours = {'22:00-06:00x'}", "hours = {'2200-0600'}",
		"hours = {''}", "interval = 'x'", "interval = '400d'",
		"quota = '-1'", "quota = 'much'", "quota-files = -1",
		"quota-files = many", "bwlimit = '1023'", "bwlimit = '-1'",
		"bwlimit = '9999999999G'", "sessions = -1",
		"sessions = 1001", "commands = {'df'}", "commands = {''}",
		"commands = {'/bin/df; id'}", "commands = {'/bin/df \"x\"'}",
		"client 'keys' {}",
	};
	struct diags ds = { 0 };
	struct policy p;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		if (policy_parse(rows[i], &p, &ds) != -1)
			fail_msg("%s", rows[i]);
		assert_int_equal(ds.n, 1);
		assert_int_equal(ds.v[0].line, 1);
		assert_int_not_equal(ds.v[0].col, 0);
		diags_free(&ds);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_policies_allow_nobody),
		cmocka_unit_test(every_error_is_reported),
		cmocka_unit_test(defaults_are_safe),
		cmocka_unit_test(a_client_overrides_the_defaults),
		cmocka_unit_test(networks),
		cmocka_unit_test(networks_are_written_as_they_are_read),
		cmocka_unit_test(limits),
		cmocka_unit_test(bad_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
