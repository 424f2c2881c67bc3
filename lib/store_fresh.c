/* store_fresh.c: copies of the base's files that have nearly as many links as
 * the file system allows, in a folder of the same shape, for rsync to link to
 * in their place.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/statfs.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_dir.h"
#include "store_internal.h"
#include "store_tree.h"
#include "store_visit.h"

#define XFS_MAGIC	0x58465342
#define LINKS_OTHER	65000	/* where the limit is not known */

/* An inode of the base that may be too full to get one more link for each of
 * its names there. */
struct full {
	ino_t		 ino;
	uint64_t	 links;
	uint64_t	 names;		/* in the base */
	bool		 copied;
};

struct scan {
	uint64_t	 limit;
	void		*found;		/* of struct full, tsearch(3) */
	size_t		 n;
	int		 fresh;		/* folder for the copies */
	int		 top;		/* and for the first of each */
};

/* 0: no limit that anybody reaches. */
static uint64_t
link_limit(int fd)
{
	struct statfs fs;
	long n;

	if (fstatfs(fd, &fs) == -1)
		return LINKS_OTHER;
	if (fs.f_type == XFS_MAGIC || fs.f_type == TMPFS_MAGIC)
		return 0;
	if (fs.f_type != EXT4_SUPER_MAGIC ||
	    (n = fpathconf(fd, _PC_LINK_MAX)) < 1000)
		return LINKS_OTHER;
	return (uint64_t)n;
}

static int
by_ino(const void *a, const void *b)
{
	const struct full *x = a, *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

/* First pass: count the names of files with many links. */
static int
full_count(struct visit *v, int dirfd, const struct dirent_at *e)
{
	struct scan *sc = v->arg;
	struct full *f, **found;
	struct stat st;

	if (fstatat(dirfd, e->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	/* Each name of it here is one of its links. */
	if ((uint64_t)st.st_nlink * 2 <= sc->limit)
		return 0;
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return -1;
	f->ino = st.st_ino;
	f->links = st.st_nlink;
	if ((found = tsearch(f, &sc->found, by_ino)) == NULL) {
		free(f);
		return -1;
	}
	if (*found != f)
		free(f);
	(*found)->names++;
	sc->n++;
	return 0;
}

/* Make the folders of a path below `top`, and open the last. */
static int
path_make(int top, char *path)
{
	char *part, *rest = path;
	int fd, next;

	if ((fd = dup(top)) == -1)
		return -1;
	while ((part = strsep(&rest, "/")) != NULL && *part != '\0') {
		next = dir_make_at(fd, part, 0700);
		close(fd);
		if ((fd = next) == -1)
			return -1;
	}
	return fd;
}

/* Second pass: copy each once, and link the copy to all its names. */
static int
full_copy(struct visit *v, int dirfd, const struct dirent_at *e)
{
	struct scan *sc = v->arg;
	struct full key = { .ino = e->ino }, **found, *f;
	char path[PATH_MAX], num[24];
	int fd, rc;

	if ((found = tfind(&key, &sc->found, by_ino)) == NULL)
		return 0;
	f = *found;
	if (f->links + f->names <= sc->limit)
		return 0;
	snprintf(num, sizeof(num), "%ju", (uintmax_t)f->ino);
	if (!f->copied && copy_entry(dirfd, e->name, sc->top, num) == -1)
		return -1;
	f->copied = true;
	if (visit_path(v, path, sizeof(path)) == -1)
		return 0;		/* too long for rsync as well */
	if ((fd = path_make(sc->fresh, path)) == -1)
		return -1;
	rc = linkat(sc->top, num, fd, e->name, 0);
	close(fd);
	return rc;
}

static int
fresh_fill(struct push *p, struct scan *sc, int base)
{
	struct visit v = {
		.file = full_copy, .arg = sc, .committed = true
	};
	int rc;

	sc->fresh = dir_make_at(p->fd, PUSH_FRESH, 0700);
	sc->top = dir_make_at(p->fd, PUSH_COPIES, 0700);
	rc = sc->fresh == -1 || sc->top == -1 ? -1 : visit_run(&v, base);
	if (sc->fresh != -1)
		close(sc->fresh);
	if (sc->top != -1)
		close(sc->top);
	/* The commit makes its own. */
	if (tree_remove(p->fd, PUSH_COPIES) == -1)
		rc = -1;
	return rc;
}

/* Make .push/fresh if it is needed.  1 if so, 0 if not, or -1. */
int
fresh_prepare(struct push *p)
{
	struct scan sc = { .found = NULL };
	struct visit v = {
		.file = full_count, .arg = &sc, .committed = true
	};
	int base, rc;

	if (tree_remove(p->fd, PUSH_FRESH) == -1 ||
	    tree_remove(p->fd, PUSH_COPIES) == -1)
		return -1;
	if (p->c.base[0] == '\0' || (sc.limit = link_limit(p->fd)) == 0)
		return 0;
	if ((base = dir_open_at(p->store->fd, p->c.base)) == -1)
		return -1;
	rc = visit_run(&v, base);
	if (rc == 0 && sc.n > 0)
		rc = fresh_fill(p, &sc, base) == -1 ? -1 : 1;
	tdestroy(sc.found, free);
	close(base);
	return rc;
}
