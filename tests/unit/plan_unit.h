/* plan_unit.h: histories, and the plans for them, in a word or two.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef PLAN_UNIT_H
#define PLAN_UNIT_H

#include "unit.h"

#include <time.h>

#include "rotate/plan.h"

#define DAY	86400
#define HOUR	3600
#define MAXN	400

static inline struct snapshot
snap(time_t t, enum snapshot_status status)
{
	struct snapshot s = { .time = t, .recorded = true, .status = status };

	assert_int_equal(stamp_format(s.stamp, t), 0);
	return s;
}

static inline time_t
stamp(const char *s)
{
	time_t t;

	assert_int_equal(stamp_parse(s, &t), 0);
	return t;
}

/* n snapshots, `step` seconds apart, the newest at `last`. */
static inline void
series(struct snapshot *v, size_t n, time_t last, time_t step)
{
	size_t i;

	for (i = 0; i < n; i++)
		v[i] = snap(last - step * (time_t)(n - 1 - i),
		    SNAPSHOT_COMPLETE);
}

static inline struct plan
plan_of(const struct snapshot *v, size_t n, const struct retention *r,
    time_t now)
{
	struct plan_facts f = { .now = now, .base = "", .full = "" };
	struct plan p;

	assert_int_equal(plan_make(v, n, r, &f, &p), 0);
	return p;
}

#endif
