/* control.c: the control socket's connections.
 * A client that sends nothing, sends garbage or does not read costs a slot
 * and nothing else: nothing here waits.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "log.h"
#include "service.h"

#define CONNS		(CONTROL_FDS - 1)
#define SETTLE_MS	5000	/* then the answer is how things stand */
#define SILENCE_MS	60000	/* a connection that says nothing ends */
#define YIELD_MS	1000	/* ... or then, if another has come */
#define DEAF_MS		1000	/* after there was no descriptor */

struct conn {
	int			 fd;	/* -1: free */
	char			*in;	/* CONTROL_LINE bytes */
	size_t			 nin;
	char			*out;	/* an answer under way, or NULL */
	size_t			 nout;
	size_t			 sent;
	bool			 waiting;	/* for req to settle */
	struct control_request	 req;
	int64_t			 deadline;	/* ms */
};

struct control {
	int		 fd;
	int		 lock;
	char		*path;
	char		*lock_path;
	struct conn	 conns[CONNS];
	int64_t		 deaf;	/* until then nobody is let in, ms */
};

void
control_claim(struct control *c)
{
	char pid[16];
	int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());

	if (ftruncate(c->lock, 0) == -1 ||
	    pwrite(c->lock, pid, (size_t)n, 0) != n)
		log_warn("%s", c->lock_path);
}

/* Listen; what an earlier daemon left there is in nobody's use, because we
 * have the lock. */
static int
listen_on(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t old;
	int fd, rc, saved;

	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	(void)unlink(path);
	old = umask(0177);
	rc = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	saved = errno;
	umask(old);
	if (rc == 0 && (rc = listen(fd, CONNS)) == -1)
		saved = errno;
	if (rc == -1) {
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

struct control *
control_open(const char *path)
{
	struct control *c;
	int i, saved;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->fd = c->lock = -1;
	for (i = 0; i < CONNS; i++)
		c->conns[i].fd = -1;
	if (asprintf(&c->lock_path, "%s.lock", path) == -1) {
		c->lock_path = NULL;
		goto fail;
	}
	if ((c->path = strdup(path)) == NULL)
		goto fail;
	c->lock = open(c->lock_path, O_RDWR | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (c->lock == -1 || flock(c->lock, LOCK_EX | LOCK_NB) == -1 ||
	    (c->fd = listen_on(path)) == -1)
		goto fail;
	control_claim(c);
	return c;
fail:
	saved = errno;
	if (c->lock != -1)
		close(c->lock);
	free(c->path);
	free(c->lock_path);
	free(c);
	errno = saved;
	return NULL;
}

void
control_child(struct control *c)
{
	close(c->lock);
	c->lock = -1;
}

void
control_parent(struct control *c)
{
	close(c->fd);
	c->fd = -1;
}

static void
conn_close(struct conn *n)
{
	close(n->fd);
	free(n->in);
	free(n->out);
	strv_free(&n->req.aliases);
	memset(n, 0, sizeof(*n));
	n->fd = -1;
}

void
control_close(struct control *c)
{
	int i;

	if (c == NULL)
		return;
	for (i = 0; i < CONNS; i++)
		if (c->conns[i].fd != -1)
			conn_close(&c->conns[i]);
	if (c->fd != -1)
		close(c->fd);
	if (c->lock != -1) {
		(void)unlink(c->path);
		/* The lock's file stays: removing it would let two daemons
		 * hold two locks of one name. */
		if (ftruncate(c->lock, 0) == -1)
			log_warn("%s", c->lock_path);
		close(c->lock);
	}
	free(c->path);
	free(c->lock_path);
	free(c);
}

size_t
control_poll(const struct control *c, struct pollfd v[CONTROL_FDS])
{
	size_t i;

	v[0] = (struct pollfd){ .fd = c->deaf > now_ms() ? -1 : c->fd,
	    .events = POLLIN };
	for (i = 0; i < CONNS; i++)
		v[i + 1] = (struct pollfd){ .fd = c->conns[i].fd,
		    .events = c->conns[i].out != NULL ? POLLOUT :
		    c->conns[i].waiting ? 0 : POLLIN };
	return CONTROL_FDS;
}

int
control_timeout(const struct control *c)
{
	int64_t now = now_ms(), left, least = -1;
	size_t i;

	if (c->deaf > now)
		least = c->deaf - now;
	for (i = 0; i < CONNS; i++) {
		if (c->conns[i].fd == -1)
			continue;
		left = c->conns[i].deadline - now;
		if (left < 0)
			left = 0;
		if (least == -1 || left < least)
			least = left;
	}
	return (int)least;
}

/* A free slot: if there is none, that of the connection which has been silent
 * or deaf for longest.  NULL: all are at work. */
static struct conn *
conn_new(struct control *c)
{
	struct conn *n, *oldest = NULL;
	size_t i;

	for (i = 0; i < CONNS; i++) {
		n = &c->conns[i];
		if (n->fd == -1)
			return n;
		if (!n->waiting && (oldest == NULL ||
		    n->deadline < oldest->deadline))
			oldest = n;
	}
	if (oldest == NULL ||
	    oldest->deadline > now_ms() + SILENCE_MS - YIELD_MS)
		return NULL;
	conn_close(oldest);
	return oldest;
}

static void
accept_conn(struct control *c)
{
	static const char busy[] = "{\"ok\":false,\"error\":\"too many are "
	    "asking at once\"}\n";
	struct conn *n;
	int fd;

	fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			c->deaf = now_ms() + DEAF_MS;
		return;
	}
	if ((n = conn_new(c)) == NULL ||
	    (n->in = malloc(CONTROL_LINE)) == NULL) {
		(void)send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL);
		close(fd);
		return;
	}
	n->fd = fd;
	n->deadline = now_ms() + SILENCE_MS;
}

/* Begin to send an answer, which is taken. */
static void
conn_answer(struct conn *n, json_t *o)
{
	char *text = NULL;
	int len;

	n->waiting = false;
	strv_free(&n->req.aliases);
	if (o != NULL)
		text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text == NULL || (len = asprintf(&n->out, "%s\n", text)) == -1) {
		n->out = NULL;
		free(text);
		conn_close(n);
		return;
	}
	free(text);
	n->nout = (size_t)len;
	n->sent = 0;
	n->deadline = now_ms() + SILENCE_MS;
}

/* One whole line has come. */
static void
conn_line(struct conn *n, struct supervisor *sv, size_t len)
{
	char msg[200];
	json_t *o;

	if (control_decode(n->in, len, &n->req, msg, sizeof(msg)) == -1)
		o = control_error(msg);
	else
		o = control_carry_out(sv, &n->req);
	/* Where nothing was to be done, nobody will wake us. */
	if (o == NULL && control_settled(sv, &n->req))
		o = control_result(sv, &n->req);
	n->nin -= len + 1;
	memmove(n->in, n->in + len + 1, n->nin);
	if (o != NULL) {
		conn_answer(n, o);
	} else {
		n->waiting = true;
		n->deadline = now_ms() + SETTLE_MS;
	}
}

static void
conn_look(struct conn *n, struct supervisor *sv)
{
	char *nl;

	if (n->out != NULL || n->waiting)
		return;
	if ((nl = memchr(n->in, '\n', n->nin)) != NULL)
		conn_line(n, sv, (size_t)(nl - n->in));
	else if (n->nin == CONTROL_LINE)
		conn_close(n);
}

static void
conn_read(struct conn *n)
{
	ssize_t got;

	got = read(n->fd, n->in + n->nin, CONTROL_LINE - n->nin);
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		conn_close(n);
		return;
	}
	n->nin += (size_t)got;
	n->deadline = now_ms() + SILENCE_MS;
}

static void
conn_write(struct conn *n)
{
	ssize_t went;

	went = send(n->fd, n->out + n->sent, n->nout - n->sent, MSG_NOSIGNAL);
	if (went == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (went == -1) {
		conn_close(n);
		return;
	}
	n->sent += (size_t)went;
	if (n->sent == n->nout) {
		free(n->out);
		n->out = NULL;
	}
}

static void
conn_turn(struct conn *n, struct supervisor *sv, short revents)
{
	if (revents & POLLOUT && n->out != NULL)
		conn_write(n);
	else if (revents & POLLIN && n->out == NULL && !n->waiting)
		conn_read(n);
	else if (revents & (POLLERR | POLLHUP | POLLNVAL))
		conn_close(n);
	if (n->fd == -1)
		return;
	if (n->waiting && (control_settled(sv, &n->req) ||
	    now_ms() >= n->deadline))
		conn_answer(n, control_result(sv, &n->req));
	else if (now_ms() >= n->deadline)
		conn_close(n);
	if (n->fd != -1)
		conn_look(n, sv);
}

void
control_turn(struct control *c, struct supervisor *sv, const struct pollfd *v,
    size_t n)
{
	size_t i;

	for (i = 1; i < n; i++)
		if (c->conns[i - 1].fd != -1)
			conn_turn(&c->conns[i - 1], sv, v[i].revents);
	if (v[0].revents & POLLIN && c->deaf <= now_ms())
		accept_conn(c);
}
