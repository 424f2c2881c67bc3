/* store_tree.h: removing a tree that somebody else filled.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_STORE_TREE_H
#define BACKSHELF_STORE_TREE_H

/* Remove dirfd/name and all below it, whatever it is.  Follows no symlink,
 * crosses no mount, takes any names, any depth (it uses a bounded number of
 * descriptors and no recursion), and folders whose mode forbids entering them
 * if we own them.  0 also if there was nothing; -1 with errno of the first
 * failure, after removing what else could be. */
int	tree_remove(int dirfd, const char *name);

#endif
