/* usage.h: how much of the disk a tree takes.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_USAGE_H
#define BACKSHELF_SSHGUARD_USAGE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "stamp.h"

#define USAGE_DEPTH	400	/* folders in folders that are looked into */

/* Zero-initialise; what is found is added. */
struct usage {
	uint64_t	bytes;		/* of disk blocks */
	uint64_t	millis;		/* thousandths of files and folders */
	bool		hidden;		/* a folder could not be looked into */
};

/* Add what is below folder `name` of dirfd, and itself.  A file of N names
 * counts as an Nth for each, so that a whole store comes out right.  Files
 * that came to be before `since` do not count (NULL: all do), where the file
 * system knows.  Entry `skip` of the top folder is left out (NULL: none).
 * What goes away meanwhile does not count.  Follows no link, crosses no
 * mount.  0; -1 with errno if the top folder cannot be read. */
int	usage_add(int dirfd, const char *name, const char *skip,
	    const struct timespec *since, struct usage *);

/* Add the files without a name that a process, or one that it started, has
 * open. */
void	usage_add_unnamed(pid_t, struct usage *);

/* What a store's snapshots take, as noted after the last push. */
struct usage_note {
	char		stamp[STAMP_SIZE];	/* the newest then, or "" */
	uint64_t	trees;			/* snapshots there were */
	uint64_t	bytes;
	uint64_t	files;
};

#define USAGE_NOTE	".usage"	/* its name in HOST.snaps */

/* Read and write its text.  0, or -1 if it is not one. */
int	usage_note_parse(const char *, struct usage_note *);
int	usage_note_load(int dirfd, struct usage_note *);
int	usage_note_save(int dirfd, const struct usage_note *);

#endif
