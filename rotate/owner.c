/* owner.c: acting with the rights of a store's owner.
 *
 * Root rotates stores that belong to an unprivileged account.  It does so with
 * that account's rights, so that whatever the account (or whoever has taken it
 * over) puts into the store's way, nothing can be renamed, removed or locked
 * that the account could not have renamed, removed or locked itself.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "log.h"
#include "owner.h"

int
owner_enter(int dirfd)
{
	struct stat st;

	if (fstat(dirfd, &st) == -1)
		return -1;
	if (st.st_uid == geteuid())
		return 0;
	if (geteuid() != 0) {
		errno = EPERM;
		return -1;
	}
	if (setgroups(0, NULL) == 0 && setegid(st.st_gid) == 0 &&
	    seteuid(st.st_uid) == 0)
		return 0;
	owner_leave();
	return -1;
}

void
owner_leave(void)
{
	if (getuid() == 0 && (seteuid(0) == -1 || setegid(0) == -1))
		fatal("cannot become root again");
}
