/* prune.h: taking snapshots out of a store: the only steps of the rotation
 * that rename or remove anything.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_PRUNE_H
#define BACKSHELF_PRUNE_H

#include "store.h"
#include "strv.h"
#include "sweep.h"

/* Rename a snapshot to .expired.STAMP.  The caller holds the store's lock.  0;
 * or -1 with errno: EWOULDBLOCK, somebody is reading it and it stays; EBUSY,
 * it was pinned meanwhile and stays; EEXIST,
 * .expired.STAMP is there; … */
int	prune_expire(struct store *, const char *stamp);

/* Append the stamps of all .expired.STAMP folders, in no order.  0, or -1 with
 * errno. */
int	prune_expired(struct store *, struct strv *stamps);

/* Make the renames durable, then remove the records of the stamps that have no
 * snapshot any more.  The lock is not needed: no push makes a stamp that is no
 * newer than one it finds.  0, or -1 with errno: then nothing may be deleted
 * yet. */
int	prune_forget(struct store *, const struct strv *stamps);

/* Delete the .expired.STAMP of each stamp and all below it; the trees go
 * together.  As sweep_remove. */
int	prune_delete(struct store *, const struct strv *stamps,
	    const struct sweep_opts *, struct sweep_result *);

/* Is .expired.STAMP still there? */
bool	prune_remains(struct store *, const char *stamp);

/* What deleting these snapshots, and what an earlier run has left, would free.
 * As sweep_measure. */
int	prune_measure(struct store *, const struct strv *stamps,
	    const struct strv *expired, const struct sweep_opts *,
	    struct sweep_result *);

#endif
