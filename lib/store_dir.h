/* store_dir.h: reading a folder's entries by getdents64(2): large batches, the
 * kernel's type and inode number of each entry, no allocation per entry.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_STORE_DIR_H
#define BACKSHELF_STORE_DIR_H

#include <sys/types.h>

#include <limits.h>
#include <stddef.h>

#define DIRENTS_BUF	(128 * 1024)	/* bytes read at once */

/* A reader; its buffer serves one folder after the other. */
struct dirents {
	int	 fd;		/* borrowed */
	char	*buf;
	size_t	 len;		/* bytes in buf */
	size_t	 pos;
};

struct dirent_at {
	const char	*name;	/* valid until the next dirents_next */
	ino_t		 ino;
	unsigned char	 type;	/* DT_REG …, never DT_UNKNOWN */
};

/* Allocate the buffer.  0, or -1 with errno. */
int	dirents_init(struct dirents *);
void	dirents_fini(struct dirents *);

/* Read this folder from its beginning.  0, or -1 with errno. */
int	dirents_start(struct dirents *, int fd);

/* The next entry, without "." and "..".  1, 0 at the end, or -1 with errno. */
int	dirents_next(struct dirents *, struct dirent_at *);

/* Open a folder of a folder: never through a symlink.  Descriptor or -1. */
int	dir_open_at(int dirfd, const char *name);

/* The same by a path without "..", folder by folder; "" is that folder. */
int	dir_open_below(int dirfd, const char *path);

/* Make a folder unless it is there, and open it. */
int	dir_make_at(int dirfd, const char *name, mode_t);

/* Take the first component off a path without leading slashes.  1; 0 if there
 * is none left; or -1 with errno ENAMETOOLONG. */
int	path_part(const char **path, char part[NAME_MAX + 1]);

#endif
