/* job.h: one verdict being carried out; what run.c, push.c and pull.c share.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_JOB_H
#define BACKSHELF_SSHGUARD_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "child.h"
#include "decide.h"
#include "jail.h"
#include "journal.h"
#include "sandbox.h"
#include "store.h"
#include "strv.h"

#define RULES_MAX	64	/* of Landlock; more snapshots: one for all */
#define NAME_SIZE	(STORE_HOST_MAX + 16)

/* One verdict being carried out. */
struct job {
	const struct inquiry	*q;
	const struct verdict	*v;
	const struct journal	*j;
	char			 full[NAME_SIZE];	/* "HOST.full" */
	char			 snaps[NAME_SIZE];	/* "HOST.snaps" */
	char			 top[NAME_SIZE];	/* "/HOST.full" */
	struct jail		 jail;
	bool			 own_root;	/* the jail is used */
	struct scene		 scene;
	struct strv		 texts;		/* what scene and rules point
						 * into */
	struct strv		 linkdests;
	struct sandbox_rule	 rules[RULES_MAX];
	size_t			 n_rules;
	struct watch		 watch;		/* while it runs; or none */
	uint64_t		 file_max;	/* bytes of a file; 0: any */
};

/* run.c */

/* Empty the job, to be filled for a try. */
void	job_reset(struct job *);

/* A formatted string that lives as long as the try; NULL with errno. */
const char	*job_text(struct job *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

/* Begin the rules of Landlock with what every program needs.  0, or -1. */
int	job_rules(struct job *);

/* Allow a path, which is borrowed; NULL is one that memory was too short for.
 * 0, or -1 with errno. */
int	job_rule(struct job *, const char *path, enum sandbox_access);

/* Put a folder below the root of all stores into the jail; takes fd, which is
 * open on it.  0, or -1 with errno. */
int	job_show(struct job *, const char *name, int fd, const char *below,
	    bool writable);

/* Each snapshot that is shown is a descriptor, and the usual limit is 1024:
 * raise it as far as it goes. */
void	job_open_many(void);

/* Build the argument vector and run rsync.  0 with *e filled, or -1 with
 * errno. */
int	job_run(struct job *, struct ending *e);

/* Was rsync not started for want of something that the kernel does not let the
 * account have at all? */
bool	job_not_to_be_had(const struct ending *);

/* rsync was not started.  May it run without a jail?  If so, the next try
 * will, and that is logged; true at most once. */
bool	job_without_jail(struct job *, const struct ending *);

/* Tell that something of ours failed, by errno; or that rsync was not started.
 * The exit status for it. */
int	job_failed(const struct job *, const char *what);
int	job_not_started(const struct job *, const struct ending *);

/* Take one of the places that the policy grants the client.  BS_OK, or the
 * exit status with all told. */
int	job_sit(const struct job *, const struct store *);

/* Log how rsync ended. */
void	job_log_end(const struct job *, const char *what,
	    const struct ending *);

/* push.c, pull.c and command.c: the exit status. */
int	job_push(struct job *);
int	job_read(struct job *);
int	job_command(struct job *);

#endif
