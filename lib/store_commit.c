/* store_commit.c: from what rsync has left to a snapshot.
 *
 * Once .push/commit is on stable storage there is only one direction.  Every
 * step can be done again: commit_roll looks at what is there and goes on from
 * it.  The table of the instants is in store_push.c.
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
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "store_dir.h"
#include "store_internal.h"
#include "store_sums.h"
#include "store_tree.h"
#include "sweep.h"

#define COMMIT_MAX	(64 * 1024)	/* bytes of .push/commit */
#define PUSH_RECORD	"record"	/* the tree is complete, but for
					 * attributes to be unescaped */
#define MOUNT_WAIT_MS	5000

void
push_commit_free(struct push_commit *c)
{
	free(c->subdir);
	c->subdir = NULL;
}

static bool
disk_is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

/* The record of a commit, as far as it is known before the tree is made. */
static void
record_begin(const struct push_commit *c, struct snapshot *s)
{
	memset(s, 0, sizeof(*s));
	strlcpy(s->stamp, c->stamp, sizeof(s->stamp));
	(void)stamp_parse(s->stamp, &s->time);
	s->recorded = true;
	s->status = c->rsync_exit == 0 ? SNAPSHOT_COMPLETE :
	    c->rsync_exit == 24 ? SNAPSHOT_VANISHED : SNAPSHOT_PARTIAL;
	s->way = c->way;
	strlcpy(s->client, c->client, sizeof(s->client));
	strlcpy(s->base, c->base, sizeof(s->base));
	s->started = c->started;
	s->ended = c->ended;
	s->rsync_exit = c->rsync_exit;
}

static void
record_stats(struct snapshot *s, const struct merge *m,
    const struct merge_stats *st)
{
	int64_t bytes = st->bytes, bytes_new = (int64_t)st->bytes_new;

	if (m->base_known)
		bytes += (int64_t)m->base_bytes;
	s->entries = st->entries;
	s->linked = st->linked;
	s->moved = st->moved;
	s->dropped = st->dropped;
	s->copied = st->copied;
	s->bytes = bytes > 0 ? (uint64_t)bytes : 0;
	/* A folder that is gone is counted as large as base's is. */
	s->bytes_new = bytes_new > 0 ? (uint64_t)bytes_new : 0;
	s->overlay_xattrs = st->overlay_xattrs;
	s->solid = m->base_solid && !st->holes;
}

/* Does all of what was pushed stand for itself, so that its folder can become
 * the tree as it is? */
static bool
is_whole(const struct push_commit *c)
{
	return c->way == STORE_WAY_BTRFS || (c->way == STORE_WAY_LINKDEST &&
	    c->deletes && c->subdir[0] == '\0');
}

/* The tree that begins as all of base, open. */
static int
tree_of_ahead(int pushfd, int base)
{
	int fd;

	if ((fd = dir_open_at(pushfd, PUSH_TREE)) != -1 || errno != ENOENT)
		return fd;
	if (ahead_make(pushfd, base) == -1 ||
	    renameat(pushfd, PUSH_AHEAD, pushfd, PUSH_TREE) == -1)
		return -1;
	return dir_open_at(pushfd, PUSH_TREE);
}

/* Open what the merge works on. */
static int
merge_open(struct store *s, int pushfd, const struct push_commit *c,
    struct merge *m)
{
	struct snapshot base;

	m->kind = MERGE_BOTH;
	m->lower = m->upper = m->out = -1;
	m->push = pushfd;
	m->overlay = push_is_layered(c);
	m->cloned = false;
	m->subdir = c->subdir;
	m->deletes = c->deletes;
	m->base_clean = m->base_known = m->base_solid = true;
	m->base_bytes = 0;
	if (c->base[0] != '\0') {
		if ((m->lower = dir_open_at(s->fd, c->base)) == -1)
			return -1;
		store_record_load(s, c->base, &base);
		m->base_known = base.recorded;
		m->base_clean = base.recorded && !base.overlay_xattrs;
		m->base_bytes = base.bytes;
		m->base_solid = base.recorded && base.solid;
	}
	if (is_whole(c)) {
		m->cloned = c->way == STORE_WAY_BTRFS && m->lower != -1 &&
		    subvol_is(m->lower);
		if (renameat(pushfd, PUSH_UPPER, pushfd, PUSH_TREE) == -1 &&
		    errno != ENOENT)
			return -1;
		m->kind = MERGE_PLACED;
		m->out = dir_open_at(pushfd, PUSH_TREE);
		return m->out == -1 ? -1 : 0;
	}
	if ((m->upper = dir_open_at(pushfd, PUSH_UPPER)) == -1)
		return -1;
	if (m->overlay && m->lower != -1) {
		m->kind = MERGE_APPLY;
		m->out = tree_of_ahead(pushfd, m->lower);
		return m->out == -1 ? -1 : 0;
	}
	m->out = dir_make_at(pushfd, PUSH_TREE, 0700);
	return m->out == -1 ? -1 : 0;
}

static void
merge_close(struct merge *m)
{
	if (m->lower != -1)
		close(m->lower);
	if (m->upper != -1)
		close(m->upper);
	if (m->out != -1)
		close(m->out);
}

/* An earlier run has said that the tree is complete. */
static bool
record_saved(int pushfd, const char *stamp, struct snapshot *made)
{
	char *text;
	size_t len;
	int rc;

	if ((text = file_read_at(pushfd, PUSH_RECORD, STORE_RECORD_MAX,
	    &len)) == NULL)
		return false;
	rc = store_record_parse(text, len, stamp, made);
	free(text);
	return rc == 0;
}

static int
record_write(int dirfd, const char *name, const struct snapshot *s, bool sync)
{
	char *text;
	int rc;

	if ((text = store_record_format(s)) == NULL)
		return -1;
	rc = file_replace_at(dirfd, name, text, strlen(text), 0600, sync);
	free(text);
	return rc;
}

/* Run the passes. */
static int
tree_merge(struct merge *m, struct merge_stats *st, char *where, size_t size)
{
	memset(st, 0, sizeof(*st));
	where[0] = '\0';
	if (m->kind == MERGE_APPLY && !m->rerun &&
	    ahead_sum_load(m->push, st) == -1)
		return -1;
	if (merge_run(m, st, where, size) == -1)
		return -1;
	if (m->kind != MERGE_APPLY || !m->rerun)
		return 0;
	m->kind = MERGE_PLACED;
	return merge_run(m, st, where, size);
}

/* Make .push/tree and fill in its record. */
static int
tree_make(struct store *s, int pushfd, const struct push_commit *c, bool rerun,
    struct snapshot *made)
{
	char where[PATH_MAX];
	struct merge_stats st;
	struct merge m;
	int rc = -1, saved;

	if (rerun && record_saved(pushfd, c->stamp, made))
		goto unescape;
	if (merge_open(s, pushfd, c, &m) == -1)
		goto out;
	m.rerun = rerun;
	if (tree_merge(&m, &st, where, sizeof(where)) == -1) {
		log_warn("%s: making %s: /%s", s->host, c->stamp, where);
		goto out;
	}
	record_begin(c, made);
	record_stats(made, &m, &st);
	if (!st.escaped) {
		rc = 0;
		goto out;
	}
	/* From here on what stands in the tree as user.overlay.* is the
	 * client's: the pass must not be run again. */
	if (record_write(pushfd, PUSH_RECORD, made, true) == -1)
		goto out;
	merge_close(&m);
unescape:
	if ((m.out = dir_open_at(pushfd, PUSH_TREE)) == -1)
		return -1;
	m.lower = m.upper = -1;
	rc = merge_unescape(m.out);
out:
	saved = errno;
	merge_close(&m);
	errno = saved;
	return rc;
}

/* The tree gets its name: the instant at which the snapshot is there. */
static int
tree_publish(struct store *s, int pushfd, const struct snapshot *made)
{
	char name[STAMP_SIZE + sizeof(".json")];
	int metafd, rc, saved;

	if ((metafd = dir_make_at(s->fd, STORE_META, 0700)) == -1)
		return -1;
	snprintf(name, sizeof(name), "%s.json", made->stamp);
	rc = record_write(metafd, name, made, false);
	if (rc == 0)
		rc = syncfs(s->fd);
	if (rc == 0)
		rc = renameat2(pushfd, PUSH_TREE, s->fd, made->stamp,
		    RENAME_NOREPLACE);
	if (rc == 0)
		rc = dir_sync(s->fd);
	saved = errno;
	if (rc == -1 && exists_at(s->fd, made->stamp) == 0)
		(void)unlinkat(metafd, name, 0);
	close(metafd);
	errno = saved;
	return rc;
}

/* Remove all that .push holds, the commit's own note last. */
static int
push_clean(int pushfd)
{
	struct dirents d = { .buf = NULL };
	struct dirent_at e;
	int fd, r = -1;

	if ((fd = dir_open_at(pushfd, ".")) == -1)
		return -1;
	if (dirents_init(&d) == 0 && dirents_start(&d, fd) == 0)
		while ((r = dirents_next(&d, &e)) == 1)
			if (strcmp(e.name, PUSH_COMMIT) != 0 &&
			    tree_remove(pushfd, e.name) == -1) {
				r = -1;
				break;
			}
	dirents_fini(&d);
	close(fd);
	if (r == -1)
		return -1;
	return unlinkat(pushfd, PUSH_COMMIT, 0) == -1 && errno != ENOENT ?
	    -1 : 0;
}

/* Go on with a commit from wherever it stands. */
static int
commit_roll(struct store *s, int pushfd, const struct push_commit *c,
    bool rerun, struct snapshot *made)
{
	int there, tree, upper;

	there = exists_at(s->fd, c->stamp);
	tree = exists_at(pushfd, PUSH_TREE);
	upper = exists_at(pushfd, PUSH_UPPER);
	if (there == -1 || tree == -1 || upper == -1)
		return -1;
	/* Without a tree the snapshot has got its name; it may have been
	 * rotated away since. */
	if (!rerun || tree || (upper && !there))
		if (tree_make(s, pushfd, c, rerun, made) == -1 ||
		    tree_publish(s, pushfd, made) == -1)
			return -1;
	/* One that is read-only cannot be moved to another folder. */
	if (c->way == STORE_WAY_BTRFS && btrfs_seal(s->fd, c->stamp,
	    true) == -1)
		return -1;
	return store_link_full(s) == -1 ? -1 : push_clean(pushfd);
}

/* What to do with a commit that cannot be finished: an error that may pass
 * leaves it for the next push; a full disk gets its room back; and what would
 * fail for ever must not stand in the way of all later pushes. */
static bool
error_may_pass(int error)
{
	return error == EIO || error == ENOMEM || error == EMFILE ||
	    error == ENFILE || error == EINTR || error == EAGAIN ||
	    error == EROFS;
}

int
store_recover(struct store *s)
{
	struct push_commit c = { .subdir = NULL };
	struct snapshot made;
	char *text = NULL;
	size_t len;
	int fd, rc = -1, saved;

	if (tree_remove(s->fd, STORE_GONE) == -1)
		return -1;
	if ((fd = dir_open_at(s->fd, STORE_PUSH)) == -1)
		return errno == ENOENT ? 0 : -1;
	if ((text = file_read_at(fd, PUSH_COMMIT, COMMIT_MAX, &len)) == NULL) {
		if (errno == ENOENT)
			rc = 0;
		goto out;
	}
	if (push_commit_parse(text, len, &c) == -1) {
		log_warnx("%s: .push/commit is damaged: the push is dropped",
		    s->host);
		rc = store_push_discard(s);
		goto out;
	}
	log_info("%s: going on with the interrupted commit of %s", s->host,
	    c.stamp);
	if ((rc = commit_roll(s, fd, &c, true, &made)) == -1 &&
	    !error_may_pass(errno)) {
		log_warn("%s: %s cannot be committed, the push is dropped",
		    s->host, c.stamp);
		rc = store_push_discard(s);
	}
out:
	saved = errno;
	push_commit_free(&c);
	free(text);
	close(fd);
	errno = saved;
	return rc;
}

/* Nobody may write to what becomes part of a snapshot. */
static int
writers_are_gone(struct push *p)
{
	int used;

	if (!push_is_layered(&p->c))
		return 0;
	if ((used = overlay_in_use(p->fd, MOUNT_WAIT_MS)) == 1)
		errno = EBUSY;
	return used == 0 ? 0 : -1;
}

/* Everything that was pushed is on stable storage before the note that
 * commits us to it. */
static int
commit_note(struct push *p)
{
	char *text;
	int rc;

	if (syncfs(p->fd) == -1 || (text = push_commit_format(&p->c)) == NULL)
		return -1;
	rc = file_replace_at(p->fd, PUSH_COMMIT, text, strlen(text), 0600, true);
	free(text);
	return rc;
}

int
push_commit(struct push *p, int rsync_exit, struct snapshot *made)
{
	struct sums_job *sums;
	int rc, saved;

	if (p->done ||
	    (rsync_exit != 0 && rsync_exit != 23 && rsync_exit != 24)) {
		errno = EINVAL;
		return -1;
	}
	if (writers_are_gone(p) == -1)
		return -1;
	ahead_join(p);
	p->c.rsync_exit = rsync_exit;
	p->c.ended = time(NULL);
	rc = p->c.way == STORE_WAY_LINKDEST && p->c.deletes ?
	    cover_finish(p) : 0;
	if (rc == 0) {
		sums = sums_start(p);
		rc = commit_note(p);
		sums_end(sums);
	}
	if (rc == 0) {
		p->done = true;		/* the next push goes on with it */
		rc = commit_roll(p->store, p->fd, &p->c, false, made);
	}
	if (rc == -1 && disk_is_full(errno)) {
		saved = errno;
		p->done = true;
		if (store_push_discard(p->store) == -1)
			log_warn("%s: freeing the push", p->store->host);
		errno = saved;
	}
	return rc;
}
