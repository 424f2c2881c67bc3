/* test_secluded.c: the words that --secluded-args sends on the stream.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <unistd.h>

#include "sshguard/secluded.h"

/* Feed bytes; the result of the last one, and how many were taken. */
static int
feed(struct secluded *s, const char *buf, size_t len, size_t *taken,
    struct diag *d)
{
	int rc = 0;

	memset(s, 0, sizeof(*s));
	memset(d, 0, sizeof(*d));
	for (*taken = 0; rc == 0 && *taken < len; ++*taken)
		rc = secluded_take(s, buf[*taken], d);
	return rc;
}

static void
words_come_out_as_sent(void **state)
{
	static const char block[] = "rsync\0--delete\0.\0h.full/a\nb\0\0rest";
	struct secluded s;
	struct diag d;
	size_t n;

	(void)state;
	assert_int_equal(feed(&s, block, sizeof(block), &n, &d), 1);
	assert_int_equal(sizeof(block) - 1 - n, 4);
	assert_int_equal(s.words.n, 4);
	assert_string_equal(s.words.v[0], "rsync");
	assert_string_equal(s.words.v[3], "h.full/a\nb");
	secluded_free(&s);
	assert_int_equal(feed(&s, "\0x", 2, &n, &d), 1);
	assert_int_equal(n, 1);
	assert_int_equal(s.words.n, 0);
	secluded_free(&s);
	assert_int_equal(feed(&s, "rsync\0.", 7, &n, &d), 0);
	secluded_free(&s);
}

static void
the_block_is_bounded(void **state)
{
	char *buf = malloc(SECLUDED_MAX + 8);
	struct secluded s;
	struct diag d;
	size_t n;

	(void)state;
	assert_non_null(buf);
	memset(buf, 'a', SECLUDED_MAX + 8);
	assert_int_equal(feed(&s, buf, SECLUDED_MAX + 8, &n, &d), -1);
	assert_int_equal(n, SECLUDED_MAX + 1);
	assert_non_null(strstr(d.msg, "too long"));
	secluded_free(&s);
	buf[SECLUDED_MAX - 2] = buf[SECLUDED_MAX - 1] = '\0';
	assert_int_equal(feed(&s, buf, SECLUDED_MAX + 8, &n, &d), 1);
	secluded_free(&s);
	for (n = 0; n < SECLUDED_WORDS + 1; n++)
		memcpy(buf + 2 * n, "a", 2);
	memset(buf + 2 * SECLUDED_WORDS, 0, 1);
	assert_int_equal(feed(&s, buf, 2 * SECLUDED_WORDS + 1, &n, &d), 1);
	assert_int_equal(s.words.n, SECLUDED_WORDS);
	secluded_free(&s);
	memcpy(buf + 2 * SECLUDED_WORDS, "a", 2);
	assert_int_equal(feed(&s, buf, 2 * SECLUDED_WORDS + 2, &n, &d), -1);
	assert_non_null(strstr(d.msg, "too many"));
	secluded_free(&s);
	free(buf);
}

/* Not a byte more is read than belongs to the block. */
static void
the_stream_is_left_where_it_ends(void **state)
{
	struct secluded s = { 0 };
	struct diag d = { 0 };
	char rest[8] = "";
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "rsync\0.\0\0hello", 14), 14);
	assert_int_equal(secluded_read(fds[0], 1000, &s, &d), 0);
	assert_int_equal(s.words.n, 2);
	assert_int_equal(read(fds[0], rest, sizeof(rest) - 1), 5);
	assert_string_equal(rest, "hello");
	secluded_free(&s);
	assert_int_equal(write(fds[1], "rsync", 5), 5);
	assert_int_equal(secluded_read(fds[0], 20, &s, &d), -1);
	assert_non_null(strstr(d.msg, "does not come"));
	secluded_free(&s);
	close(fds[1]);
	assert_int_equal(secluded_read(fds[0], 1000, &s, &d), -1);
	assert_non_null(strstr(d.msg, "breaks off"));
	secluded_free(&s);
	close(fds[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_come_out_as_sent),
		cmocka_unit_test(the_block_is_bounded),
		cmocka_unit_test(the_stream_is_left_where_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
