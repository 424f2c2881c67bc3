/* test_quota.c: the note of what a store takes, speeds, and snapshots that
 * came out large.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "sshguard/surge.h"
#include "sshguard/throttle.h"
#include "sshguard/usage.h"

static void
notes(void **state)
{
	static const char *const bad[] = {
		"", "usage", "usage - 1 2", "usage - 1 2 3", "usage x 1 2 3\n",
		"usage - 1 2 3\n\n", "usage - 1 2 3\nx", "Usage - 1 2 3\n",
		"usage 2026-13-22T040201Z 1 2 3\n", "usage - a 2 3\n",
		"usage 2026-11-22T040201Zx 1 2 3\n", "usage - 1 2 \n",
	};
	struct usage_note n;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(bad); i++)
		if (usage_note_parse(bad[i], &n) != -1)
			fail_msg("%s", bad[i]);
	assert_int_equal(usage_note_parse("usage 2026-11-22T040201Z 3 4096 "
	    "18446744073709551615\n", &n), 0);
	assert_string_equal(n.stamp, "2026-11-22T040201Z");
	assert_int_equal(n.trees, 3);
	assert_int_equal(n.bytes, 4096);
	assert_true(n.files == UINT64_MAX);
	assert_int_equal(usage_note_parse("usage - 0 0 0\n", &n), 0);
	assert_string_equal(n.stamp, "");
}

static void
make_file(int dir, const char *name, size_t size)
{
	static const char zeros[8192];
	int fd = openat(dir, name, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(write(fd, zeros, size), (ssize_t)size);
	close(fd);
}

static void
trees_are_counted(void **state)
{
	char top[] = "/tmp/test_quota.XXXXXX", cmd[64];
	struct timespec tomorrow = { time(NULL) + 86400, 0 };
	struct usage u = { 0 }, v = { 0 }, w = { 0 };
	int fd;

	(void)state;
	assert_non_null(mkdtemp(top));
	assert_int_not_equal(fd = open(top, O_RDONLY | O_DIRECTORY), -1);
	assert_int_equal(mkdirat(fd, "a", 0700), 0);
	assert_int_equal(mkdirat(fd, "skip", 0700), 0);
	make_file(fd, "a/one", 8192);
	assert_int_equal(linkat(fd, "a/one", fd, "a/two", 0), 0);
	assert_int_equal(linkat(fd, "a/one", fd, "skip/three", 0), 0);
	assert_int_equal(linkat(fd, "a/one", fd, "skip/four", 0), 0);
	assert_int_equal(symlinkat("/", fd, "a/link"), 0);
	assert_int_equal(usage_add(fd, ".", NULL, NULL, &u), 0);
	assert_int_equal(u.millis, 5000);
	assert_true(u.bytes >= 8192);
	assert_false(u.hidden);
	assert_int_equal(usage_add(fd, ".", "skip", NULL, &v), 0);
	assert_int_equal(v.millis, 3500);
	assert_true(u.bytes - v.bytes >= 4096);
	/* Nothing was made after tomorrow. */
	assert_int_equal(usage_add(fd, ".", NULL, &tomorrow, &w), 0);
	assert_int_equal(w.millis, 3000);
	assert_int_equal(usage_add(fd, "none", NULL, NULL, &w), -1);
	close(fd);
	snprintf(cmd, sizeof(cmd), "rm -r %s", top);
	assert_int_equal(system(cmd), 0);
}

static void
nameless_files_are_counted(void **state)
{
	char name[] = "/tmp/test_quota.XXXXXX";
	struct usage u = { 0 }, v = { 0 };
	int fd;

	(void)state;
	usage_add_unnamed(getpid(), &u);
	assert_int_not_equal(fd = mkstemp(name), -1);
	unlink(name);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(posix_fallocate(fd, 0, 1 << 20), 0);
	usage_add_unnamed(getpid(), &v);
	assert_int_equal(v.millis - u.millis, 1000);
	assert_true(v.bytes - u.bytes >= 1 << 20);
	close(fd);
}

static void
speeds(void **state)
{
	(void)state;
	assert_true(throttle_wait(0, 1, 0) == 0);
	assert_true(throttle_wait(1024, 1, 0) == 1000000000LL);
	assert_true(throttle_wait(1024, 1, 400000000LL) == 600000000LL);
	assert_true(throttle_wait(1024, 1, 1000000001LL) == 0);
	assert_true(throttle_wait(1ULL << 50, 1 << 20, 0) ==
	    (1LL << 20) * 1000000000LL);
	assert_true(throttle_wait(1, INT32_MAX, 0) == 0);
}

static void
large_snapshots_are_noticed(void **state)
{
	static const struct {
		const char	*base;
		uint64_t	 linked, moved, bytes_new, received;
		bool		 packed;
		bool		 found;
	} rows[] = {
		{ "", 0, 100000, 1ULL << 40, 0, false, false },
		{ "2026-11-22T040201Z", 1000, 10, 1 << 20, 0, false, false },
		{ "2026-11-22T040201Z", 1000, 10, 1ULL << 30, 1 << 20, false,
		    true },
		{ "2026-11-22T040201Z", 1000, 10, 1ULL << 30, 1ULL << 30,
		    false, false },
		{ "2026-11-22T040201Z", 1000, 10, 1ULL << 30, 100 << 20,
		    true, false },
		{ "2026-11-22T040201Z", 1000, 10, 1ULL << 30, 100 << 20,
		    false, true },
		{ "2026-11-22T040201Z", 40, 59, 1 << 20, 1 << 20, false,
		    false },
		{ "2026-11-22T040201Z", 500, 500, 1 << 20, 1 << 20, false,
		    false },
		{ "2026-11-22T040201Z", 499, 501, 1 << 20, 1 << 20, false,
		    true },
	};
	struct snapshot s;
	char buf[256];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		memset(&s, 0, sizeof(s));
		strlcpy(s.base, rows[i].base, sizeof(s.base));
		s.linked = rows[i].linked;
		s.moved = rows[i].moved;
		s.bytes_new = rows[i].bytes_new;
		if (surge_found(&s, rows[i].received, rows[i].packed, buf,
		    sizeof(buf)) != rows[i].found)
			fail_msg("row %zu", i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notes),
		cmocka_unit_test(trees_are_counted),
		cmocka_unit_test(nameless_files_are_counted),
		cmocka_unit_test(speeds),
		cmocka_unit_test(large_snapshots_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
