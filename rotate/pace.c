/* pace.c: deleting no faster than asked: so many files a second, and not while
 * the machine is busier than so much.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <time.h>

#include "pace.h"

#define NS		INT64_C(1000000000)
#define NAP		(NS / 10)	/* how long a signal may wait */
#define LOAD_EVERY	NS

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS + ts.tv_nsec;
}

static void
sleep_ns(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NS, .tv_nsec = ns % NS };

	nanosleep(&ts, NULL);
}

static int
told_to_stop(const struct pace *p)
{
	return p->stop != NULL && *p->stop != 0;
}

void
pace_init(struct pace *p)
{
	pthread_mutex_init(&p->lock, NULL);
	p->due_ns = p->load_ns = 0;
}

/* All threads wait here, one after the other, as all of them are the load. */
static void
wait_for_load(struct pace *p)
{
	double load;

	if (now_ns() - p->load_ns < LOAD_EVERY)
		return;
	while (!told_to_stop(p) && getloadavg(&load, 1) == 1 &&
	    load > p->max_load)
		sleep_ns(NAP);
	p->load_ns = now_ns();
}

void
pace_files(void *arg, unsigned files)
{
	struct pace *p = arg;
	int64_t now, due;

	if (p->rate == 0 && p->max_load <= 0)
		return;
	pthread_mutex_lock(&p->lock);
	if (p->max_load > 0)
		wait_for_load(p);
	now = now_ns();
	/* What was not used is not saved up. */
	if (p->due_ns < now)
		p->due_ns = now;
	if (p->rate != 0)
		p->due_ns += NS * files / p->rate;
	due = p->due_ns;
	pthread_mutex_unlock(&p->lock);
	while (!told_to_stop(p) && (now = now_ns()) < due)
		sleep_ns(due - now < NAP ? due - now : NAP);
}
