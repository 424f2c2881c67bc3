/* decide.h: may this client have this run, and what is it that runs?
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_DECIDE_H
#define BACKSHELF_SSHGUARD_DECIDE_H

#include <stdbool.h>

#include "policy.h"
#include "rsyncopt.h"
#include "strv.h"

/* What is known when a client connects.  All is borrowed. */
struct inquiry {
	const struct policy	*policy;
	const char		*client;	/* whose key it was */
	const char		*address;	/* NULL: not over the network */
	const char		*command;	/* SSH_ORIGINAL_COMMAND; NULL:
						 * none, a shell was wanted */
	const struct strv	*rest;		/* what --secluded-args sent;
						 * NULL: not read */
	unsigned		 minute;	/* of the day, local time */
};

enum verdict_kind {
	VERDICT_REFUSED,	/* `reason` says why, and what would do */
	VERDICT_SHELL,		/* refused: an interactive shell */
	VERDICT_SECLUDED,	/* read inquiry's `rest`, and judge again */
	VERDICT_TRUE,		/* "true": a check of the connection */
	VERDICT_COMMAND,	/* one of the policy's own */
	VERDICT_PUSH,
	VERDICT_PULL
};

/* Zero-initialise; free with verdict_free. */
struct verdict {
	enum verdict_kind		 kind;
	char				 reason[512];	/* printable */
	const struct policy_client	*who;	/* NULL: not in the policy */
	struct rsync_request		 rq;	/* push and pull */
	bool				 dry_run; /* nothing may change */
	struct strv			 command; /* one of the policy's */
	/* a push: */
	char				*subdir; /* below HOST.full: "", "a/b" */
	bool				 slash;	 /* it ended in a slash */
	/* a pull: */
	struct strv	 paths;		/* "HOST.full/…", "HOST.snaps/…" */
	struct strv	 stamps;	/* snapshots that must be there */
	bool		 all;		/* all of them must be */
	bool		 full;		/* HOST.full must be there */
	bool		 meta;		/* the records must be there */
};

/* Judge.  Pure: the inquiry alone decides.  Where memory is too short, the
 * verdict is a refusal. */
void	decide(const struct inquiry *, struct verdict *v);
void	verdict_free(struct verdict *);

/* Where the store stands for the rsync that will run. */
struct scene {
	const char	*rsync;		/* absolute path of the program */
	const char	*dest;		/* push: the folder that is HOST.full */
	const char	*host;		/* the client's name */
	const char	*full;		/* pull: what HOST.full is called there;
					 * NULL: just that */
	const char	*confine;	/* --confine-root; NULL: rsync has not
					 * got it, or there is no need */
	const struct strv *linkdests;	/* push: absolute folders; or NULL */
	bool		 labelled;	/* push: the server puts attributes of
					 * its own on files (SELinux) */
	bool		 walled;	/* no link leads to anything that the
					 * client may not have: rsync need not
					 * open each folder on the way to each
					 * file, if it can be told so */
};

/* The argument vector for a push or pull that was allowed, built from what was
 * understood of the command; not a word of the client's is passed through.
 * 0, or -1 with errno ENOMEM. */
int	decide_argv(const struct verdict *, const struct scene *,
	    struct strv *argv);

#endif
