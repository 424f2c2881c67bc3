/* store_copy.c: giving one entry all that another one has: content, holes,
 * owner, mode, extended attributes with ACLs, times to the nanosecond.
 *
 * In the order that the kernel's side effects demand: the owner first (it
 * clears setuid bits and file capabilities), then attributes (an ACL changes
 * the mode), then the mode, then the times.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_dir.h"
#include "store_internal.h"

#define LIST_MAX	65536
#define VALUE_MAX	65536
/* Named as if it were overlayfs's, so that no client can set it through the
 * mount. */
#define STASH		"user.overlay.backshelf.times"

/* A path to an entry that setxattr(2) and its like take where they have no
 * *at form.  The folder is pinned by its descriptor, the entry is not
 * followed. */
int
proc_path(char path[PROC_PATH_SIZE], int dirfd, const char *name)
{
	int n;

	n = snprintf(path, PROC_PATH_SIZE, "/proc/self/fd/%d/%s", dirfd, name);
	if (n >= PROC_PATH_SIZE) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

/* One end of a copy of attributes: a descriptor, or a path if it is -1. */
struct end {
	int		 fd;
	const char	*path;
};

static ssize_t
end_list(const struct end *e, char *list)
{
	ssize_t n;

	n = e->fd != -1 ? flistxattr(e->fd, list, LIST_MAX) :
	    llistxattr(e->path, list, LIST_MAX);
	return n == -1 && errno == ENOTSUP ? 0 : n;
}

static ssize_t
end_get(const struct end *e, const char *name, char *value)
{
	return e->fd != -1 ? fgetxattr(e->fd, name, value, VALUE_MAX) :
	    lgetxattr(e->path, name, value, VALUE_MAX);
}

static int
end_set(const struct end *e, const char *name, const char *value, size_t len)
{
	return e->fd != -1 ? fsetxattr(e->fd, name, value, len, 0) :
	    lsetxattr(e->path, name, value, len, 0);
}

static int
end_remove(const struct end *e, const char *name)
{
	return e->fd != -1 ? fremovexattr(e->fd, name) :
	    lremovexattr(e->path, name);
}

static bool
list_has(const char *list, ssize_t n, const char *name)
{
	const char *p;

	for (p = list; p < list + n; p += strlen(p) + 1)
		if (strcmp(p, name) == 0)
			return true;
	return false;
}

/* The kernel's security modules label what we make by rules of their own, and
 * may not let an ordinary user change that. */
static bool
is_kernels(const char *name)
{
	return geteuid() != 0 && strncmp(name, "security.", 9) == 0;
}

bool
xattr_is_stash(const char *name)
{
	return strcmp(name, STASH) == 0;
}

/* To be left behind: the note on a folder's times, and in an upper layer what
 * is overlayfs's own. */
static bool
is_left_behind(const char *name, bool strip)
{
	return xattr_is_stash(name) || (strip && overlay_xattr_is(name) &&
	    !overlay_xattr_is_escaped(name));
}

static int
xattrs_copy(const struct end *from, const struct end *to, bool strip)
{
	char list[LIST_MAX], had[LIST_MAX];
	const char *name;
	char *value = NULL;
	ssize_t n, nhad, len;
	int rc = -1;

	if ((n = end_list(from, list)) == -1 ||
	    (nhad = end_list(to, had)) == -1)
		return -1;
	if (n == 0 && nhad == 0)
		return 0;
	if ((value = malloc(VALUE_MAX)) == NULL)
		return -1;
	for (name = list; name < list + n; name += strlen(name) + 1) {
		if (is_left_behind(name, strip))
			continue;
		if ((len = end_get(from, name, value)) == -1 ||
		    (end_set(to, name, value, (size_t)len) == -1 &&
		    !is_kernels(name)))
			goto out;
	}
	/* An ACL, say, that the new folder inherited. */
	for (name = had; name < had + nhad; name += strlen(name) + 1)
		if (!list_has(list, n, name) && !is_kernels(name) &&
		    end_remove(to, name) == -1 && errno != ENODATA)
			goto out;
	rc = 0;
out:
	free(value);
	return rc;
}

/* Unless we are root, everything in the store is ours, and a group that we
 * are no member of cannot be given. */
static bool
owner_is_beyond_us(void)
{
	return errno == EPERM && geteuid() != 0;
}

static int
owner_copy(int to, const struct stat *from)
{
	struct stat st;

	if (fstat(to, &st) == -1)
		return -1;
	if (st.st_uid == from->st_uid && st.st_gid == from->st_gid)
		return 0;
	if (fchown(to, from->st_uid, from->st_gid) == -1 &&
	    !owner_is_beyond_us())
		return -1;
	return 0;
}

/* The times that dir_stash_times has noted.  1, 0 if there is no note, or -1. */
static int
stash_read(int fd, struct timespec times[2])
{
	intmax_t sec[2];
	char text[80];
	ssize_t n;
	int i;

	if ((n = fgetxattr(fd, STASH, text, sizeof(text) - 1)) == -1)
		return errno == ENODATA || errno == ENOTSUP ||
		    errno == ERANGE ? 0 : -1;
	text[n] = '\0';
	if (sscanf(text, "%jd.%ld %jd.%ld", &sec[0], &times[0].tv_nsec,
	    &sec[1], &times[1].tv_nsec) != 4)
		return 0;
	for (i = 0; i < 2; i++) {
		times[i].tv_sec = (time_t)sec[i];
		if (times[i].tv_nsec < 0 || times[i].tv_nsec > 999999999)
			return 0;
	}
	return 1;
}

/* Make folder `to` like folder `from`, but for what is in it.  With `strip`,
 * `from` is of an upper layer.  Its times are those noted on it, if there are
 * any.  An ordinary user's folders stay open to that user: the next push must
 * be able to read them.  0 or -1 with errno. */
int
attrs_copy_dir(int from, int to, bool strip)
{
	struct end a = { .fd = from }, b = { .fd = to };
	struct timespec times[2];
	struct stat st;
	mode_t mode;
	int stash;

	if (fstat(from, &st) == -1 || owner_copy(to, &st) == -1 ||
	    xattrs_copy(&a, &b, strip) == -1 ||
	    (stash = stash_read(from, times)) == -1)
		return -1;
	if (stash == 0) {
		times[0] = st.st_atim;
		times[1] = st.st_mtim;
	}
	mode = (st.st_mode & 07777) | (geteuid() != 0 ? 0700 : 0);
	return fchmod(to, mode) == -1 || futimens(to, times) == -1 ? -1 : 0;
}

/* Copy size bytes, data by data, leaving holes out. */
static int
data_copy(int from, int to, off_t size)
{
	off_t data, hole, pos = 0;
	char *buf = NULL;
	ssize_t n;
	int rc = -1;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	if ((buf = malloc(128 * 1024)) == NULL)
		return -1;
	while (pos < size) {
		if ((data = lseek(from, pos, SEEK_DATA)) == -1) {
			if (errno == ENXIO)
				break;		/* a hole until the end */
			goto out;
		}
		if ((hole = lseek(from, data, SEEK_HOLE)) == -1)
			goto out;
		for (pos = data; pos < hole; pos += n) {
			n = hole - pos < 128 * 1024 ? hole - pos : 128 * 1024;
			if ((n = pread(from, buf, (size_t)n, pos)) == -1)
				goto out;
			if (n == 0)
				break;
			if ((n = pwrite(to, buf, (size_t)n, pos)) == -1)
				goto out;
		}
		if (pos < hole)
			break;
	}
	rc = ftruncate(to, size);
out:
	free(buf);
	return rc;
}

static int
file_copy(int fromdir, const char *name, int todir, const char *newname)
{
	struct timespec times[2];
	struct stat st;
	struct end a, b;
	int rc = -1;

	a.fd = b.fd = -1;
	if ((a.fd = openat(fromdir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) == -1 ||
	    fstat(a.fd, &st) == -1)
		goto out;
	if ((b.fd = openat(todir, newname,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1)
		goto out;
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	if (data_copy(a.fd, b.fd, st.st_size) == 0 &&
	    owner_copy(b.fd, &st) == 0 && xattrs_copy(&a, &b, false) == 0 &&
	    fchmod(b.fd, st.st_mode & 07777) == 0 &&
	    futimens(b.fd, times) == 0)
		rc = 0;
out:
	if (b.fd != -1 && close(b.fd) == -1)
		rc = -1;
	if (a.fd != -1)
		close(a.fd);
	return rc;
}

static int
symlink_copy(int fromdir, const char *name, int todir, const char *newname)
{
	char text[PATH_MAX + 1];
	ssize_t n;

	if ((n = readlinkat(fromdir, name, text, sizeof(text) - 1)) == -1)
		return -1;
	text[n] = '\0';
	return symlinkat(text, todir, newname);
}

/* Symlinks, fifos, sockets, devices. */
static int
special_copy(int fromdir, const char *name, int todir, const char *newname,
    const struct stat *st)
{
	char pa[PROC_PATH_SIZE], pb[PROC_PATH_SIZE];
	struct end a = { .fd = -1, .path = pa }, b = { .fd = -1, .path = pb };
	struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (S_ISLNK(st->st_mode)) {
		if (symlink_copy(fromdir, name, todir, newname) == -1)
			return -1;
	} else if (mknodat(todir, newname, (st->st_mode & S_IFMT) | 0600,
	    st->st_rdev) == -1)
		return -1;
	if (fchownat(todir, newname, st->st_uid, st->st_gid,
	    AT_SYMLINK_NOFOLLOW) == -1 && !owner_is_beyond_us())
		return -1;
	if (proc_path(pa, fromdir, name) == -1 ||
	    proc_path(pb, todir, newname) == -1 ||
	    xattrs_copy(&a, &b, false) == -1)
		return -1;
	if (!S_ISLNK(st->st_mode) &&
	    fchmodat(todir, newname, st->st_mode & 07777, 0) == -1)
		return -1;
	return utimensat(todir, newname, times, AT_SYMLINK_NOFOLLOW);
}

/* Copy what is no folder, under a name that is not there yet.  0, or -1 with
 * errno and nothing left under that name. */
int
copy_entry(int fromdir, const char *name, int todir, const char *newname)
{
	struct stat st;
	int rc, saved;

	if (fstatat(fromdir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	rc = S_ISREG(st.st_mode) ? file_copy(fromdir, name, todir, newname) :
	    special_copy(fromdir, name, todir, newname, &st);
	if (rc == -1 && errno != EEXIST) {
		saved = errno;
		(void)unlinkat(todir, newname, 0);
		errno = saved;
	}
	return rc;
}

/* Before entries are put into a folder that rsync has finished, or taken out of
 * it: note its times on itself, so that they can be given back, also when it
 * is another process that does.  What was noted before stands.  Where the
 * client's own attributes leave no room on the folder, the note is kept in *t,
 * which a crash loses.  0 or -1 with errno. */
int
dir_stash_times(int fd, struct dir_times *t)
{
	char text[80];
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	snprintf(text, sizeof(text), "%jd.%09ld %jd.%09ld",
	    (intmax_t)st.st_atim.tv_sec, st.st_atim.tv_nsec,
	    (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	if (fsetxattr(fd, STASH, text, strlen(text), XATTR_CREATE) == 0 ||
	    errno == EEXIST)
		return 0;
	if (errno != ENOSPC)
		return -1;
	if (!t->noted) {
		t->noted = true;
		t->times[0] = st.st_atim;
		t->times[1] = st.st_mtim;
	}
	return 0;
}

/* 0, also if nothing was noted, or -1 with errno. */
int
dir_unstash_times(int fd, const struct dir_times *t)
{
	struct timespec times[2];
	int stash;

	if ((stash = stash_read(fd, times)) == -1)
		return -1;
	if (stash == 0)
		return t->noted ? futimens(fd, t->times) : 0;
	return futimens(fd, times) == -1 || fremovexattr(fd, STASH) == -1 ?
	    -1 : 0;
}
