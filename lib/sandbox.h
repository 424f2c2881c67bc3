/* sandbox.h: giving rights up for good.  Every rule of every confined process
 * of the toolkit is on one page, sandbox.c.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SANDBOX_H
#define BACKSHELF_SANDBOX_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

enum sandbox_profile {
	SANDBOX_RSYNC,		/* an rsync that a stranger talks to */
	SANDBOX_COMMAND,	/* a program that the operator lets a stranger
				 * start: it may use the network and start
				 * others, but gains no rights */
	SANDBOX_SERVE,		/* threads that serve a network from descriptors
				 * they hold or are handed */
	SANDBOX_SERVING		/* on top of that in all threads of a process,
				 * once each has its io_uring */
};

/* What a process may do with a file or with all below a folder. */
enum sandbox_access {
	SANDBOX_READ,		/* list folders, read files */
	SANDBOX_EXEC,		/* the same, and run programs */
	SANDBOX_DEVICE,		/* read and write what is there */
	SANDBOX_WRITE,		/* all but running programs and making devices,
				 * sockets and pipes */
	SANDBOX_LINK		/* read, and link(2) files to where
				 * SANDBOX_WRITE rules.  The kernel lets a file
				 * be linked only where its rights do not grow,
				 * so it may be written to as well. */
};

struct sandbox_rule {
	const char		*path;	/* what is not there is passed over */
	enum sandbox_access	 access;
};

/* Is Landlock to be had, in a version that rsync can work under (5.19: moving
 * files between folders)? */
bool	sandbox_landlock_works(void);

/* Forbid every access to files that no rule allows, and TCP and signals to
 * the outside where the kernel can.  Also sets no_new_privs.  0, or -1 with
 * errno (ENOSYS: sandbox_landlock_works() is false). */
int	sandbox_landlock(const struct sandbox_rule *, size_t n);

/* Forbid the system calls that the profile has no use for; they fail with
 * EPERM, those of SANDBOX_SERVE with a trace (sandbox_refused()).  If `path` is
 * not NULL, SANDBOX_RSYNC can start one program only, that at this very
 * pointer, to be passed to execve(2) next.  Also sets
 * no_new_privs.  0, or -1 with errno. */
int	sandbox_seccomp(enum sandbox_profile, const char *path);

/* Number of a system call that SANDBOX_SERVE has refused since this was last
 * asked, or -1: something that is worth a line in the log. */
int	sandbox_refused(void);

/* Set the profile's resource limits.  own_user: in a user namespace of its
 * own, where processes can be counted.  0, or -1 with errno. */
int	sandbox_limits(enum sandbox_profile, bool own_user);

/* To be called first in a child that began in a new user namespace: map the
 * one user and group, by the numbers they have outside.  0, or -1 with
 * errno. */
int	sandbox_map_user(uid_t, gid_t);

#endif
