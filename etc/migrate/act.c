/* act.c: carry out the moves of a ledger, or take them back.
 *
 * Each step can be done again: a snapshot is where it was or where it shall
 * be, or, if it gets a prefix, in HOST.snaps/.migrate on its way.  Only renames
 * move anything; nothing that stands in the way is replaced.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "file.h"
#include "migrate.h"
#include "store_dir.h"
#include "store_internal.h"
#include "text.h"

#define STAGE	".migrate"	/* in HOST.snaps */

struct acting {
	const struct moves *m;
	int		 dirfd;
	struct store	*store;
	struct stat	 root;		/* whose the store is */
	struct adopt	 adopt;
	bool		 undoing;
};

static int __attribute__((format(printf, 2, 3)))
fail(const char *what, const char *fmt, ...)
{
	int status = exit_of_errno(errno), saved = errno;
	char *safe = text_escape(what);
	va_list ap;
	char why[PATH_MAX];

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	errno = saved;
	warn("%s: %s", safe, why);
	free(safe);
	return status;
}

/* Give what root has made in the store to whom it belongs. */
static int
give(const struct acting *a, int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	if (st.st_uid == a->root.st_uid && st.st_gid == a->root.st_gid)
		return 0;
	return geteuid() != 0 ? 0 : fchownat(dirfd, name, a->root.st_uid,
	    a->root.st_gid, AT_SYMLINK_NOFOLLOW);
}

/* Open and lock a client's store, made if it is not there. */
static int
store_begin(struct acting *a, const char *host)
{
	if ((a->store = store_open(a->m->root, host, STORE_CREATE)) == NULL)
		return fail(host, "store");
	if (store_lock(a->store) == -1)
		return fail(host, "the store is in use");
	if ((geteuid() == 0 && fchown(store_fd(a->store), a->root.st_uid,
	    a->root.st_gid) == -1) || fchmod(store_fd(a->store), 0700) == -1 ||
	    give(a, store_fd(a->store), STORE_LOCK) == -1)
		return fail(host, "store");
	return 0;
}

static int
store_finish(struct acting *a, int rc)
{
	char full[STORE_HOST_MAX + sizeof(".full")];

	if (a->store == NULL)
		return rc;
	snprintf(full, sizeof(full), "%s.full", store_host(a->store));
	/* A folder that stands there again is not ours to replace. */
	if (rc == 0 && a->undoing && store_full_is_ours(a->store) == -1 &&
	    errno == EEXIST)
		;
	else if (rc == 0 && (store_link_full(a->store) == -1 ||
	    give(a, store_root_fd(a->store), full) == -1 ||
	    give(a, store_fd(a->store), STORE_META) == -1))
		rc = fail(full, "link");
	store_close(a->store);
	a->store = NULL;
	return rc;
}

/* The folder that a name is in, open, and its last part. */
static int
open_parent(int dirfd, const char *path, const char **last)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	int fd;

	*last = slash != NULL ? slash + 1 : path;
	if ((parent = strndup(path, slash == NULL ? 0 :
	    (size_t)(slash - path))) == NULL)
		return -1;
	fd = dir_open_below(dirfd, parent);
	free(parent);
	return fd;
}

/* Is a path below a folder there?  1, 0, or -1. */
static int
exists_below(int dirfd, const char *path)
{
	const char *last;
	int fd, r;

	if ((fd = open_parent(dirfd, path, &last)) == -1)
		return errno == ENOENT ? 0 : -1;
	r = exists_at(fd, last);
	close(fd);
	return r;
}

/* Rename a folder from one place to another, durably. */
static int
rename_folder(int fromfd, const char *from, int tofd, const char *to)
{
	const char *a, *b;
	int x, y = -1, rc = -1, saved;

	if ((x = open_parent(fromfd, from, &a)) != -1 &&
	    (y = open_parent(tofd, to, &b)) != -1 &&
	    renameat2(x, a, y, b, RENAME_NOREPLACE) == 0 &&
	    dir_sync(y) == 0 && dir_sync(x) == 0)
		rc = 0;
	saved = errno;
	if (x != -1)
		close(x);
	if (y != -1)
		close(y);
	errno = saved;
	return rc;
}

/* Make the folders above the prefix's last part. */
static int
stage_make(struct acting *a)
{
	char part[NAME_MAX + 1];
	const char *p = a->m->prefix;
	int fd, next, rc = 0;
	size_t n;

	if ((fd = dir_make_at(store_fd(a->store), STAGE, 0755)) == -1)
		return -1;
	for (;; p += n + 1) {
		if (a->root.st_uid != 0 && adopt_dir(&a->adopt, fd) == -1)
			rc = -1;
		n = strcspn(p, "/");
		if (rc == -1 || p[n] == '\0')
			break;
		memcpy(part, p, n);
		part[n] = '\0';
		next = dir_make_at(fd, part, 0755);
		close(fd);
		if ((fd = next) == -1)
			return -1;
	}
	close(fd);
	return rc;
}

static int
record_write(struct acting *a, const struct snapshot *s)
{
	char name[STAMP_SIZE + sizeof(".json")], *text;
	int metafd, rc = -1, saved;

	if ((text = store_record_format(s)) == NULL)
		return -1;
	snprintf(name, sizeof(name), "%s.json", s->stamp);
	if ((metafd = dir_make_at(store_fd(a->store), STORE_META,
	    0700)) != -1 && file_replace_at(metafd, name, text,
	    strlen(text), 0600, true) == 0 &&
	    give(a, metafd, name) == 0)
		rc = 0;
	saved = errno;
	if (metafd != -1)
		close(metafd);
	free(text);
	errno = saved;
	return rc;
}

/* Make the tree the account's, before it gets its name. */
static int
adopt_move(struct acting *a, const struct move *mv)
{
	int fd, rc = 0;

	if (a->root.st_uid == 0)
		return 0;
	if ((fd = dir_open_below(a->dirfd, mv->from)) == -1)
		return fail(mv->from, "open");
	if (adopt_tree(&a->adopt, fd) == -1 || syncfs(fd) == -1)
		rc = fail(mv->from, "/%s: note its owner", a->adopt.where);
	close(fd);
	return rc;
}

static int
move_one(struct acting *a, const struct move *mv)
{
	int snaps = store_fd(a->store), there, here, staged = 0, rc;
	bool prefix = a->m->prefix[0] != '\0';
	char *stage = NULL;

	if (asprintf(&stage, STAGE "/%s", a->m->prefix) == -1)
		err(BS_FAIL, NULL);
	there = exists_at(snaps, mv->s.stamp);
	here = exists_below(a->dirfd, mv->from);
	if (prefix)
		staged = exists_below(snaps, stage);
	rc = BS_FAIL;
	if (there == -1 || here == -1 || staged == -1)
		rc = fail(mv->from, "look");
	else if (there && !here)
		rc = 0;				/* by an earlier run */
	else if (there || (here && staged) || (!here && !staged))
		warnx("%s: %s", mv->from, there ? "its new name is taken" :
		    staged ? ".migrate is taken" : "has gone");
	else if (here && (rc = adopt_move(a, mv)) != 0)
		;
	else if (record_write(a, &mv->s) == -1)
		rc = fail(mv->from, "record");
	else if ((prefix && !staged && (stage_make(a) == -1 ||
	    rename_folder(a->dirfd, mv->from, snaps, stage) == -1)) ||
	    (prefix ? rename_folder(snaps, STAGE, snaps, mv->s.stamp) :
	    rename_folder(a->dirfd, mv->from, snaps, mv->s.stamp)) == -1)
		rc = fail(mv->from, "rename to %s.snaps/%s", mv->host,
		    mv->s.stamp);
	else
		rc = 0;
	free(stage);
	return rc;
}

static int
begin(struct acting *a, const struct moves *m, int dirfd)
{
	memset(a, 0, sizeof(*a));
	a->m = m;
	a->dirfd = dirfd;
	if (stat(m->root, &a->root) == -1)
		return fail(m->root, "look");
	a->adopt.uid = a->root.st_uid;
	a->adopt.gid = a->root.st_gid;
	a->adopt.owner = m->owner;
	return 0;
}

int
moves_act(struct moves *m, int dirfd, bool verbose)
{
	struct acting a;
	size_t i;
	int rc;

	if ((rc = begin(&a, m, dirfd)) != 0)
		return rc;
	for (i = 0; rc == 0 && i < m->n; i++) {
		if (a.store == NULL || strcmp(store_host(a.store),
		    m->v[i].host) != 0)
			if ((rc = store_finish(&a, rc)) != 0 ||
			    (rc = store_begin(&a, m->v[i].host)) != 0)
				break;
		rc = move_one(&a, &m->v[i]);
		if (rc == 0 && verbose)
			warnx("%s.snaps/%s", m->v[i].host, m->v[i].s.stamp);
	}
	return store_finish(&a, rc);
}

/* HOST.full is a link of ours in the way of the folder that was there. */
static int
unlink_full(struct acting *a)
{
	char full[STORE_HOST_MAX + sizeof(".full")];

	snprintf(full, sizeof(full), "%s.full", store_host(a->store));
	if (store_full_is_ours(a->store) == -1)
		return -1;
	return unlinkat(store_root_fd(a->store), full, 0) == -1 &&
	    errno != ENOENT ? -1 : 0;
}

/* Remove the folders that stage_make has made. */
static int
stage_remove(int snaps, const char *stamp, const char *prefix)
{
	char *path, *slash;
	int rc = 0;

	if (asprintf(&path, "%s/%s", stamp, prefix) == -1)
		return -1;
	while (rc == 0 && (slash = strrchr(path, '/')) != NULL) {
		*slash = '\0';
		rc = unlinkat(snaps, path, AT_REMOVEDIR);
	}
	free(path);
	return rc;
}

static int
undo_one(struct acting *a, const struct move *mv)
{
	char name[STAMP_SIZE + sizeof(STORE_META "/.json")];
	const char *prefix = a->m->prefix;
	int snaps = store_fd(a->store), there;
	char *path;

	if ((there = exists_below(a->dirfd, mv->from)) == 1 &&
	    exists_at(snaps, mv->s.stamp) == 0)
		return 0;
	if (asprintf(&path, "%s%s%s", mv->s.stamp, prefix[0] != '\0' ? "/" :
	    "", prefix) == -1)
		err(BS_FAIL, NULL);
	if (exists_below(snaps, path) == 0) {
		warnx("%s: %s.snaps/%s has gone meanwhile", mv->from,
		    mv->host, mv->s.stamp);
		free(path);
		return 0;
	}
	if (rename_folder(snaps, path, a->dirfd, mv->from) == -1 ||
	    (prefix[0] != '\0' && stage_remove(snaps, mv->s.stamp,
	    prefix) == -1)) {
		free(path);
		return fail(mv->from, "rename back");
	}
	free(path);
	snprintf(name, sizeof(name), STORE_META "/%s.json", mv->s.stamp);
	if (unlinkat(snaps, name, 0) == -1 && errno != ENOENT)
		return fail(mv->from, "remove the record");
	return 0;
}

int
moves_undo(struct moves *m, int dirfd, bool dry)
{
	struct acting a;
	size_t i;
	int rc;

	if ((rc = begin(&a, m, dirfd)) != 0)
		return rc;
	a.undoing = true;
	for (i = m->n; rc == 0 && i > 0; i--) {
		if (dry) {
			printf("move     %s.snaps/%s -> ", m->v[i - 1].host,
			    m->v[i - 1].s.stamp);
			text_print(stdout, m->v[i - 1].from);
			putchar('\n');
			continue;
		}
		if (a.store == NULL || strcmp(store_host(a.store),
		    m->v[i - 1].host) != 0) {
			if ((rc = store_finish(&a, rc)) != 0 ||
			    (rc = store_begin(&a, m->v[i - 1].host)) != 0)
				break;
			if (unlink_full(&a) == -1 && errno != EEXIST) {
				rc = fail(m->v[i - 1].host, ".full");
				break;
			}
		}
		rc = undo_one(&a, &m->v[i - 1]);
	}
	return store_finish(&a, rc);
}
