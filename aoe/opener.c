/* opener.c: a few threads that run jobs which may hang.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "detached.h"
#include "log.h"
#include "opener.h"
#include "timed.h"

STAILQ_HEAD(jobs, job);

struct opener {
	pthread_mutex_t	 lock;		/* of all below */
	pthread_cond_t	 ended;		/* a thread has */
	struct jobs	 todo;
	struct jobs	 done;
	unsigned	 threads;
	unsigned	 max;
	int		 notify_fd;
	bool		 quit;
};

struct opener *
opener_new(int notify_fd, unsigned max)
{
	struct opener *o;

	if ((o = calloc(1, sizeof(*o))) == NULL)
		return NULL;
	timed_init(&o->lock, &o->ended);
	STAILQ_INIT(&o->todo);
	STAILQ_INIT(&o->done);
	o->max = max;
	o->notify_fd = notify_fd;
	return o;
}

static void *
thread_main(void *arg)
{
	struct opener *o = arg;
	uint64_t one = 1;
	struct job *j;

	pthread_mutex_lock(&o->lock);
	while (!o->quit && (j = STAILQ_FIRST(&o->todo)) != NULL) {
		STAILQ_REMOVE_HEAD(&o->todo, link);
		pthread_mutex_unlock(&o->lock);
		j->run(j);
		pthread_mutex_lock(&o->lock);
		STAILQ_INSERT_TAIL(&o->done, j, link);
		/* Fails only when it is full of notes. */
		if (!o->quit && write(o->notify_fd, &one, sizeof(one)) == -1)
			log_debug("opener: eventfd");
	}
	o->threads--;
	pthread_cond_signal(&o->ended);
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

/* The lock is held. */
static int
thread_start(struct opener *o)
{
	int rc = detached_start(thread_main, o);

	if (rc == 0)
		o->threads++;
	return rc;
}

void
opener_run(struct opener *o, struct job *j)
{
	uint64_t one = 1;
	int rc = 0;

	pthread_mutex_lock(&o->lock);
	STAILQ_INSERT_TAIL(&o->todo, j, link);
	if (o->threads < o->max)
		rc = thread_start(o);
	if (rc != 0 && o->threads == 0) {
		/* Nobody else would ever do it. */
		STAILQ_REMOVE(&o->todo, j, job, link);
		pthread_mutex_unlock(&o->lock);
		j->run(j);
		pthread_mutex_lock(&o->lock);
		STAILQ_INSERT_TAIL(&o->done, j, link);
		if (write(o->notify_fd, &one, sizeof(one)) == -1)
			log_debug("opener: eventfd");
	}
	pthread_mutex_unlock(&o->lock);
}

struct job *
opener_done(struct opener *o)
{
	struct job *j;

	pthread_mutex_lock(&o->lock);
	if ((j = STAILQ_FIRST(&o->done)) != NULL)
		STAILQ_REMOVE_HEAD(&o->done, link);
	pthread_mutex_unlock(&o->lock);
	return j;
}

bool
opener_stop(struct opener *o, unsigned ms)
{
	struct timespec end = timed_end((int64_t)ms * 1000000);
	bool idle;

	pthread_mutex_lock(&o->lock);
	o->quit = true;
	while (o->threads > 0 && pthread_cond_timedwait(&o->ended, &o->lock,
	    &end) != ETIMEDOUT)
		;
	idle = o->threads == 0;
	if (idle)
		STAILQ_CONCAT(&o->done, &o->todo);
	pthread_mutex_unlock(&o->lock);
	return idle;
}

void
opener_free(struct opener *o)
{
	(void)pthread_cond_destroy(&o->ended);
	(void)pthread_mutex_destroy(&o->lock);
	free(o);
}
