/* test_plan.c: which snapshots stay, in worked cases.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "plan_unit.h"

static const struct plan_facts at_epoch_end = { .now = 4102444800, .base = "", .full = "" };

static size_t
kept(const struct plan *p)
{
	return p->n - p->drops;
}

static void
no_snapshots_no_plan(void **state)
{
	struct retention r = { .age = DAY };
	struct plan p;

	(void)state;
	assert_int_equal(plan_make(NULL, 0, &r, &at_epoch_end, &p), 0);
	assert_int_equal(p.drops, 0);
	assert_int_equal(p.newest, PLAN_NONE);
	plan_free(&p);
}

/* Daily snapshots for 60 days: how many each rule keeps. */
static void
each_rule_keeps_its_number(void **state)
{
	static const struct {
		struct retention	r;
		size_t			kept;
	} rows[] = {
		{ { .age = 14 * DAY }, 15 },
		{ { .age = DAY }, 2 },
		{ { .age = DAY - 1 }, 1 },
		{ { .age = 100 * DAY }, 60 },
		{ { .within = 36 * HOUR }, 2 },
		{ { .count = { 1 } }, 1 },
		{ { .count = { 7 } }, 7 },
		{ { .count = { 0, 7 } }, 7 },
		{ { .count = { 0, 0, 7 } }, 7 },
		{ { .count = { 0, 0, 0, 4 } }, 4 },
		{ { .count = { 0, 0, 0, 100 } }, 9 },
		{ { .count = { 0, 0, 0, 0, 12 } }, 3 },
		{ { .count = { 0, 0, 0, 0, 0, 5 } }, 1 },
		{ { .count = { 0, 0, 7, 4, 2 } }, 11 },
		{ { .age = 2 * DAY, .count = { 0, 0, 0, 0, 3 } }, 5 },
	};
	struct snapshot v[60];
	struct plan p;
	size_t i;

	(void)state;
	/* 2026-11-22 is a Sunday. */
	series(v, 60, stamp("2026-11-22T040201Z"), DAY);
	for (i = 0; i < nitems(rows); i++) {
		p = plan_of(v, 60, &rows[i].r, v[59].time + HOUR);
		if (kept(&p) != rows[i].kept)
			fail_msg("row %zu: %zu kept, not %zu", i, kept(&p),
			    rows[i].kept);
		assert_true(plan_keeps(&p, 59));
		plan_free(&p);
	}
}

/* Does the plan keep exactly the snapshots of these days? */
static void
assert_days(const struct plan *p, const struct snapshot *v, const char *days)
{
	char day[11];
	size_t i;

	for (i = 0; i < p->n; i++) {
		(void)strlcpy(day, v[i].stamp, sizeof(day));
		if (plan_keeps(p, i) != (strstr(days, day + 5) != NULL))
			fail_msg("%s: %s", day, plan_keeps(p, i) ? "kept" :
			    "dropped");
	}
}

/* The worked calendar of rotate.conf(5). */
static void
the_manuals_calendar_is_right(void **state)
{
	struct retention r = { .count = { 0, 0, 4, 3, 2 } };
	struct retention age = { .age = 14 * DAY };
	struct snapshot v[57];
	struct plan p;

	(void)state;
	series(v, 56, stamp("2026-11-22T040200Z"), DAY);
	p = plan_of(v, 56, &r, stamp("2026-11-22T050000Z"));
	assert_days(&p, v, "10-31 11-08 11-15 11-19 11-20 11-21 11-22");
	assert_int_equal(p.v[55].nth[RETENTION_WEEKLY], 1);
	assert_int_equal(p.v[48].nth[RETENTION_WEEKLY], 2);
	assert_int_equal(p.v[41].nth[RETENTION_WEEKLY], 3);
	assert_int_equal(p.v[33].nth[RETENTION_MONTHLY], 2);
	plan_free(&p);
	v[56] = snap(stamp("2026-12-01T040200Z"), SNAPSHOT_COMPLETE);
	p = plan_of(v, 57, &r, v[56].time);
	assert_days(&p, v, "11-15 11-20 11-21 11-22 12-01");
	plan_free(&p);

	p = plan_of(v, 56, &age, stamp("2026-12-21T050000Z"));
	assert_days(&p, v, "11-08 11-09 11-10 11-11 11-12 11-13 11-14 11-15 "
	    "11-16 11-17 11-18 11-19 11-20 11-21 11-22");
	plan_free(&p);
	v[56] = snap(stamp("2026-12-22T040200Z"), SNAPSHOT_COMPLETE);
	p = plan_of(v, 57, &age, v[56].time);
	assert_days(&p, v, "11-15 11-16 11-17 11-18 11-19 11-20 11-21 11-22 "
	    "12-22");
	plan_free(&p);
}

static void
a_leap_day_is_a_day(void **state)
{
	struct retention r = { .count = { 0, 0, 3, 0, 2 } };
	struct snapshot v[4];
	struct plan p;

	(void)state;
	v[0] = snap(stamp("2028-02-28T235959Z"), SNAPSHOT_COMPLETE);
	v[1] = snap(stamp("2028-02-29T000000Z"), SNAPSHOT_COMPLETE);
	v[2] = snap(stamp("2028-02-29T235959Z"), SNAPSHOT_COMPLETE);
	v[3] = snap(stamp("2028-03-01T000000Z"), SNAPSHOT_COMPLETE);
	p = plan_of(v, 4, &r, v[3].time);
	assert_true(plan_keeps(&p, 0));
	assert_false(plan_keeps(&p, 1));
	assert_true(plan_keeps(&p, 2));
	assert_int_equal(p.v[2].nth[RETENTION_MONTHLY], 2);
	assert_int_equal(p.v[1].other, 2);
	plan_free(&p);
}

/* ISO weeks begin on Monday, also over the turn of a year. */
static void
weeks_begin_on_monday(void **state)
{
	struct retention r = { .count = { 0, 0, 0, 9 } };
	struct snapshot v[3];
	struct plan p;

	(void)state;
	v[0] = snap(stamp("2026-12-28T000000Z"), SNAPSHOT_COMPLETE);
	v[1] = snap(stamp("2027-01-03T235959Z"), SNAPSHOT_COMPLETE);
	v[2] = snap(stamp("2027-01-04T000000Z"), SNAPSHOT_COMPLETE);
	p = plan_of(v, 3, &r, v[2].time);
	assert_false(plan_keeps(&p, 0));
	assert_true(plan_keeps(&p, 1));
	assert_true(plan_keeps(&p, 2));
	plan_free(&p);
}

static void
a_dead_client_keeps_what_it_had(void **state)
{
	struct retention r = { .age = 14 * DAY, .count = { 0, 0, 7 } };
	struct snapshot v[30];
	struct plan before, after;
	size_t i;

	(void)state;
	series(v, 30, stamp("2026-11-22T040201Z"), DAY);
	before = plan_of(v, 30, &r, v[29].time + HOUR);
	after = plan_of(v, 30, &r, v[29].time + 1000 * DAY);
	assert_int_equal(kept(&before), 15);
	for (i = 0; i < 30; i++)
		assert_int_equal(before.v[i].why, after.v[i].why);
	assert_int_equal(before.silent, 0);
	assert_int_equal(after.silent, 1000 * DAY);
	plan_free(&before);
	plan_free(&after);
}

static void
silence_is_longer_than_the_longest_age(void **state)
{
	static const struct {
		struct retention	r;
		uint64_t		after;
	} rows[] = {
		{ { .age = 14 * DAY }, 14 * DAY },
		{ { .age = 14 * DAY, .within = 20 * DAY }, 20 * DAY },
		{ { .count = { 5 } }, PLAN_SILENCE },
	};
	struct snapshot v[1];
	struct plan p;
	size_t i;

	(void)state;
	series(v, 1, stamp("2026-11-22T040201Z"), DAY);
	for (i = 0; i < nitems(rows); i++) {
		p = plan_of(v, 1, &rows[i].r,
		    v[0].time + (time_t)rows[i].after);
		assert_int_equal(p.silent, 0);
		plan_free(&p);
		p = plan_of(v, 1, &rows[i].r,
		    v[0].time + (time_t)rows[i].after + 1);
		assert_int_equal(p.silent, rows[i].after + 1);
		plan_free(&p);
	}
}

/* A client that comes back after 100 days: what it had before goes little by
 * little, not at its first push (which may be of a freshly installed, empty
 * machine). */
static void
a_pause_does_not_age_everything(void **state)
{
	struct retention r = { .age = 14 * DAY };
	struct snapshot v[32];
	struct plan p;

	(void)state;
	series(v, 30, stamp("2026-03-01T040201Z"), DAY);
	v[30] = snap(v[29].time + 100 * DAY, SNAPSHOT_COMPLETE);
	p = plan_of(v, 31, &r, v[30].time + HOUR);
	/* The pause counts seven days, so seven more fit. */
	assert_int_equal(kept(&p), 1 + 8);
	assert_true(plan_keeps(&p, 22));
	assert_false(plan_keeps(&p, 21));
	plan_free(&p);
	v[31] = snap(v[30].time + DAY, SNAPSHOT_COMPLETE);
	p = plan_of(v, 32, &r, v[31].time + HOUR);
	assert_int_equal(kept(&p), 2 + 7);
	plan_free(&p);
}

/* The clock is behind, or its whole history was made while it was ahead. */
static void
a_history_from_the_future_stays(void **state)
{
	struct retention r = { .count = { 1 } };
	struct snapshot v[30];
	struct plan p;

	(void)state;
	series(v, 30, stamp("2026-11-22T040201Z"), DAY);
	p = plan_of(v, 30, &r, v[0].time - PLAN_SLACK - 1);
	assert_int_equal(p.future, 30);
	assert_int_equal(p.ahead, 29 * DAY + PLAN_SLACK + 1);
	assert_int_equal(p.drops, 0);
	plan_free(&p);
	p = plan_of(v, 30, &r, v[29].time - PLAN_SLACK);
	assert_int_equal(p.future, 0);
	assert_int_equal(p.drops, 29);
	plan_free(&p);
}

/* One push while the clock was a year ahead: it stays, and the others are
 * rotated as if it were not there, also those that came after it and whose
 * stamps had to be later; also when its time comes. */
static void
one_from_the_future_stops_nobody(void **state)
{
	struct retention r = { .age = 14 * DAY, .count = { 0, 0, 7 } };
	struct snapshot v[60];
	struct plan p;
	size_t i;

	(void)state;
	series(v, 30, stamp("2026-11-22T040201Z"), DAY);
	v[30] = snap(v[29].time + 365 * DAY, SNAPSHOT_COMPLETE);
	v[30].started = v[30].time;
	p = plan_of(v, 31, &r, v[29].time + HOUR);
	assert_int_equal(p.future, 1);
	assert_int_equal(kept(&p), 16);
	assert_true(plan_keeps(&p, 29));
	assert_true(plan_keeps(&p, 30));
	plan_free(&p);
	for (i = 31; i < 60; i++) {
		v[i] = snap(v[i - 1].time + 1, SNAPSHOT_COMPLETE);
		v[i].started = v[29].time + (time_t)(i - 30) * DAY;
	}
	p = plan_of(v, 60, &r, v[59].started + HOUR);
	for (i = 31; i < 60; i++)
		assert_int_equal(plan_keeps(&p, i), i >= 59 - 14);
	assert_true(plan_keeps(&p, 30));
	assert_int_equal(p.silent, 0);
	/* What came before is only asked about by stamps: it stays too, but
	 * does not grow. */
	assert_int_equal(kept(&p), 15 + 1 + 15);
	plan_free(&p);
	p = plan_of(v, 60, &r, v[59].time + HOUR);
	for (i = 59 - 14; i < 60; i++)
		assert_true(plan_keeps(&p, i));
	plan_free(&p);
}

/* A clock that started at 1970 after a power cut: what was pushed meanwhile
 * must not make the history old, nor be lost at once. */
static void
a_clock_that_went_back_loses_nothing(void **state)
{
	struct retention r = { .age = 14 * DAY };
	struct snapshot v[33];
	struct plan p;
	size_t i;

	(void)state;
	series(v, 30, stamp("2026-11-22T040201Z"), DAY);
	for (i = 30; i < 33; i++) {
		v[i] = snap(v[i - 1].time + 1, SNAPSHOT_COMPLETE);
		v[i].started = (time_t)(i - 29) * DAY;
	}
	p = plan_of(v, 33, &r, v[32].started + HOUR);
	assert_int_equal(p.drops, 0);
	plan_free(&p);
	p = plan_of(v, 33, &r, v[32].time + DAY);
	for (i = 0; i < 33; i++)
		assert_int_equal(plan_keeps(&p, i), i >= 15);
	plan_free(&p);
}

static void
what_is_pinned_stays(void **state)
{
	struct retention r = { .count = { 1 } };
	struct snapshot v[10];
	char *stamps[] = { NULL, NULL, NULL };
	struct strv pins = { stamps, 2 };
	struct plan_facts f = { .base = "", .full = "", .pins = &pins };
	struct plan p;
	char buf[PLAN_REASON];

	(void)state;
	series(v, 10, stamp("2026-11-22T040201Z"), DAY);
	stamps[0] = v[3].stamp;
	stamps[1] = v[9].stamp;
	f.now = v[9].time;
	assert_int_equal(plan_make(v, 10, &r, &f, &p), 0);
	assert_int_equal(kept(&p), 2);
	assert_int_equal(p.v[3].why, PLAN_PINNED);
	plan_reason(buf, &p, 3, v, &r);
	assert_string_equal(buf, "pinned");
	plan_free(&p);
}

/* In which order snapshots go for want of space. */
static void
want_of_space_takes_the_flood_first(void **state)
{
	struct retention r = { .age = 30 * DAY };
	struct snapshot v[16];
	struct plan p;
	size_t order[16], n, i;

	(void)state;
	series(v, 8, stamp("2026-11-20T040201Z"), DAY);
	v[2].status = SNAPSHOT_PARTIAL;
	/* A flood on the 21st, and the push of the 22nd. */
	for (i = 8; i < 15; i++)
		v[i] = snap(stamp("2026-11-21T040000Z") + (time_t)i,
		    SNAPSHOT_COMPLETE);
	v[15] = snap(stamp("2026-11-22T040201Z"), SNAPSHOT_COMPLETE);
	p = plan_of(v, 16, &r, v[15].time);
	assert_int_equal(p.drops, 0);
	n = plan_order(&p, v, 3, order);
	/* The partial one, the flood but its last; then days, down to three:
	 * 20, 21, 22 November. */
	{
		static const size_t want[] = { 2, 8, 9, 10, 11, 12, 13,
		    0, 1, 3, 4, 5, 6 };

		assert_int_equal(n, nitems(want));
		assert_memory_equal(order, want, sizeof(want));
	}
	n = plan_order(&p, v, 1, order);
	assert_int_equal(n, 15);
	assert_int_equal(order[14], 14);
	n = plan_order(&p, v, 100, order);
	assert_int_equal(n, 7);
	plan_drop(&p, 2, PLAN_MAX_SIZE);
	assert_int_equal(p.drops, 1);
	assert_int_equal(plan_order(&p, v, 100, order), 6);
	plan_free(&p);
}

static void
partial_ones_never_drive_out_complete_ones(void **state)
{
	struct retention r = { .age = 7 * DAY, .count = { 3, 3, 3, 3, 3, 3 } };
	struct snapshot v[200];
	struct plan before, after;
	size_t i;

	(void)state;
	series(v, 100, stamp("2026-06-01T040201Z"), DAY);
	before = plan_of(v, 100, &r, v[99].time);
	for (i = 100; i < 200; i++)
		v[i] = snap(v[i - 1].time + DAY, SNAPSHOT_PARTIAL);
	after = plan_of(v, 200, &r, v[199].time);
	for (i = 0; i < 100; i++)
		assert_true(!plan_keeps(&before, i) || plan_keeps(&after, i));
	assert_int_equal(after.newest, 99);
	assert_true(plan_keeps(&after, 199));
	/* But they do not pile up either. */
	assert_in_range(kept(&after) - kept(&before), 8, 30);
	plan_free(&before);
	plan_free(&after);
}

static void
a_complete_one_stands_for_its_day(void **state)
{
	struct retention r = { .count = { 0, 0, 2 } };
	struct snapshot v[5];
	struct plan p;

	(void)state;
	v[0] = snap(stamp("2026-11-20T010000Z"), SNAPSHOT_PARTIAL);
	v[1] = snap(stamp("2026-11-21T010000Z"), SNAPSHOT_VANISHED);
	v[2] = snap(stamp("2026-11-21T230000Z"), SNAPSHOT_PARTIAL);
	v[3] = snap(stamp("2026-11-22T010000Z"), SNAPSHOT_COMPLETE);
	v[4] = snap(stamp("2026-11-23T010000Z"), SNAPSHOT_PARTIAL);
	p = plan_of(v, 5, &r, v[4].time);
	assert_false(plan_keeps(&p, 0));	/* past the complete ones */
	assert_true(plan_keeps(&p, 1));
	assert_false(plan_keeps(&p, 2));
	assert_int_equal(p.v[2].other, 1);
	assert_true(plan_keeps(&p, 3));
	assert_true(plan_keeps(&p, 4));
	plan_free(&p);
}

/* Seven daily snapshots; then the client pushes 300 times within an hour. */
static void
a_flood_drives_out_one_at_most(void **state)
{
	static const struct retention rows[] = {
		{ .count = { 7 } },
		{ .count = { 0, 7 } },
		{ .count = { 0, 0, 7 } },
		{ .count = { 0, 0, 0, 0, 7 }, .age = 7 * DAY },
	};
	struct snapshot v[307];
	struct plan before, after;
	size_t i, k, lost;

	(void)state;
	series(v, 7, stamp("2026-11-22T040201Z"), DAY);
	for (i = 7; i < 307; i++)
		v[i] = snap(stamp("2026-11-22T060000Z") + (time_t)(i - 7) * 10,
		    SNAPSHOT_COMPLETE);
	for (k = 0; k < nitems(rows); k++) {
		before = plan_of(v, 7, &rows[k], v[6].time);
		after = plan_of(v, 307, &rows[k], v[306].time);
		for (i = lost = 0; i < 7; i++)
			lost += plan_keeps(&before, i) &&
			    !plan_keeps(&after, i);
		assert_in_range(lost, 0, 1);
		plan_free(&before);
		plan_free(&after);
	}
}

static void
what_is_in_use_or_not_ours_stays(void **state)
{
	struct retention r = { .count = { 1 } };
	struct snapshot v[10];
	struct plan_facts f = { .pins = NULL };
	struct plan p;

	(void)state;
	series(v, 10, stamp("2026-11-22T040201Z"), DAY);
	v[2].recorded = false;
	f.now = v[9].time;
	f.base = v[4].stamp;
	f.full = v[6].stamp;
	assert_int_equal(plan_make(v, 10, &r, &f, &p), 0);
	assert_int_equal(kept(&p), 4);
	assert_int_equal(p.v[2].why, PLAN_FOREIGN);
	assert_int_equal(p.v[4].why, PLAN_BASE);
	assert_int_equal(p.v[6].why, PLAN_FULL);
	assert_int_equal(p.v[9].why, PLAN_NEWEST | PLAN_LATEST | PLAN_COUNTED);
	plan_free(&p);
}

static void
reasons_are_words(void **state)
{
	struct retention r = { .age = 2 * DAY, .within = 36 * HOUR,
	    .count = { 0, 0, 0, 2 } };
	struct retention only_age = { .age = 2 * DAY };
	struct snapshot v[12];
	char buf[PLAN_REASON];
	struct plan p;

	(void)state;
	series(v, 12, stamp("2026-11-22T040201Z"), DAY);
	p = plan_of(v, 12, &r, v[11].time);
	plan_reason(buf, &p, 11, v, &r);
	assert_string_equal(buf, "newest complete, age 2 d, "
	    "keep-within 36 h, keep-weekly 1/2");
	plan_reason(buf, &p, 4, v, &r);
	assert_string_equal(buf, "keep-weekly 2/2");
	plan_reason(buf, &p, 3, v, &r);
	assert_string_equal(buf,
	    "keep-weekly keeps 2026-11-15T040201Z instead");
	plan_free(&p);
	p = plan_of(v, 12, &only_age, v[11].time);
	plan_reason(buf, &p, 3, v, &only_age);
	assert_string_equal(buf, "older than 2 d");
	plan_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_snapshots_no_plan),
		cmocka_unit_test(each_rule_keeps_its_number),
		cmocka_unit_test(the_manuals_calendar_is_right),
		cmocka_unit_test(a_leap_day_is_a_day),
		cmocka_unit_test(weeks_begin_on_monday),
		cmocka_unit_test(a_dead_client_keeps_what_it_had),
		cmocka_unit_test(silence_is_longer_than_the_longest_age),
		cmocka_unit_test(a_pause_does_not_age_everything),
		cmocka_unit_test(a_history_from_the_future_stays),
		cmocka_unit_test(one_from_the_future_stops_nobody),
		cmocka_unit_test(a_clock_that_went_back_loses_nothing),
		cmocka_unit_test(what_is_pinned_stays),
		cmocka_unit_test(want_of_space_takes_the_flood_first),
		cmocka_unit_test(partial_ones_never_drive_out_complete_ones),
		cmocka_unit_test(a_complete_one_stands_for_its_day),
		cmocka_unit_test(a_flood_drives_out_one_at_most),
		cmocka_unit_test(what_is_in_use_or_not_ours_stays),
		cmocka_unit_test(reasons_are_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
