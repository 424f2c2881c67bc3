/* pull.c: a pull, or a push that is only tried (-n): rsync sees the snapshots
 * that it needs, read-only, each kept from rotation by a shared lock.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "job.h"
#include "store.h"

/* The snapshot that HOST.full stands for: for a pull the newest complete one,
 * for a push the newest of all.  NULL if there is none. */
static const struct snapshot *
newest(const struct job *b, const struct snapshot *s, size_t n)
{
	while (n-- > 0)
		if (b->v->kind == VERDICT_PUSH ||
		    s[n].status != SNAPSHOT_PARTIAL)
			return &s[n];
	return NULL;
}

/* Show a snapshot under a name, locked against rotation for as long as we
 * live. */
static int
show_snapshot(struct job *b, struct store *st, const char *stamp,
    const char *name)
{
	char below[2 * NAME_SIZE];
	int fd;

	if ((fd = store_snapshot_open(st, stamp)) == -1)
		return errno == ENOENT ? 0 : -1;	/* rotated meanwhile */
	snprintf(below, sizeof(below), "%s/%s", b->snaps, stamp);
	return job_show(b, name, fd, below, false);
}

static int
show_stamps(struct job *b, struct store *st, const struct snapshot *s,
    size_t n)
{
	char name[2 * NAME_SIZE];
	size_t i;

	if (b->v->all)
		job_open_many();
	if (jail_add_empty(&b->jail, b->snaps, n > 0 ? s[n - 1].time : 0) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s/%s", b->snaps, s[i].stamp);
		if (b->v->all || strv_has(&b->v->stamps, s[i].stamp) ?
		    show_snapshot(b, st, s[i].stamp, name) == -1 :
		    jail_add_empty(&b->jail, name, s[i].time) == -1)
			return -1;
	}
	return 0;
}

static int
show_records(struct job *b, struct store *st)
{
	char name[NAME_SIZE + 8];
	int fd;

	if ((fd = openat(store_fd(st), ".meta", O_PATH | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : -1;
	snprintf(name, sizeof(name), "%s/.meta", b->snaps);
	return job_show(b, name, fd, name, false);
}

/* HOST.full, which is empty to a push before the first one. */
static int
show_full(struct job *b, struct store *st, const struct snapshot *s)
{
	const char *root = b->q->policy->root;

	if (s == NULL) {
		b->scene.dest = b->own_root ? b->top :
		    job_text(b, "%s/%s/.push/none", root, b->snaps);
		return b->v->kind == VERDICT_PULL ? 0 :
		    jail_add_empty(&b->jail, b->full, 0);
	}
	if (b->own_root)
		return show_snapshot(b, st, s->stamp, b->full);
	b->scene.full = job_text(b, "%s/%s", b->snaps, s->stamp);
	b->scene.dest = job_text(b, "%s/%s/%s", root, b->snaps, s->stamp);
	return show_snapshot(b, st, s->stamp, b->full);
}

static int
prepare_reading(struct job *b, struct store *st)
{
	struct snapshot *s = NULL;
	size_t n = 0;
	int rc = -1;

	job_reset(b);
	if (job_rules(b) == -1 || (st != NULL && store_list(st, &s, &n) == -1))
		return -1;
	if ((b->v->full || b->v->kind == VERDICT_PUSH) &&
	    show_full(b, st, newest(b, s, n)) == -1)
		goto out;
	if (b->v->kind == VERDICT_PULL && show_stamps(b, st, s, n) == -1)
		goto out;
	if (b->v->meta && show_records(b, st) == -1)
		goto out;
	if (b->own_root)
		rc = job_rule(b, b->top, SANDBOX_READ) |
		    job_rule(b, job_text(b, "/%s", b->snaps), SANDBOX_READ);
	else
		rc = job_rule(b, job_text(b, "%s/%s", b->q->policy->root, b->snaps),
		    SANDBOX_READ);
out:
	free(s);
	return rc;
}

int
job_read(struct job *b)
{
	const char *what = b->v->kind == VERDICT_PULL ? "pull" : "trial push";
	struct ending e = { 0 };
	struct store *st;
	int rc;

	st = store_open(b->q->policy->root, b->q->client, 0);
	if (st == NULL && errno != ENOENT)
		return job_failed(b, b->q->policy->root);
	/* A push may well be tried before there is anything. */
	if (st == NULL && b->v->kind == VERDICT_PULL) {
		journal_tell(b->j, "%s: there are no snapshots yet",
		    b->q->client);
		return BS_FAIL;
	}
	if (st != NULL && (rc = job_sit(b, st)) != BS_OK)
		goto out;
	do {
		if (prepare_reading(b, st) == -1 || job_run(b, &e) == -1) {
			rc = job_failed(b, "rsync was not started");
			goto out;
		}
	} while (job_without_jail(b, &e));
	if (!e.started) {
		rc = job_not_started(b, &e);
		goto out;
	}
	job_log_end(b, what, &e);
	rc = e.status;
out:
	if (st != NULL)
		store_close(st);
	return rc;
}
