/* plan_order.c: which snapshots of a client go first if room has to be made.
 * Pure.  rotate.conf(5), "Want of space", specifies it:
 *
 * First those that are the least worth: partial ones, and complete ones that a
 * newer complete one of the same day stands beside, oldest first.  So a flood
 * of pushes pays before anything else does.  Then the last complete ones of
 * their days, oldest first, but not those of the newest `floor` days.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>

#include "plan.h"

#define DAY	86400

/* A complete snapshot and its day. */
struct dated {
	long long	day;
	size_t		i;
};

static int
by_day(const void *a, const void *b)
{
	const struct dated *x = a, *y = b;

	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	return x->i < y->i ? -1 : x->i > y->i;
}

/* Those that may go, of one kind, to the end of order. */
static size_t
add_kind(const struct plan *plan, const bool *last_of_day, bool kind,
    size_t *order, size_t n)
{
	size_t i;

	for (i = 0; i < plan->n; i++)
		if (plan->v[i].why != 0 && last_of_day[i] == kind &&
		    (plan->v[i].why & PLAN_ALWAYS) == 0)
			order[n++] = i;
	return n;
}

/* What the rules keep, complete and by a clock that can be believed: the last
 * one of each day. */
static size_t
find_days(const struct plan *plan, const struct snapshot *snaps,
    struct dated *days)
{
	size_t i, n = 0, k = 0;

	for (i = 0; i < plan->n; i++)
		if (plan->v[i].why != 0 && snaps[i].recorded &&
		    snaps[i].status != SNAPSHOT_PARTIAL &&
		    (plan->v[i].why & PLAN_FUTURE) == 0)
			days[n++] = (struct dated){
			    plan_clock(&snaps[i]) / DAY, i };
	qsort(days, n, sizeof(*days), by_day);
	for (i = 0; i < n; i++)
		if (i + 1 == n || days[i].day != days[i + 1].day)
			days[k++] = days[i];
	return k;
}

size_t
plan_order(const struct plan *plan, const struct snapshot *snaps,
    unsigned floor, size_t *order)
{
	struct dated *days = calloc(plan->n + 1, sizeof(*days));
	bool *last_of_day = calloc(plan->n + 1, sizeof(*last_of_day));
	size_t i, k, n = 0;

	if (days != NULL && last_of_day != NULL) {
		k = find_days(plan, snaps, days);
		for (i = 0; i < k; i++)
			last_of_day[days[i].i] = true;
		n = add_kind(plan, last_of_day, false, order, 0);
		for (i = 0; i < k && i < floor; i++)
			last_of_day[days[k - 1 - i].i] = false;
		n = add_kind(plan, last_of_day, true, order, n);
	}
	free(days);
	free(last_of_day);
	return n;
}
