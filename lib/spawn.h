/* spawn.h: starting a child with an argument vector and a clean slate, never
 * a shell.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SPAWN_H
#define BACKSHELF_SPAWN_H

#include <sys/types.h>

/* Zero-initialise, then fill in.  All is borrowed. */
struct spawn {
	const char	 *path;		/* absolute */
	char *const	 *argv;		/* argv[0] and on, NULL-terminated */
	char *const	 *envp;		/* whole environment; NULL: empty */
	int		  in;		/* the child's 0, 1, 2; -1: /dev/null */
	int		  out;
	int		  err;
	int		  namespaces;	/* CLONE_NEW* of clone(2) that it is to
					 * begin in; 0: those of its parent */
	/* Called in the child after its descriptors stand and before the
	 * exec, to enter namespaces and sandboxes.  Non-zero: the child ends
	 * with SPAWN_SETUP_FAILED and never execs.  It says why itself, on
	 * descriptor 2. */
	int		(*setup)(void *arg);
	void		 *arg;
};

#define SPAWN_EXEC_FAILED	127	/* exit status: execve(2) failed */
#define SPAWN_SETUP_FAILED	126	/* exit status: setup said no */

/* Open what is closed of the descriptors 0 to 2 on /dev/null, so that no file
 * gets such a number and then a stranger's or our own output.  To be called
 * first in main.  0, or -1 with errno. */
int	spawn_fill_fds(void);

/* Start a child: signals at their defaults, nothing blocked, no descriptor
 * above 2.  Its pid, or -1 with errno (with namespaces: EPERM, ENOSPC, EINVAL
 * or ENOSYS where they are not to be had).  With namespaces the caller must
 * have one thread only. */
pid_t	spawn_start(const struct spawn *);

/* Wait for it, through EINTR.  Its exit status, 128 + N if signal N ended it,
 * or -1 with errno. */
int	spawn_wait(pid_t);

#endif
