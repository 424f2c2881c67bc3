/* confine.h: giving up rights, on both sides of priv.h.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_CONFINE_H
#define AOE_CONFINE_H

#include <sys/types.h>

#include <stdbool.h>

/* Whom the serving process runs as. */
struct confine_user {
	char	name[64];
	uid_t	uid;
	gid_t	gid;
	bool	change;		/* false: we are nobody special already */
};

/* Look up the user of that name; NULL: _aoed, or nobody where there is no
 * _aoed.  Not root.  0, or -1 with a message in *why. */
int	confine_find(const char *name, struct confine_user *, char *why,
	    size_t size);

/* The parent: keep the capabilities that it can have a use for, and no way to
 * new ones.  0, or -1 with errno. */
int	confine_parent(void);

/* The child, step by step, before its second thread: become the user, without
 * any capability; then no path, no new process, none but the system calls of
 * SANDBOX_SERVE.  What the kernel does not know is said in the log.  Ends the
 * process if it cannot be done. */
void	confine_child_user(const struct confine_user *);
void	confine_child_sandbox(void);

/* The child, once its threads have their rings. */
void	confine_child_seal(void);

#endif
