/* timed.c: waiting for a while, by a clock that never jumps.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "timed.h"

#define SECOND	INT64_C(1000000000)

void
timed_init(pthread_mutex_t *lock, pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void)pthread_mutex_init(lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
}

struct timespec
timed_end(int64_t ns)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	ns += end.tv_nsec;
	end.tv_sec += ns / SECOND;
	end.tv_nsec = ns % SECOND;
	return end;
}
