/* test_irsync_textfile.c: small files read whole.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "irsync/textfile.h"

/* Make a file of n bytes; its name is borrowed. */
static const char *
file_of(size_t n)
{
	static char name[64];
	char *data = calloc(1, n + 1);
	int fd;

	strcpy(name, "/tmp/test_textfile.XXXXXX");
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
		text = textfile_read(name, rows[i].max, &len);
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
	text = textfile_read("/proc/self/smaps", 16 << 20, &len);
	assert_non_null(text);
	assert_true(len > 8192);
	assert_non_null(strstr(text, "[stack]"));
	free(text);
	assert_null(textfile_read("/proc/self/smaps", 8192, &len));
	assert_int_equal(errno, EFBIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_says_it_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
