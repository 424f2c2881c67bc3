/* store_file.h: small files of a store's own, read and replaced whole.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_STORE_FILE_H
#define BACKSHELF_STORE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Read a regular file of at most max bytes.  To be freed, with a NUL after
 * *len bytes; NULL with errno (EFBIG: longer; EINVAL: not a regular file). */
char	*file_read_at(int dirfd, const char *name, size_t max, size_t *len);

/* Replace a file by rename: a reader sees the old text or the new.  With
 * `sync`, the new one is on stable storage when this returns.  0, or -1 with
 * errno and the old file as it was. */
int	 file_write_at(int dirfd, const char *name, const char *text,
	    bool sync);

/* fsync(2) for a folder; file systems that cannot do that for folders keep
 * them in order by themselves. */
int	 dir_sync(int fd);

#endif
