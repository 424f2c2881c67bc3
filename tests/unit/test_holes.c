/* test_holes.c: is any of what is to be backed up a file with holes?
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#include "base.h"
#include "irsync/irsync.h"

static int
drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
remove_base(void **state)
{
	(void)state;
	close(basefd);
	return nftw(base, drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* A file of that many bytes of data and as many of a hole behind them. */
static void
put_file(const char *name, size_t data, off_t hole)
{
	int fd = openat(basefd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	char buf[8192];

	memset(buf, 'x', sizeof(buf));
	assert_true(fd != -1 && data <= sizeof(buf));
	assert_int_equal(write(fd, buf, data), data);
	assert_int_equal(ftruncate(fd, (off_t)data + hole), 0);
	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static bool
is_solid(const char *path)
{
	struct irsync_conf c = { 0 };
	bool solid;

	assert_int_equal(strv_add(&c.paths, path), 0);
	errno = 0;
	solid = paths_solid(&c);
	strv_free(&c.paths);
	return solid;
}

static void
holes_are_found(void **state)
{
	char file[128];

	(void)state;
	assert_int_equal(mkdirat(basefd, "deep", 0700), 0);
	put_file("whole", 8192, 0);
	put_file("empty", 0, 0);
	put_file("deep/whole", 8192, 0);
	assert_true(is_solid(base));
	snprintf(file, sizeof(file), "%s/deep/whole", base);
	assert_true(is_solid(file));
	put_file("deep/holes", 0, 1 << 20);
	assert_false(is_solid(base));
	snprintf(file, sizeof(file), "%s/deep/holes", base);
	assert_false(is_solid(file));
	assert_int_equal(unlinkat(basefd, "deep/holes", 0), 0);
	put_file("deep/tail", 8192, 1 << 20);
	assert_false(is_solid(base));
}

/* What cannot be looked at may have some. */
static void
doubt_is_no(void **state)
{
	char missing[128];

	(void)state;
	snprintf(missing, sizeof(missing), "%s/missing", base);
	assert_false(is_solid(missing));
	assert_false(is_solid("/dev"));	/* other file systems below it */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(holes_are_found, make_base,
		    remove_base),
		cmocka_unit_test_setup_teardown(doubt_is_no, make_base,
		    remove_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
