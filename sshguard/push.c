/* push.c: a push: the store begins one, rsync writes to what the store gave it,
 * and what it ended with decides whether that becomes a snapshot.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exits.h"
#include "human.h"
#include "job.h"
#include "log.h"
#include "quota.h"
#include "store.h"
#include "surge.h"

/* A path of the store's in the scene: the same, or below /HOST.snaps. */
static const char *
place_of(struct job *b, const char *path)
{
	char in[NAME_SIZE + 2];
	const char *p;

	if (!b->own_root)
		return path;
	snprintf(in, sizeof(in), "/%s/", b->snaps);
	if ((p = strstr(path, in)) == NULL) {
		errno = EINVAL;
		return NULL;
	}
	return job_text(b, "%s", p);
}

/* Show a folder of the store that stands in one that can be written to as one
 * that cannot. */
static int
seal(struct job *b, struct store *st, const char *name)
{
	char below[2 * NAME_SIZE];
	int fd;

	if ((fd = openat(store_fd(st), name, O_PATH | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : -1;
	snprintf(below, sizeof(below), "%s/%s", b->snaps, name);
	return job_show(b, below, fd, below, false);
}

/* Show the store.  Files can be linked only within one mount, so the base and
 * the push's folder are in one that can be written to.  Landlock keeps rsync
 * from the rest of it, but for modes, times and attributes. */
static int
show_store(struct job *b, struct store *st, const struct push *p)
{
	struct snapshot *s = NULL;
	size_t n = 0, i;
	int fd, rc;

	if ((fd = fcntl(store_fd(st), F_DUPFD_CLOEXEC, 3)) == -1 ||
	    job_show(b, b->snaps, fd, b->snaps, true) == -1 ||
	    seal(b, st, ".meta") == -1 || store_list(st, &s, &n) == -1)
		return -1;
	job_open_many();
	for (i = 0, rc = 0; rc == 0 && i < n; i++)
		if (strcmp(s[i].stamp, push_base(p)) != 0)
			rc = seal(b, st, s[i].stamp);
	free(s);
	return rc;
}

static int
prepare_linkdest(struct job *b, struct store *st, const struct push *p)
{
	const struct strv *ld = push_linkdests(p);
	const char *place;
	size_t i;

	if (b->own_root && show_store(b, st, p) == -1)
		return -1;
	for (i = 0; i < ld->n; i++)
		if ((place = place_of(b, ld->v[i])) == NULL ||
		    strv_add(&b->linkdests, place) == -1 ||
		    job_rule(b, place, SANDBOX_LINK) == -1)
			return -1;
	b->scene.linkdests = &b->linkdests;
	b->scene.dest = place_of(b, push_target(p));
	return job_rule(b, b->scene.dest, SANDBOX_WRITE);
}

/* The writable subvolume takes HOST.full's place. */
static int
prepare_btrfs(struct job *b, const struct push *p)
{
	const char *below;
	int fd;

	if (b->own_root) {
		if ((below = place_of(b, push_target(p))) == NULL ||
		    (fd = open(push_target(p), O_PATH | O_DIRECTORY |
		    O_NOFOLLOW | O_CLOEXEC)) == -1 ||
		    job_show(b, b->full, fd, below + 1, true) == -1)
			return -1;
	} else
		b->scene.dest = push_target(p);
	return job_rule(b, b->scene.dest, SANDBOX_WRITE);
}

/* Are there attributes on the server's own files that no user has set? */
static bool
is_labelled(int fd)
{
	char names[4096], *p;
	ssize_t n = flistxattr(fd, names, sizeof(names));

	for (p = names; n > 0 && p < names + n; p += strlen(p) + 1)
		if (strncmp(p, "user.", 5) != 0)
			return true;
	return false;
}

static int
prepare_push(struct job *b, struct store *st, const struct push *p)
{
	b->scene.labelled = is_labelled(store_fd(st));
	if (job_rules(b) == -1)
		return -1;
	switch (push_way(p)) {
	case STORE_WAY_LINKDEST:
		return prepare_linkdest(b, st, p);
	case STORE_WAY_BTRFS:
		return prepare_btrfs(b, p);
	case STORE_WAY_OVERLAY:
		break;
	}
	b->jail.push = p;
	b->jail.at = b->full;
	return job_rule(b, b->scene.dest, SANDBOX_WRITE);
}

/* The client has attributes that only the linkdest way can go on from, and
 * that way is not a client's to choose. */
static const char only_linkdest[] = "attributes named user.overlay.*, from "
    "which only --link-dest can go on; that the policy must say, by way = "
    "\"linkdest\"";

static void
say_snapshot(const struct job *b, const struct snapshot *s,
    const struct ending *e)
{
	bool packed = strchr(b->v->rq.letters, 'z') != NULL;
	char size[HUMAN_SIZE], warning[256];

	human_size(size, s->bytes_new);
	journal_log(b->j, "%s: snapshot %s %s: %" PRIu64 " entries, %" PRIu64
	    " linked, %" PRIu64 " moved, %" PRIu64 " dropped, %s on disk "
	    "(%s)", b->q->client, s->stamp, snapshot_status_name(s->status),
	    s->entries, s->linked, s->moved, s->dropped, size,
	    store_way_name(s->way));
	if (surge_found(s, e->bytes_in, packed, warning, sizeof(warning)))
		journal_log(b->j, "%s: warning: snapshot %s %s", b->q->client,
		    s->stamp, warning);
	if (s->overlay_xattrs && s->way == STORE_WAY_OVERLAY)
		journal_tell(b->j, "%s: warning: snapshot %s holds %s",
		    b->q->client, s->stamp, only_linkdest);
	if ((b->v->rq.effects & RSYNC_VERBOSE) != 0)
		journal_client("snapshot %s %s: %" PRIu64 " entries, %" PRIu64
		    " linked, %" PRIu64 " moved, %" PRIu64 " dropped, %s on "
		    "disk", s->stamp, snapshot_status_name(s->status),
		    s->entries, s->linked, s->moved, s->dropped, size);
}

/* The push brought too much: nothing of it stays. */
static int
drop_push(struct job *b, struct store *st, const struct quota *quota)
{
	journal_tell(b->j, "%s: quota: %s; what the push brought was freed",
	    b->q->client, quota->why);
	if (store_push_discard(st) == -1)
		return job_failed(b, "freeing the push");
	return BS_NOSPACE;
}

static int
commit_push(struct job *b, struct push *p, struct quota *quota,
    const struct ending *e)
{
	struct snapshot made;

	if (push_commit(p, e->status, &made) == -1)
		return job_failed(b, "no snapshot was made");
	if (quota != NULL)
		quota_made(quota, &made);
	say_snapshot(b, &made, e);
	return e->status;
}

/* rsync has run: make a snapshot of what it brought, or keep that for the
 * next push.  quota: NULL for none. */
static int
finish_push(struct job *b, struct store *st, struct push *p,
    struct quota *quota, const struct ending *e)
{
	job_log_end(b, "push", e);
	if (quota != NULL && (quota->over || quota_fits(quota) == -1))
		return drop_push(b, st, quota);
	switch (e->status) {
	case BS_OK:
	case BS_PARTIAL:
	case BS_VANISHED:
		return commit_push(b, p, quota, e);
	default:
		if (push_failed(p, e->status) == 1)
			journal_tell(b->j, "%s: the disk is full; what the "
			    "push brought was freed", b->q->client);
		else
			journal_log(b->j, "%s: what the push brought is kept "
			    "for the next", b->q->client);
	}
	return e->status;
}

/* rsync was not started.  May another way of pushing do?  If so, rq says it. */
static bool
do_otherwise(struct job *b, struct push_request *rq, const struct push *p,
    const struct ending *e)
{
	if (push_way(p) != STORE_WAY_OVERLAY)
		return job_without_jail(b, e);
	if (rq->way != -1 || !job_not_to_be_had(e))
		return false;
	rq->way = STORE_WAY_LINKDEST;
	journal_log(b->j, "%s: %s: %s: no overlay; --link-dest instead",
	    b->q->client, e->why, strerror(e->error));
	return true;
}

/* The linkdest way writes into a new folder, and shares files with the base.
 * False, and the client told, if an option does not go with that. */
static bool
fits_linkdest(const struct job *b)
{
	unsigned effects = b->v->rq.effects;

	if ((effects & RSYNC_INPLACE) != 0)
		journal_tell(b->j, "%s: --inplace and --append would write "
		    "into files that snapshots share; leave them out",
		    b->q->client);
	else if ((effects & RSYNC_LOOKS_BACK) != 0)
		journal_tell(b->j, "%s: --backup, --existing, "
		    "--ignore-existing, --ignore-non-existing, --max-delete, "
		    "--max-size and --min-size would find an empty folder here, as there "
		    "is no overlay; leave them out", b->q->client);
	else
		return true;
	return false;
}

/* Has the time come for another snapshot?  False, and the client told, if the
 * last one is too young. */
static bool
is_due(const struct job *b, struct store *st)
{
	char age[HUMAN_SIZE], want[HUMAN_SIZE];
	struct snapshot *s = NULL;
	time_t now = time(NULL), last;
	size_t n = 0;

	if (b->v->who->interval == 0 || store_list(st, &s, &n) == -1)
		return true;
	/* By the clock, not by the stamp: pushes in one second have stamps of
	 * seconds to come. */
	last = n == 0 ? 0 : s[n - 1].recorded ? s[n - 1].started :
	    s[n - 1].time;
	free(s);
	/* One from the future says that the clock was put back. */
	if (n == 0 || last > now || now - last >= (time_t)b->v->who->interval)
		return true;
	human_duration(age, (uint64_t)(now - last));
	human_duration(want, b->v->who->interval);
	journal_tell(b->j, "%s: the last snapshot was made %s ago; the policy "
	    "wants %s between two", b->q->client, age, want);
	return false;
}

/* Set the limits of the push, if there are any.  0; or the exit status with
 * the client told. */
static int
limit_push(struct job *b, struct store *st, const struct push *p,
    struct quota *quota)
{
	if (!quota_is_set(b->v->who))
		return BS_OK;
	if (quota_begin(quota, st, p, b->v->who) == -1) {
		if (errno != EDQUOT)
			return job_failed(b, "quota");
		journal_tell(b->j, "%s: quota: %s", b->q->client, quota->why);
		return BS_NOSPACE;
	}
	b->watch.ok = quota_ok;
	b->watch.arg = quota;
	b->file_max = quota_file_max(quota);
	return BS_OK;
}

/* May this push go on, now that we have the lock?  BS_OK, or the exit status
 * with the client told. */
static int
admit_push(struct job *b, struct store *st, const struct push *p,
    struct quota *quota)
{
	if (push_way(p) == STORE_WAY_LINKDEST && !fits_linkdest(b))
		return BS_REFUSED;
	if (!is_due(b, st))
		return BS_REFUSED;
	return limit_push(b, st, p, quota);
}

static int
not_begun(const struct job *b)
{
	if (errno != ENOTSUP)
		return job_failed(b, "no push was begun");
	journal_tell(b->j, "%s: the last snapshot holds %s", b->q->client,
	    only_linkdest);
	return BS_REFUSED;
}

/* One try to push.  The exit status; *again if another is to be made. */
static int
try_push(struct job *b, struct store *st, struct push_request *rq,
    bool *again)
{
	struct ending e = { 0 };
	struct quota quota = { 0 };
	struct push *p;
	int rc;

	*again = false;
	if ((p = push_begin(st, rq)) == NULL)
		return not_begun(b);
	log_debug("%s: %s way%s", b->q->client, store_way_name(push_way(p)),
	    push_resumed(p) ? ", goes on with what came before" : "");
	job_reset(b);
	if ((rc = admit_push(b, st, p, &quota)) != BS_OK) {
		push_end(p);
		return rc;
	}
	if (prepare_push(b, st, p) == -1 || job_run(b, &e) == -1) {
		rc = job_failed(b, "rsync was not started");
	} else if (e.started) {
		rc = finish_push(b, st, p, b->watch.ok != NULL ? &quota : NULL,
		    &e);
		push_end(p);
		return rc;
	} else if (do_otherwise(b, rq, p, &e)) {
		*again = true;
		rc = BS_FAIL;
	} else
		rc = job_not_started(b, &e);
	(void)push_failed(p, -1);
	push_end(p);
	return rc;
}

int
job_push(struct job *b)
{
	struct push_request rq = {
		.client = b->q->address != NULL ? b->q->address : "local",
		.subdir = b->v->subdir,
		.deletes = (b->v->rq.effects & RSYNC_DELETE) != 0,
		.way = b->v->who->way,
		.guarded = true,
	};
	struct store *st;
	bool again = true;
	int tries, rc;

	if ((st = store_open(b->q->policy->root, b->q->client,
	    STORE_CREATE)) == NULL)
		return job_failed(b, b->q->policy->root);
	if ((rc = job_sit(b, st)) != BS_OK)
		again = false;
	for (tries = 0; again && tries < 3; tries++)
		rc = try_push(b, st, &rq, &again);
	store_close(st);
	return rc;
}
