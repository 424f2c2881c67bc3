/* store_merge.h: what the files of the merge share: store_merge.c (folders),
 * store_names.c (the names pushed into one), store_link.c (files).
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_STORE_MERGE_H
#define BACKSHELF_STORE_MERGE_H

#include <pthread.h>

#include "store_dir.h"
#include "store_internal.h"

/* What was pushed into one folder, sorted by name. */
struct pushed {
	const char	*name;
	size_t		 at;		/* where it is in names.text */
	ino_t		 ino;
	ino_t		 lower_ino;	/* of the same name in lower */
	unsigned char	 type;		/* DT_… */
	unsigned char	 lower_type;	/* 0: lower has no such name */
	bool		 moved;		/* by an earlier run: it is in out */
};

struct names {
	struct pushed	*v;
	size_t		 n;
	size_t		 cap;
	char		*text;		/* the names, one behind the other */
	size_t		 len;
	size_t		 size;
};

/* Add one; name is valid only after names_sort.  0, or -1 with errno. */
int	names_add(struct names *, const struct dirent_at *, bool moved);
void	names_sort(struct names *);
void	names_unique(struct names *);
struct pushed	*names_find(const struct names *, const char *name);
void	names_clear(struct names *);
void	names_free(struct names *);

/* Files that names of other files are to be linked to, .push/copies: copies of
 * those that have as many links as the file system allows, each under the
 * inode number of what it was copied from; and files of base that overlayfs
 * copied up only to give them another name, under 'u' and the inode number in
 * the upper layer. */
struct copies {
	pthread_mutex_t	 lock;
	int		 push;
	int		 fd;		/* of PUSH_COPIES; -1: none needed */
	bool		 had;		/* an earlier pass has made some */
	bool		 apart;		/* base is another file system, or
					 * subvolume: nothing can be linked, and
					 * equal inode numbers mean nothing */
};

/* What one thread has at hand. */
struct merger {
	const struct merge	*m;
	struct copies		*copies;
	struct merge_stats	 st;
	struct dirents		 d;
	struct names		 names;
};

/* store_link.c: put lower's file into out, by link or by copy. */
int	link_lower(struct merger *, int lower, int out,
	    const struct dirent_at *);

/* Look at a file that was pushed: count it, remove overlayfs's own attributes,
 * notice what makes the tree unfit as a lower layer. */
int	file_pushed(struct merger *, int dirfd, const char *name,
	    unsigned char type);

/* The same for one that is shared with base, as far as base is unknown. */
int	file_linked(struct merger *, int dirfd, const char *name,
	    unsigned char type);

/* The same for one that is a copy of base's; and whether it is. */
int	file_copied(struct merger *, int dirfd, const char *name,
	    unsigned char type);
bool	file_is_copy(struct merger *, ino_t ino, ino_t original);

/* After file_pushed, of one that stands in out and whose name lower has too:
 * see whether it is lower's own, copied up for a new name's sake. */
int	file_torn(struct merger *, int lower, int out, const char *name);

/* A name of base that will not be shared: take its size off. */
int	file_hidden(struct merger *, int lower, const char *name,
	    unsigned char type);

/* MERGE_APPLY: a name of base that was counted as linked or copied, and is not
 * in the snapshot. */
int	file_uncount(struct merger *, int lower, const char *name);

int	copies_open(struct copies *, int push, int lower, int out);
void	copies_close(struct copies *);

/* Link a copy of lower's file, made if need be, into out; what a new copy takes
 * on disk is added to *bytes.  0, or -1 with errno (EEXIST: the name is there
 * already). */
int	copies_link(struct copies *, int lower, int out,
	    const struct dirent_at *, uint64_t *bytes);

/* Once all is linked: names of a copied file that were linked before the limit
 * was reached get the copy too, and names of a file that was copied up get
 * base's, so that hard links stay together. */
int	copies_relink(struct copies *, int out, struct merge_stats *);

#endif
