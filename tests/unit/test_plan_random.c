/* test_plan_random.c: which snapshots stay: thousands of random histories against
 * a second statement of the rules, which knows no loop over buckets: it asks of
 * each snapshot by itself whether the manual's sentence about a rule is true of
 * it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "plan_unit.h"

/* The rules once more, as a predicate on one snapshot. */
struct model {
	const struct snapshot	*v;
	size_t			 n;
	const struct retention	*r;
};

static bool
complete(const struct snapshot *s)
{
	return s->recorded && s->status != SNAPSHOT_PARTIAL;
}

static bool
partial(const struct snapshot *s)
{
	return s->recorded && s->status == SNAPSHOT_PARTIAL;
}

/* The calendar's own words for hour, day, week, month and year. */
static void
key(char buf[32], int rule, time_t t)
{
	struct tm tm;

	gmtime_r(&t, &tm);
	if (rule == RETENTION_WEEKLY)
		strftime(buf, 32, "%G-%V", &tm);
	else {
		/* YYYY-MM-DD HH, as much of it as the rule looks at. */
		strftime(buf, 32, "%Y-%m-%d %H", &tm);
		buf[rule == RETENTION_YEARLY ? 4 : rule == RETENTION_MONTHLY ?
		    7 : rule == RETENTION_DAILY ? 10 : 13] = '\0';
	}
}

static bool
same_bucket(int rule, const struct snapshot *a, const struct snapshot *b)
{
	char ka[32], kb[32];

	key(ka, rule, a->time);
	key(kb, rule, b->time);
	return strcmp(ka, kb) == 0;
}

/* Is the j-th the newest of its kind in its bucket? */
static bool
first_of_bucket(const struct model *m, int rule, size_t j,
    bool (*kind)(const struct snapshot *))
{
	size_t k;

	if (!kind(&m->v[j]))
		return false;
	for (k = j + 1; k < m->n; k++)
		if (kind(&m->v[k]) && same_bucket(rule, &m->v[j], &m->v[k]))
			return false;
	return true;
}

static bool
has_complete(const struct model *m, int rule, size_t j)
{
	size_t k;

	for (k = 0; k < m->n; k++)
		if (complete(&m->v[k]) &&
		    same_bucket(rule, &m->v[j], &m->v[k]))
			return true;
	return false;
}

/* Buckets with a complete one (or with only partial ones) newer than i's. */
static unsigned
newer_buckets(const struct model *m, int rule, size_t i, bool only_partial)
{
	unsigned n = 0;
	size_t j;

	for (j = i + 1; j < m->n; j++) {
		if (same_bucket(rule, &m->v[i], &m->v[j]))
			continue;
		n += only_partial ? first_of_bucket(m, rule, j, partial) &&
		    !has_complete(m, rule, j) :
		    first_of_bucket(m, rule, j, complete);
	}
	return n;
}

static bool
model_counted(const struct model *m, int rule, size_t i)
{
	unsigned max = m->r->count[rule], newer = 0;
	bool far;
	size_t j;

	for (j = i + 1; j < m->n; j++)
		newer += complete(&m->v[j]);
	if (rule == RETENTION_LAST && complete(&m->v[i]) && newer < max)
		return true;
	far = newer_buckets(m, rule, i, false) >= max;
	if (rule == RETENTION_LAST && partial(&m->v[i]))
		far = far && newer >= max;
	if (far)
		return false;
	if (first_of_bucket(m, rule, i, complete))
		return true;
	return first_of_bucket(m, rule, i, partial) &&
	    !has_complete(m, rule, i) &&
	    newer_buckets(m, rule, i, true) < max;
}

static bool
model_young(const struct model *m, uint64_t span, size_t i)
{
	uint64_t gap, age = 0, most = span / 2 < DAY ? DAY : span / 2;
	bool with_partials = partial(&m->v[i]);
	size_t j, newer = i;

	if (span == 0 || !m->v[i].recorded)
		return false;
	for (j = i + 1; j < m->n; j++) {
		if (!complete(&m->v[j]) &&
		    !(with_partials && partial(&m->v[j])))
			continue;
		gap = (uint64_t)(m->v[j].time - m->v[newer].time);
		age += gap > most ? most : gap;
		newer = j;
	}
	return age <= span;
}

/* A rule keeps it, by the times that are in the model. */
static bool
model_rules(const struct model *m, size_t i)
{
	int rule;

	if (model_young(m, m->r->age, i) || model_young(m, m->r->within, i))
		return true;
	for (rule = 0; rule < RETENTION_NCOUNTS; rule++)
		if (m->r->count[rule] != 0 && model_counted(m, rule, i))
			return true;
	return false;
}

/* What the clock said: the stamp, unless that had to be later. */
static time_t
model_clock(const struct snapshot *s)
{
	return s->recorded && s->started != 0 &&
	    s->time - s->started > 15 * 60 ? s->started : s->time;
}

/* Is it kept by the rules, if only what is not from the future is looked at,
 * by stamps or by the clock? */
static bool
model_asked(const struct model *m, size_t i, time_t now, bool by_clock)
{
	static struct snapshot v[MAXN];
	struct model part = { v, 0, m->r };
	struct snapshot s;
	size_t j, k, me = MAXN;

	for (j = 0; j < m->n; j++) {
		s = m->v[j];
		if (by_clock)
			s.time = model_clock(&m->v[j]);
		if (!s.recorded || s.time > now + 15 * 60) {
			if (j == i)
				return false;
			continue;
		}
		/* Later ones of the same time are later. */
		for (k = part.n++; k > 0 && v[k - 1].time > s.time; k--) {
			v[k] = v[k - 1];
			me += me == k - 1;
		}
		v[k] = s;
		if (j == i)
			me = k;
	}
	return model_rules(&part, me);
}

static bool
model_keeps(const struct model *m, size_t i, time_t now)
{
	size_t j;
	bool newest = complete(&m->v[i]), latest = m->v[i].recorded;

	if (!m->v[i].recorded)
		return true;
	for (j = i + 1; j < m->n; j++) {
		newest = newest && !complete(&m->v[j]);
		latest = latest && !m->v[j].recorded;
	}
	if (newest || latest)
		return true;
	if (model_clock(&m->v[i]) > now + 15 * 60)
		return true;
	return model_asked(m, i, now, false) || model_asked(m, i, now, true);
}

/* xorshift64*: the same numbers everywhere. */
static uint64_t
next(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * UINT64_C(2685821657736338717);
}

static unsigned
below(uint64_t *seed, unsigned n)
{
	return (unsigned)((next(seed) >> 33) % n);
}

static size_t
random_history(uint64_t *seed, struct snapshot *v, size_t max)
{
	/* Pushes by the second, hour, day; pauses; a clock that jumped by a
	 * year and a half. */
	static const unsigned gaps[] = { 1, 90, 900, HOUR, HOUR, 6 * HOUR,
	    DAY, DAY, DAY, DAY + 600, 7 * DAY, 31 * DAY, 550 * DAY };
	static const char *const starts[] = { "1970-01-01T000000Z",
	    "2027-12-31T225959Z", "2028-02-28T233000Z", "2100-02-28T120000Z",
	    "2026-03-28T235959Z", "2026-10-25T003000Z" };
	size_t n = 1 + below(seed, (unsigned)max), i;
	unsigned style = below(seed, nitems(gaps) + 1), gap;
	unsigned good = 1 + below(seed, 10);
	time_t t = stamp(starts[below(seed, nitems(starts))]);

	for (i = 0; i < n; i++) {
		v[i] = snap(t, below(seed, 10) >= good ? SNAPSHOT_PARTIAL :
		    below(seed, 2) ? SNAPSHOT_COMPLETE : SNAPSHOT_VANISHED);
		v[i].recorded = below(seed, 20) != 0;
		gap = style == nitems(gaps) || below(seed, 8) == 0 ?
		    gaps[below(seed, nitems(gaps))] : gaps[style];
		t += 1 + (time_t)below(seed, 2 * gap);
	}
	return n;
}

/* The same, made by a clock that jumps about: the stamps only rise. */
static size_t
random_clock(uint64_t *seed, struct snapshot *v, size_t max)
{
	static const time_t jumps[] = { -1000 * DAY, -30 * DAY, -DAY, -HOUR,
	    -600, -60, 60, 600, HOUR, DAY, 30 * DAY, 1000 * DAY };
	size_t n = random_history(seed, v, max), i;
	time_t off = 0, last = -1, t;

	for (i = 0; i < n; i++) {
		if (below(seed, 6) == 0)
			off = below(seed, 2) == 0 ? 0 :
			    jumps[below(seed, nitems(jumps))];
		t = v[i].time + off;
		if (t < 1)
			t = 1;
		v[i].started = t;
		v[i].time = last = t > last ? t : last + 1;
		assert_int_equal(stamp_format(v[i].stamp, last), 0);
	}
	return n;
}

static struct retention
random_retention(uint64_t *seed)
{
	struct retention r = { 0 };
	int i;

	if (below(seed, 3) == 0)
		r.age = (1 + below(seed, 40)) * UINT64_C(86400);
	if (below(seed, 4) == 0)
		r.within = 1 + below(seed, 100 * HOUR);
	for (i = 0; i < RETENTION_NCOUNTS; i++)
		if (below(seed, 3) == 0)
			r.count[i] = 1 + below(seed, 9);
	if (!retention_keeps(&r))
		r.count[RETENTION_LAST] = 1;
	return r;
}

static void
check_one(uint64_t seed, const struct snapshot *v, size_t n,
    const struct retention *r, time_t now)
{
	struct model m = { v, n, r };
	struct plan p = plan_of(v, n, r, now);
	char buf[PLAN_REASON];
	size_t i;

	for (i = 0; i < n; i++) {
		if (plan_keeps(&p, i) != model_keeps(&m, i, now)) {
			plan_reason(buf, &p, i, v, r);
			fail_msg("seed %llu: %zu of %zu, %s: %s: %s",
			    (unsigned long long)seed, i, n, v[i].stamp,
			    plan_keeps(&p, i) ? "kept" : "dropped", buf);
		}
		if (p.v[i].other != PLAN_NONE)
			assert_true(plan_keeps(&p, p.v[i].other));
	}
	plan_free(&p);
}

static void
random_histories_agree_with_the_manual(void **state)
{
	static const char *const zones[] = { "UTC", "Europe/Berlin",
	    "America/St_Johns", "Pacific/Apia" };
	uint64_t seed = 20261122, s;
	struct snapshot v[MAXN];
	struct retention r;
	size_t i, n;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (i = 0; i < 6000; i++) {
		/* Which zone the server is in means nothing. */
		setenv("TZ", zones[i % nitems(zones)], 1);
		tzset();
		s = next(&seed);
		n = random_history(&seed, v, i % 50 == 0 ? 120 : 24);
		r = random_retention(&seed);
		check_one(s, v, n, &r, v[n - 1].time + HOUR);
		/* Some of it, or all, lies in the future. */
		check_one(s, v, n, &r, v[below(&seed, (unsigned)n)].time -
		    (time_t)below(&seed, 2 * DAY));
		n = random_clock(&seed, v, i % 50 == 0 ? 60 : 24);
		check_one(s, v, n, &r, v[n - 1].started + HOUR);
		check_one(s, v, n, &r, v[n - 1].time + HOUR);
	}
	unsetenv("TZ");
	tzset();
}

/* Rotating every day as the days go by and rotating once at the end differ:
 * what went is gone.  But whatever the order, no day's rotation may leave the
 * rules with fewer daily snapshots than they ask for. */
static void
daily_rotation_reaches_a_steady_state(void **state)
{
	struct retention r = { .count = { 0, 0, 7, 4, 6 } };
	struct snapshot v[MAXN];
	struct plan p;
	size_t n = 0, i, k, day;

	(void)state;
	for (day = 0; day < 1000; day++) {
		v[n++] = snap(stamp("2024-01-01T040000Z") +
		    (time_t)day * DAY, SNAPSHOT_COMPLETE);
		p = plan_of(v, n, &r, v[n - 1].time + HOUR);
		for (i = k = 0; i < n; i++)
			if (plan_keeps(&p, i))
				v[k++] = v[i];
		n = k;
		plan_free(&p);
		if (day > 300)
			assert_in_range(n, 12, 17);
	}
	/* The last of each month that was, and of each week. */
	p = plan_of(v, n, &r, v[n - 1].time + HOUR);
	for (i = k = 0; i < n; i++)
		k += p.v[i].nth[RETENTION_MONTHLY] != 0;
	assert_int_equal(k, 6);
	plan_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_histories_agree_with_the_manual),
		cmocka_unit_test(daily_rotation_reaches_a_steady_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
