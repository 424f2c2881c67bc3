/* test_fair.c: who gives how much, against a second statement of the rule.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "rotate/fair.h"

#define CLIENTS	6
#define EACH	12

static void
a_client_gives_until_it_fits(void **state)
{
	static const struct sweep_share gain[] = { { 10, 1 }, { 0, 1 },
	    { 20, 1 }, { 5, 1 }, { 0, 1 }, { 0, 1 } };
	static const struct {
		uint64_t	total, limit, left;
		size_t		taken;
	} rows[] = {
		{ 100, 100, 100, 0 },
		{ 100, 101, 100, 0 },
		{ 100, 99, 90, 1 },
		{ 100, 90, 90, 1 },
		{ 100, 89, 70, 3 },
		{ 100, 1, 65, 4 },
		{ 0, 0, 0, 0 },
		{ 5, 0, 0, 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		struct fair f = { gain, nitems(gain), 0 };

		assert_int_equal(fair_limit(&f, rows[i].total, rows[i].limit),
		    rows[i].left);
		assert_int_equal(f.taken, rows[i].taken);
	}
}

static void
the_longest_history_gives_first(void **state)
{
	static const struct sweep_share ones[10] = {
	    { 1, 1 }, { 1, 1 }, { 1, 1 }, { 1, 1 }, { 1, 1 }, { 1, 1 },
	    { 1, 1 }, { 1, 1 }, { 1, 1 }, { 1, 1 } };
	static const struct sweep_share nothing[20];
	struct fair v[3] = { { ones, 10, 0 }, { ones, 4, 0 },
	    { nothing, 20, 0 } };

	(void)state;
	assert_true(fair_gain(v, 3, 8, 0));
	assert_int_equal(v[0].taken, 7);
	assert_int_equal(v[1].taken, 1);
	assert_int_equal(v[2].taken, 0);
	assert_false(fair_gain(v, 3, 0, 7));
	assert_int_equal(v[0].taken, 10);
	assert_int_equal(v[1].taken, 4);
	assert_true(fair_gain(v, 3, 0, 0));
	assert_true(fair_gain(NULL, 0, 0, 0));
	assert_false(fair_gain(NULL, 0, 1, 0));
}

/* The rule again, with nothing remembered between two turns. */
static bool
model_turn(struct fair *v, size_t n, bool bytes)
{
	uint64_t gain[CLIENTS] = { 0 };
	size_t i, k, who = n;

	for (i = 0; i < n; i++)
		for (k = v[i].taken; k < v[i].n; k++)
			gain[i] += bytes ? v[i].gain[k].bytes :
			    v[i].gain[k].inodes;
	for (i = 0; i < n; i++) {
		if (gain[i] == 0)
			continue;
		if (who == n || v[i].n - v[i].taken > v[who].n - v[who].taken ||
		    (v[i].n - v[i].taken == v[who].n - v[who].taken &&
		    gain[i] > gain[who]))
			who = i;
	}
	if (who == n)
		return false;
	v[who].taken++;
	return true;
}

static void
random_clients_agree_with_the_rule(void **state)
{
	struct sweep_share gain[CLIENTS][EACH];
	struct fair a[CLIENTS], b[CLIENTS];
	uint64_t need, got;
	size_t i, k, n, round;

	(void)state;
	srandom(7);
	for (round = 0; round < 3000; round++) {
		n = (size_t)random() % (CLIENTS + 1);
		for (i = 0; i < n; i++) {
			a[i] = (struct fair){ gain[i],
			    (size_t)random() % (EACH + 1), 0 };
			for (k = 0; k < EACH; k++)
				gain[i][k] = (struct sweep_share){
				    (uint64_t)(random() % 4 * 100),
				    (uint64_t)(random() % 3) };
			b[i] = a[i];
		}
		need = (uint64_t)random() % 3000;
		for (got = 0; got < need && model_turn(b, n, true);)
			for (got = 0, i = 0; i < n; i++)
				for (k = 0; k < b[i].taken; k++)
					got += gain[i][k].bytes;
		assert_int_equal(fair_gain(a, n, need, 0), got >= need);
		for (i = 0; i < n; i++)
			assert_int_equal(a[i].taken, b[i].taken);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_gives_until_it_fits),
		cmocka_unit_test(the_longest_history_gives_first),
		cmocka_unit_test(random_clients_agree_with_the_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
