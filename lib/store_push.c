/* store_push.c: a push from its beginning to its end.
 *
 * HOST.snaps/.push belongs to whoever holds the lock:
 *
 *   state         what the unfinished push is (store_state.c)
 *   upper/        what rsync writes to: overlay way: the upper layer of a mount
 *                 over the newest snapshot, or a new folder where there is none;
 *                 linkdest way: a new folder; btrfs way: a writable snapshot of
 *                 it, while it is filled upper.part
 *   work/ empty/  overlayfs's work folder; a layer to ask the kernel with
 *   ahead/        overlay way: all of base, linked while rsync runs; while that
 *                 goes on, ahead.part; ahead.sum: what was counted
 *                 (store_ahead.c)
 *   partial.N/    linkdest way: what interrupted pushes brought, for --link-dest
 *   fresh/        linkdest way: copies of files at the link limit, likewise
 *   commit        the snapshot to be: from here on there is no way back
 *   copies/       copies of files at the link limit, made by the commit
 *   record        the tree is whole, but for attributes to be unescaped
 *   tree/         the snapshot being made
 *
 * What a crash leaves (a kill -9 of everything, a power cut), and what the next
 * push_begin makes of it:
 *
 *   instant                          found               done
 *   -------------------------------  ------------------  ----------------------
 *   push_begin                       no state, or one    dropped, begun anew
 *                                    that fits nothing
 *   rsync writes; the machine runs   state, boot id as   taken up: overlay: upper
 *   on                               now                 is the upper layer again,
 *                                                        without rsync's temporary
 *                                                        files; linkdest: upper
 *                                                        becomes partial.N
 *   rsync writes; power cut          other boot id, not  dropped: sizes and times
 *                                    synced              may be right where the
 *                                                        data never arrived
 *   after push_failed                synced              taken up, also after a
 *                                                        power cut
 *   base being linked ahead          ahead.part          with what rsync brought:
 *                                                        gone on with, or dropped
 *   linked ahead                     ahead               likewise; it is the tree
 *                                                        of the push that takes up
 *   push_commit before its note      as while rsync      as then
 *                                    writes
 *   commit written, no tree yet      commit, upper,      base is linked to the end,
 *                                    ahead               ahead becomes tree
 *   tree in making                   commit, upper,      the pass is run again
 *                                    tree
 *   attributes being unescaped       commit, record,     unescaped to the end
 *                                    tree
 *   tree made, not named             commit, tree        the pass is run again and
 *                                                        finds all in place; named
 *   named, HOST.full still old       commit, no tree,    HOST.full is set
 *                                    STAMP
 *   being cleaned                    commit              cleaned to the end
 *   a push being dropped             .gone               removed
 *
 * A push is taken up only if the snapshot that it was built on is still the
 * newest, it goes the same way, and the new push covers the folder it was for;
 * and it is dropped if it leaves the new push no room to begin.
 * The overlay way also asks the kernel whether the upper layer is still mounted
 * somewhere: by a process that outlived its push_begin.  Such a layer is never
 * taken up: what that process goes on writing leads nowhere.  (A first push has
 * no layers to ask about; there, as in the other ways, it is for the caller to
 * see that no process outlives it.)  The process that
 * links ahead holds the lock, so no push begins before it is gone.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "store_dir.h"
#include "store_internal.h"
#include "store_tree.h"
#include "store_visit.h"

#define STATE_MAX	(64 * 1024)	/* bytes of .push/state */
#define MOUNT_WAIT_MS	2000
#define LOCK_WAIT_MS	3000	/* rotation holds the lock for moments */
#define LOCK_STEP_MS	50
#define DELAY_DIR	".~tmp~"	/* rsync's --delay-updates */
#define RERR_FILEIO	11		/* rsync: an error in file I/O */
#define FULL_BYTES	(64ULL << 20)	/* less than this is a full disk */
#define FULL_PART	50		/* and so is less than 1/50 of it */

static void
boot_id(char id[40])
{
	char *text;
	size_t len;

	id[0] = '\0';
	if ((text = file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id",
	    64, &len)) == NULL)
		return;
	text[strcspn(text, "\n")] = '\0';
	strlcpy(id, text, 40);
	free(text);
}

static int
state_load(int pushfd, struct push_state *st)
{
	char *text;
	size_t len;
	int rc;

	if ((text = file_read_at(pushfd, PUSH_STATE, STATE_MAX, &len)) == NULL)
		return -1;
	rc = push_state_parse(text, len, st);
	free(text);
	return rc;
}

static int
state_save(struct push *p, bool synced)
{
	struct push_state st = {
		.way = p->c.way, .subdir = p->c.subdir,
		.started = p->c.started, .synced = synced
	};
	char *text;
	int rc;

	strlcpy(st.base, p->c.base, sizeof(st.base));
	boot_id(st.boot_id);
	if ((text = push_state_format(&st)) == NULL)
		return -1;
	/* What is taken up is written to from now on: a power cut must not
	 * bring the state back that says that all of it is there. */
	rc = file_replace_at(p->fd, PUSH_STATE, text, strlen(text), 0600,
	    synced || p->c.resumed);
	free(text);
	return rc;
}

/* Is what an unfinished push left of use to this one?  Pure. */
static bool
state_fits(const struct push_state *st, const struct push_commit *c,
    const char *boot)
{
	return st->way == c->way && strcmp(st->base, c->base) == 0 &&
	    subdir_covers(c->subdir, st->subdir) &&
	    (st->synced || (boot[0] != '\0' &&
	    strcmp(st->boot_id, boot) == 0));
}

/* A new stamp: the time, but later than every one before. */
static int
stamp_next(const char *last, time_t now, char stamp[STAMP_SIZE])
{
	time_t t;

	if (last[0] != '\0' && stamp_parse(last, &t) == 0 && now <= t)
		now = t + 1;
	return stamp_format(stamp, now);
}

/* Does it go the btrfs way? */
static bool
way_is_btrfs(int pushfd, int asked, const struct snapshot *base)
{
	if (asked != -1 && asked != STORE_WAY_BTRFS)
		return false;
	return (base->recorded && base->way == STORE_WAY_BTRFS) ||
	    btrfs_works(pushfd);
}

/* Which way this push goes, an enum store_way; or -1 with errno. */
static int
way_choose(struct store *s, int pushfd, const struct push_request *req,
    const struct snapshot *base)
{
	int asked = req->way;
	bool failed;

	if (asked == STORE_WAY_LINKDEST)
		return STORE_WAY_LINKDEST;
	if (way_is_btrfs(pushfd, asked, base))
		return STORE_WAY_BTRFS;
	if (base->stamp[0] != '\0' && !base->recorded) {
		log_info("%s: %s has no record: going the linkdest way",
		    s->host, base->stamp);
		return STORE_WAY_LINKDEST;
	}
	if (base->overlay_xattrs && req->guarded) {
		errno = ENOTSUP;
		return -1;
	}
	if (base->overlay_xattrs) {
		log_info("%s: %s holds overlay attributes of the client's "
		    "own: going the linkdest way", s->host, base->stamp);
		return STORE_WAY_LINKDEST;
	}
	if (asked == STORE_WAY_OVERLAY)
		return STORE_WAY_OVERLAY;
	/* What the mount refused the last time may be let in this way. */
	if (!req->guarded && base->recorded &&
	    base->status == SNAPSHOT_PARTIAL &&
	    base->way == STORE_WAY_OVERLAY && overlay_may_refuse())
		return STORE_WAY_LINKDEST;
	failed = faccessat(s->fd, STORE_NOVERLAY, F_OK,
	    AT_SYMLINK_NOFOLLOW) == 0;
	if (!failed && base->recorded && base->way == STORE_WAY_OVERLAY)
		return STORE_WAY_OVERLAY;
	if (!overlay_works(pushfd)) {
		log_info("%s: no overlay here: going the linkdest way",
		    s->host);
		return STORE_WAY_LINKDEST;
	}
	if (failed)
		(void)unlinkat(s->fd, STORE_NOVERLAY, 0);
	return STORE_WAY_OVERLAY;
}

/* rsync's names for unfinished files: ".NAME.XXXXXX". */
static bool
is_temporary(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t n = strlen(name);

	return n >= 9 && name[0] == '.' && name[n - 7] == '.' &&
	    strspn(name + n - 6, letters) == 6;
}

static int
temporary_remove(struct visit *v, int dirfd, const struct dirent_at *e)
{
	const struct statx_timestamp *since = v->arg;
	struct statx st;

	if (!is_temporary(e->name) || statx(dirfd, e->name,
	    AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st) == -1 ||
	    !S_ISREG(st.stx_mode) || st.stx_nlink != 1)
		return 0;
	if (since != NULL && (st.stx_btime.tv_sec < since->tv_sec ||
	    (st.stx_btime.tv_sec == since->tv_sec &&
	    st.stx_btime.tv_nsec < since->tv_nsec)))
		return 0;
	return unlinkat(dirfd, e->name, 0);
}

/* What --delay-updates left; or the client's own, which rsync sends again. */
static int
delayed_remove(struct visit *v, int dirfd, const struct dirent_at *e)
{
	if (strcmp(e->name, DELAY_DIR) != 0 || v->arg != NULL)
		return 0;
	return tree_remove(dirfd, e->name) == -1 ? -1 : 1;
}

/* Is the upper layer free of mounts? */
static bool
upper_is_free(struct push *p)
{
	if (overlay_in_use(p->fd, MOUNT_WAIT_MS) == 0)
		return true;
	log_warnx("%s: a process of an earlier push is still there: what it "
	    "writes is dropped", p->store->host);
	return false;
}

/* Can this push go on with what is in .push? */
static bool
can_take_up(struct push *p)
{
	struct push_state st;
	char boot[40];
	bool fits;

	if (state_load(p->fd, &st) == -1)
		return false;
	boot_id(boot);
	fits = state_fits(&st, &p->c, boot);
	free(st.subdir);
	if (fits && push_is_layered(&p->c))
		fits = upper_is_free(p);
	return fits;
}

/* Drop all that is in .push and begin with an empty one. */
static int
push_renew(struct push *p)
{
	close(p->fd);
	p->fd = -1;
	if (store_push_discard(p->store) == -1)
		return -1;
	p->fd = dir_make_at(p->store->fd, STORE_PUSH, 0700);
	return p->fd == -1 ? -1 : 0;
}

/* Remove what an interrupted rsync left in the upper layer; if that holds base's
 * files as well, only what is no older than .push. */
static int
upper_clean(struct push *p, bool all)
{
	struct visit clean = {
		.file = temporary_remove, .below = delayed_remove
	};
	struct statx st;
	int upper, rc, saved;

	if (!p->c.resumed)
		return 0;
	if (statx(p->fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) == -1 ||
	    (upper = dir_open_at(p->fd, PUSH_UPPER)) == -1)
		return -1;
	if (all)
		clean.arg = &st.stx_btime;
	rc = visit_run(&clean, upper);
	saved = errno;
	close(upper);
	errno = saved;
	return rc;
}

/* Make ready what is mounted: the upper layer of before or a new one that
 * looks like the base's top. */
static int
overlay_prepare(struct push *p)
{
	int upper, base = -1, rc = -1;
	bool is_new;

	if (tree_remove(p->fd, PUSH_WORK) == -1 ||
	    mkdirat(p->fd, PUSH_WORK, 0700) == -1 ||
	    (mkdirat(p->fd, PUSH_EMPTY, 0755) == -1 && errno != EEXIST))
		return -1;
	is_new = mkdirat(p->fd, PUSH_UPPER, 0755) == 0;
	if ((upper = dir_open_at(p->fd, PUSH_UPPER)) == -1)
		return -1;
	if (!is_new)
		rc = upper_clean(p, false);
	else if (p->c.base[0] == '\0')
		rc = 0;
	else if ((base = dir_open_at(p->store->fd, p->c.base)) != -1)
		rc = attrs_copy_dir(base, upper, false);
	if (base != -1)
		close(base);
	close(upper);
	return rc;
}

static int
folders_prepare(struct push *p)
{
	/* The state first: what is in .push without one is dropped. */
	if (state_save(p, false) == -1)
		return -1;
	switch (p->c.way) {
	case STORE_WAY_OVERLAY:
		return overlay_prepare(p);
	case STORE_WAY_LINKDEST:
		return linkdest_prepare(p);
	case STORE_WAY_BTRFS:
		break;
	}
	return btrfs_prepare(p) == -1 ? -1 : upper_clean(p, true);
}

/* Everything from the lock to a .push that rsync can write to. */
static int
push_prepare(struct push *p, const struct push_request *req)
{
	struct store *s = p->store;
	struct snapshot newest;
	char last[STAMP_SIZE];
	int way;

	if (store_full_is_ours(s) == -1 || store_recover(s) == -1 ||
	    store_newest(s, true, &newest, last) == -1 ||
	    stamp_next(last, p->c.started, p->c.stamp) == -1)
		return -1;
	strlcpy(p->c.base, newest.stamp, sizeof(p->c.base));
	if ((p->fd = dir_make_at(s->fd, STORE_PUSH, 0700)) == -1)
		return -1;
	if ((way = way_choose(s, p->fd, req, &newest)) == -1)
		return -1;
	p->c.way = (enum store_way)way;
	if (!(p->c.resumed = can_take_up(p)) && push_renew(p) == -1)
		return -1;
	if (folders_prepare(p) == 0)
		return 0;
	if (!p->c.resumed || (errno != ENOSPC && errno != EDQUOT))
		return -1;
	log_info("%s: the disk is full: what an earlier push left is dropped",
	    s->host);
	p->c.resumed = false;
	return push_renew(p) == -1 ? -1 : folders_prepare(p);
}

/* Take the lock, from a rotation too: a night's push must not fail because it
 * began while something was renamed. */
static int
lock_patiently(struct store *s)
{
	const struct timespec step = { 0, LOCK_STEP_MS * 1000000L };
	int waited;

	for (waited = 0; store_lock(s) == -1; waited += LOCK_STEP_MS) {
		if (errno != EWOULDBLOCK || waited >= LOCK_WAIT_MS)
			return -1;
		(void)nanosleep(&step, NULL);
	}
	return 0;
}

struct push *
push_begin(struct store *s, const struct push_request *req)
{
	struct push *p;

	if (!subdir_valid(req->subdir)) {
		errno = EINVAL;
		return NULL;
	}
	if (lock_patiently(s) == -1)
		return NULL;
	if ((p = calloc(1, sizeof(*p))) == NULL) {
		store_unlock(s);
		return NULL;
	}
	p->store = s;
	p->fd = -1;
	p->c.started = time(NULL);
	p->c.deletes = req->deletes;
	strlcpy(p->c.client, req->client, sizeof(p->c.client));
	if ((p->c.subdir = strdup(req->subdir)) == NULL ||
	    push_prepare(p, req) == -1) {
		push_end(p);
		return NULL;
	}
	ahead_start(p);
	return p;
}

enum store_way
push_way(const struct push *p)
{
	return p->c.way;
}

bool
push_resumed(const struct push *p)
{
	return p->c.resumed;
}

const char *
push_base(const struct push *p)
{
	return p->c.base;
}

const char *
push_target(const struct push *p)
{
	return p->target;
}

const struct strv *
push_linkdests(const struct push *p)
{
	return &p->linkdests;
}

/* Is so little left that what arrived is worth less than its room? */
static bool
disk_is_short(int fd)
{
	struct statvfs v;
	uint64_t left, all;

	if (fstatvfs(fd, &v) == -1)
		return false;
	left = (uint64_t)v.f_bavail * v.f_frsize;
	all = (uint64_t)v.f_blocks * v.f_frsize;
	return left < FULL_BYTES || left < all / FULL_PART ||
	    (v.f_files > 0 && v.f_favail < 64);
}

int
push_failed(struct push *p, int rsync_exit)
{
	if (p->done)
		return 0;
	ahead_stop(p);
	if (rsync_exit == RERR_FILEIO && disk_is_short(p->fd)) {
		p->done = true;
		if (store_push_discard(p->store) == -1)
			log_warn("%s: freeing the push", p->store->host);
		return 1;
	}
	if (syncfs(p->fd) == -1 || state_save(p, true) == -1)
		log_warn("%s: keeping the push", p->store->host);
	return 0;
}

void
push_end(struct push *p)
{
	int saved = errno;

	if (p == NULL)
		return;
	ahead_stop(p);
	if (p->fd != -1)
		close(p->fd);
	store_unlock(p->store);
	push_commit_free(&p->c);
	strv_free(&p->linkdests);
	free(p->target);
	free(p);
	errno = saved;
}

/* When a file was last replaced, or 0. */
static time_t
file_time(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ? 0 :
	    st.st_mtime;
}

int
store_push_pending(struct store *s, time_t *last, char base[STAMP_SIZE])
{
	struct push_commit c;
	struct push_state st;
	char *text;
	size_t len;
	int fd;

	*last = 0;
	base[0] = '\0';
	if ((fd = dir_open_at(s->fd, STORE_PUSH)) == -1)
		return errno == ENOENT ? 0 : -1;
	if ((text = file_read_at(fd, PUSH_COMMIT, STATE_MAX, &len)) != NULL) {
		*last = file_time(fd, PUSH_COMMIT);
		if (push_commit_parse(text, len, &c) == 0) {
			strlcpy(base, c.base, STAMP_SIZE);
			push_commit_free(&c);
		}
		free(text);
	} else if (state_load(fd, &st) == 0) {
		*last = file_time(fd, PUSH_STATE);
		strlcpy(base, st.base, STAMP_SIZE);
		free(st.subdir);
	}
	close(fd);
	return 0;
}

int
store_push_discard(struct store *s)
{
	/* By one rename first: half a push is none. */
	if (tree_remove(s->fd, STORE_GONE) == -1)
		return -1;
	if (renameat(s->fd, STORE_PUSH, s->fd, STORE_GONE) == -1)
		return errno == ENOENT ? 0 : -1;
	return tree_remove(s->fd, STORE_GONE);
}
