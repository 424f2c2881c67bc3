/* session.c: how many connections of a client are served at a time.
 * Each place is a file, HOST.snaps/.session.N, and whoever has locked it sits
 * there; a process that dies frees its place, whatever it died of.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "session.h"

int
session_take(int dirfd, unsigned max)
{
	char name[32];
	unsigned i;
	int fd;

	for (i = 0; i < max; i++) {
		snprintf(name, sizeof(name), ".session.%u", i);
		if ((fd = openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW |
		    O_CLOEXEC, 0600)) == -1)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;	/* stays open: that is the place */
		if (errno != EWOULDBLOCK) {
			close(fd);
			return -1;
		}
		close(fd);
	}
	errno = EWOULDBLOCK;
	return -1;
}
