/* plan.c: which snapshots of one client stay and which go, and why.
 * In: the client's snapshots, its rules, the time.  Out: a verdict on each.
 * Pure: it is what -n prints and what the real run carries out, and the only
 * place that decides.  rotate.conf(5) specifies it.
 *
 * Three things hold throughout.  What any rule keeps is kept.  A complete
 * snapshot is never measured by a partial one, nor driven out by any number of
 * them: the two are aged and counted apart.  And where a stamp and the clock
 * that its record has differ, the rules are asked twice, once with each, and
 * what either answer keeps is kept.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define HOUR	3600
#define DAY	86400

/* A snapshot as the rules see it. */
struct seen {
	const struct snapshot	*snap;
	time_t			 time;
	size_t			 i;		/* its place in the plan */
};

/* What the steps of one decision share: the snapshots that count, oldest
 * first by the time that is looked at. */
struct deciding {
	struct seen		*v;
	size_t			 n;
	const struct retention	*r;
	struct plan		*plan;
};

static bool
is_complete(const struct snapshot *s)
{
	return s->recorded && s->status != SNAPSHOT_PARTIAL;
}

static bool
is_partial(const struct snapshot *s)
{
	return s->recorded && s->status == SNAPSHOT_PARTIAL;
}

/* The number of the hour, day, ISO week, month or year (UTC) of a time, so
 * that two times of the same one have the same number, and later ones no
 * smaller. */
static long long
bucket(enum retention_count c, time_t t)
{
	struct tm tm;

	switch (c) {
	case RETENTION_LAST:
	case RETENTION_HOURLY:
		return t / HOUR;
	case RETENTION_DAILY:
		return t / DAY;
	case RETENTION_WEEKLY:
		/* The first day of the epoch was a Thursday. */
		return (t / DAY + 3) / 7;
	case RETENTION_MONTHLY:
		gmtime_r(&t, &tm);
		return tm.tm_year * 12LL + tm.tm_mon;
	case RETENTION_YEARLY:
		gmtime_r(&t, &tm);
		return tm.tm_year;
	}
	return t;
}

/* age and keep-within.  The clock of a client stands still while it makes no
 * snapshots: ages are counted from its newest one, and a pause between two
 * counts for at most half of the span (a day at least).  So a client that was
 * silent for a year, or a stamp made while the clock was a year ahead, does
 * not age all that came before out of the store at once. */
static void
keep_young(const struct deciding *d, uint64_t span, unsigned why,
    bool partials)
{
	const struct seen *s, *last = NULL;
	uint64_t gap, most = span / 2 > DAY ? span / 2 : DAY, age = 0;
	size_t i;

	if (span == 0)
		return;
	for (i = d->n; i-- > 0;) {
		s = &d->v[i];
		if (is_partial(s->snap) && !partials)
			continue;
		gap = last == NULL ? 0 : (uint64_t)(last->time - s->time);
		age += gap < most ? gap : most;
		if (age > span)
			return;
		if (is_partial(s->snap) == partials)
			d->plan->v[s->i].why |= why;
		last = s;
	}
}

/* The i-th of those that count is the nth that a rule keeps. */
static void
keep_counted(const struct deciding *d, enum retention_count c, size_t i,
    unsigned nth)
{
	struct plan_line *l = &d->plan->v[d->v[i].i];

	l->why |= PLAN_COUNTED;
	if (l->nth[c] == 0)
		l->nth[c] = nth;
}

/* Those in [*lo, hi) are in one bucket; the one that stands for it is the
 * newest complete, or else the newest partial. */
static size_t
bucket_before(const struct deciding *d, enum retention_count c, size_t hi,
    size_t *lo)
{
	long long b = bucket(c, d->v[hi - 1].time);
	size_t i, complete = PLAN_NONE, partial = PLAN_NONE;

	for (i = hi; i-- > 0 && bucket(c, d->v[i].time) == b; *lo = i)
		if (is_partial(d->v[i].snap)) {
			if (partial == PLAN_NONE)
				partial = i;
		} else if (complete == PLAN_NONE)
			complete = i;
	return complete != PLAN_NONE ? complete : partial;
}

/* The others of a bucket are told which one stands for them.  Rules are gone
 * through from the finest, which is the one that says most. */
static void
stand_for(const struct deciding *d, enum retention_count c, size_t lo,
    size_t hi, size_t pick)
{
	struct plan_line *l;

	for (; lo < hi; lo++) {
		l = &d->plan->v[d->v[lo].i];
		if (lo != pick && l->other == PLAN_NONE) {
			l->other = d->v[pick].i;
			l->by = c;
		}
	}
}

/* keep-hourly to keep-yearly: of each of the newest N buckets that hold a
 * complete snapshot, the newest complete one.  Of buckets that hold only
 * partial ones, the newest partial one, N times at most and never further back
 * than the complete ones reach. */
static void
keep_buckets(const struct deciding *d, enum retention_count c)
{
	unsigned max = d->r->count[c], complete = 0, partial = 0, *count;
	size_t hi, lo = 0, pick;

	for (hi = d->n; hi > 0 && complete < max; hi = lo) {
		pick = bucket_before(d, c, hi, &lo);
		count = is_partial(d->v[pick].snap) ? &partial : &complete;
		if (*count >= max)
			continue;
		keep_counted(d, c, pick, ++*count);
		stand_for(d, c, lo, hi, pick);
	}
}

/* keep-last: the newest N; and further back one an hour until N different
 * hours are covered, so that N pushes within a minute drive nothing out.
 * Partial ones: as for the rules with buckets, by the hour. */
static void
keep_last(const struct deciding *d)
{
	unsigned max = d->r->count[RETENTION_LAST], seen = 0, hours = 0;
	unsigned nth = 0, partial = 0;
	long long hour, last_hour = -1;
	size_t i, lo = 0, hi = 0;

	for (i = d->n; i-- > 0 && (seen < max || hours < max);) {
		hour = bucket(RETENTION_LAST, d->v[i].time);
		if (!is_partial(d->v[i].snap)) {
			if (seen++ < max || (hour != last_hour && hours < max))
				keep_counted(d, RETENTION_LAST, i, ++nth);
			hours += hour != last_hour;
			last_hour = hour;
		} else if (partial < max) {
			hi = i + 1;
			while (hi < d->n && bucket(RETENTION_LAST,
			    d->v[hi].time) == hour)
				hi++;
			if (bucket_before(d, RETENTION_LAST, hi, &lo) == i)
				keep_counted(d, RETENTION_LAST, i, ++partial);
		}
	}
}

/* What no rule can give away. */
static void
keep_always(const struct snapshot *snaps, const struct plan_facts *f,
    struct plan *plan)
{
	const struct snapshot *s;
	struct plan_line *l;
	bool latest = true;
	size_t i;

	for (i = plan->n; i-- > 0;) {
		s = &snaps[i];
		l = &plan->v[i];
		if (!s->recorded)
			l->why |= PLAN_FOREIGN;
		if (s->recorded && latest) {
			l->why |= PLAN_LATEST;
			latest = false;
		}
		if (is_complete(s) && plan->newest == PLAN_NONE) {
			l->why |= PLAN_NEWEST;
			plan->newest = i;
		}
		if (strcmp(s->stamp, f->base) == 0)
			l->why |= PLAN_BASE;
		if (strcmp(s->stamp, f->full) == 0)
			l->why |= PLAN_FULL;
		if (f->pins != NULL && strv_has(f->pins, s->stamp))
			l->why |= PLAN_PINNED;
	}
}

static void
decide(const struct deciding *d)
{
	int c;

	keep_young(d, d->r->age, PLAN_AGE, false);
	keep_young(d, d->r->age, PLAN_AGE, true);
	keep_young(d, d->r->within, PLAN_WITHIN, false);
	keep_young(d, d->r->within, PLAN_WITHIN, true);
	if (d->r->count[RETENTION_LAST] != 0)
		keep_last(d);
	for (c = RETENTION_HOURLY; c < RETENTION_NCOUNTS; c++)
		if (d->r->count[c] != 0)
			keep_buckets(d, (enum retention_count)c);
}

time_t
plan_clock(const struct snapshot *s)
{
	/* Records from before there was a clock in them have 0. */
	return s->recorded && s->started != 0 &&
	    s->started < s->time - PLAN_SLACK ? s->started : s->time;
}

static bool
is_ahead(time_t t, time_t now)
{
	return t > now && t - now > PLAN_SLACK;
}

/* What stands out of time: it stays until its time has come.  If the clock is
 * what is wrong, that is how the whole history looks. */
static void
keep_future(const struct snapshot *snaps, time_t now, struct plan *plan)
{
	time_t clock;
	size_t i;

	for (i = 0; i < plan->n; i++) {
		clock = plan_clock(&snaps[i]);
		if (!is_ahead(clock, now))
			continue;
		plan->v[i].why |= PLAN_FUTURE;
		plan->future++;
		if ((uint64_t)(clock - now) > plan->ahead)
			plan->ahead = (uint64_t)(clock - now);
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->i < y->i ? -1 : x->i > y->i;
}

/* Ask the rules about those that are ours and not from the future, by their
 * stamps or by the clock. */
static void
ask(struct deciding *d, const struct snapshot *snaps, time_t now,
    bool by_clock)
{
	time_t t;
	size_t i;

	for (i = d->n = 0; i < d->plan->n; i++) {
		t = by_clock ? plan_clock(&snaps[i]) : snaps[i].time;
		if (snaps[i].recorded && !is_ahead(t, now))
			d->v[d->n++] = (struct seen){ &snaps[i], t, i };
	}
	if (by_clock)
		qsort(d->v, d->n, sizeof(*d->v), by_time);
	decide(d);
}

/* How long has the client been silent? */
static void
look_for_silence(const struct snapshot *snaps, const struct retention *r,
    time_t now, struct plan *plan)
{
	uint64_t limit = r->age > r->within ? r->age : r->within;
	time_t newest = -1, t;
	size_t i;

	if (limit == 0)
		limit = PLAN_SILENCE;
	for (i = 0; i < plan->n; i++) {
		t = plan_clock(&snaps[i]);
		if (is_complete(&snaps[i]) && !is_ahead(t, now) && t > newest)
			newest = t;
	}
	if (newest != -1 && newest < now && (uint64_t)(now - newest) > limit)
		plan->silent = (uint64_t)(now - newest);
}

int
plan_make(const struct snapshot *snaps, size_t n, const struct retention *r,
    const struct plan_facts *f, struct plan *plan)
{
	struct deciding d = { .r = r, .plan = plan };
	bool pushed_up = false;
	size_t i;

	memset(plan, 0, sizeof(*plan));
	plan->newest = PLAN_NONE;
	plan->v = calloc(n + 1, sizeof(*plan->v));
	d.v = calloc(n + 1, sizeof(*d.v));
	if (plan->v == NULL || d.v == NULL) {
		free(d.v);
		plan_free(plan);
		return -1;
	}
	plan->n = n;
	for (i = 0; i < n; i++) {
		plan->v[i].other = PLAN_NONE;
		pushed_up |= plan_clock(&snaps[i]) != snaps[i].time;
	}
	keep_always(snaps, f, plan);
	keep_future(snaps, f->now, plan);
	ask(&d, snaps, f->now, false);
	if (pushed_up)
		ask(&d, snaps, f->now, true);
	look_for_silence(snaps, r, f->now, plan);
	for (i = 0; i < n; i++)
		plan->drops += plan->v[i].why == 0;
	free(d.v);
	return 0;
}

bool
plan_push_goes(time_t last, const struct retention *r, time_t now)
{
	return r->push_age != 0 && now > last &&
	    (uint64_t)(now - last) > r->push_age;
}

bool
plan_keeps(const struct plan *plan, size_t i)
{
	return plan->v[i].why != 0;
}

void
plan_drop(struct plan *plan, size_t i, enum plan_want want)
{
	if (plan->v[i].why != 0)
		plan->drops++;
	plan->v[i].why = 0;
	plan->v[i].want = want;
}

void
plan_free(struct plan *plan)
{
	free(plan->v);
	memset(plan, 0, sizeof(*plan));
}
