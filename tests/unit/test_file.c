/* test_file.c: small files read whole and replaced whole.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

/* Make a file of n bytes; its name is borrowed. */
static const char *
file_of(size_t n)
{
	static char name[64];
	char *data = calloc(1, n + 1);
	int fd;

	strcpy(name, "/tmp/test_file.XXXXXX");
	fd = mkstemp(name);
	assert_true(fd != -1 && data != NULL);
	memset(data, 'x', n);
	assert_int_equal(write(fd, data, n), n);
	close(fd);
	free(data);
	return name;
}

static void
test_limits(void **state)
{
	static const struct {
		size_t	size, max;
		bool	whole;
	} rows[] = {
		{ 1, 0, false },
		{ 11, 10, false },
		{ 100000, 4096, false },
		{ 10001, 10000, false },
		{ 0, 0, true },
		{ 0, 10, true },
		{ 10, 10, true },
		{ 4096, 1 << 20, true },
		{ 100000, 100000, true },
	};
	const char *name;
	size_t i, len;
	char *text;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		name = file_of(rows[i].size);
		errno = 0;
		text = file_read(name, rows[i].max, &len);
		if (rows[i].whole) {
			assert_non_null(text);
			assert_int_equal(len, rows[i].size);
			assert_int_equal(strlen(text), len);
		} else {
			assert_null(text);
			assert_int_equal(errno, EFBIG);
		}
		free(text);
		unlink(name);
	}
}

/* A file of /proc says that it is empty; a machine's mounts are many. */
static void
test_says_it_is_empty(void **state)
{
	size_t len;
	char *text;

	(void)state;
	text = file_read("/proc/self/smaps", 16 << 20, &len);
	assert_non_null(text);
	assert_true(len > 8192);
	assert_non_null(strstr(text, "[stack]"));
	free(text);
	assert_null(file_read("/proc/self/smaps", 8192, &len));
	assert_int_equal(errno, EFBIG);
}

/* How many names there are in the folder that we are in. */
static int
names_here(void)
{
	DIR *d = opendir(".");
	int n = -2;			/* . and .. */

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* The old file or the new one, whole, and nothing else. */
static void
test_replace(void **state)
{
	char dir[] = "/tmp/test_file.XXXXXX", *text;
	struct stat st;
	size_t len;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(file_replace("no/f", "x", 1, 0600, false), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(file_replace("no/no/f", "x", 1, 0600, true), -1);
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(file_replace("d", "x", 1, 0600, false), -1);
	assert_int_equal(names_here(), 1);
	assert_int_equal(file_replace("new/f", "", 0, 0644, true), 0);
	assert_int_equal(file_replace("f", "old", 3, 0600, false), 0);
	assert_int_equal(symlink("f", "link"), 0);
	/* As /dev/null and /dev/stdout are. */
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(file_replace("pipe", "x", 1, 0600, false), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(unlink("pipe"), 0);
	assert_int_equal(file_replace("link", "x", 1, 0600, false), -1);
	assert_int_equal(lstat("link", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(file_replace_at(AT_FDCWD, "f", "n\0w", 3, 0644,
	    false), 0);
	assert_int_equal(names_here(), 4);
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	text = file_read("link", 10, &len);
	assert_int_equal(len, 3);
	assert_memory_equal(text, "n\0w", 4);
	free(text);
	text = file_read_trusted_at(AT_FDCWD, "f", 10, &len);
	assert_non_null(text);
	free(text);
	assert_int_equal(chmod("f", 0620), 0);
	assert_null(file_read_trusted_at(AT_FDCWD, "f", 10, &len));
	assert_int_equal(errno, EPERM);
	if (geteuid() == 0) {
		assert_int_equal(chmod("f", 0600), 0);
		assert_int_equal(chown("f", 1, 1), 0);
		assert_null(file_read_trusted_at(AT_FDCWD, "f", 10, &len));
		assert_int_equal(errno, EPERM);
	}
	assert_null(file_read_trusted_at(AT_FDCWD, "link", 10, &len));
	assert_int_equal(errno, ELOOP);
	assert_null(file_read_at(AT_FDCWD, "link", 10, &len));
	assert_int_equal(errno, ELOOP);
	assert_null(file_read_at(AT_FDCWD, "d", 10, &len));
	assert_int_equal(errno, EINVAL);
	unlink("link");
	unlink("f");
	unlink("new/f");
	rmdir("new");
	rmdir("d");
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_says_it_is_empty),
		cmocka_unit_test(test_replace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
