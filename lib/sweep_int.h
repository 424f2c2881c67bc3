/* sweep_int.h: what the files of the sweep share; nobody else includes it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SWEEP_INT_H
#define BACKSHELF_SWEEP_INT_H

#include <sys/stat.h>
#include <sys/types.h>

#include <pthread.h>

#include "sweep.h"

#define SWEEP_GROUP	8	/* trees swept together; bits of a uint8_t */

/*
 * sweep_dir.c: system calls on one folder.
 */

/* Open dirfd/name, a folder, for reading.  A descriptor, or -1 with errno:
 * ENOTDIR (no folder, or a symlink), EXDEV (a mount point), … */
int	dir_open(int dirfd, const char *name);

/* Give ourselves all rights on a folder: by its descriptor, or by the name it
 * has in another.  0, or -1 with errno. */
int	dir_unlock(int fd);
int	dir_unlock_at(int dirfd, const char *name);

/* An entry that was read. */
struct entry {
	uint64_t	ino;
	uint32_t	name;		/* offset into names */
	uint8_t		member;		/* which of the group's folders */
	uint8_t		type;		/* DT_* */
};

/* Entries read at a time: bounded, so that memory is. */
struct batch {
	struct entry	*v;
	size_t		 n;
	char		*names;
	size_t		 len;
	size_t		 n_max, len_max;
	char		*buf;		/* for getdents64(2) */
};

/* Make a batch for one of so many threads, which share the memory.  0, or -1
 * with errno. */
int	batch_init(struct batch *, unsigned jobs);
void	batch_free(struct batch *);
#define BATCH_NAME(b, e)	((b)->names + (e)->name)

/* Append what fits of a folder's next entries, at most about the `share`th part
 * of the room (8 such parts fit), and some in any case.  1 if the folder may
 * have more, 0 at its end, -1 with errno. */
int	batch_read(struct batch *, int fd, uint8_t member, size_t share);

/* Put folders last, in the order of their names; the rest first, in the order
 * of their inodes.  The number of those first. */
size_t	batch_sort(struct batch *);

/*
 * sweep_links.c: how many of each file's links were seen.
 */
struct links {
	struct link	*v;
	size_t		 n, size;	/* used; all, a power of two */
	size_t		 size_max;
	unsigned	 part, parts;	/* which inodes are looked at; parts: a
					 * power of two */
	atomic_bool	 full;		/* there were too many of them */
};

/* Is this inode of the part that is looked at? */
bool	links_want(const struct links *, uint64_t ino);

/* One more link to the inode was seen.  1 if that was the last of nlink, 0 if
 * there are more, -1 with errno ENOMEM, or full. */
int	links_seen(struct links *, uint64_t ino, uint64_t nlink);
void	links_free(struct links *);

/* sweep_measure, with a table that has no more places than so many. */
int	sweep_measure_within(size_t places, const struct sweep_item *, size_t n,
	    const struct sweep_opts *, struct sweep_result *);

/*
 * sweep_share.c: which inodes were seen at all, by several threads.
 */
struct inoset {
	uint64_t		*v;	/* 0: this place is free */
	size_t			 size;	/* a power of two */
	atomic_size_t		 n;
	atomic_bool		 full;
	unsigned		 part, parts;	/* which inodes are looked at */
};

/* Spread inode numbers, which often are consecutive, over all bits. */
uint64_t scatter(uint64_t ino);

/* Add an inode.  1: it is new; 0: it was there, or is not of the part that is
 * looked at; -1: there is no room. */
int	inoset_add(struct inoset *, uint64_t ino);

/*
 * sweep.c
 */

/* Read trees, of which one after the other is gone through.  With a set, only
 * what is new in it counts; else with the links, only those whose last one is
 * seen.  Of these two one is NULL.  Ends early, as if stopped, when it is full.
 * Otherwise as sweep_measure. */
int	sweep_read(const struct sweep_item *, size_t n,
	    const struct sweep_opts *, struct inoset *, struct links *,
	    struct sweep_result *);

#endif
