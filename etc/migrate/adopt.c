/* adopt.c: a tree with owners of its own becomes the account's, as
 * rsync --fake-super keeps one: mode, device and owner of each file go into the
 * attribute user.rsync.%stat, then the file into the account's hands.  What is
 * neither file, folder nor symbolic link becomes an empty file.
 *
 * The attribute is set before anything else of an inode changes, and one that
 * is there is believed: so a run that was cut off is begun again, and an inode
 * that several snapshots share is done once.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "migrate.h"
#include "store_visit.h"

#define TEMPORARY	".backshelf-migrate.tmp"

void
fake_format(char buf[FAKE_SIZE], mode_t mode, dev_t rdev, uid_t uid,
    gid_t gid)
{
	snprintf(buf, FAKE_SIZE, "%o %u,%u %u:%u", mode, major(rdev),
	    minor(rdev), uid, gid);
}

/* The mode that rsync gives what it keeps an attribute of. */
static mode_t
plain_mode(mode_t mode)
{
	return (mode & 0777) | (S_ISDIR(mode) ? 0700 : 0600);
}

static bool
is_ours(const struct adopt *a, const struct stat *st)
{
	return st->st_uid == a->uid && st->st_gid == a->gid;
}

/* Does an inode stay as it is? */
static bool
is_done(const struct adopt *a, const struct stat *st)
{
	return is_ours(a, st) && !a->owner.given &&
	    (st->st_mode & 07777) == plain_mode(st->st_mode);
}

/* Note what it is, unless that stands there already. */
static int
note(const struct adopt *a, int fd, const struct stat *st)
{
	bool lost = st->st_uid == a->uid && a->owner.given;
	char text[FAKE_SIZE];

	if (fgetxattr(fd, FAKE_ATTR, NULL, 0) >= 0)
		return 0;
	if (errno != ENODATA)
		return -1;
	fake_format(text, st->st_mode, 0, lost ? a->owner.uid : st->st_uid,
	    lost ? a->owner.gid : st->st_gid);
	return fsetxattr(fd, FAKE_ATTR, text, strlen(text), XATTR_CREATE);
}

/* A regular file or a folder, open. */
static int
take_over(const struct adopt *a, int fd)
{
	struct stat st;
	mode_t mode;

	if (fstat(fd, &st) == -1)
		return -1;
	if (is_done(a, &st))
		return 0;
	if (note(a, fd, &st) == -1)
		return -1;
	if (!is_ours(a, &st) && fchown(fd, a->uid, a->gid) == -1)
		return -1;
	mode = plain_mode(st.st_mode);
	return (st.st_mode & 07777) == mode ? 0 : fchmod(fd, mode);
}

/* Open what may not be readable yet for the account itself. */
static int
open_entry(const struct adopt *a, int dirfd, const char *name,
    const struct stat *st)
{
	int fd, flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

	if ((fd = openat(dirfd, name, flags)) != -1 || errno != EACCES ||
	    st->st_uid != a->uid || geteuid() != a->uid)
		return fd;
	/* The note must have the mode of before: to be readable for a moment
	 * and crash then would lose one bit. */
	if (fchmodat(dirfd, name, (st->st_mode & 07777) | 0400, 0) == -1)
		return -1;
	return openat(dirfd, name, flags);
}

/* A device, socket or pipe: an empty file with the attribute takes its place. */
static int
replace_special(const struct adopt *a, int dirfd, const char *name,
    const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim }, dir_times[2];
	struct stat dir;
	char text[FAKE_SIZE];
	int fd, rc = -1, saved;

	if (fstat(dirfd, &dir) == -1 ||
	    (unlinkat(dirfd, TEMPORARY, 0) == -1 && errno != ENOENT) ||
	    (fd = openat(dirfd, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		return -1;
	dir_times[0] = dir.st_atim;
	dir_times[1] = dir.st_mtim;
	fake_format(text, st->st_mode, st->st_rdev, st->st_uid, st->st_gid);
	if (fsetxattr(fd, FAKE_ATTR, text, strlen(text), 0) == 0 &&
	    fchown(fd, a->uid, a->gid) == 0 && futimens(fd, times) == 0 &&
	    fsync(fd) == 0 && renameat(dirfd, TEMPORARY, dirfd, name) == 0 &&
	    futimens(dirfd, dir_times) == 0)
		rc = 0;
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

static int
take_entry(const struct adopt *a, int dirfd, const char *name)
{
	struct stat st;
	int fd, rc, saved;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (S_ISLNK(st.st_mode))
		return is_ours(a, &st) ? 0 : fchownat(dirfd, name, a->uid,
		    a->gid, AT_SYMLINK_NOFOLLOW);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return replace_special(a, dirfd, name, &st);
	if (is_done(a, &st))
		return 0;
	if ((fd = open_entry(a, dirfd, name, &st)) == -1)
		return -1;
	/* Not by take_over's fstat alone: open_entry may have changed it. */
	rc = note(a, fd, &st);
	if (rc == 0)
		rc = take_over(a, fd);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

static int
adopt_entry(struct visit *v, int dirfd, const struct dirent_at *e)
{
	struct adopt *a = v->arg;
	int saved;

	if (take_entry(a, dirfd, e->name) == 0)
		return 0;
	saved = errno;
	if (visit_path(v, a->where, sizeof(a->where)) == -1)
		a->where[0] = '\0';
	errno = saved;
	return -1;
}

int
adopt_dir(struct adopt *a, int fd)
{
	return take_over(a, fd);
}

int
adopt_tree(struct adopt *a, int fd)
{
	struct visit v = { .file = adopt_entry, .below = adopt_entry,
	    .arg = a, .committed = true };

	a->where[0] = '\0';
	return take_over(a, fd) == -1 ? -1 : visit_run(&v, fd);
}
