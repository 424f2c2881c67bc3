/* timed.h: waiting for a while, by a clock that never jumps.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_TIMED_H
#define AOE_TIMED_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* A mutex and a condition whose timed waits go by that clock. */
void	timed_init(pthread_mutex_t *, pthread_cond_t *);

/* When such a wait ends that is to last so many nanoseconds from now. */
struct timespec timed_end(int64_t ns);

#endif
