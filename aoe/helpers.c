/* helpers.c: which helper does what, and how many there are.
 *
 * A task is given to one that is idle.  A few are started as tasks come; more,
 * twice as many each time, where those there are hardly get anything done,
 * because they hang at a disk.  So a disk that hangs holds up the others for
 * a moment only, and a thousand files are not opened by a thousand processes.
 * When nothing is left to be done they are sent away.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "helpers.h"
#include "log.h"
#include "priv_helper.h"
#include "table.h"

#define FEW		8	/* started as soon as there is work */
#define HURRY_MS	20	/* in which each is to get something done */
#define LINGER_MS	100	/* with nothing to do */

/* Something to be done. */
struct want {
	STAILQ_ENTRY(want)	 link;
	struct helper_task	 task;
	char			*name;
	char			*text;		/* or NULL */
};

/* A process. */
struct mate {
	pid_t			 pid;
	int			 fd;		/* its tasks; -1: not any more */
	struct want		*doing;		/* or NULL */
};

struct helpers {
	int			 replies;
	const char		*state_dir;
	int			 done[2];	/* a pipe: helper.done */
	struct mate		*v;
	size_t			 n;
	size_t			 busy;		/* of them */
	STAILQ_HEAD(wants, want) waiting;
	size_t			 nwaiting;
	size_t			 finished;	/* since `looked` */
	int64_t			 looked;	/* ms: whether they hurry */
	int64_t			 rested;	/* ms: since when one is idle */
};

static int64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct helpers *
helpers_new(int replies, const char *state_dir)
{
	struct helpers *h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return NULL;
	h->replies = replies;
	h->state_dir = state_dir;
	STAILQ_INIT(&h->waiting);
	if (pipe2(h->done, O_CLOEXEC) == 0 &&
	    fcntl(h->done[0], F_SETFL, O_NONBLOCK) == 0)
		return h;
	free(h);
	return NULL;
}

static void
want_free(struct want *w)
{
	if (w == NULL)
		return;
	free(w->name);
	free(w->text);
	free(w);
}

void
helpers_free(struct helpers *h)
{
	struct want *w;
	size_t i;

	if (h == NULL)
		return;
	for (i = 0; i < h->n; i++) {
		if (h->v[i].fd != -1)
			close(h->v[i].fd);
		want_free(h->v[i].doing);
	}
	while ((w = STAILQ_FIRST(&h->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&h->waiting, link);
		want_free(w);
	}
	close(h->done[0]);
	close(h->done[1]);
	free(h->v);
	free(h);
}

static struct want *
want_new(const struct priv_request *rq, const struct row *r)
{
	struct want *w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	w->task.type = (uint32_t)rq->type;
	w->task.id = rq->id;
	if (r != NULL) {
		w->task.ro = r->ro;
		w->task.direct = r->direct;
	}
	if ((w->name = strdup(r != NULL ? r->file : rq->name)) == NULL ||
	    (rq->len > 0 && (w->text = malloc(rq->len)) == NULL)) {
		want_free(w);
		return NULL;
	}
	w->task.name_len = (uint32_t)strlen(w->name) + 1;
	w->task.text_len = (uint32_t)rq->len;
	if (rq->len > 0)
		memcpy(w->text, rq->text, rq->len);
	return w;
}

/* Nobody will do it. */
static void
refuse(const struct helpers *h, const struct want *w, int error)
{
	const struct priv_reply rp = { .id = w->task.id, .error = error,
	    .image = IMAGE_NONE };

	if (priv_send(h->replies, &rp, NULL, NULL, MSG_DONTWAIT) == -1)
		log_debug("nobody reads what was asked for");
}

/* 0, or -1 with errno. */
static int
mate_start(struct helpers *h)
{
	struct helper one = { .replies = h->replies, .done = h->done[1],
	    .state_dir = h->state_dir };
	struct mate *v;
	int fds[2], saved;

	v = reallocarray(h->v, h->n + 1, sizeof(*v));
	if (v == NULL)
		return -1;
	h->v = v;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == -1)
		return -1;
	one.tasks = fds[1];
	v[h->n] = (struct mate){ .pid = helper_start(&one), .fd = fds[0] };
	saved = errno;
	close(fds[1]);
	if (v[h->n].pid == -1) {
		close(fds[0]);
		errno = saved;
		return -1;
	}
	h->n++;
	return 0;
}

static struct mate *
find_idle(const struct helpers *h)
{
	size_t i;

	for (i = 0; i < h->n && h->busy < h->n; i++)
		if (h->v[i].doing == NULL && h->v[i].fd != -1)
			return &h->v[i];
	return NULL;
}

/* No task comes to it any more; it ends. */
static void
send_away(struct mate *m)
{
	close(m->fd);
	m->fd = -1;
}

static void
drop_first(struct helpers *h)
{
	STAILQ_REMOVE_HEAD(&h->waiting, link);
	h->nwaiting--;
}

static void
refuse_first(struct helpers *h, int error)
{
	struct want *w = STAILQ_FIRST(&h->waiting);

	drop_first(h);
	refuse(h, w, error);
	want_free(w);
}

/* Give what waits to those that are idle. */
static void
dispatch(struct helpers *h)
{
	struct mate *m;
	struct want *w;

	while ((w = STAILQ_FIRST(&h->waiting)) != NULL) {
		if ((m = find_idle(h)) == NULL) {
			if (h->n >= FEW || mate_start(h) == -1)
				break;
			continue;
		}
		if (helper_hand(m->fd, &w->task, w->name, w->text) == 0) {
			drop_first(h);
			m->doing = w;
			h->busy++;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			send_away(m);	/* it has been killed */
		} else
			refuse_first(h, errno);
	}
}

int
helpers_ask(struct helpers *h, const struct priv_request *rq,
    const struct row *r)
{
	struct want *w;

	if (r != NULL && strlen(r->file) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((w = want_new(rq, r)) == NULL)
		return -1;
	if (STAILQ_EMPTY(&h->waiting)) {
		h->looked = clock_ms();
		h->finished = 0;
	}
	STAILQ_INSERT_TAIL(&h->waiting, w, link);
	h->nwaiting++;
	helpers_turn(h);
	return 0;
}

size_t
helpers_busy(const struct helpers *h)
{
	return h->busy + h->nwaiting;
}

static struct mate *
find_pid(const struct helpers *h, pid_t pid)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->v[i].pid == pid)
			return &h->v[i];
	return NULL;
}

/* It has done what it was given, or never will. */
static void
finish(struct helpers *h, struct mate *m)
{
	want_free(m->doing);
	m->doing = NULL;
	h->busy--;
	h->finished++;
	h->rested = clock_ms();
}

/* Take what they say of what they have done. */
static void
collect(struct helpers *h)
{
	struct mate *m;
	pid_t pid;

	while (read(h->done[0], &pid, sizeof(pid)) == (ssize_t)sizeof(pid))
		if ((m = find_pid(h, pid)) != NULL && m->doing != NULL)
			finish(h, m);
}

bool
helpers_reaped(struct helpers *h, pid_t pid, int status)
{
	struct mate *m;

	collect(h);
	if ((m = find_pid(h, pid)) == NULL)
		return false;
	if (m->doing != NULL) {
		refuse(h, m->doing, WIFSIGNALED(status) ? EINTR : EIO);
		finish(h, m);
	}
	if (m->fd != -1)
		close(m->fd);
	*m = h->v[--h->n];
	return true;
}

/* Each that is there has something to do, and most have not finished anything
 * for a while: they wait for a disk, not for the processor. */
static void
call_more(struct helpers *h)
{
	size_t more = h->n < h->nwaiting ? h->n : h->nwaiting;
	bool slow = h->finished < h->n;

	h->looked = clock_ms();
	h->finished = 0;
	while (slow && more-- > 0 && mate_start(h) == 0)
		;
}

int
helpers_fd(const struct helpers *h)
{
	return h->done[0];
}

static int64_t
due(const struct helpers *h)
{
	size_t i;

	if (!STAILQ_EMPTY(&h->waiting))
		return h->looked + HURRY_MS;
	for (i = 0; i < h->n; i++)
		if (h->v[i].doing == NULL && h->v[i].fd != -1)
			return h->rested + LINGER_MS;
	return INT64_MAX;
}

int
helpers_timeout(const struct helpers *h)
{
	int64_t until = due(h), now = clock_ms();

	if (until == INT64_MAX)
		return -1;
	return until > now ? (int)(until - now) : 0;
}

void
helpers_turn(struct helpers *h)
{
	size_t i;

	collect(h);
	dispatch(h);
	/* Without any process nothing would ever be done. */
	while (!STAILQ_EMPTY(&h->waiting) && h->n == 0)
		refuse_first(h, EAGAIN);
	if (due(h) > clock_ms())
		return;
	if (!STAILQ_EMPTY(&h->waiting)) {
		call_more(h);
		dispatch(h);
		return;
	}
	for (i = 0; i < h->n; i++)
		if (h->v[i].doing == NULL && h->v[i].fd != -1)
			send_away(&h->v[i]);
}
