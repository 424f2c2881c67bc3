/* textfile.c: small files read whole and replaced whole.
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

#include "textfile.h"

/* Up to max bytes, and one more to see that there are more.  What the file
 * says of its size is a guess: those of /proc say 0. */
static char *
read_fd(int fd, size_t guess, size_t max, size_t *len)
{
	size_t size = guess < max ? guess + 2 : max + 2;
	char *buf, *larger;
	ssize_t n = 1;

	*len = 0;
	buf = malloc(size);
	while (buf != NULL && *len <= max &&
	    (n = read(fd, buf + *len, size - 1 - *len)) > 0) {
		if ((*len += (size_t)n) < size - 1 || *len > max)
			continue;
		size = size < max / 2 ? 2 * size : max + 2;
		if ((larger = realloc(buf, size)) == NULL)
			free(buf);
		buf = larger;
	}
	if (buf != NULL && n != -1 && *len <= max) {
		buf[*len] = '\0';
		return buf;
	}
	if (buf != NULL && n != -1)
		errno = EFBIG;
	free(buf);
	return NULL;
}

char *
textfile_read(const char *path, size_t max, size_t *len)
{
	struct stat st;
	char *buf = NULL;
	int fd, saved;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return NULL;
	if (fstat(fd, &st) == 0) {
		if (S_ISREG(st.st_mode))
			buf = read_fd(fd, st.st_size < (off_t)max ?
			    (size_t)st.st_size + 4096 : max, max, len);
		else
			errno = EINVAL;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return buf;
}

static int
write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	for (; len > 0; data += n, len -= (size_t)n)
		if ((n = write(fd, data, len)) == -1)
			return -1;
	return 0;
}

/* The folder of a path, made if it is missing; a descriptor, or -1. */
static int
open_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int fd = -1;

	if ((dir = slash == NULL ? strdup(".") :
	    strndup(path, slash == path ? 1 : (size_t)(slash - path))) == NULL)
		return -1;
	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	return fd;
}

int
textfile_replace(const char *path, const char *data, size_t len, mode_t mode)
{
	char *temp = NULL;
	int dir, fd = -1, rc = -1, saved;

	if ((dir = open_folder(path)) == -1)
		return -1;
	if (asprintf(&temp, "%s.XXXXXX", path) == -1) {
		temp = NULL;
		goto out;
	}
	if ((fd = mkostemp(temp, O_CLOEXEC)) == -1)
		goto out;
	rc = write_all(fd, data, len) == -1 || fchmod(fd, mode) == -1 ||
	    fsync(fd) == -1 ? -1 : 0;
	if (close(fd) == -1)
		rc = -1;
	if (rc == 0)
		rc = rename(temp, path) == -1 || fsync(dir) == -1 ? -1 : 0;
	if (rc == -1) {
		saved = errno;
		(void)unlink(temp);
		errno = saved;
	}
out:
	saved = errno;
	free(temp);
	close(dir);
	errno = saved;
	return rc;
}
