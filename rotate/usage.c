/* usage.c: what the stores take, and how fresh they are.
 *
 * Real sizes need a walk over all snapshots of a client, as only links say what
 * is shared.  Snapshots do not change, so what a walk found stays true; it is
 * remembered in the store.  Snapshots that came since are counted by their
 * records; oldest ones that went since took exactly their share with them.
 * Where one in the middle went, its share may have passed to an older one, and
 * the store is walked again.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "human.h"
#include "log.h"
#include "owner.h"
#include "usage.h"

#define CACHE		".usage.json"
#define DAY		86400
#define LOOK_BACK	(30 * DAY)	/* for growth */

/* Note a printable problem of a client. */
static void note(struct usage_client *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
note(struct usage_client *c, const char *fmt, ...)
{
	char text[LOG_SAFE];
	va_list ap;

	va_start(ap, fmt);
	log_escape(text, fmt, ap);
	va_end(ap);
	(void)strv_add(&c->problems, text);
}

/* The share of a snapshot in the cache, or NULL. */
static const struct usage_share *
cached(const struct usage_cache *cache, const char *stamp)
{
	size_t lo = 0, hi = cache->n, mid;
	int cmp;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if ((cmp = strcmp(cache->v[mid].stamp, stamp)) == 0)
			return &cache->v[mid];
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Use what the last walk found, if that can still be told.  True if so. */
static bool
use_cache(struct usage_client *c)
{
	const struct usage_share *s;
	size_t i, first = 0, seen = 0;

	if (c->cache.time == 0 || c->n == 0)
		return c->n == 0;
	/* Those that went must be the oldest. */
	while (first < c->cache.n &&
	    strcmp(c->cache.v[first].stamp, c->snaps[0].stamp) < 0)
		first++;
	c->exact = true;
	for (i = 0; i < c->n; i++) {
		if ((s = cached(&c->cache, c->snaps[i].stamp)) != NULL) {
			c->share[i] = s->bytes;
			seen++;
		} else if (c->snaps[i].recorded && seen == c->cache.n - first) {
			c->share[i] = c->snaps[i].bytes_new;
			c->exact = false;
		} else
			return false;
		c->real += c->share[i];
	}
	c->measured = c->cache.time;
	return seen == c->cache.n - first && seen > 0;
}

/* Remember what a walk found.  If that cannot be written, the next one walks
 * again. */
static void
remember(struct usage_client *c, struct store *s)
{
	struct usage_share *v;
	char *text;
	size_t i;

	if ((v = calloc(c->n + 1, sizeof(*v))) == NULL)
		return;
	free(c->cache.v);
	c->cache.v = v;
	c->cache.n = c->n;
	c->cache.time = c->measured;
	for (i = 0; i < c->n; i++) {
		(void)strlcpy(v[i].stamp, c->snaps[i].stamp, STAMP_SIZE);
		v[i].bytes = c->share[i];
	}
	if (usage_cache_add(&c->cache, c->measured, c->real) == -1 ||
	    (text = usage_cache_format(&c->cache)) == NULL)
		return;
	(void)file_replace_at(store_fd(s), CACHE, text, strlen(text), 0600,
	    false);
	free(text);
}

static void
count_problem(void *arg, const char *path, int errnum)
{
	struct usage_client *c = arg;

	c->exact = false;
	if (c->problems.n < 5)
		note(c, "%s: %s", path, strerror(errnum));
}

static void
walk(struct usage *u, struct usage_client *c, struct store *s)
{
	struct sweep_opts opts = { .jobs = u->jobs, .stop = u->stop,
	    .problem = count_problem, .arg = c };
	struct sweep_item *items = calloc(c->n + 1, sizeof(*items));
	struct sweep_share *shares = calloc(c->n + 1, sizeof(*shares));
	size_t i;

	c->exact = true;
	c->real = 0;
	if (u->progress != NULL) {
		opts.seen = &u->progress->files;
		progress_client(u->progress, c->host, (size_t)(c - u->v) + 1,
		    u->n, c->n, 0);
	}
	for (i = 0; items != NULL && i < c->n; i++)
		items[i] = (struct sweep_item){ store_fd(s),
		    c->snaps[c->n - 1 - i].stamp };
	if (items != NULL && shares != NULL &&
	    (sweep_shares(items, c->n, &opts, shares) == 0 ||
	    errno != EINTR)) {
		for (i = 0; i < c->n; i++) {
			c->share[i] = shares[c->n - 1 - i].bytes;
			c->real += c->share[i];
		}
		c->measured = u->now;
		if (c->exact)
			remember(c, s);
	} else {
		c->exact = false;
		c->measured = 0;
	}
	free(items);
	free(shares);
	if (u->progress != NULL)
		progress_clear(u->progress);
}

static void
read_cache(struct usage_client *c, struct store *s)
{
	char *text;
	size_t len;

	text = file_read_at(store_fd(s), CACHE, USAGE_CACHE_MAX, &len);
	if (text != NULL)
		(void)usage_cache_parse(text, len, &c->cache);
	free(text);
}

/* How much a day: as measured, if that goes back at least two days; else what
 * the records say that pushes brought, which leaves out what rotation frees. */
static void
find_growth(struct usage_client *c, time_t now)
{
	const struct usage_cache *h = &c->cache;
	uint64_t brought = 0;
	time_t first = 0, last = 0;
	size_t i;

	for (i = 0; i < h->points && h->history[i].time < now - LOOK_BACK;)
		i++;
	if (i < h->points &&
	    h->history[h->points - 1].time - h->history[i].time >= 2 * DAY) {
		c->by_history = true;
		c->per_day = ((int64_t)h->history[h->points - 1].bytes -
		    (int64_t)h->history[i].bytes) /
		    ((h->history[h->points - 1].time - h->history[i].time) /
		    DAY);
		return;
	}
	for (i = 0; i < c->n; i++) {
		if (!c->snaps[i].recorded ||
		    (c->plan.v[i].why & PLAN_FUTURE) != 0 ||
		    plan_clock(&c->snaps[i]) < now - LOOK_BACK)
			continue;
		/* The first one brought everything. */
		if (first == 0)
			first = plan_clock(&c->snaps[i]);
		else
			brought += c->snaps[i].bytes_new;
		last = plan_clock(&c->snaps[i]);
	}
	if (last - first >= DAY && brought < INT64_MAX)
		c->per_day = (int64_t)brought / ((last - first) / DAY);
}

void
usage_full(char buf[USAGE_FULL], const struct usage *u)
{
	if (u->days_left <= 0)
		(void)strlcpy(buf, "full within a day", USAGE_FULL);
	else
		snprintf(buf, USAGE_FULL, "full in %" PRId64 " day%s",
		    u->days_left, u->days_left == 1 ? "" : "s");
}

uint64_t
usage_age(const struct usage_client *c, time_t now)
{
	time_t t;

	if (c->plan.v == NULL || c->plan.newest == PLAN_NONE)
		return UINT64_MAX;
	t = plan_clock(&c->snaps[c->plan.newest]);
	return t > now ? 0 : (uint64_t)(now - t);
}

uint64_t
usage_oldest(const struct usage_client *c)
{
	size_t i;

	if (c->share == NULL || c->measured == 0)
		return UINT64_MAX;
	/* Behind one that never goes, its share is not what is freed. */
	for (i = 0; i < c->n; i++)
		if ((c->plan.v[i].why & PLAN_ALWAYS) == 0)
			return i == 0 ? c->share[0] : UINT64_MAX;
		else if ((c->plan.v[i].why & PLAN_PINNED) == 0)
			break;
	return UINT64_MAX;
}

/* What somebody should know, the gravest first. */
static void
find_problems(struct usage_client *c, time_t now)
{
	const struct snapshot *last = c->n == 0 ? NULL : &c->snaps[c->n - 1];
	char span[HUMAN_SIZE];

	if (c->plan.silent != 0) {
		human_duration(span, c->plan.silent);
		note(c, "no complete snapshot for %s", span);
	} else if (c->plan.newest == PLAN_NONE)
		note(c, c->n == 0 ? "no snapshot yet" :
		    "none of its snapshots is complete");
	if (last != NULL && last->recorded &&
	    last->status == SNAPSHOT_PARTIAL)
		note(c, "the last push was partial: rsync ended with %d",
		    last->rsync_exit);
	if (c->pending != 0) {
		human_duration(span, c->pending > now ? 0 :
		    (uint64_t)(now - c->pending));
		note(c, "a push is unfinished, last written %s ago", span);
	}
	if (c->plan.future != 0)
		note(c, "%zu snapshots come from the future", c->plan.future);
}

static int
look(struct usage *u, struct usage_client *c, struct store *s)
{
	struct plan_facts facts = { .now = u->now, .full = "",
	    .pins = &c->pins.stamps };
	char base[STAMP_SIZE] = "";

	facts.base = base;
	if (store_push_pending(s, &c->pending, base) == -1 ||
	    pins_read(s, &c->pins) == -1 ||
	    store_list(s, &c->snaps, &c->n) == -1 ||
	    plan_make(c->snaps, c->n, c->r, &facts, &c->plan) == -1 ||
	    (c->share = calloc(c->n + 1, sizeof(*c->share))) == NULL)
		return -1;
	if (c->plan.newest != PLAN_NONE)
		c->logical = c->snaps[c->plan.newest].bytes;
	find_problems(c, u->now);
	read_cache(c, s);
	if (u->walk || !use_cache(c))
		walk(u, c, s);
	find_growth(c, u->now);
	return 0;
}

static void
look_at_client(struct usage *u, struct usage_client *c)
{
	struct store *s;

	if ((s = store_open(u->root, c->host, 0)) == NULL) {
		c->failed = true;
		note(c, "%s", strerror(errno));
		return;
	}
	if (owner_enter(store_fd(s)) == -1) {
		c->failed = true;
		note(c, "its store belongs to another account");
	} else if (look(u, c, s) == -1) {
		c->failed = true;
		note(c, "%s", strerror(errno));
	}
	owner_leave();
	store_close(s);
}

int
usage_gather(struct usage *u)
{
	struct strv hosts = { 0 };
	size_t i;
	int fd;

	if ((fd = open(u->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	u->space = space_of(fd);
	close(fd);
	if (store_hosts(u->root, &hosts) == -1 ||
	    (u->v = calloc(hosts.n + 1, sizeof(*u->v))) == NULL) {
		strv_free(&hosts);
		return -1;
	}
	u->n = hosts.n;
	for (i = 0; i < hosts.n; i++) {
		/* The list's strings become ours. */
		u->v[i].host = hosts.v[i];
		hosts.v[i] = NULL;
		u->v[i].r = retention_for(u->conf, u->v[i].host);
	}
	free(hosts.v);
	for (i = 0; i < u->n && (u->stop == NULL || *u->stop == 0); i++) {
		look_at_client(u, &u->v[i]);
		/* What the stores remember may be anything. */
		if (__builtin_add_overflow(u->per_day, u->v[i].per_day,
		    &u->per_day))
			u->per_day = u->v[i].per_day > 0 ? INT64_MAX :
			    -INT64_MAX;
	}
	u->days_left = u->per_day <= 0 ? -1 :
	    (int64_t)u->space.bytes / u->per_day;
	return 0;
}

void
usage_free(struct usage *u)
{
	struct usage_client *c;
	size_t i;

	for (i = 0; i < u->n; i++) {
		c = &u->v[i];
		free(c->host);
		free(c->snaps);
		free(c->share);
		plan_free(&c->plan);
		pins_free(&c->pins);
		usage_cache_free(&c->cache);
		strv_free(&c->problems);
	}
	free(u->v);
	json_decref(u->exports);
	u->v = NULL;
	u->n = 0;
}
