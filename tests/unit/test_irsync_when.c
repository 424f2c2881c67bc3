/* test_irsync_when.c: which snapshot is meant.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "irsync/irsync.h"

/* 2026-11-22 14:00 in Berlin, where it is winter. */
#define NOW	1795352400

static void
times_are_read(void **state)
{
	static const struct {
		const char	*text;
		time_t		 t;	/* 0: not a time */
	} rows[] = {
		{ "", 0 }, { "today", 0 }, { "2026", 0 }, { "2026-11-2", 0 },
		{ "2026-11-22 1:00", 0 }, { "2026-11-22 14:00x", 0 },
		{ "2026-11-22x14:00", 0 }, { "2026-13-01", 0 },
		{ "2026-00-01", 0 }, { "2026-02-29", 0 }, { "2026-01-32", 0 },
		{ "2026-01-00", 0 }, { "2026-11-22 24:00", 0 },
		{ "2026-11-22 23:60", 0 }, { "2026-11-22 23:00:61", 0 },
		{ " 2026-11-22", 0 }, { "-026-11-22", 0 },
		{ "yesterday", 1795301999 },		/* 22nd, 00:00 - 1 s */
		{ "2026-11-22", 1795388399 },		/* its end */
		{ "2026-11-22 14:00", 1795352400 },
		{ "2026-11-22T14:00:01", 1795352401 },
		{ "2026-07-01 14:00", 1782907200 },	/* summer time */
		{ "2024-02-29", 1709247599 },
		{ "2026-12-31", 1798757999 },
	};
	time_t t;
	size_t i;

	(void)state;
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (i = 0; i < nitems(rows); i++) {
		t = 0;
		if (when_parse(rows[i].text, NOW, &t) !=
		    (rows[i].t == 0 ? -1 : 0) || t != rows[i].t)
			fail_msg("%s: %lld", rows[i].text, (long long)t);
	}
}

/* Hours that come twice, or not at all. */
static void
summer_time_begins_and_ends(void **state)
{
	static const struct {
		const char	*tz, *text;
		time_t		 t;
	} rows[] = {
		{ "Europe/Berlin", "2026-10-25 02:30", 1792891800 },
		{ "Europe/Berlin", "2026-10-25 01:59:59", 1792886399 },
		{ "Europe/Berlin", "2026-10-25 03:00", 1792893600 },
		{ "Europe/Berlin", "2026-03-29 02:30", 1774747800 },
		{ "Europe/Berlin", "2026-03-29 03:30", 1774747800 },
		/* There midnight is left out, or eleven comes twice. */
		{ "America/Sao_Paulo", "2018-11-03", 1541300399 },
		{ "America/Sao_Paulo", "2018-02-17", 1518922799 },
		{ "UTC", "2026-10-25 02:30", 1792895400 },
	};
	time_t t;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		setenv("TZ", rows[i].tz, 1);
		tzset();
		assert_int_equal(when_parse(rows[i].text, NOW, &t), 0);
		if (t != rows[i].t)
			fail_msg("%s %s: %lld", rows[i].tz, rows[i].text,
			    (long long)t);
	}
}

static void
snapshots_are_chosen(void **state)
{
	static const struct {
		const char	*stamp;
		enum snapshot_status status;
	} list[] = {
		{ "2026-11-20T120000Z", SNAPSHOT_COMPLETE },
		{ "2026-11-21T120000Z", SNAPSHOT_VANISHED },
		{ "2026-11-21T130000Z", SNAPSHOT_PARTIAL },
		{ "2026-11-22T120000Z", SNAPSHOT_COMPLETE },
		{ "2026-11-22T130000Z", SNAPSHOT_PARTIAL },
	};
	static const struct {
		const char	*spec;
		const char	*stamp;		/* or NULL: none */
	} rows[] = {
		{ "nonsense", NULL }, { "2026-11-20T120001Z", NULL },
		{ "2026-11-19", NULL }, { "2026-11-20 12:59", NULL },
		{ "latest", "2026-11-22T120000Z" },
		{ "yesterday", "2026-11-21T120000Z" },
		{ "2026-11-20 13:00", "2026-11-20T120000Z" },
		{ "2026-11-20", "2026-11-20T120000Z" },
		{ "2030-01-01", "2026-11-22T120000Z" },
		/* By its name a partial one can be had. */
		{ "2026-11-22T130000Z", "2026-11-22T130000Z" },
	};
	struct snapshot v[nitems(list)];
	const struct snapshot *s;
	const char *why;
	size_t i;

	(void)state;
	memset(v, 0, sizeof(v));
	for (i = 0; i < nitems(list); i++) {
		strlcpy(v[i].stamp, list[i].stamp, sizeof(v[i].stamp));
		assert_int_equal(stamp_parse(v[i].stamp, &v[i].time), 0);
		v[i].status = list[i].status;
	}
	for (i = 0; i < nitems(rows); i++) {
		why = NULL;
		s = snapshot_choose(v, nitems(v), rows[i].spec, NOW, &why);
		if (rows[i].stamp == NULL) {
			assert_null(s);
			assert_non_null(why);
			continue;
		}
		assert_non_null(s);
		assert_string_equal(s->stamp, rows[i].stamp);
		assert_null(why);
	}
	assert_null(snapshot_choose(NULL, 0, "latest", NOW, &why));
	assert_string_equal(why, "there are no snapshots");
	assert_null(snapshot_newest(v, 0, INT64_MAX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(snapshots_are_chosen),
		cmocka_unit_test(summer_time_begins_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
