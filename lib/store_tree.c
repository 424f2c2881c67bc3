/* store_tree.c: removing a tree that somebody else filled: a sweep of one.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stddef.h>

#include "store_tree.h"
#include "sweep.h"

int
tree_remove(int dirfd, const char *name)
{
	const struct sweep_item item = { dirfd, name };
	const struct sweep_opts opts = { .jobs = 0 };

	return sweep_remove(&item, 1, &opts, NULL);
}
