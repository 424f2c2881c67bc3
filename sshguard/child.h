/* child.h: the confined rsync process.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_CHILD_H
#define BACKSHELF_SSHGUARD_CHILD_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "sandbox.h"
#include "strv.h"
#include "jail.h"

/* Looked at every now and then while it runs. */
struct watch {
	/* May it go on?  *next_ms: ask again after so long.  False: it is
	 * killed at once. */
	bool	(*ok)(void *arg, pid_t pid, int *next_ms);
	void	*arg;
};

/* What to run and what it may do.  All is borrowed. */
struct child {
	char *const		*argv;	/* argv[0] is the program's path */
	char *const		*envp;	/* NULL: empty */
	const struct jail	*jail;	/* a root of its own; NULL: none, and
					 * Landlock alone confines */
	const char		*cwd;	/* without a jail: where it begins */
	const struct sandbox_rule *rules;	/* Landlock's */
	size_t			 n_rules;
	bool			 sandbox;	/* apply Landlock, seccomp and
						 * limits */
	enum sandbox_profile	 profile;
	uint64_t		 file_max;	/* bytes of any file that it
						 * writes; 0: no limit */
	unsigned		 in_kib;	/* KiB a second that it may be
						 * sent; 0: no limit */
	unsigned		 patience;	/* seconds that the client may
						 * leave its errors unread; 0:
						 * for ever */
	struct watch		 watch;		/* ok: NULL for none */
};

/* How it ended. */
struct ending {
	bool	 started;	/* the program was executed */
	bool	 stopped;	/* the watch had it killed */
	int	 status;	/* its exit status, or 128 + signal */
	char	 why[128];	/* what failed, if it was not started */
	int	 error;		/* errno of that */
	long	 seconds;	/* it took */
	uint64_t bytes_in;	/* it read, and wrote, by any descriptor */
	uint64_t bytes_out;
};

/* Run it with our descriptors 0 and 1, its errors passed on to our 2, and wait
 * until it and all that it started are gone.  Our 0 and 1 are /dev/null
 * afterwards.  SIGHUP, SIGINT and SIGTERM end it, softly first; they and
 * SIGCHLD are to be blocked by the caller.  If we are killed, so is it. */
void	child_run(const struct child *, struct ending *);

/* Block the signals that child_run awaits. */
void	child_block_signals(void);

#endif
