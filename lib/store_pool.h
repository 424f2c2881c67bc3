/* store_pool.h: walking up to three trees side by side with all cores.
 *
 * A node is one folder, the same name in each tree that has it.  A worker opens
 * a node, has the caller's function treat it, and queues the nodes that this
 * function added below it.  The last one queued is the first one taken, so
 * that few folders are open at any time; where they are too many after all,
 * folders are closed and opened again from the nearest open one above.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_STORE_POOL_H
#define BACKSHELF_STORE_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "store_internal.h"

enum side {
	LOWER,
	UPPER,
	OUT,
	SIDES
};

struct node {
	struct node	*parent;	/* NULL: the top */
	struct node	*next;		/* in a queue */
	atomic_int	 refs;		/* itself, and nodes below it */
	int		 fd[SIDES];	/* -1: not open, or not there */
	bool		 kept;		/* fd[] stay open for nodes below */
	bool		 has[SIDES];	/* in which trees it is */
	int		 mode;		/* the caller's */
	const char	*rest;		/* the caller's */
	struct dir_times times;		/* the caller's */
	char		 name[];
};

/* Open a folder of a side.  What is not committed yet may have any mode; it is
 * ours, and an ordinary user's folders get their owner's rights in the end
 * anyway.  Descriptor, or -1 with errno. */
int	folder_open(int dirfd, const char *name, enum side);

struct pool;

/* One thread's part. */
struct worker {
	struct pool	*pool;
	struct node	*below;		/* added by the function */
	void		*arg;		/* the caller's, of this thread */
};

struct pool_job {
	/* Treat an open node.  0, or -1 with errno, which ends the walk. */
	int	(*treat)(struct worker *, struct node *);
	void	**args;		/* one for each thread */
	size_t	  threads;	/* at least 1 */
	int	  fd[SIDES];	/* the tops; -1: not there; borrowed */
	int	  mode;		/* of the top node */
	const char *rest;
};

/* How many threads are worth while here. */
size_t	 pool_threads(void);

/* Walk.  0; or -1 with errno of the first failure, and where it was in
 * `where`. */
int	 pool_run(const struct pool_job *, char *where, size_t size);

/* In the function: queue folder `name` of the node.  has[] says in which trees
 * it is.  The new node, to set mode and rest; NULL with errno ENOMEM. */
struct node	*worker_add(struct worker *, struct node *, const char *name,
		    bool lower, bool upper, bool out);

/* "a/b/c" of a node, "" for the top.  0; or -1 with errno ENAMETOOLONG and its
 * end in buf. */
int	 node_path(const struct node *, char *buf, size_t size);

#endif
