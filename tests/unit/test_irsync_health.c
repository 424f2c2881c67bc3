/* test_irsync_health.c: how a client's backups are doing.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "exits.h"
#include "irsync/health.h"

#define NOW	1795320121
#define HOUR	3600
#define DAY	(24 * HOUR)

static struct snapshot
snap(time_t time, enum snapshot_status status, uint64_t bytes, time_t took)
{
	struct snapshot s = { .time = time, .recorded = true,
	    .status = status, .bytes = bytes, .started = time,
	    .ended = time + took };

	(void)stamp_format(s.stamp, time);
	return s;
}

static void
judge(const struct snapshot *v, size_t n, const char *trouble,
    const struct laststate_storage *last, struct health *h)
{
	struct health_facts f = { .now = NOW, .max_age = 26 * HOUR, .v = v,
	    .n = n, .trouble = trouble, .last = last };

	health_judge(&f, h);
}

static void
says(const struct health *h, enum level level, const char *text)
{
	if (h->level != level || strstr(h->text, text) == NULL)
		fail_msg("%s: %s", level_name(h->level), h->text);
}

static void
the_newest_complete_one_counts(void **state)
{
	static const struct {
		time_t		 age[3];	/* of up to three snapshots */
		const char	*status;	/* c, v, p */
		enum level	 level;
		const char	*text;
	} rows[] = {
		{ { 0 }, "", LEVEL_CRITICAL, "no snapshot" },
		{ { HOUR }, "p", LEVEL_CRITICAL,
		    "no complete snapshot among 1" },
		{ { 26 * HOUR + 1 }, "c", LEVEL_CRITICAL, "is 1 d old" },
		{ { 26 * HOUR }, "c", LEVEL_OK, "is 1 d old" },
		{ { 0 }, "v", LEVEL_OK, "is 0 s old" },
		{ { -60 }, "c", LEVEL_OK, "is 0 s old" },
		{ { -2 * HOUR }, "c", LEVEL_WARNING, "2 h in the future" },
		{ { 3 * DAY, HOUR }, "cc", LEVEL_OK, "is 1 h old" },
		{ { 20 * HOUR, HOUR }, "cp", LEVEL_WARNING,
		    "1 since then only partial" },
		{ { 3 * DAY, 2 * HOUR, HOUR }, "cpp", LEVEL_CRITICAL,
		    "2 since then only partial" },
	};
	struct snapshot v[3];
	struct health h;
	size_t i, j;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		for (j = 0; rows[i].status[j] != '\0'; j++)
			v[j] = snap(NOW - rows[i].age[j],
			    rows[i].status[j] == 'c' ? SNAPSHOT_COMPLETE :
			    rows[i].status[j] == 'v' ? SNAPSHOT_VANISHED :
			    SNAPSHOT_PARTIAL, 100, 60);
		judge(v, j, NULL, NULL, &h);
		says(&h, rows[i].level, rows[i].text);
	}
}

static void
a_trend_is_seen(void **state)
{
	static const struct {
		uint64_t	 bytes;
		time_t		 took;
		enum level	 level;
		const char	*text;
	} rows[] = {
		{ 1000, 600, LEVEL_OK, "1000 B in 10 min, size +0 %" },
		{ 1500, 600, LEVEL_OK, "size +50 %" },
		{ 500, 600, LEVEL_OK, "size -50 %" },
		{ 499, 600, LEVEL_WARNING, "less than half of the usual" },
		{ 0, 600, LEVEL_WARNING, "less than half of the usual" },
		{ 1000, 4 * 600, LEVEL_OK, "in 40 min" },
		{ 1000, 4 * 601, LEVEL_WARNING,
		    "longer than the usual 10 min" },
		{ 1000, -5, LEVEL_OK, "in 0 s" },
	};
	struct snapshot v[12];
	struct health h;
	size_t i, j;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		for (j = 0; j < 11; j++)
			v[j] = snap(NOW - (time_t)(12 - j) * DAY,
			    j == 7 ? SNAPSHOT_PARTIAL : SNAPSHOT_COMPLETE,
			    j == 7 ? 1 : j == 9 ? 900000 : 1000, 600);
		v[11] = snap(NOW - HOUR, SNAPSHOT_COMPLETE, rows[i].bytes,
		    rows[i].took);
		judge(v, 12, NULL, NULL, &h);
		says(&h, rows[i].level, rows[i].text);
		assert_int_equal(h.usual_size, 1000);
	}
	/* One without a record has no size to compare with. */
	v[11] = (struct snapshot){ .time = NOW - HOUR };
	judge(v, 12, NULL, NULL, &h);
	says(&h, LEVEL_OK, "is 1 h old");
	assert_false(h.measured);
}

static void
the_last_run_is_told(void **state)
{
	static const struct {
		time_t		 started, ended;	/* before now */
		int		 exit;
		enum level	 level;
		const char	*text;
	} rows[] = {
		{ HOUR, HOUR - 5, BS_OK, LEVEL_OK, "" },
		{ HOUR, HOUR - 5, BS_VANISHED, LEVEL_OK, "" },
		{ HOUR, HOUR - 5, BS_UNREACHABLE, LEVEL_WARNING,
		    "the last run, 1 h ago, failed: away / gone?" },
		/* Older than the snapshot: it was made good. */
		{ 6 * HOUR, HOUR, BS_FAIL, LEVEL_OK, "" },
		{ HOUR, NOW, -1, LEVEL_OK, "" },		/* it runs */
	};
	struct laststate_storage last = { .n = 1 };
	struct snapshot v = snap(NOW - 5 * HOUR, SNAPSHOT_COMPLETE, 1, 1);
	struct health h;
	size_t i;

	(void)state;
	(void)strlcpy(last.runs[0].error, "away | gone\n",
	    sizeof(last.runs[0].error));
	for (i = 0; i < nitems(rows); i++) {
		last.runs[0].started = NOW - rows[i].started;
		last.runs[0].ended = NOW - rows[i].ended;
		last.runs[0].exit = rows[i].exit;
		judge(&v, 1, NULL, &last, &h);
		says(&h, rows[i].level, rows[i].text);
	}
	last.runs[0].started = NOW - 27 * HOUR;
	judge(NULL, 0, NULL, &last, &h);
	says(&h, LEVEL_CRITICAL, "a run that began 1 d ago has not ended");
}

static void
without_an_answer_memory_has_to_do(void **state)
{
	struct laststate_storage last = { .complete_stamp =
	    "2026-11-22T040201Z" };
	struct health h;

	(void)state;
	judge(NULL, 0, "no route", NULL, &h);
	says(&h, LEVEL_UNKNOWN, "cannot be asked: no route");
	assert_int_equal(h.age, -1);
	judge(NULL, 0, "no route", &last, &h);
	says(&h, LEVEL_UNKNOWN, "cannot be asked");
	last.complete = NOW - HOUR;
	judge(NULL, 0, "no route", &last, &h);
	says(&h, LEVEL_WARNING, "backup is 1 h old, cannot be asked");
	last.complete = NOW - 3 * DAY;
	judge(NULL, 0, "no route", &last, &h);
	says(&h, LEVEL_CRITICAL, "backup is 3 d old");
	assert_string_equal(h.stamp, "2026-11-22T040201Z");
}

static void
levels_and_numbers(void **state)
{
	struct health h = { .age = 5, .measured = true, .size = 1,
	    .bytes_new = 2, .seconds = 3 };
	char buf[400];

	(void)state;
	assert_int_equal(level_worse(LEVEL_OK, LEVEL_UNKNOWN), LEVEL_UNKNOWN);
	assert_int_equal(level_worse(LEVEL_WARNING, LEVEL_UNKNOWN),
	    LEVEL_WARNING);
	assert_int_equal(level_worse(LEVEL_CRITICAL, LEVEL_UNKNOWN),
	    LEVEL_CRITICAL);
	assert_int_equal(level_worse(LEVEL_OK, LEVEL_OK), LEVEL_OK);
	health_perfdata(buf, sizeof(buf), "a='b|", &h, 10);
	assert_string_equal(buf, " 'a__b_ age'=5s;;10;0 'a__b_ size'=1B;;;0 "
	    "'a__b_ new'=2B;;;0 'a__b_ time'=3s;;;0");
	h.age = -1;
	h.measured = false;
	health_perfdata(buf, sizeof(buf), "a", &h, 10);
	assert_string_equal(buf, "");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_complete_one_counts),
		cmocka_unit_test(a_trend_is_seen),
		cmocka_unit_test(the_last_run_is_told),
		cmocka_unit_test(without_an_answer_memory_has_to_do),
		cmocka_unit_test(levels_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
