/* proc.h: running a program that is not rsync: hooks, dumpers, curl, tc …
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef IRSYNC_PROC_H
#define IRSYNC_PROC_H

#include <stdbool.h>
#include <stddef.h>

#include "strv.h"

#define PROC_ERR	2048	/* bytes kept of the end of standard error */

/* Zero-initialise, then fill in.  All is borrowed. */
struct proc {
	/* Given. */
	const char		*path;		/* absolute */
	const struct strv	*argv;
	const struct strv	*env;		/* besides proc_env's, or
						 * NULL */
	const char		*user;		/* run it as this account, or
						 * NULL */
	const char		*input;		/* standard input, or NULL */
	size_t			 input_len;
	unsigned		 timeout;	/* seconds until it is ended;
						 * 0: none */
	bool			 detached;	/* run also when a signal has
						 * been caught */
	/* Called with each piece of standard output; non-zero ends the
	 * program.  NULL: what it prints is treated as standard error. */
	int			(*out)(void *, const char *, size_t);
	void			*arg;
	/* What came of it. */
	int			 code;		/* as spawn_wait's */
	bool			 timed_out;
	char			 err[PROC_ERR];	/* the end of standard error,
						 * not escaped, without the
						 * final newline */
};

/* Run it to its end, in a session of its own: a timeout or a signal ends all
 * of it.  Its exit status, or -1 with errno (EINTR: a signal had been caught
 * before; ENOENT: no such account). */
int	proc_run(struct proc *);

/* Why it failed: its last line, or what its status means.  Valid as long as
 * buf. */
const char	*proc_why(const struct proc *, char *buf, size_t size);

/* What every program gets for an environment: PATH, LC_ALL=C and HOME, USER,
 * LOGNAME, SSH_AUTH_SOCK, TMPDIR as we have them. */
int	proc_env(struct strv *env);

#endif
