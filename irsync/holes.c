/* holes.c: does any file of what is to be backed up have holes?  It is asked
 * before a first push, which takes every file there is: rsync's --sparse costs
 * a write(2) for each KiB.  What cannot be looked at, or is another file
 * system, may have some.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "irsync.h"
#include "store_visit.h"

static bool
has_holes(const struct stat *st)
{
	return S_ISREG(st->st_mode) &&
	    (uint64_t)st->st_blocks * 512 < (uint64_t)st->st_size;
}

/* visit.h's file: -1 ends the walk. */
static int
file_look(struct visit *v, int dirfd, const struct dirent_at *e)
{
	struct stat st;

	(void)v;
	if (e->type != DT_REG)
		return 0;
	if (fstatat(dirfd, e->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	if (!has_holes(&st))
		return 0;
	errno = EEXIST;		/* found, and over */
	return -1;
}

/* visit.h's below. */
static int
folder_look(struct visit *v, int dirfd, const struct dirent_at *e)
{
	const dev_t *dev = v->arg;
	struct stat st;

	if (fstatat(dirfd, e->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (signal_caught() == 0 && st.st_dev == *dev)
		return 0;
	errno = signal_caught() != 0 ? EINTR : EXDEV;
	return -1;
}

static bool
path_is_solid(const char *path)
{
	struct visit v = { .file = file_look, .below = folder_look,
	    .committed = true };
	struct stat st;
	dev_t dev;
	bool solid;
	int fd;

	if (lstat(path, &st) == -1)
		return false;
	if (!S_ISDIR(st.st_mode))
		return !has_holes(&st);
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1)
		return false;
	dev = st.st_dev;
	v.arg = &dev;
	solid = visit_run(&v, fd) == 0;
	close(fd);
	return solid;
}

bool
paths_solid(const struct irsync_conf *c)
{
	size_t i;

	for (i = 0; i < c->paths.n; i++)
		if (!path_is_solid(c->paths.v[i]))
			return false;
	return true;
}
