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

/* Remove one name from a folder, which may be changed if it is `ours`: the
 * folder above a top folder is not.  0; or -1 with errno: EISDIR if it is a
 * folder and flags do not say so, else what unlinkat(2) said in the end. */
int	dir_remove_name(int dirfd, const char *name, int flags, bool ours);

/* An entry that was read. */
struct entry {
	uint64_t	ino;
	uint32_t	name;		/* offset into names */
	uint16_t	node;		/* which of the nodes taken together */
	uint8_t		member;		/* which of its folders */
	uint8_t		type;		/* DT_* */
};

/* Entries dealt with at a time: bounded, so that memory is. */
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
 * of the room (so many such parts fit), and some in any case.  1 if the folder
 * may have more, 0 at its end, -1 with errno. */
int	batch_read(struct batch *, int fd, uint16_t node, uint8_t member,
	    size_t share);

/* Is half of the room left? */
bool	batch_has_room(const struct batch *);

/* Of the entries from the `from`th on, put folders last, in the order of their
 * names.  The first of them. */
size_t	batch_split(struct batch *, size_t from);

/* Put all of them in the order of their inodes: exactly those of one folder,
 * by long stretches those of several. */
void	batch_sort(struct batch *);

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
	_Atomic uint64_t	*v;	/* 0: this place is free */
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
 * sweep_node.c: a folder's way through a sweep.
 */

#define NAME_ROOM	24	/* a node's name may become ".sweep.N" */

/* A folder: up to SWEEP_GROUP of them, one in each tree of a group. */
struct node {
	struct node	*parent;	/* NULL: the top folders */
	struct node	*next;		/* in the stack */
	unsigned	 pending;	/* children, and the thread at work */
	unsigned	 depth;		/* 0: the top folders */
	unsigned	 passes;
	bool		 opened;
	bool		 extra;		/* counted in `extra` of the sweep */
	uint8_t		 members;	/* bits: the trees that have it */
	uint8_t		 more;		/* bits: not read to the end */
	uint8_t		 stays;		/* bits: something in it cannot go */
	uint64_t	 salt;		/* tells inodes of subvolumes apart */
	int		 fd[SWEEP_GROUP];
	char		 name[];	/* the same in all of them */
};

/* One group's sweep, shared by its threads. */
struct sweep {
	const struct sweep_opts	 *opts;
	const struct sweep_item	 *items;
	size_t			  n;	/* of items: at most SWEEP_GROUP */
	bool			  measure;
	unsigned		  depth_max;
	struct inoset		 *set;	/* NULL: links are counted */
	struct sweep_result	 *res;	/* under lock */
	struct links		 *links;	/* under lock; or NULL */
	int			  errnum;	/* of the first problem; under
					 * lock */
	pthread_mutex_t		  lock;
	pthread_cond_t		  wake;
	struct node		 *stack;	/* under lock */
	size_t			  queued;	/* in it; under lock */
	size_t			  extra;	/* descriptors of nodes that
						 * were taken beside another;
						 * under lock */
	size_t			  extra_max;
	struct worker		 *workers;
	unsigned		  jobs;		/* at most so many of them */
	struct node		 *top;
	unsigned		  waiting;	/* threads; under lock */
	unsigned		  cuts;	/* names given; under lock */
	bool			  done;	/* under lock */
};

/* A thread and what it alone writes. */
struct worker {
	struct sweep		*s;
	struct batch		 batch;
	struct node		**nodes;	/* taken: whose entries they
						 * are */
	size_t			 n;		/* of them */
	size_t			 ended, to_end;	/* of them, once their entries
						 * are gone; under the lock */
	size_t			 fds;		/* that those but one have */
	/* What it has yet to deal with, under the sweep's lock: */
	size_t			 next, end;	/* numbers of entries */
	struct worker		*of;		/* in whose batch: its own, or
						 * one that it helps with */
	unsigned		 helpers;	/* threads that help with its
						 * own, or with its nodes */
	struct sweep_result	 res;	/* added up in the end */
	pthread_t		 thread;
};

/* A new node, in no stack yet; its first unit of `pending` is for whoever works
 * at it.  NULL with errno ENOMEM. */
struct node	*node_new(struct node *parent, const char *name);

/* Put a chain of n nodes on the stack.  Under the lock. */
void	node_push(struct sweep *, struct node *first, struct node *last,
	    unsigned n);

/* Something of member m of the node cannot go: say so, and leave the folders
 * that it is in.  name: an entry of the node, or NULL: the node itself. */
void	node_problem(struct sweep *, struct node *, unsigned m,
	    const char *name, int errnum);

/* Open its folders. */
void	node_open(struct worker *, struct node *);

/* It is too deep: it goes on as a child of the top. */
void	node_cut(struct worker *, struct node *);

/* One child of the node, or the work at it, is done.  If it was the last, the
 * node is ended and freed, and then perhaps the one it is in. */
void	node_release(struct worker *, struct node *);

/*
 * sweep_entry.c: what is in the folders.
 */

/* Read the next entries of the folders of the node that was taken last.  What
 * is a folder becomes a node at once. */
void	entries_read(struct worker *);

/* Deal with all that was read, with the help of threads that have nothing
 * else to do. */
void	entries_do(struct worker *);

/* Help another thread, if there is one that has much left.  Under the lock,
 * which it lets go of meanwhile.  False if there is none. */
bool	entries_help(struct worker *);

/*
 * sweep.c
 */

/* Is it to end between two files? */
bool	sweep_stopped(const struct sweep *);

/* Read trees, of which one after the other is gone through.  With a set, only
 * what is new in it counts; else with the links, only those whose last one is
 * seen.  Of these two one is NULL.  Ends early, as if stopped, when it is full.
 * Otherwise as sweep_measure. */
int	sweep_read(const struct sweep_item *, size_t n,
	    const struct sweep_opts *, struct inoset *, struct links *,
	    struct sweep_result *);

#endif
