/* test_irsync_conf.c: irsync.conf(5).
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "faults.h"
#include "irsync/irsync.h"

#define GOOD	"storage = \"b@srv:/d\"\npaths = {\"/etc\"}\n"

static int
parse(const char *text, struct diags *ds)
{
	struct irsync_conf c;
	int rc = irsync_conf_parse(text, &c, ds);

	irsync_conf_free(&c);
	return rc;
}

static void
errors_have_places(void **state)
{
	static const struct fault rows[] = {
		{ "", 0, 0, "storage is not set" },
		{ "paths = {\"/\"}", 0, 0, "storage is not set" },
		{ "storage = \"/b\"", 0, 0, "paths is not set" },
		{ "storage = \"/b\"\npaths = {}", 2, 1, "paths is not set" },
		{ "paths = {\"/\"}\n storage = \"srv\"", 2, 12, "neither" },
		{ GOOD "pahts = {}", 3, 1, "did you mean 'paths'" },
		{ GOOD "host = \"a/b\"", 3, 8, "not a client's name" },
		{ GOOD "host = \"x.full\"", 3, 8, "not a client's name" },
		{ GOOD "port = 65536", 3, 1, "not between 0 and 65535" },
		{ GOOD "port = -1", 3, 1, "not between 0 and 65535" },
		{ GOOD "port = ssh", 3, 1, "invalid integer" },
		{ GOOD "retries = 1001", 3, 1, "not between 0 and 1000" },
		{ GOOD "timeout = 9", 3, 11, "not a time of 10" },
		{ GOOD "timeout = \"25h\"", 3, 11, "not a time of 10" },
		{ GOOD "timeout = \"x\"", 3, 11, "not a time of 10" },
		{ GOOD "retry_pause = \"2d\"", 3, 15, "not a time of 0" },
		{ GOOD "bwlimit = \"1023\"", 3, 11, "not 0 or a size" },
		{ GOOD "bwlimit = \"2T\"", 3, 11, "not 0 or a size" },
		{ GOOD "bwlimit = \"fast\"", 3, 11, "not 0 or a size" },
		{ GOOD "identity = \"id\"", 3, 12, "not an absolute path" },
		{ GOOD "identity = '/a/${HOME}'", 3, 13, "the environment" },
		{ GOOD "rate = \"fast\"", 3, 8, "not 0 or a size" },
		{ "storage = \"srv:\"\nunmanaged = true\npaths = {\"/e\"}", 1,
		    11, "needs a folder" },
		{ GOOD "exclude_from = {\"x\"}", 3, 17, "not an absolute" },
		{ GOOD "skip_marked = {\"a/b\"}", 3, 16, "name of a file" },
		{ GOOD "path \"x\" {}", 3, 6, "not an absolute path" },
		{ GOOD "path \"/etc\" {\nexclde = {}\n}", 4, 1,
		    "did you mean 'exclude'" },
		{ GOOD "before = {\"cmd\"}", 3, 11, "not an absolute path" },
		{ GOOD "nice = 20", 3, 1, "not between 0 and 19" },
		{ GOOD "ionice = \"real\"", 3, 10, "is not" },
		{ GOOD "ping = \"ftp://x\"", 3, 8, "not an http" },
		{ GOOD "mail = \"-x\"", 3, 8, "cannot be used" },
		{ GOOD "hook_timeout = 0", 3, 16, "not a time of 1" },
		{ GOOD "mysql {\nper = \"row\"\n}", 4, 7, "'table'" },
		{ GOOD "mysql { compress = \"lz\" }", 3, 20, "'zstd'" },
		{ GOOD "mysql {\npasword = x\n}", 4, 1, "unknown key" },
		{ GOOD "mysql { databases = {\"-x\"} }", 3, 22,
		    "not a database" },
		{ GOOD "postgresql { options = {\"x\"} }", 3, 25,
		    "not an option" },
		{ GOOD "lock = \"\"", 3, 1, "not an absolute path" },
		{ GOOD "ssh_options = {\"Compression\"}", 3, 16,
		    "not NAME=VALUE" },
		{ GOOD "ssh_options = {\"-oX=y\"}", 3, 16, "not NAME=VALUE" },
		{ GOOD "exclude = {\"a\", \"!\"}", 3, 17, "not a pattern" },
		{ GOOD "exclude = {\"\"}", 3, 1, "not a pattern" },
		{ "storage \"a\" {}\npaths = {\"/e\"}", 1, 9,
		    "location is not set" },
		{ "paths = {\"/e\"}\nstorage a { location = \"/b\" }\n"
		    "storage \"b\" {\n\tlocation = \"srv\"\n}\n", 4, 13,
		    "neither" },
		{ "paths = {\"/e\"}\nstorage a { location = \"/b\" }\n"
		    "storage b {\n\tlocation = \"/b\"\n}\n", 4, 13,
		    "stands there twice" },
		{ "paths = {\"/e\"}\nstorage a { location = \"/b\" }\n"
		    "storage a { location = \"/c\" }\n", 3, 1,
		    "storage 'a' is there twice, first in line 2" },
		{ GOOD "mysql {}\nmysql { per = \"table\" }", 4, 1,
		    "'mysql' is set twice, first in line 3, column 1" },
		{ "paths = {\"/e\"}\nstorage a { location = \"/b\"\n"
		    "port = 9\ntimeot = 3 }\n", 4, 1, "did you mean 'timeout'" },
		{ "storage = {\"/a\", \"srv\"}\npaths = {\"/e\"}", 1, 18,
		    "neither" },
		{ "storage = {\"/a\", \"/a\"}\npaths = {\"/e\"}", 1, 12,
		    "stands there twice" },
		{ "storage a { location = \"/b\" }\npaths = {\"/e\"}\n"
		    "storage = \"/c\"", 3, 1, "missing title" },
		{ GOOD "one_file_system = maybe", 3, 1, "boolean" },
		{ "storage = \"/b\" # paths\npaths = {\"/e\", \"etc\"}", 2, 16,
		    "not an absolute path" },
		{ "storage = \"/b\"\npaths = {\"/e/\", \"//e\"}", 2, 17,
		    "stands there twice" },
		{ "storage = \"/b\"\npaths = {\"/e/../f\"}", 2, 10, "'..'" },
	};

	(void)state;
	faults_are_found(rows, nitems(rows), parse);
}

static void
every_error_is_told(void **state)
{
	struct irsync_conf c;
	struct diags ds = { 0 };

	(void)state;
	assert_int_equal(irsync_conf_parse("storage = \"x\"\n"
	    "paths = {\"a\", \"b\"}\nport = 70000\nbwlimit = \"?\"\n", &c,
	    &ds), -1);
	assert_int_equal(ds.n, 5);
	assert_int_equal(ds.v[0].line, 1);
	assert_int_equal(ds.v[4].line, 4);
	diags_free(&ds);
	irsync_conf_free(&c);
}

static void
values_are_taken(void **state)
{
	static const char text[] =
	    "storage = \"irsync@[fe80::1%eth0]:/data//irsync/\"\n"
	    "host = \"web1.example.net\"\n"
	    "identity = \"/root/my key\"\nport = 2222\n"
	    "ssh_config = \"/etc/x\"\nssh_options = {\"ProxyJump=bastion\"}\n"
	    "paths = {\"/etc/\", \"/home\"}\nexclude = {\"*.o\", \"+ /x\"}\n"
	    "one_file_system = true\nbwlimit = 5M\nretries = 0\n"
	    "retry_pause = 0\ntimeout = 90\nlock = \"/run/l\"\n"
	    "rsync = \"/opt/rsync\"\nssh = \"/opt/ssh\"\n";
	struct irsync_conf c;
	struct diags ds = { 0 };

	(void)state;
	assert_int_equal(irsync_conf_parse(text, &c, &ds), 0);
	assert_false(diags_any(&ds));
	assert_true(c.storage->remote);
	assert_string_equal(c.storage->login, "irsync@[fe80::1%eth0]");
	assert_string_equal(c.storage->root, "/data/irsync");
	assert_string_equal(c.host, "web1.example.net");
	assert_string_equal(c.storage->identity, "/root/my key");
	assert_int_equal(c.storage->port, 2222);
	assert_string_equal(c.storage->ssh_config, "/etc/x");
	assert_int_equal(c.storage->ssh_options.n, 1);
	assert_int_equal(c.paths.n, 2);
	assert_string_equal(c.paths.v[0], "/etc");
	assert_int_equal(c.exclude.n, 2);
	assert_true(c.one_file_system);
	assert_int_equal(c.storage->bwlimit, 5 << 20);
	assert_int_equal(c.retries, 0);
	assert_int_equal(c.retry_pause, 0);
	assert_int_equal(c.storage->timeout, 90);
	assert_string_equal(c.lock, "/run/l");
	assert_string_equal(c.rsync, "/opt/rsync");
	assert_string_equal(c.ssh, "/opt/ssh");
	irsync_conf_free(&c);
}

static void
defaults_are_those_of_the_manual(void **state)
{
	struct irsync_conf c;
	struct diags ds = { 0 };

	(void)state;
	assert_int_equal(irsync_conf_parse(GOOD, &c, &ds), 0);
	assert_null(c.host);
	assert_null(c.storage->identity);
	assert_null(c.storage->ssh_config);
	assert_null(c.lock);
	assert_int_equal(c.storage->port, 0);
	assert_int_equal(c.storage->ssh_options.n, 0);
	assert_int_equal(c.exclude.n, 0);
	assert_false(c.one_file_system);
	assert_int_equal(c.storage->bwlimit, 0);
	assert_int_equal(c.retries, 3);
	assert_int_equal(c.retry_pause, 30);
	assert_int_equal(c.storage->timeout, 600);
	assert_string_equal(c.rsync, "/usr/bin/rsync");
	assert_string_equal(c.ssh, "/usr/bin/ssh");
	assert_int_equal(irsync_conf_complete(&c, &ds), 0);
	assert_true(store_host_valid(c.host));
	assert_non_null(c.lock);
	irsync_conf_free(&c);
}

static void
several_storages_inherit(void **state)
{
	static const char text[] =
	    "# storage = x\nport = 22\nidentity = \"/k\"\n"
	    "ssh_options = {\"A=1\"}\nbwlimit = 2K\npaths = {\"/e\"}\n"
	    "storage \"office\" {\n location = \"b@srv:\"\n port = 2200\n"
	    " ssh_options = {\"B=2\", \"C=3\"}\n}\n"
	    "storage disk { location = \"/mnt\" bwlimit = 0 }\n";
	struct irsync_conf c;
	struct diags ds = { 0 };

	(void)state;
	assert_int_equal(irsync_conf_parse(text, &c, &ds), 0);
	assert_int_equal(c.nstorages, 2);
	assert_ptr_equal(c.storage, &c.storages[0]);
	assert_string_equal(c.storages[0].name, "office");
	assert_string_equal(c.storages[0].text, "b@srv:");
	assert_int_equal(c.storages[0].port, 2200);
	assert_int_equal(c.storages[0].bwlimit, 2048);
	assert_string_equal(c.storages[0].identity, "/k");
	assert_int_equal(c.storages[0].ssh_options.n, 2);
	assert_string_equal(c.storages[0].ssh_options.v[1], "C=3");
	assert_int_equal(c.storages[1].port, 22);
	assert_int_equal(c.storages[1].bwlimit, 0);
	assert_int_equal(c.storages[1].timeout, 600);
	assert_false(c.storages[1].remote);
	assert_ptr_equal(irsync_conf_storage(&c, "disk"), &c.storages[1]);
	assert_null(irsync_conf_storage(&c, "dis"));
	irsync_conf_free(&c);
	assert_int_equal(irsync_conf_parse("storage = {\"/a\", \"s:\"}\n"
	    "paths = {\"/e\"}", &c, &ds), 0);
	assert_int_equal(c.nstorages, 2);
	assert_string_equal(c.storages[1].name, "s:");
	irsync_conf_free(&c);
}

static void
storages_are_told_apart(void **state)
{
	static const struct {
		const char	*text;
		int		 rc;
		bool		 remote;
		const char	*login, *root;
	} rows[] = {
		{ "", -1, 0, NULL, NULL }, { ":", -1, 0, NULL, NULL },
		{ "srv", -1, 0, NULL, NULL }, { "/", -1, 0, NULL, NULL },
		{ "//", -1, 0, NULL, NULL }, { "a/b", -1, 0, NULL, NULL },
		{ "/a/../b", -1, 0, NULL, NULL },
		{ "-oProxyCommand=x:/d", -1, 0, NULL, NULL },
		{ "a@-b:/d", -1, 0, NULL, NULL },
		{ "-a@b:/d", -1, 0, NULL, NULL },
		{ "@b:/d", -1, 0, NULL, NULL },
		{ "a@:/d", -1, 0, NULL, NULL }, { "a b:/d", -1, 0, NULL, NULL },
		{ "a@b@c:/d", -1, 0, NULL, NULL },
		{ "b:d", -1, 0, NULL, NULL }, { "b::mod", -1, 0, NULL, NULL },
		{ "b:/d/..", -1, 0, NULL, NULL },
		{ "[::1:/d", -1, 0, NULL, NULL },
		{ "::1:/d", -1, 0, NULL, NULL },
		{ "rsync://b/d", -1, 0, NULL, NULL },
		{ "/data/a:b", 0, false, NULL, "/data/a:b" },
		{ "/d//e/", 0, false, NULL, "/d/e" },
		{ "b:", 0, true, "b", "" }, { "b:/", 0, true, "b", "/" },
		{ "a.x@b-c.d:/d e", 0, true, "a.x@b-c.d", "/d e" },
		{ "[::1]:/d", 0, true, "[::1]", "/d" },
	};
	struct storage s;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		if (storage_parse(rows[i].text, &s, &why) != rows[i].rc)
			fail_msg("%s", rows[i].text);
		if (rows[i].rc == -1)
			assert_non_null(why);
		else {
			assert_int_equal(s.remote, rows[i].remote);
			assert_string_equal(s.root, rows[i].root);
			assert_string_equal(s.text, rows[i].text);
			if (s.remote)
				assert_string_equal(s.login, rows[i].login);
		}
		storage_free(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_have_places),
		cmocka_unit_test(every_error_is_told),
		cmocka_unit_test(values_are_taken),
		cmocka_unit_test(defaults_are_those_of_the_manual),
		cmocka_unit_test(several_storages_inherit),
		cmocka_unit_test(storages_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
