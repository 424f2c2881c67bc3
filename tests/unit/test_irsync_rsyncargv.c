/* test_irsync_rsyncargv.c: configuration to rsync's arguments.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "irsync/irsync.h"

static void
parse(const char *text, struct irsync_conf *c)
{
	struct diags ds = { 0 };

	if (irsync_conf_parse(text, c, &ds) == -1)
		fail_msg("%s", ds.v[0].msg);
}

/* All arguments from the n-th on that begin with a prefix, joined by '|'. */
static void
join(const struct strv *argv, const char *prefix, char *buf, size_t size)
{
	size_t i;

	buf[0] = '\0';
	for (i = 0; i < argv->n; i++)
		if (strncmp(argv->v[i], prefix, strlen(prefix)) == 0) {
			strlcat(buf, argv->v[i], size);
			strlcat(buf, "|", size);
		}
}

/* What stands behind "--". */
static void
operands(const struct strv *argv, char *buf, size_t size)
{
	size_t i;

	for (i = 0; strcmp(argv->v[i], "--") != 0; i++)
		;
	buf[0] = '\0';
	for (i++; i < argv->n; i++) {
		strlcat(buf, argv->v[i], size);
		strlcat(buf, "|", size);
	}
}

static void
paths_become_rules_and_operands(void **state)
{
	static const struct {
		const char	*paths, *rules, *operands;
	} rows[] = {
		{ "\"/\"", "--filter=- /proc/*|--filter=- /sys/*|", "/|D|" },
		{ "\"/etc\"", "--filter=S /etc|--filter=H /*|", "/|/etc|D|" },
		{ "\"/etc\", \"/home/u\"",
		    "--filter=S /etc|--filter=S /home|--filter=S /home/u|"
		    "--filter=H /*|--filter=H /home/*|",
		    "/|/home|/etc|/home/u|D|" },
		/* Inside of another: it brings the surroundings. */
		{ "\"/home/u/x\", \"/home\"",
		    "--filter=S /home|--filter=H /*|",
		    "/|/home/u/x|/home|D|" },
		{ "\"/\", \"/home\"",
		    "--filter=- /proc/*|--filter=- /sys/*|", "/|/home|D|" },
		{ "\"/a\", \"/ab\"",
		    "--filter=S /a|--filter=S /ab|--filter=H /*|",
		    "/|/a|/ab|D|" },
		/* A backslash counts only beside a wildcard. */
		{ "'/a b/c*'",
		    "--filter=S /a b|--filter=S /a b/c\\*|--filter=H /*|"
		    "--filter=H /a b/*|", "/|/a b|/a b/c*|D|" },
		{ "'/a\\\\b'", "--filter=S /a\\b|--filter=H /*|",
		    "/|/a\\b|D|" },
		{ "'/[x]/y'",
		    "--filter=S /\\[x]|--filter=S /\\[x]/y|--filter=H /*|"
		    "--filter=H /\\[x]/*|", "/|/[x]|/[x]/y|D|" },
	};
	static const char xattrs[] = "--filter=-xr user.rsync.%*|"
	    "--filter=-xr security.selinux|--filter=-x trusted.SGI_ACL_*|"
	    "--filter=-xr trusted.SGI_ACL_*|--filter=-x system.*|"
	    "--filter=-xr system.*|"
	    "--filter=P .~backshelf-partial~|";
	struct push_options o = { .as_root = true };
	struct irsync_conf c;
	struct strv argv = { 0 };
	char text[512], got[1024];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		snprintf(text, sizeof(text), "storage = \"s:\"\npaths = {%s}",
		    rows[i].paths);
		parse(text, &c);
		assert_int_equal(argv_push(&argv, &c, &o, "D"), 0);
		join(&argv, "--filter", got, sizeof(got));
		assert_memory_equal(got, xattrs, strlen(xattrs));
		assert_string_equal(got + strlen(xattrs), rows[i].rules);
		operands(&argv, got, sizeof(got));
		assert_string_equal(got, rows[i].operands);
		strv_free(&argv);
		irsync_conf_free(&c);
	}
}

static void
own_rules_come_before_the_users(void **state)
{
	struct push_options o = { 0 };
	struct irsync_conf c;
	struct strv argv = { 0 };
	char got[1024];

	(void)state;
	parse("storage = \"/mnt/b\"\npaths = {\"/\"}\n"
	    "exclude = {\"+ *\", \"/tmp/*\"}", &c);
	o.rules = true;
	assert_int_equal(argv_push(&argv, &c, &o, "D"), 0);
	join(&argv, "--filter", got, sizeof(got));
	assert_string_equal(got, "--filter=- /mnt/b|"
	    "--filter=- /proc/*|--filter=- /sys/*|--filter=. -|");
	assert_true(strv_has(&argv, "--from0"));
	join(&argv, "--exclude", got, sizeof(got));
	assert_string_equal(got, "--exclude=+ *|--exclude=/tmp/*|");
	assert_true(strv_has(&argv, "--whole-file"));
	assert_false(strv_has(&argv, "--partial"));
	join(&argv, "--rsh", got, sizeof(got));
	assert_string_equal(got, "");
	strv_free(&argv);
	irsync_conf_free(&c);
}

static void
folders_that_cannot_be_listed_are_left_alone(void **state)
{
	struct push_options o = { 0 };
	struct irsync_conf c;
	struct strv argv = { 0 }, above = { 0 };
	char got[1024];

	(void)state;
	parse("storage = \"s:\"\npaths = {\"/home/u/a\", \"/home/u/b\"}", &c);
	assert_int_equal(paths_above(&c, &above), 0);
	assert_int_equal(above.n, 3);
	assert_string_equal(above.v[1], "/home");
	o.closed = true;
	assert_int_equal(argv_push(&argv, &c, &o, "D"), 0);
	operands(&argv, got, sizeof(got));
	assert_string_equal(got, "/home/u/a|/home/u/b|D|");
	join(&argv, "--filter=S", got, sizeof(got));
	assert_string_equal(got, "");
	join(&argv, "--filter=H", got, sizeof(got));
	assert_string_equal(got, "");
	assert_true(strv_has(&argv, "--filter=-x trusted.*"));
	strv_free(&argv);
	strv_free(&above);
	irsync_conf_free(&c);
}

static void
keys_become_options(void **state)
{
	static const char *const always[] = {
		"--archive", "--hard-links", "--acls", "--xattrs", "--sparse",
		"--numeric-ids", "--modify-window=-1", "--relative",
		"--delete", "--delete-excluded", "--partial", "--stats",
		"--no-human-readable", "--timeout=600",
	};
	static const char *const sometimes[] = {
		"--one-file-system", "--bwlimit=2", "--dry-run",
		"--info=progress2", "--link-dest=/l", "--timeout=20",
		"--remote-option=--fake-super",
	};
	struct push_options o = { 0 };
	struct irsync_conf c;
	struct strv argv = { 0 }, dests = { 0 };
	size_t i;

	(void)state;
	parse("storage = \"s:\"\npaths = {\"/etc\"}", &c);
	assert_int_equal(argv_push(&argv, &c, &o, "D"), 0);
	for (i = 0; i < nitems(always); i++)
		assert_true(strv_has(&argv, always[i]));
	for (i = 0; i < nitems(sometimes); i++)
		assert_false(strv_has(&argv, sometimes[i]));
	strv_free(&argv);
	irsync_conf_free(&c);

	parse("storage = \"s:\"\npaths = {\"/etc\"}\ntimeout = 20\n"
	    "one_file_system = true\nbwlimit = 2500\n", &c);
	assert_int_equal(strv_add(&dests, "/l"), 0);
	o.dry_run = o.progress = o.fake_super = o.solid = true;
	o.linkdests = &dests;
	assert_int_equal(argv_push(&argv, &c, &o, "D"), 0);
	assert_false(strv_has(&argv, "--sparse"));
	for (i = 0; i < nitems(sometimes); i++)
		assert_true(strv_has(&argv, sometimes[i]));
	strv_free(&argv);
	strv_free(&dests);
	irsync_conf_free(&c);
}

/* What rsync's do_cmd() makes of -e: split at spaces, quotes of both kinds
 * keep words together, a doubled quote stands for one. */
static void
split_as_rsync(const char *cmd, struct strv *words)
{
	char word[1024], quote = '\0';
	size_t n = 0;
	const char *p;

	for (p = cmd; *p != '\0';) {
		if (*p == ' ') {
			p++;
			continue;
		}
		for (n = 0; *p != '\0' && (*p != ' ' || quote != '\0');) {
			if (*p != '\'' && *p != '"')
				word[n++] = *p++;
			else if (quote == '\0')
				quote = *p++;
			else if (*p != quote)
				word[n++] = *p++;
			else if (*++p == quote)
				word[n++] = *p++;
			else
				quote = '\0';
		}
		word[n] = '\0';
		assert_int_equal(strv_add(words, word), 0);
	}
	assert_int_equal(quote, '\0');
}

static void
ssh_survives_rsyncs_splitting(void **state)
{
	static const char *const want[] = {
		"/usr/bin/ssh", "-F", "/c\"o\"n f", "-p", "2222", "-i",
		"/root/it's my 'key'", "-o", "IdentitiesOnly=yes", "-o",
		"ProxyCommand=nc 'a b' \"%h\"", "-o", "BatchMode=yes",
	};
	struct irsync_conf c;
	struct strv words = { 0 };
	char *cmd;
	size_t i;

	(void)state;
	parse("storage = \"s:\"\npaths = {\"/etc\"}\nport = 2222\n"
	    "identity = \"/root/it's my 'key'\"\n"
	    "ssh_config = '/c\"o\"n f'\n"
	    "ssh_options = {\"ProxyCommand=nc 'a b' \\\"%h\\\"\"}\n", &c);
	cmd = ssh_command(&c);
	assert_non_null(cmd);
	split_as_rsync(cmd, &words);
	assert_true(words.n > nitems(want));
	for (i = 0; i < nitems(want); i++)
		assert_string_equal(words.v[i], want[i]);
	free(cmd);
	strv_free(&words);
	irsync_conf_free(&c);
}

static void
remote_paths_are_joined(void **state)
{
	static const struct {
		const char	*storage, *path;
	} rows[] = {
		{ "a@b:", "a@b:H.full/" }, { "b:/", "b:/H.full/" },
		{ "b:/d/", "b:/d/H.full/" }, { "[::1]:/d", "[::1]:/d/H.full/" },
	};
	struct irsync_conf c;
	char text[128], *path;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		snprintf(text, sizeof(text), "storage = \"%s\"\n"
		    "paths = {\"/etc\"}", rows[i].storage);
		parse(text, &c);
		path = remote_path(&c, "H.full/");
		assert_string_equal(path, rows[i].path);
		free(path);
		irsync_conf_free(&c);
	}
}

static void
restores_overwrite_nothing_by_halves(void **state)
{
	struct restore_options o = { 0 };
	struct irsync_conf c;
	struct strv argv = { 0 };
	char got[256];

	(void)state;
	parse("storage = \"s:\"\npaths = {\"/etc\"}", &c);
	assert_int_equal(argv_restore(&argv, &c, "s:H.snaps/S", false, "/t",
	    &o), 0);
	operands(&argv, got, sizeof(got));
	assert_string_equal(got, "s:H.snaps/S/|/t/|");
	assert_false(strv_has(&argv, "--files-from=-"));
	assert_true(strv_has(&argv, "--partial-dir=/t/.~irsync-partial~"));
	assert_false(strv_has(&argv, "--delete"));
	join(&argv, "--filter", got, sizeof(got));
	assert_string_equal(got, "--filter=- /.~irsync-partial~|");
	strv_free(&argv);
	o.fake_super = o.as_root = true;
	assert_int_equal(argv_restore(&argv, &c, "/b/S", true, "/t", &o), 0);
	assert_true(strv_has(&argv, "--files-from=-"));
	assert_true(strv_has(&argv, "--from0"));
	assert_true(strv_has(&argv, "--recursive"));
	assert_true(strv_has(&argv, "--fake-super"));
	assert_true(strv_has(&argv, "--remote-option=--super"));
	join(&argv, "--filter", got, sizeof(got));
	assert_string_equal(got, "--filter=- /.~irsync-partial~|"
	    "--filter=-x trusted.SGI_ACL_*|"
	    "--filter=-xr trusted.SGI_ACL_*|--filter=-x system.*|"
	    "--filter=-xr system.*|");
	strv_free(&argv);
	/* The living files may be on several file systems. */
	o.in_place = true;
	assert_int_equal(argv_restore(&argv, &c, "/b/S", true, "/", &o), 0);
	assert_true(strv_has(&argv, "--partial-dir=.~irsync-partial~"));
	strv_free(&argv);
	irsync_conf_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_become_rules_and_operands),
		cmocka_unit_test(own_rules_come_before_the_users),
		cmocka_unit_test(folders_that_cannot_be_listed_are_left_alone),
		cmocka_unit_test(keys_become_options),
		cmocka_unit_test(ssh_survives_rsyncs_splitting),
		cmocka_unit_test(remote_paths_are_joined),
		cmocka_unit_test(restores_overwrite_nothing_by_halves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
