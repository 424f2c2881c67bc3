/* test_decide.c: what a client may have run, and what runs.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "sshguard/decide.h"

static const char policy_text[] =
    "root = '/srv/b'\n"
    "client 'h' { pull = true  timeout = '0' }\n"
    "client 'pusher' {}\n"
    "client 'puller' { push = false  pull = true }\n"
    "client 'nobody' { push = false }\n"
    "client 'home' { from = {'192.0.2.0/24'} }\n"
    "client 'night' { hours = {'22:00-06:00'} }\n"
    "client 'slow' { bwlimit = '100K'  pull = true  timeout = '0' }\n"
    "client 'runner' { push = false  commands = {'/bin/df -h', '/bin/x'} }\n";

static struct policy policy;

static int
setup(void **state)
{
	struct diags ds = { 0 };

	(void)state;
	return policy_parse(policy_text, &policy, &ds);
}

static int
teardown(void **state)
{
	(void)state;
	policy_free(&policy);
	return 0;
}

static void
judge(const char *client, const char *command, struct verdict *v)
{
	struct inquiry q = { &policy, client, "198.51.100.7", command, NULL, 0 };

	decide(&q, v);
}

static void
refusals_say_why(void **state)
{
	static const struct {
		const char	*client;
		const char	*cmd;
		const char	*says;
	} rows[] = {
		{ "stranger", "rsync --server . h.full", "names no client" },
		{ "", "true", "names no client" },
		{ "../h", "true", "names no client" },
		{ "home", "true", "may not come from this address" },
		{ "h", "rm -rf /some/path", "allowed is rsync to h.full, and "
		    "from h.full and h.snaps" },
		{ "pusher", "scp -t /x", "allowed is rsync to pusher.full" },
		{ "puller", "/usr/lib/openssh/sftp-server",
		    "allowed is rsync from puller.full" },
		{ "nobody", "sh", "allows nobody nothing" },
		{ "h", "true true", "not an rsync" },
		{ "h", "/bin/true", "not an rsync" },
		{ "h", "rsync --daemon --server . h.full", "not an rsync" },
		{ "h", "rsync --server --daemon . h.full", "--daemon" },
		{ "h", "rsync --server . h.full; rm", "byte 24" },
		{ "h", "rsync --server -r . a b", "more than one" },
		{ "h", "rsync --server -r . x.full", "x.full: not in this" },
		{ "h", "rsync --server -r . h.fullx", "not in this" },
		{ "h", "rsync --server -r . h", "not in this" },
		{ "h", "rsync --server -r . etc", "not in this" },
		{ "h", "rsync --server -r . /srv/b/x.full", "not in this" },
		{ "h", "rsync --server -r . /srv/bb/h.full", "not in this" },
		{ "h", "rsync --server -r . /etc", "not in this" },
		{ "h", "rsync --server -r . ~/h.full", "not in this" },
		{ "h", "rsync --server -r . ..", "\"..\"" },
		{ "h", "rsync --server -r . h.full/..", "\"..\"" },
		{ "h", "rsync --server -r . h.full/a/../b", "\"..\"" },
		{ "h", "rsync --server -r . ./../h.full", "\"..\"" },
		{ "h", "rsync --server -r . h.snaps", "into the snapshots" },
		{ "h", "rsync --server -r . h.snaps/2026-11-22T040201Z/",
		    "into the snapshots" },
		{ "h", "rsync --server -r . h.snaps/.push/upper",
		    "not in this" },
		{ "puller", "rsync --server -r . puller.full", "a push; "
		    "allowed is rsync from" },
		{ "pusher", "rsync --server --sender -r . pusher.full",
		    "a pull; allowed is rsync to" },
		{ "h", "rsync --server --sender -r . x.full", "not in this" },
		{ "h", "rsync --server --sender -r . h.full x.full",
		    "x.full: not in this" },
		{ "h", "rsync --server --sender -r . h.snaps/.push",
		    "not in this" },
		{ "h", "rsync --server --sender -r . h.snaps/.lock",
		    "not in this" },
		{ "h", "rsync --server --sender -r . "
		    "h.snaps/.expired.2026-11-22T040201Z", "not in this" },
		{ "h", "rsync --server --sender -r . h.snaps/yesterday",
		    "not in this" },
		{ "h", "rsync --server --sender -r . "
		    "h.snaps/2026-11-22T040201Z/../../x", "\"..\"" },
		{ "h", "rsync --server --sender -r . h.snaps/*",
		    "not in this" },
		{ "h", "rsync --server --sender -r . "
		    "h.snaps/2026-11-22T040201Z.x", "not in this" },
		{ "h", "rsync --server --sender -r . h.*", "not in this" },
		{ "h", "rsync --server --sender -r . h.snaps/.*",
		    "not in this" },
		{ "h", "rsync --server --sender -r . /", NULL },
	};
	struct verdict v;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		judge(rows[i].client, rows[i].cmd, &v);
		if (rows[i].says == NULL) {
			assert_int_equal(v.kind, VERDICT_PULL);
		} else if (v.kind != VERDICT_REFUSED ||
		    strstr(v.reason, rows[i].says) == NULL)
			fail_msg("%s: %d: %s", rows[i].cmd, (int)v.kind,
			    v.reason);
		verdict_free(&v);
	}
}

static void
reasons_are_printable(void **state)
{
	struct verdict v;

	(void)state;
	judge("h", "rsync --server . \\\nx\\\x1b[31m", &v);
	assert_int_equal(v.kind, VERDICT_REFUSED);
	assert_non_null(strstr(v.reason, "\\012x\\033[31m"));
	verdict_free(&v);
	judge("\n", "true", &v);
	assert_non_null(strstr(v.reason, "\\012"));
	verdict_free(&v);
}

static void
shells_and_checks(void **state)
{
	struct verdict v;

	(void)state;
	judge("h", NULL, &v);
	assert_int_equal(v.kind, VERDICT_SHELL);
	verdict_free(&v);
	judge("h", " ", &v);
	assert_int_equal(v.kind, VERDICT_SHELL);
	verdict_free(&v);
	judge("nobody", "true", &v);
	assert_int_equal(v.kind, VERDICT_TRUE);
	verdict_free(&v);
}

static void
argv_of(const struct verdict *v, const struct scene *sc, char *buf,
    size_t size)
{
	struct strv argv = { 0 };
	size_t i;

	buf[0] = '\0';
	assert_int_equal(decide_argv(v, sc, &argv), 0);
	for (i = 0; i < argv.n; i++) {
		if (i > 0)
			strlcat(buf, "|", size);
		strlcat(buf, argv.v[i], size);
	}
	strv_free(&argv);
}

#define PARTIAL	"--partial-dir=.~backshelf-partial~"

static void
pushes(void **state)
{
	static const struct {
		const char	*cmd;
		const char	*subdir;
		int		 dry;
		const char	*argv;
	} rows[] = {
		{ "rsync --server -re.iL . h.full", "", 0, "-re.iL|"
		    "--fake-super|" PARTIAL "|--|.|/h.full/" },
		{ "rsync --server -r . h.full/", "", 0, "-r|"
		    "--fake-super|" PARTIAL "|--|.|/h.full/" },
		{ "rsync --server -r . .", "", 0, "-r|"
		    "--fake-super|" PARTIAL "|--|.|/h.full/" },
		{ "rsync --server -r .", "", 0, "-r|"
		    "--fake-super|" PARTIAL "|--|.|/h.full/" },
		{ "rsync --server -r . /", "", 0, "-r|"
		    "--fake-super|" PARTIAL "|--|.|/h.full/" },
		{ "rsync --server -r . /h.full//./a/./b//", "a/b", 0, "-r|"
		    "--fake-super|" PARTIAL "|--|.|/h.full/a/b/" },
		{ "rsync --server -r . /srv/b", "", 0, "-r|"
		    "--fake-super|" PARTIAL "|--|.|/h.full/" },
		{ "rsync --server -r . /srv/b/h.full/etc/fstab", "etc/fstab",
		    0, "-r|--fake-super|" PARTIAL
		    "|--|.|/h.full/etc/fstab" },
		{ "rsync --server -r . h.full/a\\ b\\;*", "a b;*", 0, "-r|"
		    "--fake-super|" PARTIAL "|--|.|/h.full/a b;*" },
		{ "rsync --server -r . h.full/...", "...", 0, "-r|"
		    "--fake-super|" PARTIAL "|--|.|/h.full/..." },
		{ "rsync --server -nr . h.full", "", 1, "-nr|"
		    "--fake-super|" PARTIAL "|--|.|/h.full/" },
		{ "rsync --server -r --inplace . h.full", "", 0, "-r|"
		    "--inplace|--fake-super|--|.|/h.full/" },
		{ "rsync --server -r --partial-dir /tmp --timeout=60 . h.full",
		    "", 0, "-r|--fake-super|" PARTIAL
		    "|--timeout=60|--|.|/h.full/" },
		{ "rsync --server -r --delete-after . h.full", "", 0,
		    "-r|--delete-after|--fake-super|" PARTIAL
		    "|--filter=Pp .~backshelf-partial~/|--|.|/h.full/" },
		{ "rsync --server -r --delete --inplace . h.full", "", 0,
		    "-r|--delete|--inplace|--fake-super|--|.|/h.full/" },
		{ "rsync --server . h.full", "", 0,
		    "--fake-super|" PARTIAL "|--|.|/h.full/" },
	};
	static const char head[] = "/usr/bin/rsync|--server|";
	struct scene sc = { "/usr/bin/rsync", "/h.full", "h", NULL, NULL,
	    NULL, false, false };
	struct verdict v;
	char buf[512];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		judge("h", rows[i].cmd, &v);
		if (v.kind != VERDICT_PUSH)
			fail_msg("%s: %s", rows[i].cmd, v.reason);
		assert_string_equal(v.subdir, rows[i].subdir);
		assert_int_equal(v.dry_run, rows[i].dry);
		argv_of(&v, &sc, buf, sizeof(buf));
		assert_memory_equal(buf, head, strlen(head));
		assert_string_equal(buf + strlen(head), rows[i].argv);
		verdict_free(&v);
	}
}

static void
pulls(void **state)
{
	static const struct {
		const char	*cmd;
		const char	*stamps;	/* joined */
		int		 all, full, meta;
		const char	*argv;
	} rows[] = {
		{ "rsync --server --sender -re.iL . .", "", 0, 1, 0,
		    "-re.iL|--fake-super|--|.|h.full/" },
		{ "rsync --server --sender -r . h.full /h.full/etc/ "
		    "/srv/b/h.full/./a*", "", 0, 1, 0, "-r|--fake-super|--|.|"
		    "h.full|h.full/etc/|h.full/./a*" },
		{ "rsync --server --sender -d . h.snaps/", "", 0, 0, 0,
		    "-d|--fake-super|--|.|h.snaps/" },
		{ "rsync --server --sender -r . h.snaps/", "", 1, 0, 0,
		    "-r|--fake-super|--|.|h.snaps/" },
		{ "rsync --server --sender --files-from=- . h.snaps", "", 1, 0,
		    0, "--files-from=-|--fake-super|--|.|h.snaps" },
		{ "rsync --server --sender -r . h.snaps/.meta/", "", 0, 0, 1,
		    "-r|--fake-super|--|.|h.snaps/.meta/" },
		{ "rsync --server --sender -r . ./h.snaps/./"
		    "2026-11-22T040201Z/etc h.snaps/2026-11-23T000000Z",
		    "2026-11-22T040201Z,2026-11-23T000000Z", 0, 0, 0,
		    "-r|--fake-super|--|.|./h.snaps/./2026-11-22T040201Z/etc|"
		    "h.snaps/2026-11-23T000000Z" },
	};
	static const char head[] = "/x/rsync|--server|--sender|";
	struct scene sc = { "/x/rsync", "/h.full", "h", NULL, NULL, NULL,
	    false, false };
	struct verdict v;
	char buf[512];
	size_t i, k;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		judge("h", rows[i].cmd, &v);
		if (v.kind != VERDICT_PULL)
			fail_msg("%s: %s", rows[i].cmd, v.reason);
		assert_true(v.dry_run);
		assert_int_equal(v.all, rows[i].all);
		assert_int_equal(v.full, rows[i].full);
		assert_int_equal(v.meta, rows[i].meta);
		buf[0] = '\0';
		for (k = 0; k < v.stamps.n; k++) {
			if (k > 0)
				strlcat(buf, ",", sizeof(buf));
			strlcat(buf, v.stamps.v[k], sizeof(buf));
		}
		assert_string_equal(buf, rows[i].stamps);
		argv_of(&v, &sc, buf, sizeof(buf));
		assert_memory_equal(buf, head, strlen(head));
		assert_string_equal(buf + strlen(head), rows[i].argv);
		verdict_free(&v);
	}
}

static void
the_scene_is_used(void **state)
{
	char a[] = "/s/1", b[] = "/s/2";
	char *dirs[] = { a, b, NULL };
	struct strv ld = { dirs, 2 };
	struct scene sc = { "/usr/bin/rsync", "/t", "pusher", NULL, "/s", &ld,
	    false, false };
	struct verdict v;
	char buf[512];

	(void)state;
	judge("pusher", "rsync --server -r --timeout=7200 . pusher.full/a/",
	    &v);
	argv_of(&v, &sc, buf, sizeof(buf));
	assert_string_equal(buf, "/usr/bin/rsync|--server|-r|--fake-super|"
	    PARTIAL "|--timeout=3600|--confine-root=/s|--link-dest=/s/1/a|"
	    "--link-dest=/s/2/a|--|.|/t/a/");
	verdict_free(&v);

	/* What keeps rsync from losing ACLs that it holds in attributes. */
	judge("pusher", "rsync --server -rAX . pusher.full", &v);
	argv_of(&v, &sc, buf, sizeof(buf));
	assert_non_null(strstr(buf, "|--filter=-x user.rsync.%?acl|"));
	sc.labelled = true;
	argv_of(&v, &sc, buf, sizeof(buf));
	assert_null(strstr(buf, "--filter"));
	verdict_free(&v);

	sc.walled = true;
	judge("pusher", "rsync --server -r . pusher.full", &v);
	argv_of(&v, &sc, buf, sizeof(buf));
	assert_non_null(strstr(buf, "|--insecure-links|"));
	sc.walled = false;
	argv_of(&v, &sc, buf, sizeof(buf));
	assert_null(strstr(buf, "--insecure-links"));
	verdict_free(&v);

	sc.host = "h";
	sc.full = "h.snaps/S";
	sc.linkdests = NULL;
	judge("h", "rsync --server --sender -r . h.full h.full/ ./h.full/a "
	    "h.snaps/", &v);
	argv_of(&v, &sc, buf, sizeof(buf));
	assert_string_equal(buf, "/usr/bin/rsync|--server|--sender|-r|"
	    "--fake-super|--confine-root=/s|--|.|h.snaps/S|h.snaps/S/|"
	    "h.snaps/S/a|h.snaps/");
	verdict_free(&v);
}

static void
paths_are_bounded(void **state)
{
	char cmd[8192];
	struct verdict v;
	size_t n;

	(void)state;
	for (n = 3989; n <= 3990; n++) {
		strlcpy(cmd, "rsync --server . h.full/aaa", sizeof(cmd));
		memset(cmd + strlen(cmd), 'a', n + 1);
		cmd[strlen("rsync --server . h.full/aaa") + n + 1] = '\0';
		judge("h", cmd, &v);
		assert_int_equal(v.kind, n == 3989 ? VERDICT_PUSH :
		    VERDICT_REFUSED);
		verdict_free(&v);
	}
}

static void
commands_match_word_by_word(void **state)
{
	static const struct {
		const char		*cmd;
		enum verdict_kind	 kind;
	} rows[] = {
		{ "/bin/df -h", VERDICT_COMMAND },
		{ "  /bin/df   \\-h ", VERDICT_COMMAND },
		{ "/bin/x", VERDICT_COMMAND },
		{ "/bin/x ", VERDICT_COMMAND },
		{ "/bin/df", VERDICT_REFUSED },
		{ "/bin/df -h /", VERDICT_REFUSED },
		{ "/bin/df -hh", VERDICT_REFUSED },
		{ "/bin/df\\ -h", VERDICT_REFUSED },
		{ "df -h", VERDICT_REFUSED },
		{ "/bin/../bin/df -h", VERDICT_REFUSED },
		{ "/bin/df -h;id", VERDICT_REFUSED },
		{ "true", VERDICT_TRUE },
		{ "rsync --server -r . runner.full", VERDICT_REFUSED },
	};
	struct verdict v;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		judge("runner", rows[i].cmd, &v);
		if (v.kind != rows[i].kind)
			fail_msg("%s: %d %s", rows[i].cmd, v.kind, v.reason);
		verdict_free(&v);
	}
	judge("runner", "df", &v);
	assert_non_null(strstr(v.reason, "allowed is \"/bin/df -h\", "
	    "\"/bin/x\""));
	verdict_free(&v);
	judge("runner", "/bin/df -h", &v);
	assert_int_equal(v.command.n, 2);
	assert_string_equal(v.command.v[1], "-h");
	verdict_free(&v);
}

static void
the_hour_decides(void **state)
{
	struct inquiry q = { &policy, "night", "198.51.100.7", "true", NULL,
	    22 * 60 };
	struct verdict v;

	(void)state;
	decide(&q, &v);
	assert_int_equal(v.kind, VERDICT_TRUE);
	verdict_free(&v);
	q.minute = 6 * 60;
	decide(&q, &v);
	assert_int_equal(v.kind, VERDICT_REFUSED);
	assert_non_null(strstr(v.reason, "at this time"));
	verdict_free(&v);
}

static void
the_lower_speed_counts(void **state)
{
	static const struct {
		const char	*client;
		const char	*cmd;
		const char	*has;
	} rows[] = {
		{ "slow", "rsync --server --sender . .", "|--bwlimit=100|" },
		{ "slow", "rsync --server --bwlimit=50 . .",
		    "|--bwlimit=50|" },
		{ "slow", "rsync --server --bwlimit=500 . .",
		    "|--bwlimit=100|" },
		{ "slow", "rsync --server --bwlimit=5 --bwlimit=0 . .",
		    "|--bwlimit=100|" },
		{ "h", "rsync --server --bwlimit=50 . .", "|--bwlimit=50|" },
		{ "h", "rsync --server --bwlimit=0 . .", NULL },
	};
	struct scene sc = { "/x/rsync", "/h.full", "h", NULL, NULL, NULL,
	    false, false };
	struct verdict v;
	char buf[512];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		judge(rows[i].client, rows[i].cmd, &v);
		argv_of(&v, &sc, buf, sizeof(buf));
		if (rows[i].has == NULL)
			assert_null(strstr(buf, "bwlimit"));
		else
			assert_non_null(strstr(buf, rows[i].has));
		verdict_free(&v);
	}
}

/* With -s the command is judged once what it sends has been read. */
static void
secluded_commands_take_two_steps(void **state)
{
	char r[] = "rsync", dot[] = ".", full[] = "h.full/x y", etc[] = "/etc";
	char *good[] = { r, dot, full, NULL }, *evil[] = { r, dot, etc, NULL };
	struct strv rest = { good, 3 };
	struct inquiry q = { &policy, "h", "198.51.100.7",
	    "rsync --server -sre.iL", NULL, 0 };
	struct scene sc = { "/x/rsync", "/h.full", "h", NULL, NULL, NULL,
	    false, false };
	struct verdict v;
	char buf[512];

	(void)state;
	decide(&q, &v);
	assert_int_equal(v.kind, VERDICT_SECLUDED);
	verdict_free(&v);
	q.rest = &rest;
	decide(&q, &v);
	assert_int_equal(v.kind, VERDICT_PUSH);
	assert_string_equal(v.subdir, "x y");
	argv_of(&v, &sc, buf, sizeof(buf));
	assert_string_equal(buf, "/x/rsync|--server|-re.iL|--fake-super|"
	    PARTIAL "|--|.|/h.full/x y");
	verdict_free(&v);
	rest.v = evil;
	decide(&q, &v);
	assert_int_equal(v.kind, VERDICT_REFUSED);
	verdict_free(&v);
	/* Who may not come is not read from. */
	q.rest = NULL;
	q.client = "home";
	decide(&q, &v);
	assert_int_equal(v.kind, VERDICT_REFUSED);
	verdict_free(&v);
	q.client = "nobody";
	decide(&q, &v);
	assert_int_equal(v.kind, VERDICT_REFUSED);
	verdict_free(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_say_why),
		cmocka_unit_test(reasons_are_printable),
		cmocka_unit_test(shells_and_checks),
		cmocka_unit_test(pushes),
		cmocka_unit_test(pulls),
		cmocka_unit_test(the_scene_is_used),
		cmocka_unit_test(paths_are_bounded),
		cmocka_unit_test(commands_match_word_by_word),
		cmocka_unit_test(the_hour_decides),
		cmocka_unit_test(the_lower_speed_counts),
		cmocka_unit_test(secluded_commands_take_two_steps),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
