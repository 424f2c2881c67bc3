/* file.h: small files read whole and replaced whole.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_FILE_H
#define BACKSHELF_FILE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

/* Read a regular file of at most max bytes, which need not say its size (those
 * of /proc do not).  dirfd and name as for openat(2); file_read_at does not
 * follow a symbolic link, file_read does.  To be freed, with a NUL after *len
 * bytes; NULL with errno (EFBIG: longer; EINVAL: not a regular file). */
char	*file_read_at(int dirfd, const char *name, size_t max, size_t *len);
char	*file_read(const char *path, size_t max, size_t *len);

/* As file_read_at, for a file in a folder that others may write to: only if it
 * is root's or ours, and nobody else may change it (EPERM). */
char	*file_read_trusted_at(int dirfd, const char *name, size_t max,
	    size_t *len);

/* Put a file of this content and mode in its place by rename(2), as seen from
 * dirfd: a reader sees the old one or the new one, whole.  With `sync`, the
 * new one and its name are on stable storage when this returns.  What a crash
 * leaves is named NAME.XXXXXXXX.  0, or -1 with errno and the old file as it
 * was, unless only the folder could not be synced. */
int	 file_replace_at(int dirfd, const char *name, const void *data,
	    size_t len, mode_t mode, bool sync);

/* The same by path, with `sync`, and only if what is there is a regular file,
 * not a device, a pipe or a symbolic link (EINVAL): people type such paths.
 * With `folder`, the file's folder is made (0755) if only that is missing. */
int	 file_replace(const char *path, const void *data, size_t len,
	    mode_t mode, bool folder);

/* fsync(2) for a folder; file systems that cannot do that for folders keep
 * them in order by themselves.  0, or -1 with errno. */
int	 dir_sync(int fd);

/* Is there anything of that name in the folder, a symbolic link that leads
 * nowhere included?  1, 0, or -1 with errno. */
int	 exists_at(int dirfd, const char *name);

#endif
