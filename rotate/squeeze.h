/* squeeze.h: making room where the rules keep more than there is place for.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SQUEEZE_H
#define BACKSHELF_SQUEEZE_H

#include "run.h"

/* The rules were carried out (or looked at): now max-size of each client, then
 * min-free and min-free-inodes of the file system that rootfd is on. */
void	squeeze(struct run *, int rootfd);

#endif
