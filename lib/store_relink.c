/* store_relink.c: what is left to do in a finished tree, in rare cases: hard
 * links that the link limit or overlayfs tore apart, and attributes to be given
 * their names back.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_merge.h"
#include "store_pool.h"
#include "store_visit.h"

#define LINK_TMP	"link.tmp"

/* What to link to, and how often it was done. */
struct relink {
	int		 copies;
	bool		 apart;		/* every name was copied */
	uint64_t	 copied;	/* names that the link limit tore off */
	uint64_t	 shared;	/* names that base's file got back */
	uint64_t	 freed;		/* bytes on disk */
};

/* Put a link to copies/num in the place of a name. */
static int
relink_name(struct visit *v, const char *num, int dirfd, const char *name)
{
	struct relink *r = v->arg;

	if (dir_stash_times(dirfd, &v->at->times) == -1 ||
	    (unlinkat(r->copies, LINK_TMP, 0) == -1 && errno != ENOENT))
		return -1;
	if (linkat(r->copies, num, r->copies, LINK_TMP, 0) == -1)
		return errno == EMLINK ? 0 : -1;
	return renameat(r->copies, LINK_TMP, dirfd, name) == -1 ? -1 : 1;
}

/* A name of a file that was copied up.  The number alone says too little: in a
 * second run it may be another file's. */
static int
relink_shared(struct visit *v, const char *num, int dirfd, const char *name)
{
	struct relink *r = v->arg;
	struct stat st;
	int rc;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    (rc = file_same(r->copies, num, dirfd, name)) == -1)
		return -1;
	if (rc == 0 || (rc = relink_name(v, num, dirfd, name)) != 1)
		return rc;
	r->shared++;
	if (st.st_nlink == 1)
		r->freed += (uint64_t)st.st_blocks * 512;
	return 0;
}

/* Replace a name of an inode that there is something to link to for. */
static int
relink_file(struct visit *v, int dirfd, const struct dirent_at *e)
{
	struct relink *r = v->arg;
	char num[24];
	int rc;

	snprintf(num, sizeof(num), "u%ju", (uintmax_t)e->ino);
	if (faccessat(r->copies, num, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return relink_shared(v, num, dirfd, e->name);
	if (r->apart)
		return 0;
	if (errno != ENOENT || faccessat(r->copies, num + 1, F_OK,
	    AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	if ((rc = relink_name(v, num + 1, dirfd, e->name)) == 1)
		r->copied++;
	return rc == -1 ? -1 : 0;
}

static int
relink_dir(struct visit *v, int fd)
{
	return dir_unstash_times(fd, &v->at->times);
}

int
copies_relink(struct copies *c, int out, struct merge_stats *st)
{
	struct relink r = { .copies = c->fd, .apart = c->apart };
	struct visit v = {
		.file = relink_file, .dir = relink_dir, .arg = &r
	};

	if (c->fd == -1)
		return 0;
	if (visit_run(&v, out) == -1)
		return -1;
	st->linked -= r.copied;
	st->copied += r.copied;
	st->moved -= r.shared;
	st->linked += r.shared;
	st->bytes_new -= r.freed;
	return 0;
}

static int
by_ino(const void *a, const void *b)
{
	ino_t x = *(const ino_t *)a, y = *(const ino_t *)b;

	return (x > y) - (x < y);
}

/* Was this file met under another name?  1, 0 or -1. */
static int
seen_before(void **seen, const struct stat *st)
{
	ino_t *key, **found;

	if (st->st_nlink < 2)
		return 0;
	if ((key = malloc(sizeof(*key))) == NULL)
		return -1;
	*key = st->st_ino;
	if ((found = tsearch(key, seen, by_ino)) == NULL) {
		free(key);
		return -1;
	}
	if (*found == key)
		return 0;
	free(key);
	return 1;
}

static int
unescape_file(struct visit *v, int dirfd, const struct dirent_at *e)
{
	struct stat st;
	int rc;

	if (e->type != DT_REG)
		return 0;		/* these have no user.* */
	if (fstatat(dirfd, e->name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    (rc = seen_before(v->arg, &st)) == -1)
		return -1;
	return rc == 1 ? 0 : overlay_file_unescape(dirfd, e->name);
}

static int
unescape_dir(struct visit *v, int fd)
{
	(void)v;
	return overlay_xattrs_unescape(fd);
}

int
merge_unescape(int out)
{
	void *seen = NULL;		/* inodes done, of several names */
	struct visit v = {
		.file = unescape_file, .dir = unescape_dir, .arg = &seen
	};
	int rc, saved;

	rc = visit_run(&v, out);
	saved = errno;
	tdestroy(seen, free);
	errno = saved;
	return rc;
}
