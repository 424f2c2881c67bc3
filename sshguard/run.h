/* run.h: carrying a verdict out.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_RUN_H
#define BACKSHELF_SSHGUARD_RUN_H

#include "decide.h"
#include "journal.h"

/* Run what was allowed: a push becomes a snapshot, a pull reads one.  The
 * descriptors 0 and 1 are rsync's stream and belong to it alone; they are
 * closed here.  The exit status for the client (exits.h, or rsync's own);
 * everything that happened has been told to the journal. */
int	run_verdict(const struct inquiry *, const struct verdict *,
	    const struct journal *);

/* The same folder names that run_verdict uses where all that confines a client
 * works, for showing what would be run.  host_full has room for a name. */
void	run_scene(const struct inquiry *, struct scene *, char *host_full,
	    size_t size);

#endif
