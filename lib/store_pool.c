/* store_pool.c: walking up to three trees side by side with all cores.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_dir.h"
#include "store_pool.h"

#define THREADS_MAX	16

struct pool {
	const struct pool_job	*job;
	pthread_mutex_t		 lock;
	pthread_cond_t		 wake;
	struct node		*queue;
	size_t			 busy;		/* threads treating a node */
	int			 error;
	char			*where;
	size_t			 where_size;
	atomic_long		 kept;		/* nodes that are kept open */
	long			 kept_max;
};

size_t
pool_threads(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) == -1)
		return 1;
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (size_t)n;
}

static void
node_close(struct node *n)
{
	int i;

	for (i = 0; i < SIDES; i++) {
		if (n->fd[i] != -1 && n->parent != NULL)
			close(n->fd[i]);
		n->fd[i] = -1;
	}
}

/* Drop one reference, and those that this one held upwards. */
static void
node_release(struct pool *p, struct node *n)
{
	struct node *up;

	for (; n != NULL && atomic_fetch_sub(&n->refs, 1) == 1; n = up) {
		up = n->parent;
		if (n->kept) {
			node_close(n);
			atomic_fetch_sub(&p->kept, 1);
		}
		free(n);
	}
}

static struct node *
node_new(struct node *parent, const char *name)
{
	struct node *n;
	size_t len = strlen(name) + 1;
	int i;

	if ((n = calloc(1, sizeof(*n) + len)) == NULL)
		return NULL;
	memcpy(n->name, name, len);
	for (i = 0; i < SIDES; i++)
		n->fd[i] = -1;
	atomic_init(&n->refs, 1);
	if ((n->parent = parent) != NULL)
		atomic_fetch_add(&parent->refs, 1);
	return n;
}

struct node *
worker_add(struct worker *w, struct node *parent, const char *name,
    bool lower, bool upper, bool out)
{
	struct node *n;

	if ((n = node_new(parent, name)) == NULL)
		return NULL;
	n->has[LOWER] = lower;
	n->has[UPPER] = upper;
	n->has[OUT] = out;
	n->next = w->below;
	w->below = n;
	return n;
}

int
folder_open(int dirfd, const char *name, enum side side)
{
	struct stat st;
	int fd;

	if ((fd = dir_open_at(dirfd, name)) == -1) {
		if (errno != EACCES || side == LOWER ||
		    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISDIR(st.st_mode) ||
		    fchmodat(dirfd, name, (st.st_mode & 07777) | 0700, 0) == -1)
			return -1;
		return dir_open_at(dirfd, name);
	}
	if (side != LOWER && geteuid() != 0 && fstat(fd, &st) == 0 &&
	    (st.st_mode & 0700) != 0700)
		(void)fchmod(fd, (st.st_mode & 07777) | 0700);
	return fd;
}

/* Open one side of a node from the nearest kept node above it. */
static int
node_open_side(struct node *n, enum side side)
{
	struct node *at, *down;
	int fd, next;

	if (n->parent->kept)
		return folder_open(n->parent->fd[side], n->name, side);
	for (at = n->parent; !at->kept; at = at->parent)
		;
	fd = -1;
	while (at != n) {
		/* The one below `at` on the way to n. */
		for (down = n; down->parent != at; down = down->parent)
			;
		next = folder_open(fd == -1 ? at->fd[side] : fd, down->name,
		    side);
		if (fd != -1)
			close(fd);
		if ((fd = next) == -1)
			return -1;
		at = down;
	}
	return fd;
}

static int
node_open(struct node *n)
{
	int i;

	if (n->parent == NULL)
		return 0;
	for (i = 0; i < SIDES; i++)
		if (n->has[i] &&
		    (n->fd[i] = node_open_side(n, (enum side)i)) == -1)
			return -1;
	return 0;
}

int
node_path(const struct node *n, char *buf, size_t size)
{
	size_t pos = size - 1, len;
	int rc = 0;

	buf[pos] = '\0';
	for (; n != NULL && n->parent != NULL; n = n->parent) {
		len = strlen(n->name);
		if (len + 1 > pos) {
			errno = ENAMETOOLONG;
			rc = -1;
			break;
		}
		if (buf[pos] != '\0')
			buf[--pos] = '/';
		pos -= len;
		memcpy(buf + pos, n->name, len);
	}
	memmove(buf, buf + pos, size - pos);
	return rc;
}

/* Treat one node; what it added comes back in w->below. */
static void
treat(struct worker *w, struct node *n)
{
	struct pool *p = w->pool;
	int error = 0;

	w->below = NULL;
	/* A failure that forgot to say which is no success. */
	if (node_open(n) == -1 || p->job->treat(w, n) == -1)
		error = errno != 0 ? errno : EIO;
	if (error != 0) {
		pthread_mutex_lock(&p->lock);
		if (p->error == 0) {
			p->error = error;
			(void)node_path(n, p->where, p->where_size);
		}
		pthread_mutex_unlock(&p->lock);
	}
	if (n->parent == NULL)
		return;
	if (w->below != NULL &&
	    atomic_fetch_add(&p->kept, 1) < p->kept_max)
		n->kept = true;
	else {
		if (w->below != NULL)
			atomic_fetch_sub(&p->kept, 1);
		node_close(n);
	}
}

static void
queue_push(struct pool *p, struct node *list)
{
	struct node *n;

	while ((n = list) != NULL) {
		list = n->next;
		n->next = p->queue;
		p->queue = n;
	}
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;
	struct node *n;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (p->queue == NULL && p->busy > 0 && p->error == 0)
			pthread_cond_wait(&p->wake, &p->lock);
		if (p->queue == NULL || p->error != 0)
			break;
		n = p->queue;
		p->queue = n->next;
		p->busy++;
		pthread_mutex_unlock(&p->lock);
		treat(w, n);
		pthread_mutex_lock(&p->lock);
		queue_push(p, w->below);
		node_release(p, n);
		p->busy--;
		pthread_cond_broadcast(&p->wake);
	}
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* A third of the descriptors we may have, three to a node. */
static long
kept_max(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur < 64)
		return 4;
	return rl.rlim_cur > 8192 ? 8192 / 9 : (long)rl.rlim_cur / 9;
}

/* Start the other threads, with every signal blocked: handlers run in the
 * thread that called us.  How many came up. */
static size_t
threads_start(struct worker *w, pthread_t *id, size_t want)
{
	sigset_t all, old;
	size_t n;

	sigfillset(&all);
	if (pthread_sigmask(SIG_BLOCK, &all, &old) != 0)
		return 0;
	for (n = 0; n < want; n++)
		if (pthread_create(&id[n], NULL, work, &w[n + 1]) != 0)
			break;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return n;
}

static void
top_init(struct node *top, const struct pool_job *job)
{
	int i;

	for (i = 0; i < SIDES; i++) {
		top->fd[i] = job->fd[i];
		top->has[i] = job->fd[i] != -1;
	}
	top->kept = true;
	top->mode = job->mode;
	top->rest = job->rest;
}

int
pool_run(const struct pool_job *job, char *where, size_t size)
{
	struct pool p = { .job = job, .where = where, .where_size = size };
	struct worker w[THREADS_MAX];
	pthread_t id[THREADS_MAX];
	struct node *n;
	size_t i, started;

	where[0] = '\0';
	if ((p.queue = node_new(NULL, "")) == NULL)
		return -1;
	top_init(p.queue, job);
	pthread_mutex_init(&p.lock, NULL);
	pthread_cond_init(&p.wake, NULL);
	atomic_init(&p.kept, 1);
	p.kept_max = kept_max();
	for (i = 0; i < job->threads; i++)
		w[i] = (struct worker){ .pool = &p, .arg = job->args[i] };
	started = threads_start(w, id, job->threads - 1);
	work(&w[0]);
	for (i = 0; i < started; i++)
		pthread_join(id[i], NULL);
	while ((n = p.queue) != NULL) {
		p.queue = n->next;
		node_release(&p, n);
	}
	pthread_cond_destroy(&p.wake);
	pthread_mutex_destroy(&p.lock);
	errno = p.error;
	return p.error != 0 ? -1 : 0;
}
