/* store_cover.c: linkdest way, with --delete: which of base's folders has the
 * push covered?
 *
 * rsync deletes only in folders whose contents it was sent: not beside what was
 * pushed, not above it (--relative), not where a filter or another file system
 * stood in the way, and nowhere after a read error.  Into an empty folder it
 * deletes nothing, so its silence says nothing.  Therefore the new folder begins
 * with base's folders, without files, and a mark in each.  rsync deletes the
 * mark with all else that the client has not; a mark that is still there says
 * that base's files there are to be kept, and they are linked.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_dir.h"
#include "store_merge.h"
#include "store_pool.h"

#define MARK	".~backshelf-"	/* then the push's stamp and "~" */

/* What one thread has at hand. */
struct coverer {
	struct dirents	 d;
	const char	*mark;		/* its name */
	struct copies	*copies;	/* of files at the link limit */
};

/* The name of this push's marks: no client has files named after the second
 * at which its push began. */
static void
mark_name(const struct push *p, char name[NAME_MAX + 1])
{
	snprintf(name, NAME_MAX + 1, MARK "%s~", p->c.stamp);
}

bool
store_is_mark(const char *name)
{
	char stamp[STAMP_SIZE];
	time_t t;

	if (strncmp(name, MARK, strlen(MARK)) != 0 ||
	    strlen(name) != strlen(MARK) + STAMP_LEN + 1 ||
	    name[strlen(name) - 1] != '~')
		return false;
	(void)strlcpy(stamp, name + strlen(MARK), sizeof(stamp));
	return stamp_parse(stamp, &t) == 0;
}

static int
mark_make(int dirfd, const char *name)
{
	int fd;

	if ((fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600)) == -1)
		return -1;
	return close(fd);
}

/* First walk: base's folders, with what they are, and a mark in each.  What
 * is made in a folder is made before it gets its times. */
static int
shape_treat(struct worker *w, struct node *n)
{
	struct coverer *c = w->arg;
	struct dirent_at e;
	int r;

	if (dirents_start(&c->d, n->fd[LOWER]) == -1)
		return -1;
	while ((r = dirents_next(&c->d, &e)) == 1) {
		if (e.type != DT_DIR)
			continue;
		if ((mkdirat(n->fd[OUT], e.name, 0700) == -1 &&
		    errno != EEXIST) ||
		    worker_add(w, n, e.name, true, false, true) == NULL)
			return -1;
	}
	if (r == -1 || mark_make(n->fd[OUT], c->mark) == -1)
		return -1;
	return attrs_copy_dir(n->fd[LOWER], n->fd[OUT], false);
}

/* Is there a folder of this name?  1, 0 or -1. */
static int
has_folder(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(st.st_mode) ? 1 : 0;
	return errno == ENOENT ? 0 : -1;
}

/* Base's file belongs to the snapshot, unless the push brought another. */
static int
keep_file(struct coverer *c, struct node *n, const struct dirent_at *e)
{
	uint64_t bytes = 0;		/* counted by the merge */

	if (linkat(n->fd[LOWER], e->name, n->fd[OUT], e->name, 0) == 0 ||
	    errno == EEXIST)
		return 0;
	if (errno != EMLINK && errno != EXDEV)
		return -1;
	return copies_link(c->copies, n->fd[LOWER], n->fd[OUT], e,
	    &bytes) == -1 && errno != EEXIST ? -1 : 0;
}

/* Second walk, after rsync: keep base's files where the mark still stands. */
static int
keep_treat(struct worker *w, struct node *n)
{
	struct coverer *c = w->arg;
	struct timespec times[2];
	struct dirent_at e;
	struct stat st, mark;
	bool kept;
	int r, folder;

	kept = fstatat(n->fd[OUT], c->mark, &mark, AT_SYMLINK_NOFOLLOW) == 0;
	if (fstat(n->fd[OUT], &st) == -1 ||
	    dirents_start(&c->d, n->fd[LOWER]) == -1)
		return -1;
	while ((r = dirents_next(&c->d, &e)) == 1) {
		if (e.type == DT_DIR) {
			if ((folder = has_folder(n->fd[OUT], e.name)) == -1 ||
			    (folder && worker_add(w, n, e.name, true, false,
			    true) == NULL))
				return -1;
		} else if (kept && keep_file(c, n, &e) == -1)
			return -1;
	}
	if (r == -1 || !kept)
		return r;
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	return unlinkat(n->fd[OUT], c->mark, 0) == -1 ? -1 :
	    futimens(n->fd[OUT], times);
}

/* Walk base and what is pushed to, both from the folder of the push on. */
static int
walk(struct push *p, int (*treat)(struct worker *, struct node *), int base,
    int target)
{
	char mark[NAME_MAX + 1], where[8];
	struct copies copies;
	struct pool_job job = {
		.treat = treat, .fd = { base, -1, target }
	};
	struct coverer *c;
	void **args;
	size_t i;
	int rc = -1, saved;

	mark_name(p, mark);
	if (copies_open(&copies, p->fd, base, target) == -1)
		return -1;
	job.threads = pool_threads();
	c = calloc(job.threads, sizeof(*c));
	args = calloc(job.threads, sizeof(*args));
	if (c == NULL || args == NULL)
		goto out;
	for (i = 0; i < job.threads; i++) {
		c[i].mark = mark;
		c[i].copies = &copies;
		args[i] = &c[i];
		if (dirents_init(&c[i].d) == -1)
			goto out;
	}
	job.args = args;
	rc = pool_run(&job, where, sizeof(where));
out:
	saved = errno;
	for (i = 0; c != NULL && i < job.threads; i++)
		dirents_fini(&c[i].d);
	free(args);
	free(c);
	copies_close(&copies);
	errno = saved;
	return rc;
}

/* Open base and what is pushed to.  1; 0 if base has no such folder; or -1. */
static int
sides_open(struct push *p, int *base, int *target)
{
	int top, saved;

	*base = *target = -1;
	if (p->c.base[0] == '\0')
		return 0;
	if ((top = dir_open_at(p->store->fd, p->c.base)) == -1)
		return -1;
	*base = dir_open_below(top, p->c.subdir);
	saved = errno;
	close(top);
	errno = saved;
	if (*base == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
		    0 : -1;
	if ((top = dir_open_at(p->fd, PUSH_UPPER)) == -1)
		return -1;
	*target = dir_open_below(top, p->c.subdir);
	saved = errno;
	close(top);
	errno = saved;
	return *target == -1 ? -1 : 1;
}

static void
sides_close(int base, int target)
{
	int saved = errno;

	if (base != -1)
		close(base);
	if (target != -1)
		close(target);
	errno = saved;
}

int
cover_prepare(struct push *p)
{
	int base, target, rc;

	rc = sides_open(p, &base, &target);
	if (rc == 1)
		rc = walk(p, shape_treat, base, target);
	sides_close(base, target);
	return rc;
}

int
cover_finish(struct push *p)
{
	int base, target, rc;

	rc = sides_open(p, &base, &target);
	if (rc == 1)
		rc = walk(p, keep_treat, base, target);
	sides_close(base, target);
	/* The folder itself may be gone: then there is nothing to keep. */
	return rc == -1 && target == -1 && base != -1 && errno == ENOENT ?
	    0 : rc;
}
