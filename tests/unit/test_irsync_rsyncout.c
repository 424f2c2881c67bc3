/* test_irsync_rsyncout.c: what rsync, ssh and the server print.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "exits.h"
#include "irsync/irsync.h"

static void
collect(void *arg, const char *line)
{
	strlcat(arg, line, 16384);
	strlcat(arg, "|", 16384);
}

static void
bytes_become_lines(void **state)
{
	static const struct {
		const char	*data;
		size_t		 len;
		const char	*want;
	} rows[] = {
		{ "", 0, "" }, { "\n\r\n", 3, "" }, { "a", 1, "a|" },
		{ "a\rb\nc", 5, "a|b|c|" }, { "a\0b\n", 4, "a?b|" },
	};
	char got[16384], big[10000];
	struct lines l = { .n = 0 };
	size_t i, cut;

	(void)state;
	for (i = 0; i < nitems(rows); i++)
		for (cut = 0; cut <= rows[i].len; cut++) {
			got[0] = '\0';
			lines_feed(&l, rows[i].data, cut, collect, got);
			lines_feed(&l, rows[i].data + cut, rows[i].len - cut,
			    collect, got);
			lines_end(&l, collect, got);
			assert_string_equal(got, rows[i].want);
		}
	memset(big, 'x', sizeof(big));
	got[0] = '\0';
	lines_feed(&l, big, sizeof(big), collect, got);
	lines_feed(&l, "\nrest\n", 6, collect, got);
	assert_int_equal(strlen(got), sizeof(l.buf) - 1 + strlen("|rest|"));
}

static void
kinds_are_told_apart(void **state)
{
	static const struct {
		const char	*line;
		enum out_kind	 kind;
	} rows[] = {
		{ "<f+++++++++ ", OUT_OTHER }, { "*deleting   ", OUT_OTHER },
		{ "sending incremental file list", OUT_OTHER },
		{ "12 13% x", OUT_OTHER },
		{ "1 101% 1.0MB/s 0:00:00", OUT_OTHER },
		{ "1 10% 1.0MB/s\033[2J 0:00:00", OUT_OTHER },
		{ "99999999999999999999 10% 1.0MB/s 0:00:00", OUT_OTHER },
		{ "Number of files: many", OUT_OTHER },
		{ "Number of files: 99999999999999999999", OUT_OTHER },
		{ "xf+++++++++ name", OUT_OTHER },
		{ "<x+++++++++ name", OUT_OTHER },
		{ "*deleting   .~backshelf-2026-11-23T110505Z~", OUT_OTHER },
		{ "*deleting   a/.~backshelf-2026-11-23T110505Z~", OUT_OTHER },
		{ "*deleting   .~backshelf-2026-13-23T110505Z~", OUT_ITEM },
		{ "*deleting   .~backshelf-2026-11-23T110505Z", OUT_ITEM },
		{ "*deleting   .~backshelf-~", OUT_ITEM },
		{ "*deleting   .~backshelf-2026-11-23T110505Z~/", OUT_ITEM },
		{ "<f+++++++++ name", OUT_ITEM },
		{ ".d..t...... a/", OUT_ITEM },
		{ "*deleting   name", OUT_ITEM },
		{ "cL+++++++++ a -> b/", OUT_ITEM },
		{ "Number of files: 3 (reg: 1, dir: 2)", OUT_STATS },
		{ "Total bytes sent: 12", OUT_STATS },
		{ "      1238099 100%  146.38kB/s    0:00:08 "
		    "(xfr#5, to-chk=169/396)", OUT_PROGRESS },
		{ "0   0%    0.00kB/s    0:00:00  ", OUT_PROGRESS },
		{ "12 1% 1.5MB/s ??:??:??", OUT_PROGRESS },
	};
	struct rsync_counts c = { 0 };
	struct rsync_progress pr;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++)
		if (out_parse(rows[i].line, &c, &pr) != rows[i].kind)
			fail_msg("%s", rows[i].line);
}

static void
counts_are_kept(void **state)
{
	static const char *const lines[] = {
		"<f+++++++++ new", "cL+++++++++ link -> x", "cd+++++++++ dir/",
		"<f.st...... changed", ".f...p..... mode", ".d..t...... dir/",
		"hf+++++++++ hard => new", "*deleting   gone",
		"*deleting   dir/", "Number of files: 70 (reg: 60, dir: 10)",
		"Number of created files: 3 (reg: 3)",
		"Number of regular files transferred: 4",
		"Total file size: 12345 bytes",
		"Total transferred file size: 678 bytes",
		"Total bytes sent: 910", "Total bytes received: 11",
	};
	struct rsync_counts c = { 0 };
	struct rsync_progress pr;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(lines); i++)
		(void)out_parse(lines[i], &c, &pr);
	assert_true(c.complete);
	assert_int_equal(c.new, 3);
	assert_int_equal(c.changed, 2);
	assert_int_equal(c.deleted, 1);
	assert_int_equal(c.entries, 70);
	assert_int_equal(c.files, 60);
	assert_int_equal(c.transferred, 4);
	assert_int_equal(c.size, 12345);
	assert_int_equal(c.transferred_size, 678);
	assert_int_equal(c.sent, 910);
	assert_int_equal(c.received, 11);
	assert_true(progress_parse("  1238099  45%  146.38kB/s    0:01:08 "
	    "(xfr#5, ir-chk=169/396)", &pr));
	assert_int_equal(pr.bytes, 1238099);
	assert_int_equal(pr.percent, 45);
	assert_int_equal(pr.files, 5);
	assert_string_equal(pr.rate, "146.38kB/s");
	assert_string_equal(pr.time, "0:01:08");
}

#define LINE	"backshelf: snapshot 2026-11-22T040201Z "
#define COUNTS	"12 entries, 3 linked, 4 moved, 5 dropped, "

static void
servers_line_is_read(void **state)
{
	static const char *const bad[] = {
		"", "backshelf: snapshot ", "backshelf: snapshot complete: x",
		"backshelf: snapshot 2026-13-22T040201Z complete: " COUNTS
		    "6 B on disk",
		LINE, LINE "good: " COUNTS "6 B on disk",
		LINE "complete: " COUNTS, LINE "complete: " COUNTS "6 B",
		LINE "complete: " COUNTS "x B on disk",
		LINE "complete: " COUNTS "6 B on disk\033[2J",
		LINE "complete: -1 entries", LINE "complete:12 entries",
		LINE "complete: " COUNTS "666666666666666666666666 B on disk",
		" " LINE "complete: " COUNTS "6 B on disk",
	};
	struct snapshot s;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(bad); i++)
		if (server_line_parse(bad[i], &s) != -1)
			fail_msg("%s", bad[i]);
	assert_int_equal(server_line_parse(LINE "vanished: " COUNTS
	    "1.5 KiB on disk", &s), 0);
	assert_string_equal(s.stamp, "2026-11-22T040201Z");
	assert_int_equal(s.time, 1795320121);
	assert_int_equal(s.status, SNAPSHOT_VANISHED);
	assert_int_equal(s.entries, 12);
	assert_int_equal(s.linked, 3);
	assert_int_equal(s.moved, 4);
	assert_int_equal(s.dropped, 5);
	assert_int_equal(s.bytes_new, 1536);
	assert_int_equal(server_line_parse(LINE "complete: " COUNTS
	    "6 B on disk", &s), 0);
	assert_int_equal(server_line_parse(LINE "partial: " COUNTS
	    "0 B on disk", &s), 0);
	assert_int_equal(s.status, SNAPSHOT_PARTIAL);
}

static void
statuses_are_told_apart(void **state)
{
	static const struct {
		int		 code;
		const char	*line;
		int		 status;
	} rows[] = {
		{ 0, "", BS_OK }, { 23, "", BS_PARTIAL },
		{ 24, "", BS_VANISHED },
		{ 255, "ssh: connect to host x port 22: Connection refused",
		    BS_UNREACHABLE },
		{ 12, "rsync: connection unexpectedly closed",
		    BS_UNREACHABLE },
		{ 10, "", BS_UNREACHABLE }, { 30, "", BS_UNREACHABLE },
		{ 35, "", BS_UNREACHABLE },
		{ 255, "b@srv: Permission denied (publickey).", BS_REFUSED },
		{ 255, "Host key verification failed.", BS_REFUSED },
		{ 12, "sshval(7): ssh command rejected from ::1: no",
		    BS_REFUSED },
		{ 12, "sshval(7): h: there are no snapshots yet", BS_FAIL },
		{ 12, "sshval(7): h: the policy is broken", BS_FAIL },
		{ 77, "", BS_REFUSED }, { 78, "", BS_REFUSED },
		{ 75, "", BS_BUSY }, { 73, "", BS_NOSPACE }, { 74, "", BS_IO },
		{ 11, "", BS_IO },
		{ 11, "rsync: write failed: No space left on device (28)",
		    BS_NOSPACE },
		{ 23, "rsync: mkstemp failed: Disk quota exceeded (122)",
		    BS_NOSPACE },
		{ 1, "", BS_FAIL }, { 2, "", BS_FAIL }, { 137, "", BS_FAIL },
		{ 126, "", BS_FAIL }, { 127, "", BS_FAIL },
		{ 137, "rsync error: unexplained error (code 137) at "
		    "io.c(949) [sender=3.5.0]", BS_UNREACHABLE },
		{ 143, "rsync error: unexplained error (code 143) at "
		    "main.c(1394) [sender=3.5.0]", BS_UNREACHABLE },
		{ 128, "rsync error: unexplained error (code 128) at x",
		    BS_FAIL },
		{ 160, "rsync error: unexplained error (code 160) at x",
		    BS_FAIL },
		/* What a file is called, or who may read it, is no answer of
		 * the server's. */
		{ 12, "rsync: [sender] opendir \"/x\" failed: Permission "
		    "denied (13)", BS_UNREACHABLE },
		{ 12, "rsync: [sender] open \"/another push \" failed: "
		    "Permission denied (13)", BS_UNREACHABLE },
		{ 12, "file has vanished: \"/ssh command rejected from sshval(\"",
		    BS_UNREACHABLE },
		/* A hint cannot make a failure of a success. */
		{ 0, "Permission denied (publickey)", BS_OK },
		{ 24, "No space left on device", BS_VANISHED },
	};
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++)
		if (exit_status(rows[i].code, hint_parse(rows[i].line)) !=
		    rows[i].status)
			fail_msg("%d %s", rows[i].code, rows[i].line);
	assert_null(rsync_code_text(0));
	assert_non_null(rsync_code_text(12));
	assert_string_equal(rsync_code_text(137), "rsync was killed");
	assert_null(rsync_code_text(160));
}

static void
pauses_grow(void **state)
{
	struct irsync_conf c = { .retry_pause = 30 };

	(void)state;
	assert_int_equal(retry_pause(&c, 1), 30);
	assert_int_equal(retry_pause(&c, 2), 60);
	assert_int_equal(retry_pause(&c, 5), 480);
	assert_int_equal(retry_pause(&c, 6), 900);
	assert_int_equal(retry_pause(&c, 1000), 900);
	c.retry_pause = 3600;
	assert_int_equal(retry_pause(&c, 3), 3600);
	c.retry_pause = 0;
	assert_int_equal(retry_pause(&c, 1000), 0);
	assert_true(retry_wanted(BS_UNREACHABLE, 1));
	assert_true(retry_wanted(BS_BUSY, 2));
	assert_false(retry_wanted(BS_BUSY, 1));
	assert_false(retry_wanted(BS_REFUSED, 2));
	assert_false(retry_wanted(BS_OK, 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_become_lines),
		cmocka_unit_test(kinds_are_told_apart),
		cmocka_unit_test(counts_are_kept),
		cmocka_unit_test(servers_line_is_read),
		cmocka_unit_test(statuses_are_told_apart),
		cmocka_unit_test(pauses_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
