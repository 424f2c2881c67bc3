/* textfile.h: small files read whole and replaced whole.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef IRSYNC_TEXTFILE_H
#define IRSYNC_TEXTFILE_H

#include <sys/types.h>

#include <stddef.h>

/* A regular file of at most max bytes, with a NUL behind them; to be freed.
 * NULL with errno (EFBIG: longer; EINVAL: not a regular file). */
char	*textfile_read(const char *path, size_t max, size_t *len);

/* Put a file of this content and mode in its place by rename(2), after it is
 * on stable storage; a reader sees the old or the new one, whole.  The folder
 * is made (0755) if only it is missing.  0, or -1 with errno. */
int	textfile_replace(const char *path, const char *data, size_t len,
	    mode_t mode);

#endif
