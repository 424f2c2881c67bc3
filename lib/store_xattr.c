/* store_xattr.c: the extended attributes that overlayfs keeps in an upper
 * layer, and those of the client's own that look like them.
 *
 * Mounted with `userxattr`, overlayfs writes user.overlay.{opaque,origin,
 * impure,uuid …} for itself.  A client's own user.overlay.X (rootless
 * containers have such) is written by Linux 6.7 and later as
 * user.overlay.overlay.X, one "overlay." more at each level; older kernels
 * refuse it.  So in an upper layer every user.overlay.overlay.* is the
 * client's, and every other user.overlay.* is overlayfs's.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_internal.h"

#define OWN	"user.overlay."
#define ESCAPED	"user.overlay.overlay."

#define LIST_MAX	65536	/* XATTR_LIST_MAX */
#define VALUE_MAX	65536	/* XATTR_SIZE_MAX */

bool
overlay_xattr_is(const char *name)
{
	return strncmp(name, OWN, sizeof(OWN) - 1) == 0;
}

bool
overlay_xattr_is_escaped(const char *name)
{
	return strncmp(name, ESCAPED, sizeof(ESCAPED) - 1) == 0;
}

/* Remove overlayfs's own attributes. */
static int
own_remove(int fd, const char *list, ssize_t n)
{
	const char *name;

	for (name = list; name < list + n; name += strlen(name) + 1)
		if (overlay_xattr_is(name) && !xattr_is_stash(name) &&
		    !overlay_xattr_is_escaped(name) &&
		    fremovexattr(fd, name) == -1 && errno != ENODATA)
			return -1;
	return 0;
}

static int
own_remove_all(int fd)
{
	char list[LIST_MAX];
	ssize_t n;

	if ((n = flistxattr(fd, list, sizeof(list))) == -1)
		return -1;
	return own_remove(fd, list, n);
}

/* What a list of attributes holds, as a set of enum overlay_found, overlayfs's
 * own counted only without `strip`; *own: whether there are such. */
static int
list_look(const char *list, ssize_t n, bool strip, bool *own)
{
	const char *name;
	int found = 0;

	*own = false;
	for (name = list; name < list + n; name += strlen(name) + 1) {
		if (!overlay_xattr_is(name) || xattr_is_stash(name))
			continue;
		if (overlay_xattr_is_escaped(name))
			found |= OVERLAY_ANY | OVERLAY_ESCAPED;
		else if (strip)
			*own = true;
		else
			found |= OVERLAY_ANY;
	}
	return found;
}

/* Which attributes named user.overlay.* a folder has, as a set of enum
 * overlay_found; with `strip`, overlayfs's own are removed and not told.  -1
 * with errno. */
int
overlay_xattrs_find(int fd, bool strip)
{
	char list[LIST_MAX];
	ssize_t n;
	bool own;
	int found;

	if ((n = flistxattr(fd, list, sizeof(list))) == -1)
		return errno == ENOTSUP ? 0 : -1;
	found = list_look(list, n, strip, &own);
	return own && own_remove(fd, list, n) == -1 ? -1 : found;
}

/* The attributes' names of a file, which need no right on it. */
static ssize_t
file_list(int dirfd, const char *name, char list[LIST_MAX])
{
	char path[NAME_MAX + 40];
	ssize_t n;

	if (snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd,
	    name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	n = llistxattr(path, list, LIST_MAX);
	return n == -1 && errno == ENOTSUP ? 0 : n;
}

/* Do something to a regular file that was pushed, whatever its mode: it is
 * ours, and in no snapshot. */
static int
file_change(int dirfd, const char *name, int (*change)(int))
{
	struct stat st;
	bool closed;
	int fd, rc = -1;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	closed = geteuid() != 0 && (st.st_mode & 0600) != 0600;
	if (closed && fchmodat(dirfd, name, (st.st_mode & 07777) | 0600,
	    0) == -1)
		return -1;
	if ((fd = openat(dirfd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) == -1)
		return -1;
	rc = change(fd);
	if (closed && fchmod(fd, st.st_mode & 07777) == -1)
		rc = -1;
	close(fd);
	return rc;
}

/* overlay_xattrs_find for a regular file.  Without `strip` it is not touched,
 * so it may be one of a snapshot. */
int
overlay_file_find(int dirfd, const char *name, bool strip)
{
	char list[LIST_MAX];
	ssize_t n;
	bool own;
	int found;

	if ((n = file_list(dirfd, name, list)) == -1)
		return -1;
	found = list_look(list, n, strip, &own);
	return own && file_change(dirfd, name, own_remove_all) == -1 ?
	    -1 : found;
}

static int
by_length(const void *a, const void *b)
{
	size_t x = strlen(*(const char *const *)a);
	size_t y = strlen(*(const char *const *)b);

	return (x > y) - (x < y);
}

/* Give one attribute its name back. */
static int
unescape_one(int fd, const char *name)
{
	char to[XATTR_NAME_MAX + 1], *value;
	ssize_t n;
	int rc = -1;

	strlcpy(to, OWN, sizeof(to));
	strlcat(to, name + sizeof(ESCAPED) - 1, sizeof(to));
	if ((value = malloc(VALUE_MAX)) == NULL)
		return -1;
	if ((n = fgetxattr(fd, name, value, VALUE_MAX)) == -1)
		goto out;
	if (fsetxattr(fd, to, value, (size_t)n, 0) == -1) {
		/* There may be room for one of them only. */
		if (errno != ENOSPC || fremovexattr(fd, name) == -1 ||
		    fsetxattr(fd, to, value, (size_t)n, 0) == -1)
			goto out;
		rc = 0;
		goto out;
	}
	rc = fremovexattr(fd, name);
out:
	free(value);
	return rc;
}

/* Turn user.overlay.overlay.X into the client's user.overlay.X.  The shortest
 * first: what one gives its name to was itself moved away before.  0 or -1
 * with errno. */
int
overlay_xattrs_unescape(int fd)
{
	char list[LIST_MAX], *name;
	const char *found[LIST_MAX / sizeof(ESCAPED)];
	size_t i, have = 0;
	ssize_t n;

	if ((n = flistxattr(fd, list, sizeof(list))) == -1)
		return errno == ENOTSUP ? 0 : -1;
	for (name = list; name < list + n; name += strlen(name) + 1)
		if (overlay_xattr_is_escaped(name))
			found[have++] = name;
	if (have == 0)
		return 0;
	qsort(found, have, sizeof(found[0]), by_length);
	for (i = 0; i < have; i++)
		if (unescape_one(fd, found[i]) == -1)
			return -1;
	return 0;
}

/* The same for a regular file: only one that has such attributes, which none
 * of the base has, is touched. */
int
overlay_file_unescape(int dirfd, const char *name)
{
	char list[LIST_MAX];
	ssize_t n;
	bool own;

	if ((n = file_list(dirfd, name, list)) == -1)
		return -1;
	if ((list_look(list, n, false, &own) & OVERLAY_ESCAPED) == 0)
		return 0;
	return file_change(dirfd, name, overlay_xattrs_unescape);
}

/* Does this folder of an upper layer hide the lower one?  1, 0, or -1. */
int
overlay_is_opaque(int fd)
{
	char value[2];
	ssize_t n;

	n = fgetxattr(fd, OWN "opaque", value, sizeof(value));
	if (n == -1)
		return errno == ENODATA || errno == ENOTSUP ||
		    errno == ERANGE ? 0 : -1;
	return n == 1 && value[0] == 'y';
}
