/* test_retention.c: rotate.conf, its values and the places of its errors.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "faults.h"
#include "rotate/retention.h"

#define DAY	UINT64_C(86400)

/* One fault each, and nothing is left of what was understood. */
static int
parse(const char *text, struct diags *ds)
{
	struct retention_conf conf;
	int rc = retention_parse(text, &conf, ds);

	assert_null(conf.root);
	assert_null(conf.v);
	assert_int_equal(ds->n, 1);
	return rc;
}

static void
unsound_values_are_named_with_their_place(void **state)
{
	static const struct fault rows[] = {
		{ "", 0, 0, "no rule would keep anything" },
		{ "root = \"/data\"\n", 0, 0, "no rule would keep anything" },
		{ "age = 0\nkeep-daily = 0", 0, 0, "no rule would keep" },
		{ "push-age = \"3d\"", 0, 0, "no rule would keep anything" },
		{ "age = -1", 1, 1, "-1 is not from 0 to 36500" },
		{ "age = 36501", 1, 1, "36501 is not from 0 to 36500" },
		{ "age = two", 1, 1, "invalid integer" },
		{ "age = \"14d\"", 1, 1, "invalid integer" },
		{ "age = 010", 1, 1, "invalid integer" },
		{ "age = 0x10", 1, 1, "invalid integer" },
		{ "age = \" 9\"", 1, 1, "invalid integer" },
		{ "age = \"\"", 1, 1, "invalid integer" },
		{ "age = 99999999999999999999", 1, 1, "out of range" },
		{ "age = 90\nage = 14", 2, 1, "'age' is set twice" },
		{ "age = 1\nclient \"a\" { floor = 2\nfloor = 1 }", 3, 1,
		    "'floor' is set twice" },
		{ "age = 1\nmin-free = \"1%\"\nmin-free = 0", 3, 1, "twice" },
		{ "age = 1\nroot = \"/a\"\nroot = \"/b\"", 3, 1, "twice" },
		{ "age = 1\n keep-daily = 100001", 2, 2, "100001" },
		{ "age = 1\nkeep-within = \"\"", 2, 1, "not a duration" },
		{ "age = 1\nkeep-within = \"1y\"", 2, 1, "not a duration" },
		{ "age = 1\nkeep-within = \"36501d\"", 2, 1, "100 years" },
		{ "age = 1\npush-age = \"soon\"", 2, 1, "not a duration" },
		{ "age = 1\nmax-size = \"big\"", 2, 1, "not a size" },
		{ "age = 1\nmax-size = \"\"", 2, 1, "not a size" },
		{ "age = 1\nfloor = 0", 2, 1, "at least 1 day" },
		{ "age = 1\nfloor = 100001", 2, 1, "100001" },
		{ "age = 1\nmin-free = \"100%\"", 2, 1, "99%" },
		{ "age = 1\nmin-free = \"-1%\"", 2, 1, "not a share" },
		{ "age = 1\nmin-free = \"%\"", 2, 1, "not a share" },
		{ "age = 1\nmin-free = \"1 %\"", 2, 1, "99%" },
		{ "age = 1\nmin-free = \"0000000000010%\"", 2, 1, "not a" },
		{ "age = 1\nmin-free = \"\"", 2, 1, "not a size" },
		{ "age = 1\nmin-free-inodes = \"many\"", 2, 1, "not a" },
		{ "age = 1\nmetrics = \"x.prom\"", 2, 1, "not an absolute" },
		{ "age = 1\nclient \"a\" { min-free = \"1%\" }", 2, 14,
		    "min-free" },
		{ "age = 1\nroot = \"data\"", 2, 1, "not an absolute path" },
		{ "age = 1\nkeep-dayly = 7", 2, 1, "mean 'keep-daily'?" },
		{ "age = 1\nkeep_daily = 7", 2, 1, "mean 'keep-daily'?" },
		{ "age = 1\nclient \"a b\" {}", 2, 9, "neither a client's" },
		{ "age = 1\nclient \"\" {}", 0, 0, "neither a client's" },
		{ "age = 1\nclient \"../x\" {}", 2, 9, "neither a client's" },
		{ "age = 1\nclient \"a/*\" {}", 2, 9, "neither a client's" },
		{ "age = 1\nclient \"a\" { age = 0 }", 2, 9, "would keep" },
		{ "age = 1\nclient \"a\" {}\nclient \"a\" {}", 3, 1, "twice" },
		{ "age = 1\nclient \"a\" {\n}\nclient \"b\" {\n age = -3\n}",
		    5, 2, "-3" },
		{ "age = 1\n# age = -2 here\nclient \"b\" {\n  age = -3\n}",
		    4, 3, "-3" },
		{ "age = 1\nclient \"a\" { age = 2", 2, 0, "does not end" },
	};

	(void)state;
	faults_are_found(rows, nitems(rows), parse);
}

static void
every_unsound_value_is_named(void **state)
{
	struct retention_conf conf;
	struct diags ds = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(retention_parse("age = -1\nkeep-last = -1\n"
	    "client \"x y\" {\n keep-yearly = -1\n push-age = \"x\"\n}\n",
	    &conf, &ds), -1);
	assert_int_equal(ds.n, 5);
	for (i = 0; i < ds.n; i++)
		assert_int_equal(ds.v[i].line, i + 1);
	diags_free(&ds);
}

static const char sound[] =
    "# a comment\n"
    "root = \"/srv/backup\"\n"
    "age = 14\n"
    "keep-daily = 7\n"
    "keep-within = \"36h\"\n"
    "client \"db*\" { keep-monthly = 12 }\n"
    "client \"db1\" { age = 0  keep-daily = 30  push-age = 0 }\n"
    "client \"d*\" { keep-last = 3  keep-within = 2 }\n"
    "client \"[w-y]?\" { keep-yearly = 100000  age = 36500 }\n";

static void
sound_values_are_read(void **state)
{
	struct retention_conf conf;
	struct diags ds = { 0 };
	const struct retention *r;

	(void)state;
	assert_int_equal(retention_parse(sound, &conf, &ds), 0);
	assert_false(diags_any(&ds));
	assert_string_equal(conf.root, "/srv/backup");
	r = &conf.defaults;
	assert_int_equal(r->age, 14 * DAY);
	assert_int_equal(r->within, 36 * 3600);
	assert_int_equal(r->push_age, 7 * DAY);
	assert_int_equal(r->count[RETENTION_DAILY], 7);
	assert_int_equal(r->count[RETENTION_LAST], 0);
	assert_int_equal(conf.n, 4);
	assert_int_equal(conf.v[3].r.age, 36500 * DAY);
	retention_free(&conf);
	retention_free(&conf);
}

static void
root_has_a_default(void **state)
{
	struct retention_conf conf;
	struct diags ds = { 0 };

	(void)state;
	assert_int_equal(retention_parse("age = 1", &conf, &ds), 0);
	assert_string_equal(conf.root, "/data/irsync");
	assert_int_equal(conf.n, 0);
	assert_ptr_equal(retention_for(&conf, "any"), &conf.defaults);
	retention_free(&conf);
}

static void
a_client_gets_its_section(void **state)
{
	static const struct {
		const char	*host;
		int		 section;	/* -1: the defaults */
	} rows[] = {
		{ "db1", 1 },		/* exact wins, though it is later */
		{ "db2", 0 },		/* the first pattern that fits */
		{ "db", 0 },
		{ "dx", 2 },
		{ "x1", 3 },
		{ "x", -1 },
		{ "zz", -1 },
		{ "DB1", -1 },
	};
	struct retention_conf conf;
	struct diags ds = { 0 };
	const struct retention *r;
	size_t i;

	(void)state;
	assert_int_equal(retention_parse(sound, &conf, &ds), 0);
	for (i = 0; i < nitems(rows); i++) {
		r = rows[i].section == -1 ? &conf.defaults :
		    &conf.v[rows[i].section].r;
		assert_ptr_equal(retention_for(&conf, rows[i].host), r);
	}
	/* A section takes from the defaults what it does not say. */
	r = retention_for(&conf, "db1");
	assert_int_equal(r->age, 0);
	assert_int_equal(r->count[RETENTION_DAILY], 30);
	assert_int_equal(r->within, 36 * 3600);
	assert_int_equal(r->push_age, 0);
	r = retention_for(&conf, "dx");
	assert_int_equal(r->age, 14 * DAY);
	assert_int_equal(r->within, 2 * DAY);
	assert_int_equal(r->count[RETENTION_LAST], 3);
	retention_free(&conf);
}

static void
room_is_a_share_or_a_number(void **state)
{
	static const struct {
		const char	*text;
		uint64_t	 all, reserve;
	} rows[] = {
		{ "age = 1", 1000, 0 },
		{ "age = 1\nmin-free = \"0\"", 1000, 0 },
		{ "age = 1\nmin-free = \"0%\"", 1000, 0 },
		{ "age = 1\nmin-free = \"2K\"", 1000, 2048 },
		{ "age = 1\nmin-free = \"10%\"", 1000, 100 },
		{ "age = 1\nmin-free = \"10%\"", 1001, 101 },
		{ "age = 1\nmin-free = \"99%\"", 0, 0 },
		{ "age = 1\nmin-free = \"99%\"", UINT64_MAX,
		    UINT64_C(18262276632972456099) },
	};
	struct retention_conf conf;
	struct diags ds = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		assert_int_equal(retention_parse(rows[i].text, &conf, &ds), 0);
		assert_int_equal(retention_reserve(&conf.min_free,
		    rows[i].all), rows[i].reserve);
		assert_int_equal(conf.defaults.floor, RETENTION_FLOOR);
		retention_free(&conf);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_is_a_share_or_a_number),
		cmocka_unit_test(unsound_values_are_named_with_their_place),
		cmocka_unit_test(every_unsound_value_is_named),
		cmocka_unit_test(sound_values_are_read),
		cmocka_unit_test(root_has_a_default),
		cmocka_unit_test(a_client_gets_its_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
