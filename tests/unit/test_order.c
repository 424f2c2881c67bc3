/* test_order.c: overlapping requests take effect in the order of arrival.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "aoe/order.h"

static void
pairs_wait_or_not(void **state)
{
	static const struct {
		enum order_kind	first;
		uint64_t	lba1;
		unsigned	count1;
		enum order_kind	second;
		uint64_t	lba2;
		unsigned	count2;
		bool		starts;
	} rows[] = {
		{ ORDER_WRITE, 8, 8, ORDER_WRITE, 8, 8, false },
		{ ORDER_WRITE, 8, 8, ORDER_WRITE, 15, 1, false },
		{ ORDER_WRITE, 8, 8, ORDER_WRITE, 0, 9, false },
		{ ORDER_WRITE, 8, 8, ORDER_WRITE, 0, 99, false },
		{ ORDER_WRITE, 8, 8, ORDER_WRITE, 16, 1, true },
		{ ORDER_WRITE, 8, 8, ORDER_WRITE, 0, 8, true },
		{ ORDER_WRITE, 8, 8, ORDER_READ, 8, 1, false },
		{ ORDER_WRITE, 8, 8, ORDER_READ, 7, 1, true },
		{ ORDER_READ, 8, 8, ORDER_WRITE, 15, 2, false },
		{ ORDER_READ, 8, 8, ORDER_WRITE, 16, 2, true },
		{ ORDER_READ, 8, 8, ORDER_READ, 8, 8, true },
		{ ORDER_WRITE, 8, 8, ORDER_FLUSH, 0, 0, false },
		{ ORDER_READ, 8, 8, ORDER_FLUSH, 0, 0, true },
		{ ORDER_FLUSH, 0, 0, ORDER_WRITE, 0, 8, true },
		{ ORDER_FLUSH, 0, 0, ORDER_FLUSH, 0, 0, true },
	};
	struct order_item a, b;
	struct order o;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		order_init(&o);
		a = (struct order_item){ .kind = rows[i].first,
		    .lba = rows[i].lba1, .count = rows[i].count1 };
		b = (struct order_item){ .kind = rows[i].second,
		    .lba = rows[i].lba2, .count = rows[i].count2 };
		assert_true(order_add(&o, &a));
		assert_int_equal(order_add(&o, &b), rows[i].starts);
		assert_null(order_next(&o));
		order_remove(&o, &a);
		assert_ptr_equal(order_next(&o), rows[i].starts ? NULL : &b);
		assert_null(order_next(&o));
		order_remove(&o, &b);
		assert_int_equal(o.waiting, 0);
	}
}

/* A late double of an old write comes between it and a newer one: each waits
 * for the one before, even where the first is long gone. */
static void
a_late_double_cannot_overtake(void **state)
{
	struct order_item w1 = { .kind = ORDER_WRITE, .lba = 0, .count = 8 };
	struct order_item dup = w1, w2 = w1;
	struct order_item r = { .kind = ORDER_READ, .lba = 4, .count = 1 };
	struct order o;

	(void)state;
	order_init(&o);
	assert_true(order_add(&o, &w1));
	assert_false(order_add(&o, &dup));
	assert_false(order_add(&o, &w2));
	assert_false(order_add(&o, &r));
	order_remove(&o, &w1);
	assert_ptr_equal(order_next(&o), &dup);
	assert_null(order_next(&o));
	order_remove(&o, &dup);
	assert_ptr_equal(order_next(&o), &w2);
	assert_null(order_next(&o));
	order_remove(&o, &w2);
	assert_ptr_equal(order_next(&o), &r);
	order_remove(&o, &r);
}

/* What only overlaps one that waits must wait as well. */
static void
waiting_is_passed_on(void **state)
{
	struct order_item a = { .kind = ORDER_WRITE, .lba = 0, .count = 8 };
	struct order_item b = { .kind = ORDER_WRITE, .lba = 4, .count = 8 };
	struct order_item c = { .kind = ORDER_WRITE, .lba = 10, .count = 8 };
	struct order_item d = { .kind = ORDER_WRITE, .lba = 99, .count = 1 };
	struct order o;

	(void)state;
	order_init(&o);
	assert_true(order_add(&o, &a));
	assert_false(order_add(&o, &b));
	assert_false(order_add(&o, &c));
	assert_true(order_add(&o, &d));
	order_remove(&o, &d);
	assert_null(order_next(&o));
	/* One that waits may be given up, too. */
	order_remove(&o, &b);
	assert_ptr_equal(order_next(&o), &c);
	assert_int_equal(o.waiting, 0);
	order_remove(&o, &a);
	order_remove(&o, &c);
}

/* Against a plain model: of all requests for each sector, no write starts
 * before every earlier one has ended, and none waits for ever. */
static void
random_requests_keep_order(void **state)
{
	enum { N = 2000, LIVE = 24, SPACE = 32 };
	struct order_item *items = calloc(N, sizeof(*items)), *i, *next;
	struct order_item *running[LIVE];
	size_t n = 0, nrun = 0, live = 0, ended = 0, k;
	unsigned seed = 12345;
	struct order o;

	(void)state;
	assert_non_null(items);
	order_init(&o);
	while (ended < N) {
		seed = seed * 1103515245U + 12345;
		if (n < N && live < LIVE && (seed >> 16 & 1)) {
			i = &items[n++];
			i->kind = seed >> 17 & 1 ? ORDER_WRITE : ORDER_READ;
			i->lba = seed >> 18 & (SPACE - 1);
			i->count = 1 + (seed >> 24 & 7);
			live++;
			if (order_add(&o, i))
				running[nrun++] = i;
		} else if (nrun > 0) {
			k = (seed >> 16) % nrun;
			i = running[k];
			running[k] = running[--nrun];
			order_remove(&o, i);
			live--;
			ended++;
			while ((next = order_next(&o)) != NULL)
				running[nrun++] = next;
		}
		/* Something runs as long as anything is there. */
		assert_true(live == 0 || nrun > 0);
		assert_int_equal(o.waiting, live - nrun);
		for (k = 0; k < nrun; k++)
			TAILQ_FOREACH(i, &o.list, link) {
				if (i == running[k])
					break;
				if (i->kind == ORDER_READ &&
				    running[k]->kind == ORDER_READ)
					continue;
				assert_false(i->lba < running[k]->lba +
				    running[k]->count && running[k]->lba <
				    i->lba + i->count);
			}
	}
	free(items);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_wait_or_not),
		cmocka_unit_test(a_late_double_cannot_overtake),
		cmocka_unit_test(waiting_is_passed_on),
		cmocka_unit_test(random_requests_keep_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
