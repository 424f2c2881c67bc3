/* test_prune.c: taking a snapshot out of a store, beside those who read it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "one_store.h"
#include "rotate/prune.h"

static bool
there(const char *name)
{
	return faccessat(store_fd(store), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
a_reader_keeps_it(void **state)
{
	int fd;

	(void)state;
	fd = store_snapshot_open(store, STAMP);
	assert_return_code(fd, errno);
	assert_int_equal(prune_expire(store, STAMP), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_true(there(STAMP));
	close(fd);
	assert_int_equal(prune_expire(store, STAMP), 0);
	assert_false(there(STAMP));
	assert_int_equal(store_snapshot_open(store, STAMP), -1);
	assert_int_equal(errno, ENOENT);
}

static void
nothing_is_replaced(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(store_fd(store), ".expired." STAMP, 0700), 0);
	assert_int_equal(prune_expire(store, STAMP), -1);
	assert_int_equal(errno, EEXIST);
	assert_true(there(STAMP));
}

static void
a_symlink_is_no_snapshot(void **state)
{
	(void)state;
	assert_int_equal(symlinkat(STAMP, store_fd(store),
	    "2020-01-01T000000Z"), 0);
	assert_int_equal(prune_expire(store, "2020-01-01T000000Z"), -1);
	assert_true(there("2020-01-01T000000Z"));
}

/* In the order of prune.c, each step leaves what the next run needs. */
static void
records_go_after_their_snapshots(void **state)
{
	struct strv stamps = { 0 }, none = { 0 };
	struct sweep_opts opts = { .jobs = 2 };
	struct sweep_result res;

	(void)state;
	assert_int_equal(prune_expired(store, &none), 0);
	assert_int_equal(none.n, 0);
	assert_int_equal(strv_add(&stamps, STAMP), 0);
	/* The record of a snapshot that is there stays. */
	assert_int_equal(prune_forget(store, &stamps), 0);
	assert_true(there(".meta/" STAMP ".json"));

	assert_int_equal(prune_expire(store, STAMP), 0);
	assert_true(there(".meta/" STAMP ".json"));
	assert_int_equal(prune_expired(store, &none), 0);
	assert_int_equal(none.n, 1);
	assert_string_equal(none.v[0], STAMP);
	assert_int_equal(prune_forget(store, &none), 0);
	assert_false(there(".meta/" STAMP ".json"));
	assert_true(prune_remains(store, STAMP));
	assert_int_equal(prune_delete(store, &none, &opts, &res), 0);
	assert_int_equal(res.dirs, 1);
	assert_false(prune_remains(store, STAMP));
	strv_free(&none);
	strv_free(&stamps);
}

static void
a_closed_folder_goes_too(void **state)
{
	int status, fd;
	pid_t pid;

	(void)state;
	if (geteuid() == 0) {
		assert_return_code(chmod(root, 0711), errno);
		assert_return_code(fchown(store_fd(store), 64123, 64123), 0);
		assert_return_code(fchownat(store_fd(store), STAMP, 64123,
		    64123, 0), errno);
	}
	assert_return_code(fchmodat(store_fd(store), STAMP, 0, 0), errno);
	fd = store_snapshot_open(store, STAMP);
	if ((pid = fork()) == 0) {
		if (geteuid() == 0 && setresuid(64123, 64123, 64123) == -1)
			_exit(99);
		/* Root reads it: it stays, and stays closed. */
		if (fd != -1 && (prune_expire(store, STAMP) != -1 ||
		    errno != EWOULDBLOCK))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	if (fd != -1)
		close(fd);
	if ((pid = fork()) == 0) {
		struct stat st;

		if (geteuid() == 0 && setresuid(64123, 64123, 64123) == -1)
			_exit(99);
		if (fstatat(store_fd(store), STAMP, &st, 0) == -1 ||
		    (st.st_mode & 07777) != 0)
			_exit(1);
		_exit(prune_expire(store, STAMP) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A restore that begins at the very moment of the rename either has the
 * snapshot, and it stays, or is told that it is gone. */
static atomic_bool over;
static atomic_uint reads, wrong;

static void *
read_on(void *arg)
{
	struct store *s = arg;
	struct stat held, named;
	int fd, i;

	while (!over) {
		if ((fd = store_snapshot_open(s, STAMP)) == -1)
			continue;
		for (i = 0; i < 20; i++)
			if (fstat(fd, &held) == -1 || fstatat(store_fd(s),
			    STAMP, &named, AT_SYMLINK_NOFOLLOW) == -1 ||
			    held.st_ino != named.st_ino)
				wrong++;
		reads++;
		close(fd);
	}
	return NULL;
}

static void
readers_and_rotation_exclude_each_other(void **state)
{
	struct store *again = store_open(root, "host", 0);
	pthread_t thread;
	unsigned expired = 0, i;

	(void)state;
	assert_non_null(again);
	over = false;
	assert_int_equal(pthread_create(&thread, NULL, read_on, again), 0);
	for (i = 0; i < 200000 && (expired < 500 || reads < 500); i++)
		if (prune_expire(store, STAMP) == 0) {
			expired++;
			assert_int_equal(renameat(store_fd(store),
			    ".expired." STAMP, store_fd(store), STAMP), 0);
		}
	over = true;
	pthread_join(thread, NULL);
	store_close(again);
	assert_int_equal(wrong, 0);
	assert_in_range(expired, 1, 200000);
	assert_in_range(reads, 1, UINT32_MAX);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_store, remove_store)
	const struct CMUnitTest tests[] = {
		T(a_reader_keeps_it),
		T(nothing_is_replaced),
		T(a_symlink_is_no_snapshot),
		T(records_go_after_their_snapshots),
		T(a_closed_folder_goes_too),
		T(readers_and_rotation_exclude_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
