/* detached.h: threads that nobody joins.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_DETACHED_H
#define AOE_DETACHED_H

/* Run a function in a thread with a small stack, which whoever starts it counts
 * for himself.  0, or an errno, as pthread_create(3). */
int	detached_start(void *(*)(void *), void *arg);

#endif
