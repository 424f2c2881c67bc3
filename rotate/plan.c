/* plan.c: which snapshots of one client stay and which go, and why.
 * In: the client's snapshots, its rules, the time.  Out: a verdict on each.
 * Pure: it is what -n prints and what the real run carries out, and the only
 * place that decides.  rotate.conf(5) specifies it.
 *
 * Two things hold throughout.  What any rule keeps is kept.  And a complete
 * snapshot is never measured by a partial one, nor driven out by any number of
 * them: the two are aged and counted apart.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "human.h"
#include "plan.h"

#define HOUR	3600
#define DAY	86400

/* What the steps of one decision share. */
struct deciding {
	const struct snapshot	*snaps;
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
	const struct snapshot *s, *last = NULL;
	uint64_t gap, most = span / 2 > DAY ? span / 2 : DAY, age = 0;
	size_t i;

	if (span == 0)
		return;
	for (i = d->n; i-- > 0;) {
		s = &d->snaps[i];
		if (!is_complete(s) && !(partials && is_partial(s)))
			continue;
		gap = last == NULL ? 0 : (uint64_t)(last->time - s->time);
		age += gap < most ? gap : most;
		if (age > span)
			return;
		if (is_partial(s) == partials)
			d->plan->v[i].why |= why;
		last = s;
	}
}

static void
keep_counted(const struct deciding *d, enum retention_count c, size_t i,
    unsigned nth)
{
	d->plan->v[i].why |= PLAN_COUNTED;
	d->plan->v[i].nth[c] = nth;
}

/* Snapshots [*lo, hi) are in one bucket; the one that stands for it is the
 * newest complete, or else the newest partial.  PLAN_NONE: neither. */
static size_t
bucket_before(const struct deciding *d, enum retention_count c, size_t hi,
    size_t *lo)
{
	long long b = bucket(c, d->snaps[hi - 1].time);
	size_t i, complete = PLAN_NONE, partial = PLAN_NONE;

	for (i = hi; i-- > 0 && bucket(c, d->snaps[i].time) == b; *lo = i) {
		if (complete == PLAN_NONE && is_complete(&d->snaps[i]))
			complete = i;
		if (partial == PLAN_NONE && is_partial(&d->snaps[i]))
			partial = i;
	}
	return complete != PLAN_NONE ? complete : partial;
}

/* The others of a bucket are told which one stands for them.  Rules are gone
 * through from the finest, which is the one that says most. */
static void
stand_for(const struct deciding *d, enum retention_count c, size_t lo,
    size_t hi, size_t pick)
{
	for (; lo < hi; lo++)
		if (lo != pick && d->plan->v[lo].other == PLAN_NONE) {
			d->plan->v[lo].other = pick;
			d->plan->v[lo].by = c;
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
		if (pick == PLAN_NONE)
			continue;
		count = is_complete(&d->snaps[pick]) ? &complete : &partial;
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
		hour = bucket(RETENTION_LAST, d->snaps[i].time);
		if (is_complete(&d->snaps[i])) {
			if (seen++ < max || (hour != last_hour && hours < max))
				keep_counted(d, RETENTION_LAST, i, ++nth);
			hours += hour != last_hour;
			last_hour = hour;
		} else if (is_partial(&d->snaps[i]) && partial < max) {
			hi = i + 1;
			while (hi < d->n && bucket(RETENTION_LAST,
			    d->snaps[hi].time) == hour)
				hi++;
			if (bucket_before(d, RETENTION_LAST, hi, &lo) == i)
				keep_counted(d, RETENTION_LAST, i, ++partial);
		}
	}
}

/* What no rule can give away. */
static void
keep_always(const struct deciding *d, const struct plan_facts *f)
{
	const struct snapshot *s;
	struct plan_line *l;
	bool latest = true;
	size_t i;

	for (i = d->n; i-- > 0;) {
		s = &d->snaps[i];
		l = &d->plan->v[i];
		if (!s->recorded)
			l->why |= PLAN_FOREIGN;
		if (s->recorded && latest) {
			l->why |= PLAN_LATEST;
			latest = false;
		}
		if (is_complete(s) && d->plan->newest == PLAN_NONE) {
			l->why |= PLAN_NEWEST;
			d->plan->newest = i;
		}
		if (strcmp(s->stamp, f->base) == 0)
			l->why |= PLAN_BASE;
		if (strcmp(s->stamp, f->full) == 0)
			l->why |= PLAN_FULL;
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

/* The client's own time, against the server's clock. */
static void
look_at_clock(const struct deciding *d, time_t now)
{
	const struct retention *r = d->r;
	uint64_t limit = r->age > r->within ? r->age : r->within;
	time_t newest = d->snaps[d->n - 1].time;

	if (newest > now && newest - now > PLAN_SLACK)
		d->plan->ahead = (uint64_t)(newest - now);
	if (limit == 0)
		limit = PLAN_SILENCE;
	if (d->plan->newest == PLAN_NONE)
		return;
	newest = d->snaps[d->plan->newest].time;
	if (newest < now && (uint64_t)(now - newest) > limit)
		d->plan->silent = (uint64_t)(now - newest);
}

int
plan_make(const struct snapshot *snaps, size_t n, const struct retention *r,
    const struct plan_facts *f, struct plan *plan)
{
	struct deciding d = { snaps, n, r, plan };
	size_t i;

	memset(plan, 0, sizeof(*plan));
	plan->newest = PLAN_NONE;
	if ((plan->v = calloc(n + 1, sizeof(*plan->v))) == NULL)
		return -1;
	plan->n = n;
	if (n == 0)
		return 0;
	for (i = 0; i < n; i++)
		plan->v[i].other = PLAN_NONE;
	keep_always(&d, f);
	look_at_clock(&d, f->now);
	/* Where the clock is in doubt, no rule is asked. */
	if (plan->ahead != 0)
		for (i = 0; i < n; i++)
			plan->v[i].why |= PLAN_CLOCK;
	else
		decide(&d);
	for (i = 0; i < n; i++)
		plan->drops += plan->v[i].why == 0;
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

/* Append to a reason, after a comma if it is not the first part. */
static void __attribute__((format(printf, 2, 3)))
also(char buf[PLAN_REASON], const char *fmt, ...)
{
	size_t len = strlen(buf);
	va_list ap;

	if (len != 0) {
		(void)strlcat(buf, ", ", PLAN_REASON);
		len = strlen(buf);
	}
	va_start(ap, fmt);
	vsnprintf(buf + len, PLAN_REASON - len, fmt, ap);
	va_end(ap);
}

/* A span exactly as it was configured, in its largest whole unit. */
static void
span_text(char buf[HUMAN_SIZE], uint64_t secs)
{
	static const struct {
		unsigned	 secs;
		const char	*name;
	} units[] = { { DAY, "d" }, { HOUR, "h" }, { 60, "min" } };
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (secs % units[i].secs == 0) {
			snprintf(buf, HUMAN_SIZE, "%llu %s", (unsigned long
			    long)(secs / units[i].secs), units[i].name);
			return;
		}
	snprintf(buf, HUMAN_SIZE, "%llu s", (unsigned long long)secs);
}

static void
reason_to_go(char buf[PLAN_REASON], const struct plan_line *l,
    const struct snapshot *snaps, const struct retention *r)
{
	char span[HUMAN_SIZE];
	bool counts = false;
	size_t c;

	for (c = 0; c < RETENTION_NCOUNTS; c++)
		counts |= r->count[c] != 0;
	if (l->other != PLAN_NONE)
		also(buf, "%s keeps %s instead", retention_count_name(l->by),
		    snaps[l->other].stamp);
	else if (counts)
		also(buf, "past every rule");
	else {
		span_text(span, r->age > r->within ? r->age : r->within);
		also(buf, "older than %s", span);
	}
}

void
plan_reason(char buf[PLAN_REASON], const struct plan *plan, size_t i,
    const struct snapshot *snaps, const struct retention *r)
{
	static const struct {
		unsigned	 why;
		const char	*text;
	} words[] = {
		{ PLAN_CLOCK,	"stamps from the future" },
		{ PLAN_NEWEST,	"newest complete" },
		{ PLAN_LATEST,	"newest" },
		{ PLAN_BASE,	"base of an unfinished push" },
		{ PLAN_FULL,	"HOST.full points to it" },
		{ PLAN_FOREIGN,	"no readable record" },
	};
	const struct plan_line *l = &plan->v[i];
	char span[HUMAN_SIZE];
	size_t k;

	buf[0] = '\0';
	if (l->why == 0) {
		reason_to_go(buf, l, snaps, r);
		return;
	}
	for (k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
		/* Both go without saying then. */
		if ((words[k].why & (PLAN_LATEST | PLAN_FULL)) != 0 &&
		    (l->why & PLAN_NEWEST) != 0)
			continue;
		if ((l->why & words[k].why) != 0)
			also(buf, "%s", words[k].text);
	}
	if ((l->why & PLAN_AGE) != 0) {
		span_text(span, r->age);
		also(buf, "age %s", span);
	}
	if ((l->why & PLAN_WITHIN) != 0) {
		span_text(span, r->within);
		also(buf, "keep-within %s", span);
	}
	for (k = 0; k < RETENTION_NCOUNTS; k++)
		if (l->nth[k] != 0)
			also(buf, "%s %u/%u",
			    retention_count_name((enum retention_count)k),
			    l->nth[k], r->count[k]);
}

void
plan_free(struct plan *plan)
{
	free(plan->v);
	memset(plan, 0, sizeof(*plan));
}
