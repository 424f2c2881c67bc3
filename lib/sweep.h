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
#include <stdatomic.h>
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
	/* If not NULL: files dealt with so far are added to it. */
	atomic_ullong	*seen;
	/* If not NULL: called by each thread after each SWEEP_PACE files (or
	 * what there were); it may sleep, to go easy on the disk. */
	void		(*pace)(void *pace_arg, unsigned files);
	void		*pace_arg;
};

#define SWEEP_PACE	16

struct sweep_result {
	uint64_t	files;		/* removed, or seen: all but folders */
	uint64_t	dirs;
	uint64_t	problems;
	uint64_t	bytes;		/* measured: disk blocks that would be
					 * free, in bytes */
	uint64_t	inodes;		/* measured: that would be free */
	bool		at_least;	/* measured: not all could be seen */
	bool		stopped;	/* by opts->stop */
	uint64_t	subvols;	/* removed whole: the file system frees
					 * their space later */
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

/* What a tree has that no tree before it in the list has. */
struct sweep_share {
	uint64_t	bytes;		/* disk blocks, in bytes */
	uint64_t	inodes;
};

/* Measure each tree's share: v[i] is what removing the i-th would free if those
 * behind it were removed already.  Their sum is what all of them take.  Files
 * that only links tell apart from those of a tree before are not looked at, so
 * it takes little longer than reading the folders.  Memory is bounded: where
 * there are too many files, the trees are gone through several times.  0, or
 * -1 with errno of the first problem, EINTR if stopped. */
int	sweep_shares(const struct sweep_item *, size_t n,
	    const struct sweep_opts *, struct sweep_share *v);

/*
 * sweep_subvol.c: trees that are subvolumes of a btrfs.
 */

/* Is this open folder the top of one? */
bool	subvol_is(int fd);

/* Delete a subvolume at once, whatever is in it.  0, or -1 with errno: ENOTTY,
 * it is none; EPERM, an account may not do that here, but it may sweep it (it
 * is writable then); … */
int	subvol_remove(int dirfd, const char *name);

/* Are these two on one btrfs, in whichever subvolumes? */
bool	subvol_same_disk(int, int);

/* The number of an open subvolume, or 0. */
uint64_t subvol_id(int fd);

/* As root: delete the subvolume of that number of the file system that fd is
 * on.  A number cannot be exchanged for another, as a name can.  0, or -1 with
 * errno. */
int	subvol_remove_id(int fd, uint64_t id);

#endif
