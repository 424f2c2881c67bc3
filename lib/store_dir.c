/* store_dir.c: reading a folder's entries.
 * In: a descriptor of a folder.  Out: names, types, inode numbers.  Where a
 * file system does not tell the type it is looked up, without following.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_dir.h"

int
dirents_init(struct dirents *d)
{
	memset(d, 0, sizeof(*d));
	d->fd = -1;
	return (d->buf = malloc(DIRENTS_BUF)) == NULL ? -1 : 0;
}

void
dirents_fini(struct dirents *d)
{
	free(d->buf);
	d->buf = NULL;
}

int
dirents_start(struct dirents *d, int fd)
{
	d->fd = fd;
	d->len = d->pos = 0;
	return lseek(fd, 0, SEEK_SET) == -1 ? -1 : 0;
}

static int
entry_type(int dirfd, struct dirent_at *e)
{
	struct stat st;

	if (fstatat(dirfd, e->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	e->type = IFTODT(st.st_mode);
	return 0;
}

static int
is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' ||
	    (name[1] == '.' && name[2] == '\0'));
}

int
dirents_next(struct dirents *d, struct dirent_at *e)
{
	const struct dirent64 *de;
	long n;

	for (;;) {
		if (d->pos == d->len) {
			if ((n = syscall(SYS_getdents64, d->fd, d->buf,
			    DIRENTS_BUF)) <= 0)
				return (int)n;
			d->len = (size_t)n;
			d->pos = 0;
		}
		/* The kernel aligns each record. */
		de = (const void *)(d->buf + d->pos);
		d->pos += de->d_reclen;
		if (is_dots(de->d_name))
			continue;
		e->name = de->d_name;
		e->ino = de->d_ino;
		e->type = de->d_type;
		if (e->type == DT_UNKNOWN && entry_type(d->fd, e) == -1) {
			if (errno == ENOENT)
				continue;	/* removed meanwhile */
			return -1;
		}
		return 1;
	}
}

int
dir_open_at(int dirfd, const char *name)
{
	return openat(dirfd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int
path_part(const char **path, char part[NAME_MAX + 1])
{
	size_t n = strcspn(*path, "/");

	if (n > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(part, *path, n);
	part[n] = '\0';
	*path += n + ((*path)[n] == '/');
	return n > 0;
}

int
dir_open_below(int dirfd, const char *path)
{
	char part[NAME_MAX + 1];
	int fd, next, r, saved;

	if ((fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3)) == -1)
		return -1;
	while ((r = path_part(&path, part)) == 1) {
		next = dir_open_at(fd, part);
		saved = errno;
		close(fd);
		errno = saved;
		if ((fd = next) == -1)
			return -1;
	}
	if (r == 0)
		return fd;
	close(fd);
	errno = ENAMETOOLONG;
	return -1;
}

int
dir_make_at(int dirfd, const char *name, mode_t mode)
{
	if (mkdirat(dirfd, name, mode) == -1 && errno != EEXIST)
		return -1;
	return dir_open_at(dirfd, name);
}
