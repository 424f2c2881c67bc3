/* store_tree.c: removing a tree that somebody else filled: a sweep of one.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "store_tree.h"
#include "sweep.h"

int
tree_remove(int dirfd, const char *name)
{
	const struct sweep_item item = { dirfd, name };
	const struct sweep_opts opts = { .jobs = 0 };

	/* Mostly there is nothing, a file or an empty folder: not worth
	 * threads. */
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR && unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		return 0;
	return sweep_remove(&item, 1, &opts, NULL);
}
