/* image.h: the file or device behind a row, open and looked at.  This is what
 * needs rights, and what may take for ever where a disk hangs.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_IMAGE_H
#define AOE_IMAGE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

struct row;

struct image {
	int		 fd;		/* -1: none */
	int		 fd_plain;	/* the same without O_DIRECT, or -1 */
	uint64_t	 bytes;
	dev_t		 dev;		/* which file it is */
	ino_t		 ino;
	bool		 regular;	/* a file, no device */
	bool		 fuse;		/* on FUSE, where even to ask what would
					 * have to wait may hang */
};

#define IMAGE_NONE	((struct image){ .fd = -1, .fd_plain = -1 })

/* Open a row's file as the row wants it, and measure it.  Only regular files
 * and block devices are served.  0, or -1 with errno and nothing open. */
int	image_open(const struct row *, struct image *);

/* Measure what img->fd is: bytes, dev and ino.  0, or -1 with errno. */
int	image_measure(struct image *);

/* Close what is open of it. */
void	image_close(struct image *);

#endif
