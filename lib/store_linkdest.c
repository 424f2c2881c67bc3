/* store_linkdest.c: the linkdest way's folders.
 *
 * rsync writes into a new folder and links what has not changed to the base, by
 * --link-dest.  It never writes over anything that is there: a file of the
 * target with another name in a snapshot would be changed in both.  So what an
 * interrupted push brought is not continued but offered as one more folder to
 * link to.
 *
 * rsync takes a file that has reached the file system's link limit for a fatal
 * error where it belongs to a group of hard links.  Such files are copied
 * beforehand into a folder of the same shape, which comes first.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_dir.h"
#include "store_internal.h"
#include "store_tree.h"

#define PARTIALS_MAX	8	/* rsync takes 20 folders in all */

/* The number of "partial.N", or 0. */
static unsigned
partial_number(const char *name)
{
	size_t n = sizeof(PUSH_PARTIAL) - 1;
	const char *errstr;
	long long v;

	if (strncmp(name, PUSH_PARTIAL, n) != 0)
		return 0;
	v = strtonum(name + n, 1, 1000000000, &errstr);
	return errstr != NULL ? 0 : (unsigned)v;
}

/* The newest and the oldest of what interrupted pushes left. */
static int
partials_scan(int pushfd, unsigned *first, unsigned *last)
{
	struct dirents d = { .buf = NULL };
	struct dirent_at e;
	unsigned n;
	int fd, r = -1;

	*first = *last = 0;
	if ((fd = dir_open_at(pushfd, ".")) == -1)
		return -1;
	if (dirents_init(&d) == 0 && dirents_start(&d, fd) == 0)
		while ((r = dirents_next(&d, &e)) == 1) {
			if ((n = partial_number(e.name)) == 0)
				continue;
			if (*first == 0 || n < *first)
				*first = n;
			if (n > *last)
				*last = n;
		}
	dirents_fini(&d);
	close(fd);
	return r;
}

static int
linkdest_add(struct push *p, const char *in, const char *name)
{
	const char *sub = p->c.subdir;

	return strv_addf(&p->linkdests, "%s/%s%s%s%s", p->store->snaps, in,
	    name, sub[0] != '\0' ? "/" : "", sub);
}

/* Put the interrupted push's folder aside, and list all such. */
static int
partials_prepare(struct push *p)
{
	char name[sizeof(PUSH_PARTIAL) + 12];
	unsigned first, last, n;

	if (partials_scan(p->fd, &first, &last) == -1)
		return -1;
	snprintf(name, sizeof(name), PUSH_PARTIAL "%u", last + 1);
	if (renameat(p->fd, PUSH_UPPER, p->fd, name) == 0) {
		last++;
		if (first == 0)
			first = last;
	} else if (errno != ENOENT)
		return -1;
	for (n = last; n > 0 && n >= first; n--) {
		snprintf(name, sizeof(name), PUSH_PARTIAL "%u", n);
		if (last - n >= PARTIALS_MAX) {
			if (tree_remove(p->fd, name) == -1)
				return -1;
		} else if (linkdest_add(p, STORE_PUSH "/", name) == -1)
			return -1;
	}
	return 0;
}

/* Make the folders that lead to the one that is pushed to, and that one, as
 * far as the base has them, with what they are there. */
static int
subdir_make(int base, int target, const char *subdir)
{
	char part[NAME_MAX + 1];
	int from, to = -1, next_from, next_to, rc = -1;

	if ((from = dup(base)) == -1 || (to = dup(target)) == -1 ||
	    attrs_copy_dir(from, to, false) == -1)
		goto out;
	while ((rc = path_part(&subdir, part)) == 1) {
		rc = -1;
		if ((next_from = dir_open_at(from, part)) == -1) {
			if (errno == ENOENT || errno == ENOTDIR ||
			    errno == ELOOP)
				rc = 0;
			goto out;
		}
		close(from);
		from = next_from;
		if ((next_to = dir_make_at(to, part, 0700)) == -1)
			goto out;
		close(to);
		to = next_to;
		if (attrs_copy_dir(from, to, false) == -1)
			goto out;
	}
out:
	if (from != -1)
		close(from);
	if (to != -1)
		close(to);
	return rc;
}

static int
target_make(struct push *p)
{
	int target, base, rc = -1;

	if ((target = dir_make_at(p->fd, PUSH_UPPER, 0755)) == -1)
		return -1;
	if (p->c.base[0] == '\0')
		rc = 0;
	else if ((base = dir_open_at(p->store->fd, p->c.base)) != -1) {
		rc = subdir_make(base, target, p->c.subdir);
		close(base);
	}
	close(target);
	return rc;
}

int
linkdest_prepare(struct push *p)
{
	int fresh;

	free(p->target);
	strv_free(&p->linkdests);
	if (asprintf(&p->target, "%s/%s/%s", p->store->snaps, STORE_PUSH,
	    PUSH_UPPER) == -1) {
		p->target = NULL;
		return -1;
	}
	if ((fresh = fresh_prepare(p)) == -1 ||
	    (fresh && linkdest_add(p, STORE_PUSH "/", PUSH_FRESH) == -1) ||
	    partials_prepare(p) == -1)
		return -1;
	if (p->c.base[0] != '\0' && linkdest_add(p, "", p->c.base) == -1)
		return -1;
	if (target_make(p) == -1)
		return -1;
	return p->c.deletes ? cover_prepare(p) : 0;
}
