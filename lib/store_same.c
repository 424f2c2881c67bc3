/* store_same.c: are two files of a store the same in all that a client could
 * tell, but for being two?
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_internal.h"

#define LIST_MAX	65536	/* XATTR_LIST_MAX */
#define VALUE_MAX	65536	/* XATTR_SIZE_MAX */
#define BLOCK		65536

static bool
stat_same(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
	    a->st_gid == b->st_gid && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* overlayfs's own say nothing about the file. */
static bool
xattr_counts(const char *name)
{
	return !overlay_xattr_is(name) || overlay_xattr_is_escaped(name);
}

/* Has b every attribute of a, with its value?  *n: how many a has. */
static int
xattrs_within(const char *a, const char *b, size_t *n)
{
	char list[LIST_MAX], *va, *vb;
	const char *name;
	ssize_t len, la, lb;
	int rc = 1;

	*n = 0;
	if ((len = llistxattr(a, list, sizeof(list))) == -1)
		return errno == ENOTSUP ? 1 : -1;
	if (len == 0)
		return 1;
	va = malloc(VALUE_MAX);
	vb = malloc(VALUE_MAX);
	if (va == NULL || vb == NULL)
		rc = -1;
	for (name = list; rc == 1 && name < list + len;
	    name += strlen(name) + 1) {
		if (!xattr_counts(name))
			continue;
		++*n;
		if ((la = lgetxattr(a, name, va, VALUE_MAX)) == -1 ||
		    ((lb = lgetxattr(b, name, vb, VALUE_MAX)) == -1 &&
		    errno != ENODATA))
			rc = -1;
		else
			rc = la == lb && memcmp(va, vb, (size_t)la) == 0;
	}
	free(va);
	free(vb);
	return rc;
}

static int
xattrs_same(int adir, const char *a, int bdir, const char *b)
{
	char pa[PROC_PATH_SIZE], pb[PROC_PATH_SIZE];
	size_t na, nb;
	int rc;

	if (proc_path(pa, adir, a) == -1 || proc_path(pb, bdir, b) == -1)
		return -1;
	if ((rc = xattrs_within(pa, pb, &na)) != 1 ||
	    (rc = xattrs_within(pb, pa, &nb)) != 1)
		return rc;
	return na == nb;
}

/* As many bytes as there are, up to len; -1 with errno. */
static ssize_t
read_full(int fd, char *buf, size_t len, off_t at)
{
	size_t have = 0;
	ssize_t n;

	while (have < len) {
		n = pread(fd, buf + have, len - have, at + (off_t)have);
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

static int
content_same(int a, int b)
{
	char *buf;
	ssize_t na = 1, nb = 1;
	off_t at;
	int rc = 1;

	if ((buf = malloc(2 * BLOCK)) == NULL)
		return -1;
	for (at = 0; rc == 1 && na > 0; at += na) {
		na = read_full(a, buf, BLOCK, at);
		nb = read_full(b, buf + BLOCK, BLOCK, at);
		if (na == -1 || nb == -1)
			rc = -1;
		else
			rc = na == nb &&
			    memcmp(buf, buf + BLOCK, (size_t)na) == 0;
	}
	free(buf);
	return rc;
}

static int
regular_same(int adir, const char *a, int bdir, const char *b)
{
	int fa, fb = -1, rc = -1;

	fa = openat(adir, a, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fa != -1)
		fb = openat(bdir, b,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fa != -1 && fb != -1)
		rc = content_same(fa, fb);
	else if (errno == EACCES)
		rc = 0;			/* not to be told: so two files */
	if (fa != -1)
		close(fa);
	if (fb != -1)
		close(fb);
	return rc;
}

static int
symlink_same(int adir, const char *a, int bdir, const char *b)
{
	char ta[PATH_MAX], tb[PATH_MAX];
	ssize_t na, nb;

	if ((na = readlinkat(adir, a, ta, sizeof(ta))) == -1 ||
	    (nb = readlinkat(bdir, b, tb, sizeof(tb))) == -1)
		return -1;
	return na == nb && memcmp(ta, tb, (size_t)na) == 0;
}

int
file_same(int adir, const char *a, int bdir, const char *b)
{
	struct stat sa, sb;
	int rc;

	if (fstatat(adir, a, &sa, AT_SYMLINK_NOFOLLOW) == -1 ||
	    fstatat(bdir, b, &sb, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino)
		return 1;
	if (!stat_same(&sa, &sb))
		return 0;
	if ((rc = xattrs_same(adir, a, bdir, b)) != 1)
		return rc == -1 && errno == EACCES ? 0 : rc;
	switch (sa.st_mode & S_IFMT) {
	case S_IFREG:
		return regular_same(adir, a, bdir, b);
	case S_IFLNK:
		return symlink_same(adir, a, bdir, b);
	case S_IFCHR:
	case S_IFBLK:
		return sa.st_rdev == sb.st_rdev;
	case S_IFIFO:
	case S_IFSOCK:
		return 1;
	}
	return 0;
}
