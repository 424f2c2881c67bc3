/* sweep.h: removing trees that somebody else filled, folders side by side, and
 * measuring what removing them would free.
 *
 * Nothing is followed: no symlink, no mount point, no "..", and no path is
 * built from names.  Names may hold any bytes, folders may hold any number of
 * entries, be nested to any depth and forbid being entered, as long as we may
 * change that.  What cannot be removed is reported, and the rest goes on.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SWEEP_H
#define BACKSHELF_SWEEP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A tree: a name in a folder that is open.  Borrowed. */
struct sweep_item {
	int		 dirfd;
	const char	*name;		/* one component */
};

/* Zero-initialise.  All is borrowed. */
struct sweep_opts {
	unsigned	jobs;		/* threads; 0: as many as processors */
	/* If not NULL: once it is not 0, the sweep ends between two files. */
	const volatile sig_atomic_t *stop;
	/* If not NULL: called for what could not be removed or measured, from
	 * any thread, one call at a time.  path is for people only. */
	void		(*problem)(void *arg, const char *path, int errnum);
	void		*arg;
};

struct sweep_result {
	uint64_t	files;		/* removed, or seen: all but folders */
	uint64_t	dirs;
	uint64_t	problems;
	uint64_t	bytes;		/* measured: disk blocks that would be
					 * free, in bytes */
	bool		at_least;	/* measured: not all could be seen */
	bool		stopped;	/* by opts->stop */
};

/* Remove the trees (or files; what is not there counts as removed).  Trees
 * that share files by hard link go faster in one call, because entries of the
 * same inode are then removed together.  The result may be NULL.  0, or -1
 * with errno of the first problem, EINTR if stopped. */
int	sweep_remove(const struct sweep_item *, size_t n,
	    const struct sweep_opts *, struct sweep_result *);

/* What would removing all these trees free?  Blocks of a file count if every
 * link to it is in one of them.  0, or -1 with errno of the first problem. */
int	sweep_measure(const struct sweep_item *, size_t n,
	    const struct sweep_opts *, struct sweep_result *);

#endif
