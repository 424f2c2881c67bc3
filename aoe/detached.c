/* detached.c: threads that nobody joins.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <pthread.h>

#include "detached.h"

#define STACK	(256 * 1024)

int
detached_start(void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t t;
	int rc;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, STACK);
	rc = pthread_create(&t, &attr, run, arg);
	(void)pthread_attr_destroy(&attr);
	return rc;
}
