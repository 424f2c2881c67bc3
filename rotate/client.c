/* client.c: one client's store in a rotation.
 * It is looked at, decided on (plan.c) and acted on (prune.c) under its lock,
 * so that what is done is what was decided; the deleting itself comes after the
 * lock.  It prints nothing but warnings.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "human.h"
#include "log.h"
#include "owner.h"
#include "prune.h"

#define PROBLEMS_SHOWN	20	/* files that one client's warnings name */

void
client_warn(const struct run *run, struct client *c, const char *fmt, ...)
{
	char text[LOG_SAFE];
	va_list ap;

	va_start(ap, fmt);
	log_escape(text, fmt, ap);
	va_end(ap);
	if (run->progress != NULL)
		progress_hide(run->progress);
	fprintf(stderr, "irsync-rotate: %s: %s\n", c->host, text);
	if (!run->dry)
		log_warnx("%s: %s", c->host, text);
	(void)strv_add(&c->warnings, text);
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
		client_warn(run, c, "a commit that was interrupted cannot be "
		    "finished yet: %s", strerror(errno));
	else if (commit_is_there(s))
		client_warn(run, c, "a commit that was interrupted will be "
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
		client_warn(run, c, "unfinished push: %s", strerror(errno));
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
		client_warn(run, c, "unfinished push: cannot be discarded: %s",
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
	char span[HUMAN_SIZE], since[STAMP_SIZE] = "";
	size_t i, foreign = 0;

	for (i = 0; i < c->n; i++)
		foreign += (c->plan.v[i].why & PLAN_FOREIGN) != 0;
	if (foreign != 0)
		client_warn(run, c, "%zu of %zu snapshots have no readable "
		    "record: not touched", foreign, c->n);
	if (c->plan.future != 0) {
		human_duration(span, c->plan.ahead);
		client_warn(run, c, "%zu of %zu snapshots come from the future"
		    ", up to %s: they stay until then, and count nowhere",
		    c->plan.future, c->n, span);
	}
	if (c->plan.silent != 0) {
		human_duration(span, c->plan.silent);
		/* Not the newest's stamp, which may be from the future. */
		(void)stamp_format(since, c->now - (time_t)c->plan.silent);
		client_warn(run, c, "no complete snapshot for %s, since %s: "
		    "what it has stays", span, since);
	} else if (c->plan.newest == PLAN_NONE && c->n > foreign)
		client_warn(run, c, "none of %zu snapshots is complete", c->n);
}

/* Forget what was found out about a client. */
static void
forget_client(struct client *c)
{
	free(c->snaps);
	free(c->outcome);
	c->snaps = NULL;
	c->outcome = NULL;
	c->n = 0;
	plan_free(&c->plan);
	pins_free(&c->pins);
}

/* Look at a client and decide.  Under the lock, unless dry. */
static int
decide(struct run *run, struct client *c, struct store *s)
{
	char base[STAMP_SIZE] = "", full[STAMP_SIZE];
	struct plan_facts facts = { c->now, base, full, &c->pins.stamps };
	size_t i;

	if (pins_read(s, &c->pins) == -1) {
		client_warn(run, c, "pins: %s", strerror(errno));
		return -1;
	}

	if (settle_push(run, c, s, base, finish_commit(run, c, s)) == -1)
		return -1;
	read_full(s, full);
	if (store_list(s, &c->snaps, &c->n) == -1 ||
	    plan_make(c->snaps, c->n, c->r, &facts, &c->plan) == -1 ||
	    (c->outcome = calloc(c->n + 1, sizeof(*c->outcome))) == NULL) {
		client_warn(run, c, "snapshots: %s", strerror(errno));
		forget_client(c);
		return -1;
	}
	for (i = 0; i < c->n; i++)
		c->outcome[i] = plan_keeps(&c->plan, i) ? OUTCOME_KEEP :
		    OUTCOME_DROP;
	warn_of_plan(run, c);
	return 0;
}

/* A snapshot could not be taken out of the store. */
static void
not_expired(struct run *run, struct client *c, struct store *s, size_t i,
    int errnum)
{
	if (errnum == EWOULDBLOCK) {
		c->outcome[i] = OUTCOME_READ;
	} else if (errnum == EBUSY &&
	    pin_there(s, c->snaps[i].stamp) == 1) {
		c->plan.v[i].why |= PLAN_PINNED;
		c->plan.drops--;
		c->outcome[i] = OUTCOME_KEEP;
	} else {
		c->outcome[i] = OUTCOME_FAILED;
		client_warn(run, c, "%s: cannot be renamed: %s",
		    c->snaps[i].stamp, strerror(errnum));
	}
}

/* Take out of the store what the plan drops. */
static void
expire(struct run *run, struct client *c, struct store *s)
{
	char reason[PLAN_REASON];
	size_t i;

	for (i = 0; i < c->n && !run_is_stopped(run); i++) {
		if (c->outcome[i] != OUTCOME_DROP)
			continue;
		if (prune_expire(s, c->snaps[i].stamp) == -1) {
			not_expired(run, c, s, i, errno);
			continue;
		}
		plan_reason(reason, &c->plan, i, c->snaps, c->r);
		log_info("%s: %s removed: %s", c->host, c->snaps[i].stamp,
		    reason);
		c->outcome[i] = OUTCOME_LEFT;
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
		client_warn(h->run, h->c, "%s: %s", path,
		    errnum == EXDEV ? "a mount point" : strerror(errnum));
}

static void
hear_rest(struct hearing *h)
{
	if (h->n > PROBLEMS_SHOWN)
		client_warn(h->run, h->c, "and %zu more like these",
		    h->n - PROBLEMS_SHOWN);
}

/* The options of a sweep in this client's store. */
static struct sweep_opts
sweep_opts(struct run *run, struct hearing *h)
{
	struct sweep_opts opts = { .jobs = run->jobs, .stop = run->stop,
	    .problem = hear_problem, .arg = h };

	if (run->progress != NULL)
		opts.seen = &run->progress->files;
	if (run->pace != NULL && !run->dry) {
		opts.pace = pace_files;
		opts.pace_arg = run->pace;
	}
	return opts;
}

static void
add_result(struct sweep_result *sum, const struct sweep_result *res)
{
	sum->files += res->files;
	sum->dirs += res->dirs;
	sum->problems += res->problems;
	sum->bytes += res->bytes;
	sum->inodes += res->inodes;
	sum->subvols += res->subvols;
	sum->at_least |= res->at_least;
	sum->stopped |= res->stopped;
}

/* How many names the records say are in what goes. */
static uint64_t
expected(const struct client *c)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->outcome[i] == OUTCOME_LEFT ||
		    c->outcome[i] == OUTCOME_DROP)
			n += c->snaps[i].entries;
	return n;
}

static void
show_client(struct run *run, const struct client *c, size_t snapshots)
{
	if (run->progress != NULL)
		progress_client(run->progress, c->host,
		    (size_t)(c - run->v) + 1, run->n, snapshots, expected(c));
}

static void
delete_expired(struct run *run, struct client *c, struct store *s,
    const struct strv *stamps)
{
	struct hearing h = { run, c, 0 };
	struct sweep_opts opts = sweep_opts(run, &h);
	struct sweep_result res;
	uint64_t before, after;
	size_t i;

	show_client(run, c, stamps->n);
	before = space_of(store_fd(s)).bytes;
	if (prune_delete(s, stamps, &opts, &res) == -1 &&
	    res.problems == 0 && errno != EINTR)
		client_warn(run, c, "%s", strerror(errno));
	if (run->progress != NULL)
		progress_clear(run->progress);
	hear_rest(&h);
	after = space_of(store_fd(s)).bytes;
	res.bytes = after > before ? after - before : 0;
	add_result(&c->swept, &res);
	for (i = 0; i < c->n; i++)
		if (c->outcome[i] == OUTCOME_LEFT &&
		    !prune_remains(s, c->snaps[i].stamp))
			c->outcome[i] = OUTCOME_REMOVED;
}

static void
measure(struct run *run, struct client *c, struct store *s,
    const struct strv *left)
{
	struct hearing h = { run, c, 0 };
	struct sweep_opts opts = sweep_opts(run, &h);
	struct strv drops = { 0 };
	struct sweep_result res;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->outcome[i] == OUTCOME_DROP &&
		    strv_add(&drops, c->snaps[i].stamp) == -1)
			c->swept.at_least = true;
	show_client(run, c, drops.n + left->n);
	(void)prune_measure(s, &drops, left, &opts, &res);
	if (run->progress != NULL)
		progress_clear(run->progress);
	hear_rest(&h);
	add_result(&c->swept, &res);
	strv_free(&drops);
}

/* The snapshots to go are decided on and the store is, unless dry, locked: do
 * it, and unlock. */
static int
carry_out(struct run *run, struct client *c, struct store *s)
{
	struct strv stamps = { 0 };
	size_t i;
	int rc;

	if (!run->dry)
		expire(run, c, s);
	/* From here a client may push again. */
	store_unlock(s);
	if ((rc = prune_expired(s, &stamps)) == 0 && !run->dry)
		rc = prune_forget(s, &stamps);
	if (!c->looked)
		for (c->leftovers = stamps.n, i = 0; i < c->n; i++)
			c->leftovers -= c->outcome[i] == OUTCOME_LEFT;
	c->looked = true;
	if (rc == -1)
		client_warn(run, c, "%s", strerror(errno));
	else if (run->dry)
		measure(run, c, s, &stamps);
	else if (stamps.n > 0)
		delete_expired(run, c, s, &stamps);
	strv_free(&stamps);
	return rc;
}

struct store *
client_open(const struct run *run, struct client *c)
{
	struct store *s;

	if ((s = store_open(run->root, c->host, 0)) == NULL) {
		/* It may have been removed since it was listed. */
		c->failed = errno != ENOENT;
		if (c->failed)
			client_warn(run, c, "%s", strerror(errno));
		return NULL;
	}
	if (owner_enter(store_fd(s)) == 0)
		return s;
	c->failed = true;
	client_warn(run, c, "belongs to another account: left alone");
	store_close(s);
	return NULL;
}

void
client_close(struct store *s)
{
	owner_leave();
	store_close(s);
}

void
client_rotate(struct run *run, struct client *c)
{
	struct store *s;

	c->busy = c->failed = false;
	/* Each at its own time: deleting may take hours, and what is pushed
	 * meanwhile does not come from the future. */
	c->now = time(NULL);
	if ((s = client_open(run, c)) == NULL)
		return;
	if (run->dry || store_lock(s) == 0)
		c->failed = decide(run, c, s) == -1 ||
		    carry_out(run, c, s) == -1;
	else if (errno == EWOULDBLOCK)
		c->busy = true;
	else {
		c->failed = true;
		client_warn(run, c, "lock: %s", strerror(errno));
	}
	client_close(s);
}

/* The rules are not asked again, but what never goes may be another one by
 * now, as the store was unlocked.  (Pins are looked at in prune_expire.) */
static int
still_may_go(struct store *s, const struct client *c, size_t i)
{
	char base[STAMP_SIZE], full[STAMP_SIZE];
	time_t last;

	if (store_push_pending(s, &last, base) == -1)
		return -1;
	read_full(s, full);
	return strcmp(c->snaps[i].stamp, base) != 0 &&
	    strcmp(c->snaps[i].stamp, full) != 0;
}

void
client_squeeze(struct run *run, struct client *c, const size_t *order,
    size_t n, const struct sweep_share *gain, enum plan_want want)
{
	struct store *s;
	size_t k;

	if (n == 0 || (s = client_open(run, c)) == NULL)
		return;
	if (!run->dry && store_lock(s) == -1) {
		client_warn(run, c, "room has to be made, but: %s",
		    errno == EWOULDBLOCK ? "a push is running" :
		    strerror(errno));
		client_close(s);
		return;
	}
	for (k = 0; k < n; k++) {
		if (!run->dry && still_may_go(s, c, order[k]) != 1)
			continue;
		plan_drop(&c->plan, order[k], want);
		c->outcome[order[k]] = OUTCOME_DROP;
		if (run->dry) {
			c->swept.bytes += gain[k].bytes;
			c->swept.inodes += gain[k].inodes;
		}
	}
	if (!run->dry && carry_out(run, c, s) == -1)
		c->failed = true;
	client_close(s);
}
