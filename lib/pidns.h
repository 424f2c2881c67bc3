/* pidns.h: a child whose descendants cannot outlive it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_PIDNS_H
#define BACKSHELF_PIDNS_H

/* For the setup function of spawn.h, as its last step: the caller splits.  One
 * process returns here, the first of a new pid namespace, to exec what is to
 * run.  The other stays behind as the one that the parent knows: it passes
 * SIGHUP, SIGINT and SIGTERM on, and ends when the first one has ended, with
 * its exit status (128 + N after signal N).  The kernel has then killed
 * everything that was started in the namespace, and whatever kills the one
 * that stayed behind does so too.
 *
 * Needs the right to make the namespace: root, or a user namespace entered
 * before.  0 in the first process, or -1 with errno. */
int	pidns_enter(void);

#endif
