/* child.h: the confined rsync process.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_CHILD_H
#define BACKSHELF_SSHGUARD_CHILD_H

#include <sys/types.h>

#include <stdbool.h>

#include "sandbox.h"
#include "strv.h"
#include "jail.h"

/* What to run and what it may do.  All is borrowed. */
struct child {
	char *const		*argv;	/* argv[0] is the program's path */
	const struct jail	*jail;	/* a root of its own; NULL: none, and
					 * Landlock alone confines */
	const char		*cwd;	/* without a jail: where it begins */
	const struct sandbox_rule *rules;	/* Landlock's */
	size_t			 n_rules;
	bool			 sandbox;	/* apply Landlock, seccomp and
						 * limits */
};

/* How it ended. */
struct ending {
	bool	started;	/* the program was executed */
	int	status;		/* its exit status, or 128 + signal */
	char	why[128];	/* what failed, if it was not started */
	int	error;		/* errno of that */
	long	seconds;	/* it took */
};

/* Run it with our descriptors 0, 1 and 2, and wait until it and all that it
 * started are gone.  Our 0 and 1 are /dev/null afterwards.  SIGHUP, SIGINT and
 * SIGTERM end it, softly first; they and SIGCHLD are to be blocked by the
 * caller.  If we are killed, so is it. */
void	child_run(const struct child *, struct ending *);

/* Block the signals that child_run awaits. */
void	child_block_signals(void);

#endif
