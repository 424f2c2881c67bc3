/* relay.c: what rsync says on descriptor 2, passed on to the client.
 *
 * A client that does not read its error stream would make rsync wait in
 * write(2), where its --timeout does not count, and hold the store's lock for
 * as long as it likes (--msgs2stderr -vvvv is enough).  So rsync gets a pipe of
 * ours; a client that has read nothing for the time that the policy grants a
 * silent one is not written to any more, and rsync goes on.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "relay.h"

int64_t
relay_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
relay_init(struct relay *r, int from, int to, unsigned patience)
{
	r->from = from;
	r->to = to;
	r->patience = patience;
	r->since = relay_now();
	r->deaf = false;
	r->n = 0;
	(void)fcntl(from, F_SETFL, O_NONBLOCK);
}

int
relay_poll(const struct relay *r, struct pollfd p[2])
{
	int64_t left;

	p[0].fd = r->n < sizeof(r->buf) ? r->from : -1;
	p[0].events = POLLIN;
	p[1].fd = r->n > 0 && !r->deaf ? r->to : -1;
	p[1].events = POLLOUT;
	p[0].revents = p[1].revents = 0;
	if (p[1].fd == -1 || r->patience == 0)
		return -1;
	left = r->since + (int64_t)r->patience * 1000 - relay_now();
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Take what rsync says. */
static void
take(struct relay *r)
{
	ssize_t n;

	if (r->n == 0)
		r->since = relay_now();
	n = read(r->from, r->buf + r->n, sizeof(r->buf) - r->n);
	if (n > 0)
		r->n += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		r->from = -1;
}

/* The client can take a little: poll(2) promises room for PIPE_BUF bytes in a
 * pipe, and a socket takes one message of that size. */
static void
give(struct relay *r)
{
	ssize_t n;

	n = write(r->to, r->buf, r->n < PIPE_BUF ? r->n : PIPE_BUF);
	if (n > 0) {
		r->n -= (size_t)n;
		memmove(r->buf, r->buf + n, r->n);
		r->since = relay_now();
	} else if (errno != EAGAIN && errno != EINTR)
		r->deaf = true;
}

void
relay_move(struct relay *r, const struct pollfd p[2])
{
	if (p[0].fd != -1 && p[0].revents != 0)
		take(r);
	if (p[1].fd != -1 && (p[1].revents & POLLOUT) != 0)
		give(r);
	else if (p[1].fd != -1 && p[1].revents != 0)
		r->deaf = true;
	if (r->n > 0 && r->patience != 0 &&
	    relay_now() - r->since >= (int64_t)r->patience * 1000)
		r->deaf = true;
	if (r->deaf)
		r->n = 0;
}

void
relay_finish(struct relay *r, int wait_ms)
{
	int64_t end = relay_now() + wait_ms, left;
	struct pollfd p[2];

	while ((r->from != -1 || r->n > 0) &&
	    (left = end - relay_now()) > 0) {
		(void)relay_poll(r, p);
		/* What it left is there already: no waiting for more. */
		if (poll(p, 2, p[1].fd != -1 ? (int)left : 0) == 0)
			return;
		relay_move(r, p);
	}
}
