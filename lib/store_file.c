/* store_file.c: small files of the store's own, read and replaced whole.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_internal.h"

/* Read a regular file of at most max bytes.  To be freed, with a NUL after
 * *len bytes; NULL with errno (EFBIG: longer; EINVAL: not a regular file). */
char *
file_read_at(int dirfd, const char *name, size_t max, size_t *len)
{
	struct stat st;
	char *buf = NULL;
	size_t have = 0;
	ssize_t n;
	int fd;

	if ((fd = openat(dirfd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) == -1)
		return NULL;
	if (fstat(fd, &st) == -1)
		goto fail;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		goto fail;
	}
	if ((buf = malloc(max + 1)) == NULL)
		goto fail;
	while ((n = read(fd, buf + have, max + 1 - have)) > 0)
		have += (size_t)n;
	if (n == -1)
		goto fail;
	if (have > max) {
		errno = EFBIG;
		goto fail;
	}
	close(fd);
	buf[have] = '\0';
	*len = have;
	return buf;
fail:
	free(buf);
	close(fd);
	return NULL;
}

static int
write_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n)
		if ((n = write(fd, p, len)) == -1) {
			if (errno != EINTR)
				return -1;
			n = 0;
		}
	return 0;
}

/* Replace a file by rename: a reader sees the old text or the new.  With
 * `sync`, the new one is on stable storage when this returns.  0, or -1 with
 * errno and the old file as it was. */
int
file_write_at(int dirfd, const char *name, const char *text, bool sync)
{
	char tmp[80];
	int fd, saved;

	if (snprintf(tmp, sizeof(tmp), "%s.tmp", name) >= (int)sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (unlinkat(dirfd, tmp, 0) == -1 && errno != ENOENT)
		return -1;
	if ((fd = openat(dirfd, tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1)
		return -1;
	if (write_all(fd, text, strlen(text)) == -1 ||
	    (sync && fsync(fd) == -1)) {
		saved = errno;
		close(fd);
		errno = saved;
		goto fail;
	}
	if (close(fd) == -1 || renameat(dirfd, tmp, dirfd, name) == -1)
		goto fail;
	return sync ? dir_sync(dirfd) : 0;
fail:
	saved = errno;
	(void)unlinkat(dirfd, tmp, 0);
	errno = saved;
	return -1;
}

/* fsync(2) for a folder; file systems that cannot do that for folders keep
 * them in order by themselves. */
int
dir_sync(int fd)
{
	return fsync(fd) == -1 && errno != EINVAL ? -1 : 0;
}
