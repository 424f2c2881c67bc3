/* secluded.c: the words that rsync's --secluded-args (-s, in older versions
 * --protect-args) sends on the stream in the place of its command's.
 * In: bytes of a client's choosing.  Out: words, or what is wrong.
 *
 * send_protected_args() of rsync's rsync.c writes them, each with its NUL, an
 * empty one last, before the protocol's first byte.  rsync's server would read
 * them from the stream; ours is run without -s and finds the stream as it is
 * after them, so not a byte more may be read here.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "secluded.h"

static int
bad(struct diag *d, const char *msg)
{
	d->line = d->col = 0;
	snprintf(d->msg, sizeof(d->msg), "--secluded-args: %s", msg);
	return -1;
}

int
secluded_take(struct secluded *s, char c, struct diag *d)
{
	char *p;

	if (++s->total > SECLUDED_MAX)
		return bad(d, "too long");
	if (s->len == s->size) {
		if ((p = realloc(s->word, s->size + 256)) == NULL)
			return bad(d, "out of memory");
		s->word = p;
		s->size += 256;
	}
	s->word[s->len++] = c;
	if (c != '\0')
		return 0;
	if (s->len == 1)
		return 1;
	s->len = 0;
	if (s->words.n == SECLUDED_WORDS)
		return bad(d, "too many words");
	return strv_add(&s->words, s->word) == -1 ?
	    bad(d, "out of memory") : 0;
}

void
secluded_free(struct secluded *s)
{
	strv_free(&s->words);
	free(s->word);
	memset(s, 0, sizeof(*s));
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int
secluded_read(int fd, int wait_ms, struct secluded *s, struct diag *d)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t end = now_ms() + wait_ms, left;
	ssize_t n;
	char c;
	int rc = 0;

	while (rc == 0) {
		if ((left = end - now_ms()) <= 0)
			return bad(d, "it does not come");
		if (poll(&p, 1, (int)left) < 1)
			continue;
		if ((n = read(fd, &c, 1)) == 1)
			rc = secluded_take(s, c, d);
		else if (n == 0)
			return bad(d, "it breaks off");
		else if (errno != EINTR && errno != EAGAIN)
			return bad(d, strerror(errno));
	}
	return rc == 1 ? 0 : -1;
}
