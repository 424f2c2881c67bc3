/* file.c: small files read whole and replaced whole.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#define GUESS	4096	/* bytes, where a file does not say its size */

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

/* May we do what this file tells us to? */
static bool
is_trusted(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) &&
	    (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static char *
read_at(int dirfd, const char *name, int flags, bool trusted, size_t max,
    size_t *len)
{
	struct stat st;
	char *buf = NULL;
	int fd, saved;

	/* O_NONBLOCK: a pipe in the file's place must not hang us. */
	if ((fd = openat(dirfd, name,
	    O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags)) == -1)
		return NULL;
	if (fstat(fd, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			errno = EINVAL;
		else if (trusted && !is_trusted(&st))
			errno = EPERM;
		else
			buf = read_fd(fd, st.st_size < (off_t)max ?
			    (size_t)st.st_size + GUESS : max, max, len);
	}
	saved = errno;
	close(fd);
	errno = saved;
	return buf;
}

char *
file_read_at(int dirfd, const char *name, size_t max, size_t *len)
{
	return read_at(dirfd, name, O_NOFOLLOW, false, max, len);
}

char *
file_read_trusted_at(int dirfd, const char *name, size_t max, size_t *len)
{
	return read_at(dirfd, name, O_NOFOLLOW, true, max, len);
}

char *
file_read(const char *path, size_t max, size_t *len)
{
	return read_at(AT_FDCWD, path, 0, false, max, len);
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

/* A new file beside the one of that name; its own name is in temp. */
static int
temp_make(int dirfd, const char *name, char *temp, size_t size)
{
	int fd = -1, tries;

	for (tries = 0; fd == -1 && tries < 100; tries++) {
		if (snprintf(temp, size, "%s.%08x", name,
		    (unsigned)arc4random()) >= (int)size) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if ((fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, 0600)) == -1 && errno != EEXIST)
			return -1;
	}
	return fd;
}

int
file_replace_at(int dirfd, const char *name, const void *data, size_t len,
    mode_t mode, bool sync)
{
	char temp[PATH_MAX];
	int fd, rc, saved;

	if ((fd = temp_make(dirfd, name, temp, sizeof(temp))) == -1)
		return -1;
	rc = write_all(fd, data, len) == -1 || fchmod(fd, mode) == -1 ||
	    (sync && fsync(fd) == -1) ? -1 : 0;
	saved = errno;
	if (close(fd) == -1 && rc == 0)
		rc = -1;
	else
		errno = saved;
	if (rc == 0 && renameat(dirfd, temp, dirfd, name) == 0)
		return sync ? dir_sync(dirfd) : 0;
	saved = errno;
	(void)unlinkat(dirfd, temp, 0);
	errno = saved;
	return -1;
}

/* Is there nothing in the way, or a file?  A rename would put one in the place
 * of /dev/null or /dev/stdout just as well.  0, or -1 with errno. */
static int
may_replace(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	if (S_ISREG(st.st_mode))
		return 0;
	errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	return -1;
}

int
file_replace(const char *path, const void *data, size_t len, mode_t mode,
    bool folder)
{
	const char *slash = strrchr(path, '/'), *name;
	char *dir;
	int fd = -1, rc = -1, saved;

	if ((dir = slash == NULL ? strdup(".") :
	    strndup(path, slash == path ? 1 : (size_t)(slash - path))) == NULL)
		return -1;
	if ((!folder || mkdir(dir, 0755) == 0 || errno == EEXIST) &&
	    (fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) != -1) {
		name = slash == NULL ? path : slash + 1;
		rc = may_replace(fd, name) == -1 ? -1 :
		    file_replace_at(fd, name, data, len, mode, true);
		saved = errno;
		close(fd);
		errno = saved;
	}
	free(dir);
	return rc;
}

int
dir_sync(int fd)
{
	return fsync(fd) == -1 && errno != EINVAL ? -1 : 0;
}

int
exists_at(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}
