/* store_visit.h: walking one tree, one entry after the other.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_STORE_VISIT_H
#define BACKSHELF_STORE_VISIT_H

#include <stdbool.h>

#include "store_dir.h"

struct visit {
	/* An entry of folder dirfd that is no folder.  0, or -1 with errno,
	 * which ends the walk.  It may remove or replace the entry. */
	int	(*file)(struct visit *, int dirfd, const struct dirent_at *);
	/* A folder in dirfd, before it is walked: 1 to leave it out, 0, or -1
	 * with errno.  It may remove it.  NULL: 0. */
	int	(*below)(struct visit *, int dirfd, const struct dirent_at *);
	/* A folder, when its entries have been seen, but not what is below
	 * the folders in it.  NULL: nothing. */
	int	(*dir)(struct visit *, int fd);
	void	*arg;		/* the caller's */
	bool	 committed;	/* it is a snapshot: open it as it is, or not
				 * at all */
	/* The walk's own. */
	struct dirents	 d;
	struct node	*at;
};

/* Walk.  0 or -1 with errno. */
int	visit_run(struct visit *, int fd);

/* In `file`: the path of the folder, "" for the top.  0; -1 with errno
 * ENAMETOOLONG. */
int	visit_path(const struct visit *, char *buf, size_t size);

#endif
