/* test_numset.c: a growing set of numbers.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "lib/numset.h"

static void
each_is_new_once(void **state)
{
	struct numset s = { 0 };
	uint64_t i, n;
	int round;

	(void)state;
	for (round = 1; round >= 0; round--)
		for (i = 0; i < 10000; i++) {
			/* Neighbours, multiples of a power of two, the ends. */
			n = i % 3 == 0 ? i : i % 3 == 1 ? i << 40 :
			    UINT64_MAX - i;
			assert_int_equal(numset_add(&s, n), round);
		}
	assert_int_equal(s.n, 9999);
	numset_free(&s);
	assert_int_equal(numset_add(&s, 0), 1);
	assert_int_equal(numset_add(&s, 0), 0);
	numset_free(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_new_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
