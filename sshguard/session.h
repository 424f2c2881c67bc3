/* session.h: how many connections of a client are served at a time.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_SESSION_H
#define BACKSHELF_SSHGUARD_SESSION_H

/* Take one of `max` places in a client's store.  It is ours until the process
 * ends.  0; -1 with errno EWOULDBLOCK if all are taken, or another. */
int	session_take(int dirfd, unsigned max);

#endif
