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
#include <linux/limits.h>
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

/* Remove an attribute of a file of ours that may be read-only to us. */
static int
xattr_remove(int fd, const char *name)
{
	struct stat st;
	int rc;

	if (fremovexattr(fd, name) == 0 || errno == ENODATA)
		return 0;
	if (errno != EACCES || fstat(fd, &st) == -1 ||
	    fchmod(fd, (st.st_mode & 07777) | 0200) == -1)
		return -1;
	rc = fremovexattr(fd, name);
	if (fchmod(fd, st.st_mode & 07777) == -1)
		rc = -1;
	return rc;
}

/* Which attributes named user.overlay.* a file or folder has, as a set of enum
 * overlay_found; with `strip`, overlayfs's own are removed and not told.  -1
 * with errno. */
int
overlay_xattrs_find(int fd, bool strip)
{
	char list[LIST_MAX];
	const char *name;
	ssize_t n;
	int found = 0;

	if ((n = flistxattr(fd, list, sizeof(list))) == -1)
		return errno == ENOTSUP ? 0 : -1;
	for (name = list; name < list + n; name += strlen(name) + 1) {
		if (!overlay_xattr_is(name) || xattr_is_stash(name))
			continue;
		if (overlay_xattr_is_escaped(name))
			found |= OVERLAY_ANY | OVERLAY_ESCAPED;
		else if (!strip)
			found |= OVERLAY_ANY;
		else if (xattr_remove(fd, name) == -1)
			return -1;
	}
	return found;
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
		if (errno != ENOSPC || xattr_remove(fd, name) == -1 ||
		    fsetxattr(fd, to, value, (size_t)n, 0) == -1)
			goto out;
		rc = 0;
		goto out;
	}
	rc = xattr_remove(fd, name);
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
