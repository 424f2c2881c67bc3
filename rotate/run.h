/* run.h: one rotation of all stores below a root, and what became of it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_RUN_H
#define BACKSHELF_RUN_H

#include <signal.h>
#include <stdbool.h>

#include "pace.h"
#include "pin.h"
#include "plan.h"
#include "progress.h"
#include "retention.h"
#include "strv.h"
#include "sweep.h"

/* What became of a snapshot. */
enum outcome {
	OUTCOME_KEEP,		/* the plan keeps it */
	OUTCOME_DROP,		/* the plan drops it: not done (yet) */
	OUTCOME_REMOVED,	/* it is gone */
	OUTCOME_LEFT,		/* taken out of the store, but not all of it
				 * could be deleted yet */
	OUTCOME_READ,		/* dropped, but being read: it stays */
	OUTCOME_FAILED		/* dropped, but it could not be renamed */
};

/* What became of an unfinished push. */
enum push_outcome {
	PUSH_NONE,		/* there is none */
	PUSH_WAITS,		/* it may still be taken up */
	PUSH_STALE,		/* older than push-age: not done (yet) */
	PUSH_DISCARDED,
	PUSH_FAILED		/* it could not be discarded */
};

struct client {
	char			*host;
	const struct retention	*r;	/* borrowed */
	time_t			 now;	/* when it was looked at */
	struct snapshot		*snaps;	/* oldest first */
	size_t			 n;
	struct plan		 plan;
	enum outcome		*outcome;	/* of each */
	struct pins		 pins;
	time_t			 push_last;	/* when it was written */
	enum push_outcome	 push;
	size_t			 leftovers;	/* .expired.* found there */
	struct sweep_result	 swept;	/* what was deleted; or, of a dry run,
					 * what would be.  bytes: of a real
					 * one, by how much more became free
					 * meanwhile */
	bool			 looked;	/* leftovers were counted */
	bool			 busy;	/* a push was running: left alone */
	bool			 failed;	/* it could not be looked at */
	struct strv		 warnings;	/* printable */
};

/* What a file system has; bytes and inodes that an account may use. */
struct space {
	uint64_t	bytes, inodes;		/* that are free */
	uint64_t	all_bytes, all_inodes;	/* inodes 0: no limit */
};

/* The caller zero-initialises and fills in the first part. */
struct run {
	const char			*root;	/* all of it borrowed */
	const struct retention_conf	*conf;
	time_t				 began;
	bool				 dry;	/* look, and change nothing */
	unsigned			 jobs;	/* 0: as many as processors */
	const volatile sig_atomic_t	*stop;
	struct pace			*pace;		/* or NULL */
	struct progress			*progress;

	struct client	*v;
	size_t		 n;
	struct space	 before, after;
	struct strv	 warnings;	/* of the file system; printable */
	bool		 stopped;
};

/* The exit statuses of a run: a monitoring plugin's. */
enum {
	RUN_OK		= 0,
	RUN_WARNING	= 1,	/* done; somebody should look at something */
	RUN_CRITICAL	= 2	/* something was not done */
};

/* Rotate.  What goes wrong with one client is a warning of that client.  0, or
 * -1 with errno: nothing was done (EWOULDBLOCK: another run is at it). */
int	run_all(struct run *);

/* Was it told to stop? */
bool	run_is_stopped(const struct run *);

/* Warn about all of it: to stderr, to the log unless nothing is done anyway,
 * and for the report. */
void	run_warn(struct run *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

/* What is free on the file system of an open folder; zeros if it is not known. */
struct space	space_of(int fd);

/* The exit status that fits what became of it. */
int	run_status(const struct run *);

void	run_free(struct run *);

#endif
