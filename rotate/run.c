/* run.c: one rotation of all stores below a root.
 * Each client's store is looked at, decided on (plan.c) and acted on
 * (prune.c) under its lock, so that what is done is what was decided; the
 * deleting itself comes after the lock.  What goes wrong with one client is
 * noted and the next one follows.  It prints nothing but warnings.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vis.h>

#include "exits.h"
#include "human.h"
#include "log.h"
#include "owner.h"
#include "prune.h"
#include "run.h"

#define PROBLEMS_SHOWN	20	/* files that one client's warnings name */

/* Warn about a client: to stderr, to the log unless nothing is done anyway,
 * and for the report. */
static void warn_client(const struct run *, struct client *, const char *, ...)
    __attribute__((format(printf, 3, 4)));

static void
warn_client(const struct run *run, struct client *c, const char *fmt, ...)
{
	char raw[1024], safe[4 * sizeof(raw) + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	strvis(safe, raw, VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
	fprintf(stderr, "irsync-rotate: %s: %s\n", c->host, safe);
	if (!run->dry)
		log_warnx("%s: %s", c->host, raw);
	(void)strv_add(&c->warnings, safe);
}

static bool
is_stopped(const struct run *run)
{
	return run->stop != NULL && *run->stop != 0;
}

/* The stamp that HOST.full points to, or "" if it points to no snapshot. */
static void
read_full(struct store *s, char stamp[STAMP_SIZE])
{
	char name[STORE_HOST_MAX + sizeof(".full")];
	char text[STORE_HOST_MAX + STAMP_SIZE + 32];
	const char *last;
	ssize_t n;
	time_t t;

	stamp[0] = '\0';
	snprintf(name, sizeof(name), "%s.full", store_host(s));
	n = readlinkat(store_root_fd(s), name, text, sizeof(text) - 1);
	if (n == -1)
		return;
	text[n] = '\0';
	last = (last = strrchr(text, '/')) != NULL ? last + 1 : text;
	if (stamp_parse(last, &t) == 0)
		(void)strlcpy(stamp, last, STAMP_SIZE);
}

static bool
commit_is_there(struct store *s)
{
	struct stat st;
	bool there;
	int fd;

	if ((fd = openat(store_fd(s), ".push",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return false;
	there = fstatat(fd, "commit", &st, AT_SYMLINK_NOFOLLOW) == 0;
	close(fd);
	return there;
}

/* A snapshot that a crash kept from appearing is no unfinished push.  True if
 * there is none (any more). */
static bool
finish_commit(struct run *run, struct client *c, struct store *s)
{
	if (!run->dry && store_recover(s) == 0)
		return true;
	if (!run->dry)
		/* On a full disk, the rotation is what helps. */
		warn_client(run, c, "a commit that was interrupted cannot be "
		    "finished yet: %s", strerror(errno));
	else if (commit_is_there(s))
		warn_client(run, c, "a commit that was interrupted will be "
		    "finished first: its snapshot is not in this plan");
	return !commit_is_there(s);
}

/* An unfinished push whose client did not come back for it. */
static int
settle_push(struct run *run, struct client *c, struct store *s,
    char base[STAMP_SIZE], bool may_go)
{
	char age[HUMAN_SIZE];

	if (store_push_pending(s, &c->push_last, base) == -1) {
		warn_client(run, c, "unfinished push: %s", strerror(errno));
		return -1;
	}
	if (c->push_last == 0)
		return 0;
	c->push = may_go && plan_push_goes(c->push_last, c->r, c->now) ?
	    PUSH_STALE : PUSH_WAITS;
	if (c->push == PUSH_WAITS)
		return 0;
	if (run->dry) {
		base[0] = '\0';
		return 0;
	}
	if (store_push_discard(s) == -1) {
		c->push = PUSH_FAILED;
		warn_client(run, c, "unfinished push: cannot be discarded: %s",
		    strerror(errno));
		return 0;
	}
	c->push = PUSH_DISCARDED;
	base[0] = '\0';
	human_duration(age, (uint64_t)(c->now - c->push_last));
	log_info("%s: unfinished push discarded: untouched for %s", c->host,
	    age);
	return 0;
}

static void
warn_of_plan(struct run *run, struct client *c)
{
	char span[HUMAN_SIZE];
	size_t i, foreign = 0;

	for (i = 0; i < c->n; i++)
		foreign += (c->plan.v[i].why & PLAN_FOREIGN) != 0;
	if (foreign != 0)
		warn_client(run, c, "%zu of %zu snapshots have no readable "
		    "record: not touched", foreign, c->n);
	if (c->plan.ahead != 0) {
		human_duration(span, c->plan.ahead);
		warn_client(run, c, "newest snapshot %s lies %s in the future:"
		    " nothing is removed", c->snaps[c->n - 1].stamp, span);
	}
	if (c->plan.silent != 0) {
		human_duration(span, c->plan.silent);
		warn_client(run, c, "no complete snapshot for %s, since %s: "
		    "what it has stays", span,
		    c->snaps[c->plan.newest].stamp);
	} else if (c->plan.newest == PLAN_NONE && c->n > foreign)
		warn_client(run, c, "none of %zu snapshots is complete", c->n);
}

/* Look at a client and decide.  Under the lock, unless dry. */
static int
decide(struct run *run, struct client *c, struct store *s)
{
	char base[STAMP_SIZE] = "", full[STAMP_SIZE];
	struct plan_facts facts = { c->now, base, full };
	size_t i;

	if (settle_push(run, c, s, base, finish_commit(run, c, s)) == -1)
		return -1;
	read_full(s, full);
	if (store_list(s, &c->snaps, &c->n) == -1 ||
	    plan_make(c->snaps, c->n, c->r, &facts, &c->plan) == -1 ||
	    (c->outcome = calloc(c->n + 1, sizeof(*c->outcome))) == NULL) {
		warn_client(run, c, "snapshots: %s", strerror(errno));
		return -1;
	}
	for (i = 0; i < c->n; i++)
		c->outcome[i] = plan_keeps(&c->plan, i) ? OUTCOME_KEEP :
		    OUTCOME_DROP;
	warn_of_plan(run, c);
	return 0;
}

/* Take out of the store what the plan drops. */
static void
expire(struct run *run, struct client *c, struct store *s)
{
	char reason[PLAN_REASON];
	size_t i;

	for (i = 0; i < c->n && !is_stopped(run); i++) {
		if (c->outcome[i] != OUTCOME_DROP)
			continue;
		if (prune_expire(s, c->snaps[i].stamp) == 0) {
			plan_reason(reason, &c->plan, i, c->snaps, c->r);
			log_info("%s: %s removed: %s", c->host,
			    c->snaps[i].stamp, reason);
			c->outcome[i] = OUTCOME_LEFT;
		} else if (errno == EWOULDBLOCK) {
			c->outcome[i] = OUTCOME_READ;
		} else {
			c->outcome[i] = OUTCOME_FAILED;
			warn_client(run, c, "%s: cannot be renamed: %s",
			    c->snaps[i].stamp, strerror(errno));
		}
	}
}

/* What a sweep's threads report. */
struct hearing {
	struct run	*run;
	struct client	*c;
	size_t		 n;
};

static void
hear_problem(void *arg, const char *path, int errnum)
{
	struct hearing *h = arg;

	if (h->n++ < PROBLEMS_SHOWN)
		warn_client(h->run, h->c, "%s: %s", path,
		    errnum == EXDEV ? "a mount point" : strerror(errnum));
}

static void
hear_rest(struct hearing *h)
{
	if (h->n > PROBLEMS_SHOWN)
		warn_client(h->run, h->c, "and %zu more like these",
		    h->n - PROBLEMS_SHOWN);
}

static void
delete_expired(struct run *run, struct client *c, struct store *s,
    const struct strv *expired)
{
	struct hearing h = { run, c, 0 };
	struct sweep_opts opts = { .jobs = run->jobs, .stop = run->stop,
	    .problem = hear_problem, .arg = &h };
	size_t i;

	if (prune_delete(s, expired, &opts, &c->swept) == -1 &&
	    c->swept.problems == 0 && errno != EINTR)
		warn_client(run, c, "%s", strerror(errno));
	hear_rest(&h);
	for (i = 0; i < c->n; i++)
		if (c->outcome[i] == OUTCOME_LEFT &&
		    !prune_remains(s, c->snaps[i].stamp))
			c->outcome[i] = OUTCOME_REMOVED;
}

static void
measure(struct run *run, struct client *c, struct store *s,
    const struct strv *expired)
{
	struct hearing h = { run, c, 0 };
	struct sweep_opts opts = { .jobs = run->jobs, .stop = run->stop,
	    .problem = hear_problem, .arg = &h };
	struct strv drops = { 0 };
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->outcome[i] == OUTCOME_DROP &&
		    strv_add(&drops, c->snaps[i].stamp) == -1)
			c->swept.at_least = true;
	(void)prune_measure(s, &drops, expired, &opts, &c->swept);
	hear_rest(&h);
	strv_free(&drops);
}

/* A client's store is open, ours and, unless dry, locked; it is unlocked. */
static void
rotate_locked(struct run *run, struct client *c, struct store *s)
{
	struct strv expired = { 0 };
	size_t i;
	int rc;

	c->failed = true;
	if (decide(run, c, s) == -1)
		return;
	if (!run->dry)
		expire(run, c, s);
	/* From here a client may push again. */
	store_unlock(s);
	if ((rc = prune_expired(s, &expired)) == 0 && !run->dry)
		rc = prune_forget(s, &expired);
	for (c->leftovers = expired.n, i = 0; i < c->n; i++)
		c->leftovers -= c->outcome[i] == OUTCOME_LEFT;
	if (rc == -1)
		warn_client(run, c, "%s", strerror(errno));
	else if (run->dry)
		measure(run, c, s, &expired);
	else if (expired.n > 0)
		delete_expired(run, c, s, &expired);
	strv_free(&expired);
	c->failed = rc == -1;
}

static void
rotate_client(struct run *run, struct client *c)
{
	struct store *s;

	c->busy = c->failed = false;
	/* Each at its own time: deleting may take hours, and what is pushed
	 * meanwhile does not come from the future. */
	c->now = time(NULL);
	if ((s = store_open(run->root, c->host, 0)) == NULL) {
		/* It may have been removed since it was listed. */
		c->failed = errno != ENOENT;
		if (c->failed)
			warn_client(run, c, "%s", strerror(errno));
		return;
	}
	if (owner_enter(store_fd(s)) == -1) {
		c->failed = true;
		warn_client(run, c, "belongs to another account: left alone");
	} else if (run->dry || store_lock(s) == 0)
		rotate_locked(run, c, s);
	else if (errno == EWOULDBLOCK)
		c->busy = true;
	else {
		c->failed = true;
		warn_client(run, c, "lock: %s", strerror(errno));
	}
	owner_leave();
	store_close(s);
}

static uint64_t
free_space(int fd)
{
	struct statvfs vfs;

	return fstatvfs(fd, &vfs) == -1 ? 0 :
	    (uint64_t)vfs.f_bfree * vfs.f_frsize;
}

static int
find_clients(struct run *run)
{
	struct strv hosts = { 0 };
	size_t i;

	if (store_hosts(run->root, &hosts) == -1)
		return -1;
	if ((run->v = calloc(hosts.n + 1, sizeof(*run->v))) == NULL) {
		strv_free(&hosts);
		return -1;
	}
	for (i = 0; i < hosts.n; i++) {
		if ((run->v[i].host = strdup(hosts.v[i])) == NULL) {
			strv_free(&hosts);
			return -1;
		}
		run->v[i].r = retention_for(run->conf, hosts.v[i]);
		run->n++;
	}
	strv_free(&hosts);
	return 0;
}

static void
rotate_clients(struct run *run)
{
	size_t i;

	for (i = 0; i < run->n && !is_stopped(run); i++)
		rotate_client(run, &run->v[i]);
	/* Whoever was being pushed then may be done by now. */
	for (i = 0; i < run->n && !is_stopped(run); i++)
		if (run->v[i].busy)
			rotate_client(run, &run->v[i]);
	for (i = 0; i < run->n; i++)
		if (run->v[i].busy)
			warn_client(run, &run->v[i],
			    "a push is running: left to the next run");
}

int
run_all(struct run *run)
{
	int fd, rc = -1, saved;

	if ((fd = open(run->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	if (!run->dry && flock(fd, LOCK_EX | LOCK_NB) == -1)
		goto out;
	if (find_clients(run) == -1)
		goto out;
	run->free_before = free_space(fd);
	rotate_clients(run);
	run->free_after = free_space(fd);
	run->stopped = is_stopped(run);
	rc = 0;
out:
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

static bool
client_is_done(const struct client *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->outcome[i] == OUTCOME_LEFT ||
		    c->outcome[i] == OUTCOME_FAILED)
			return false;
	return !c->failed && c->push != PUSH_FAILED && c->swept.problems == 0;
}

int
run_status(const struct run *run)
{
	size_t i;

	if (run->stopped)
		return BS_BUSY;
	for (i = 0; i < run->n; i++)
		if (!client_is_done(&run->v[i]))
			return BS_PARTIAL;
	return BS_OK;
}

void
run_free(struct run *run)
{
	struct client *c;
	size_t i;

	for (i = 0; i < run->n; i++) {
		c = &run->v[i];
		free(c->host);
		free(c->snaps);
		free(c->outcome);
		plan_free(&c->plan);
		strv_free(&c->warnings);
	}
	free(run->v);
	run->v = NULL;
	run->n = 0;
}
