/* test_store_same.c: any difference but overlayfs's own makes two files two.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <fcntl.h>
#include <unistd.h>

#include "base.h"
#include "store_internal.h"

#define SIZE	100000		/* more than one read */

static int
remove_base(void **state)
{
	(void)state;
	unlinkat(basefd, "a", 0);
	unlinkat(basefd, "b", 0);
	close(basefd);
	return rmdir(base);
}

static void
set_times(const char *name, long nsec)
{
	struct timespec t[2] = { { 1, 0 }, { 1000, nsec } };

	assert_return_code(utimensat(basefd, name, t, AT_SYMLINK_NOFOLLOW),
	    errno);
}

static int
make_file(const char *name)
{
	static char text[SIZE];
	int fd;

	memset(text, 'x', sizeof(text));
	fd = openat(basefd, name, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC,
	    0640);
	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	assert_return_code(fsetxattr(fd, "user.k", "v", 1, 0), errno);
	return fd;
}

static void
change_byte(int fd)
{
	assert_int_equal(pwrite(fd, "y", 1, SIZE - 1), 1);
}

static void
change_size(int fd)
{
	assert_return_code(ftruncate(fd, SIZE - 1), errno);
}

static void
change_mode(int fd)
{
	assert_return_code(fchmod(fd, 0600), errno);
}

static void
add_attribute(int fd)
{
	assert_return_code(fsetxattr(fd, "user.l", "v", 1, 0), errno);
}

static void
change_attribute(int fd)
{
	assert_return_code(fsetxattr(fd, "user.k", "w", 1, 0), errno);
}

static void
remove_attribute(int fd)
{
	assert_return_code(fremovexattr(fd, "user.k"), errno);
}

static void
add_escaped(int fd)
{
	assert_return_code(fsetxattr(fd, "user.overlay.overlay.x", "v", 1, 0),
	    errno);
}

static void
add_overlays(int fd)
{
	assert_return_code(fsetxattr(fd, "user.overlay.origin", "v", 1, 0),
	    errno);
}

static void
test_regular(void **state)
{
	static const struct {
		const char	*what;
		void		(*change)(int);
		long		 nsec;
		int		 same;
	} rows[] = {
		{ "another last byte",	change_byte,		5, 0 },
		{ "another size",	change_size,		5, 0 },
		{ "another mode",	change_mode,		5, 0 },
		{ "one attribute more",	add_attribute,		5, 0 },
		{ "another value",	change_attribute,	5, 0 },
		{ "one attribute less",	remove_attribute,	5, 0 },
		{ "a client's own",	add_escaped,		5, 0 },
		{ "a nanosecond",	NULL,			6, 0 },
		{ "overlayfs's own",	add_overlays,		5, 1 },
		{ "nothing",		NULL,			5, 1 }
	};
	size_t i;
	int fd, rc;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		close(make_file("a"));
		fd = make_file("b");
		if (rows[i].change != NULL)
			rows[i].change(fd);
		close(fd);
		set_times("a", 5);
		set_times("b", rows[i].nsec);
		if ((rc = file_same(basefd, "a", basefd, "b")) !=
		    rows[i].same)
			fail_msg("%s: %d", rows[i].what, rc);
		assert_int_equal(file_same(basefd, "b", basefd, "a"),
		    rows[i].same);
		assert_return_code(unlinkat(basefd, "a", 0), errno);
		assert_return_code(unlinkat(basefd, "b", 0), errno);
	}
}

static void
test_others(void **state)
{
	(void)state;
	assert_int_equal(file_same(basefd, "a", basefd, "b"), -1);
	assert_int_equal(errno, ENOENT);
	assert_return_code(symlinkat("x", basefd, "a"), errno);
	assert_return_code(symlinkat("y", basefd, "b"), errno);
	set_times("a", 5);
	set_times("b", 5);
	assert_int_equal(file_same(basefd, "a", basefd, "b"), 0);
	assert_return_code(unlinkat(basefd, "b", 0), errno);
	assert_return_code(symlinkat("x", basefd, "b"), errno);
	set_times("b", 5);
	assert_int_equal(file_same(basefd, "a", basefd, "b"), 1);
	/* One file is the same as itself. */
	assert_int_equal(file_same(basefd, "a", basefd, "a"), 1);
	assert_return_code(unlinkat(basefd, "a", 0), errno);
	assert_return_code(unlinkat(basefd, "b", 0), errno);
	assert_return_code(mkfifoat(basefd, "a", 0600), errno);
	assert_return_code(mkfifoat(basefd, "b", 0600), errno);
	set_times("a", 5);
	set_times("b", 6);
	assert_int_equal(file_same(basefd, "a", basefd, "b"), 0);
	set_times("b", 5);
	assert_int_equal(file_same(basefd, "a", basefd, "b"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_regular, make_base,
		    remove_base),
		cmocka_unit_test_setup_teardown(test_others, make_base,
		    remove_base)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
