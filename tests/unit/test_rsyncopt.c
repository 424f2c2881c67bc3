/* test_rsyncopt.c: what a client's rsync may ask of the server's.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "sshguard/cmdline.h"
#include "sshguard/rsyncopt.h"

static int
parse(const char *cmd, struct rsync_request *rq, struct diag *d)
{
	struct strv w = { 0 };
	int rc;

	memset(d, 0, sizeof(*d));
	memset(rq, 0, sizeof(*rq));
	assert_int_equal(cmdline_split(cmd, strlen(cmd), &w, d), 0);
	rc = rsync_request_parse(&w, NULL, rq, d);
	strv_free(&w);
	return rc;
}

static void
what_is_not_allowed_is_named(void **state)
{
	static const struct {
		const char	*cmd;
		const char	*says;
	} rows[] = {
		{ "", "not an rsync server" },
		{ "rsync", "not an rsync server" },
		{ "rsync -a . x", "not an rsync server" },
		{ "rsync --sender --server . x", "not an rsync server" },
		{ "./rsync --server . x", "not an rsync server" },
		{ "rsyncd --server . x", "not an rsync server" },
		{ "rsync --server -r", "no \".\"" },
		{ "rsync --server -r x . y", "x: a name before" },
		{ "rsync --server -r --sender . x", "--sender is not" },
		{ "rsync --server --server . x", "--server is not" },
		{ "rsync --server -r . --delete x", "behind the" },
		{ "rsync --server -r . -- x", "behind the" },
		{ "rsync --server -r -- . x", "--: unknown" },
		{ "rsync --server - . x", "-: unknown" },
		{ "rsync --server --bogus . x", "--bogus: unknown" },
		{ "rsync --server --bogus=1 . x", "--bogus: unknown" },
		{ "rsync --server --delet . x", "--delet: unknown" },
		{ "rsync --server --daemon . x", "--daemon is not" },
		{ "rsync --server --daemon --config=/x . x", "--daemon" },
		{ "rsync --server --config=/x . x", "--config is not" },
		{ "rsync --server --config /x . x", "--config is not" },
		{ "rsync --server --dparam=x . x", "--dparam is not" },
		{ "rsync --server --log-file=/x . x", "--log-file is not" },
		{ "rsync --server --log-format=%f . x", "no stock client" },
		{ "rsync --server -M--super . x", "-M is not" },
		{ "rsync --server --remote-option=x . x", "--remote-option" },
		{ "rsync --server -e . x", "capability" },
		{ "rsync --server -ressh . x", "capability" },
		{ "rsync --server -e.iL/x . x", "capability" },
		{ "rsync --server -e.iL -e.iL . x", "capability" },
		{ "rsync --server -vS program . x", "program: a name before" },
		{ "rsync --server --rsh=x . x", "--rsh is not" },
		{ "rsync --server --rsync-path=x . x", "--rsync-path" },
		{ "rsync --server -s . x", "all the same" },
		{ "rsync --server -s .", "all the same" },
		{ "rsync --server -s x", "x: a name before" },
		{ "rsync --server -s --daemon", "--daemon is not" },
		{ "rsync --server --protect-args . x", "--protect-args is" },
		{ "rsync --server --secluded-args . x", "--secluded-args" },
		{ "rsync --server -L . x", "-L is not" },
		{ "rsync --server -K . x", "-K is not" },
		{ "rsync --server -k . x", "-k is not" },
		{ "rsync --server --copy-unsafe-links . x", "symbolic" },
		{ "rsync --server --fake-super . x", "sets this itself" },
		{ "rsync --server --super . x", "sets this itself" },
		{ "rsync --server --confine-root=/ . x", "sets this itself" },
		{ "rsync --server --max-alloc=0 . x", "--max-alloc" },
		{ "rsync --server --link-dest ../x . x", "--link-dest is not" },
		{ "rsync --server --link-dest=/x . x", "linked by the server" },
		{ "rsync --server --temp-dir /x . x", "--temp-dir is not" },
		{ "rsync --server --backup-dir /x . x", "below the" },
		{ "rsync --server --backup-dir ../x . x", "below the" },
		{ "rsync --server --backup-dir x/../y . x", "below the" },
		{ "rsync --server --suffix=/x . x", "not allowed in" },
		{ "rsync --server --files-from=- . x", "no meaning" },
		{ "rsync --server --sender --files-from /etc/passwd . x",
		    "of the client's own" },
		{ "rsync --server --sender --delete . x", "no meaning" },
		{ "rsync --server --list-only . x", "no meaning" },
		{ "rsync --server --sender --remove-source-files . x",
		    "not for backups" },
		{ "rsync --server --write-devices . x", "devices" },
		{ "rsync --server --copy-devices . x", "devices" },
		{ "rsync --server --iconv=utf8 . x", "--iconv is not" },
		{ "rsync --server --debug=all . x", "--debug is not" },
		{ "rsync --server --only-write-batch=X . x", "not allowed" },
		{ "rsync --server --timeout=-1 . x", "too small" },
		{ "rsync --server --timeout=86401 . x", "too large" },
		{ "rsync --server --timeout= . x", "not a number" },
		{ "rsync --server --timeout=+1 . x", "not a number" },
		{ "rsync --server --timeout=1x . x", "invalid" },
		{ "rsync --server --timeout", "lacks its value" },
		{ "rsync --server -B9999999999 . x", "too large" },
		{ "rsync --server -Bx . x", "not a number" },
		{ "rsync --server -@ . x", "not a number" },
		{ "rsync --server --stats=1 . x", "takes no value" },
		{ "rsync --server --partial=x . x", "takes no value" },
		{ "rsync --server --info=a/b . x", "not allowed in" },
		{ "rsync --server --info= . x", "empty value" },
		{ "rsync --server --max-size=1X . x", "not a size" },
		{ "rsync --server --max-size=-1 . x", "not a size" },
		{ "rsync --server --max-size= . x", "not a size" },
		{ "rsync --server --max-size=1G+2 . x", "not a size" },
		{ "rsync --server --min-size=1234567890123456789012345 . x",
		    "not a size" },
		{ "rsync --server --bwlimit=-1 . x", "too small" },
		{ "rsync --server --bwlimit=2147483648 . x", "too large" },
		{ "rsync --server --compress-choice="
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa . x", "too long" },
		{ "rsync --server --info=help . x", "--info=help" },
		{ "rsync --server --info=stats2,HE2 . x", "--info=help" },
		{ "rsync --server -rXX . x", "-XX is not" },
		{ "rsync --server -X -r -X . x", "-XX is not" },
		{ "rsync --server -Z . x", "-Z: unknown" },
		{ "rsync --server -h . x", "-h: unknown" },
		{ "rsync --server -\xff . x", "-\\377: unknown" },
	};
	struct rsync_request rq;
	struct diag d;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		assert_int_equal(parse(rows[i].cmd, &rq, &d), -1);
		if (strstr(d.msg, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].cmd, d.msg);
		rsync_request_free(&rq);
	}
}

/* What was understood, as one line. */
static void
show(const struct rsync_request *rq, char *buf, size_t size)
{
	size_t i;

	snprintf(buf, size, "%s-%s e%s", rq->sender ? "sender " : "",
	    rq->letters, rq->caps);
	for (i = 0; i < rq->opts.n; i++) {
		strlcat(buf, " ", size);
		strlcat(buf, rq->opts.v[i], size);
	}
	for (i = 0; i < rq->args.n; i++) {
		strlcat(buf, " <", size);
		strlcat(buf, rq->args.v[i], size);
		strlcat(buf, ">", size);
	}
}

/* The commands are what real clients sent. */
static void
real_commands_are_understood(void **state)
{
	static const struct {
		const char	*cmd;
		unsigned	 effects;
		unsigned	 timeout;
		const char	*shown;
	} rows[] = {
		{ "rsync --server -lHogDtpAXre.iLsfxCIvu --delete "
		    "--numeric-ids . .", RSYNC_DELETE | RSYNC_RECURSE, 0,
		    "-lHogDtpAXr e.iLsfxCIvu --delete --numeric-ids <.>" },
		{ "rsync --server -vvnlHogDtpAXre.iLsfxCIvu --stats . h.full",
		    RSYNC_VERBOSE | RSYNC_DRY_RUN | RSYNC_RECURSE, 0,
		    "-vvnlHogDtpAXr e.iLsfxCIvu --stats <h.full>" },
		{ "rsync --server -lHogDtpAXre.iLsfxCIvu --timeout=600 "
		    "--bwlimit=10240 --new-compress --delete-excluded "
		    "--partial --ignore-errors . h.full/a\\ b\\;c",
		    RSYNC_DELETE | RSYNC_RECURSE, 600,
		    "-lHogDtpAXr e.iLsfxCIvu --new-compress "
		    "--delete-excluded --ignore-errors <h.full/a b;c>" },
		{ "rsync --server -blogDtprRe.iLsfxCIvu --backup-dir bk "
		    "--suffix=~x --max-delete=10 --max-size=1073741824 "
		    "--partial-dir pd . h.full", RSYNC_RECURSE |
		    RSYNC_RELATIVE | RSYNC_LOOKS_BACK, 0,
		    "-blogDtprR e.iLsfxCIvu --backup-dir=bk --suffix=~x --max-delete=10 "
		    "--max-size=1073741824 <h.full>" },
		{ "rsync --server --sender -logDtpre.iLsfxCIvu . h.full/ "
		    "h.full/etc a\\ b*", RSYNC_RECURSE, 0, "sender -logDtpr "
		    "e.iLsfxCIvu <h.full/> <h.full/etc> <a b*>" },
		{ "rsync --server --sender -logDtpRe.LsfxCIvu --files-from=- "
		    "--from0 . h.full/", RSYNC_FILES_FROM | RSYNC_RELATIVE, 0,
		    "sender -logDtpR e.LsfxCIvu --files-from=- --from0 "
		    "<h.full/>" },
		{ "rsync --server --sender -de.LsfxCIvu . h.snaps/", 0, 0,
		    "sender -d e.LsfxCIvu <h.snaps/>" },
		{ "rsync --server --sender -de.LsfxCIvu --list-only . .", 0, 0,
		    "sender -d e.LsfxCIvu --list-only <.>" },
		{ "rsync --server -logDtpre.iLsfxCIvu --log-format=%i . .",
		    RSYNC_RECURSE | RSYNC_VERBOSE, 0,
		    "-logDtpr e.iLsfxCIvu --log-format=%i <.>" },
		{ "rsync --server -logDtpre.iLsfxCIvu --log-format=X --append "
		    "--append . .", RSYNC_RECURSE | RSYNC_INPLACE, 0,
		    "-logDtpr e.iLsfxCIvu --log-format=X --append --append "
		    "<.>" },
		/* protocol 29 has no capability string */
		{ "rsync --server -logDtpr . .", RSYNC_RECURSE, 0,
		    "-logDtpr e <.>" },
		{ "rsync --server -logDtpre31.14iLsf . .", RSYNC_RECURSE, 0,
		    "-logDtpr e31.14iLsf <.>" },
		/* the log line of 2010 */
		{ "rsync --server -lHogDtprx --timeout=600 --delete-excluded "
		    "--ignore-errors --numeric-ids . "
		    "/data/irsync/mysql02.mynetwork.com.full",
		    RSYNC_DELETE | RSYNC_RECURSE, 600,
		    "-lHogDtprx e --delete-excluded --ignore-errors "
		    "--numeric-ids </data/irsync/mysql02.mynetwork.com.full>" },
		/* openrsync */
		{ "rsync --server -g -l -o -p -D -r -t -v --numeric-ids . x",
		    RSYNC_RECURSE | RSYNC_VERBOSE, 0,
		    "-glopDrtv e --numeric-ids <x>" },
		{ "/usr/local/bin/rsync --server -B700 -@-1 . x", 0, 0,
		    "- e --block-size=700 --modify-window=-1 <x>" },
		{ "rsync --server -r --timeout 5 --max-delete=-1 . x",
		    RSYNC_RECURSE | RSYNC_LOOKS_BACK, 5,
		    "-r e --max-delete=-1 <x>" },
		{ "rsync --server -r --usermap=0:1,\\*:2 . ./-x",
		    RSYNC_RECURSE, 0, "-r e --usermap=0:1,*:2 <./-x>" },
		{ "rsync --server --delete -g -l -n -o -p -D -r -t -x -x "
		    "--specials . h.full", RSYNC_DELETE | RSYNC_RECURSE |
		    RSYNC_DRY_RUN, 0,
		    "-glnopDrtxx e --delete --specials <h.full>" },
		{ "rsync --server --sender -r --min-size=1.5K --max-size=10mib "
		    "--max-size=5GB-1 . x", RSYNC_RECURSE | RSYNC_LOOKS_BACK,
		    0, "sender -r e --min-size=1.5K --max-size=10mib "
		    "--max-size=5GB-1 <x>" },
		{ "rsync --server --sender -br --backup-dir /var/old "
		    "--suffix=.bak --delete-missing-args . x", RSYNC_RECURSE |
		    RSYNC_LOOKS_BACK | RSYNC_DELETE, 0,
		    "sender -br e --suffix=.bak --delete-missing-args <x>" },
		{ "rsync --server -r .", RSYNC_RECURSE, 0, "-r e" },
		{ "rsync --server . . .", 0, 0, "- e <.> <.>" },
	};
	struct rsync_request rq;
	struct diag d;
	char buf[512];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		if (parse(rows[i].cmd, &rq, &d) == -1)
			fail_msg("%s: %s", rows[i].cmd, d.msg);
		assert_string_equal(d.msg, "");
		show(&rq, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].shown);
		assert_int_equal(rq.effects, rows[i].effects);
		assert_int_equal(rq.timeout, rows[i].timeout);
		rsync_request_free(&rq);
	}
}

static void
lengths_are_bounded(void **state)
{
	char cmd[2 * RSYNC_VALUE_MAX], *end;
	struct rsync_request rq;
	struct diag d;

	(void)state;
	strlcpy(cmd, "rsync --server -", sizeof(cmd));
	end = cmd + strlen(cmd);
	memset(end, 'v', RSYNC_LETTERS_MAX - 1);
	strlcpy(end + RSYNC_LETTERS_MAX - 1, " . x", 8);
	assert_int_equal(parse(cmd, &rq, &d), 0);
	rsync_request_free(&rq);
	strlcpy(end + RSYNC_LETTERS_MAX - 1, "v . x", 8);
	assert_int_equal(parse(cmd, &rq, &d), -1);
	assert_non_null(strstr(d.msg, "too many"));
	rsync_request_free(&rq);

	strlcpy(cmd, "rsync --server --info=", sizeof(cmd));
	end = cmd + strlen(cmd);
	memset(end, 'a', 256);
	strlcpy(end + 256, " . x", 8);
	assert_int_equal(parse(cmd, &rq, &d), 0);
	rsync_request_free(&rq);
	strlcpy(end + 256, "a . x", 8);
	assert_int_equal(parse(cmd, &rq, &d), -1);
	assert_non_null(strstr(d.msg, "too long"));
	rsync_request_free(&rq);

	strlcpy(cmd, "rsync --server --usermap=", sizeof(cmd));
	end = cmd + strlen(cmd);
	memset(end, 'a', RSYNC_VALUE_MAX);
	strlcpy(end + RSYNC_VALUE_MAX, " . x", 8);
	assert_int_equal(parse(cmd, &rq, &d), 0);
	rsync_request_free(&rq);
	strlcpy(end + RSYNC_VALUE_MAX, "a . x", 8);
	assert_int_equal(parse(cmd, &rq, &d), -1);
	rsync_request_free(&rq);

	strlcpy(cmd, "rsync --server -e.", sizeof(cmd));
	end = cmd + strlen(cmd);
	memset(end, 'i', RSYNC_CAPS_MAX);
	strlcpy(end + RSYNC_CAPS_MAX, " . x", 8);
	assert_int_equal(parse(cmd, &rq, &d), -1);
	rsync_request_free(&rq);
}

/* With -s, the rest comes by another way. */
static void
secluded_words_are_judged_alike(void **state)
{
	static const struct {
		const char	*cmd;
		const char	*rest;
		const char	*says;	/* or NULL, and shown: */
		const char	*shown;
	} rows[] = {
		{ "rsync --server -s", "", "not what an rsync sends", NULL },
		{ "rsync --server -s", "sh -c id", "not what an", NULL },
		{ "rsync --server -s", "rsync", "no \".\"", NULL },
		{ "rsync --server -s", "rsync --daemon .", "--daemon", NULL },
		{ "rsync --server -s", "rsync --server .", "--server", NULL },
		{ "rsync --server -s", "rsync --sender .", "--sender", NULL },
		{ "rsync --server -s", "rsync -s . x", "second time", NULL },
		{ "rsync --server -s", "rsync . x -e", "behind the", NULL },
		{ "rsync --server -s", "rsync --log-file /x .", "--log-file",
		    NULL },
		{ "rsync --server -s", "rsync x . y", "x: a name", NULL },
		{ "rsync --server -se.iL", "rsync -e.iL .", "capability",
		    NULL },
		{ "rsync --server -svrze.iLsfxCIvu", "rsync --delete "
		    "--partial-dir .x . h.full", NULL,
		    "-vrz e.iLsfxCIvu --delete <h.full>" },
		{ "rsync --server --sender -svre.iLsfxCIvu", "rsync . h.full/a "
		    "b*", NULL, "sender -vr e.iLsfxCIvu <h.full/a> <b*>" },
	};
	struct rsync_request rq = { 0 };
	struct strv w = { 0 }, rest = { 0 };
	struct diag d = { 0 };
	char buf[512];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		assert_int_equal(cmdline_split(rows[i].cmd,
		    strlen(rows[i].cmd), &w, &d), 0);
		assert_int_equal(cmdline_split(rows[i].rest,
		    strlen(rows[i].rest), &rest, &d), 0);
		assert_int_equal(rsync_request_parse(&w, NULL, &rq, &d), 0);
		assert_true(rq.secluded);
		rsync_request_free(&rq);
		if (rows[i].says == NULL) {
			assert_int_equal(rsync_request_parse(&w, &rest, &rq,
			    &d), 0);
			show(&rq, buf, sizeof(buf));
			assert_string_equal(buf, rows[i].shown);
		} else if (rsync_request_parse(&w, &rest, &rq, &d) != -1 ||
		    strstr(d.msg, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].rest, d.msg);
		rsync_request_free(&rq);
		strv_free(&w);
		strv_free(&rest);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_allowed_is_named),
		cmocka_unit_test(real_commands_are_understood),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(secluded_words_are_judged_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
