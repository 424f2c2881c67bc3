/* test_view.c: which export answers whom; the rings between workers.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <pthread.h>
#include <sched.h>

#include "aoe/export.h"
#include "aoe/frame.h"
#include "aoe/handoff.h"
#include "aoe/mac.h"
#include "aoe/net.h"
#include "aoe/view.h"

#define A	UINT64_C(0x020000000001)
#define B	UINT64_C(0x020000000002)
#define C	UINT64_C(0x020000000003)

static struct iface *
make_iface(unsigned id)
{
	struct iface *ifc = calloc(1, sizeof(*ifc) + sizeof(struct port));

	assert_non_null(ifc);
	ifc->id = id;
	return ifc;
}

static void
make_export(struct export *e, uint16_t shelf, uint8_t slot, uint64_t *macs,
    size_t nmacs, struct iface **ifaces, size_t nifaces)
{
	memset(e, 0, sizeof(*e));
	e->row.shelf = shelf;
	e->row.slot = slot;
	e->row.macs = macs;
	e->row.nmacs = nmacs;
	e->ifaces = ifaces;
	e->nifaces = nifaces;
}

/* A small world: two interfaces, slot 0 for A alone, slot 0 for B and C, slot
 * 0 for the rest, slot 1 for all on the second interface only, and 7.0. */
struct world {
	struct iface	*ifs[2];
	struct export	 e[5];
	struct view	*v;
	uint64_t	 a[1], bc[2], any[1];
};

static void
world_make(struct world *w)
{
	struct export *list[5];
	size_t i;

	w->ifs[0] = make_iface(11);
	w->ifs[1] = make_iface(12);
	w->a[0] = A;
	w->bc[0] = B;
	w->bc[1] = C;
	w->any[0] = MAC_ANY;
	make_export(&w->e[0], 0, 0, w->a, 1, w->ifs, 1);
	make_export(&w->e[1], 0, 0, w->bc, 2, w->ifs, 2);
	make_export(&w->e[2], 0, 0, w->any, 1, w->ifs, 2);
	make_export(&w->e[3], 0, 1, w->any, 1, w->ifs + 1, 1);
	make_export(&w->e[4], 7, 0, w->any, 1, w->ifs, 1);
	for (i = 0; i < 5; i++)
		list[i] = &w->e[i];
	w->v = view_new(1, list, 5, w->ifs, 2);
	assert_non_null(w->v);
}

static void
world_free(struct world *w)
{
	view_free(w->v);
	free(w->ifs[0]);
	free(w->ifs[1]);
}

static void
frames_find_their_export(void **state)
{
	static const struct {
		unsigned	iface;
		uint64_t	mac;
		uint16_t	shelf;
		uint8_t		slot;
		int		finds;	/* index, -1 for none */
	} rows[] = {
		{ 10, A, 0, 0, -1 }, { 11, A, 0, 2, -1 },
		{ 11, A, 1, 0, -1 }, { 11, A, 0, 1, -1 },
		{ 12, A, 7, 0, -1 }, { 11, A, 0xffff, 0xff, -1 },
		{ 11, A, 0, 0, 0 },
		/* A's own row is on the first interface only. */
		{ 12, A, 0, 0, 2 },
		{ 11, B, 0, 0, 1 }, { 12, C, 0, 0, 1 },
		{ 11, B + 9, 0, 0, 2 }, { 12, B, 0, 1, 3 },
		{ 11, A, 7, 0, 4 },
	};
	struct export *e;
	struct world w;
	size_t i;

	(void)state;
	world_make(&w);
	for (i = 0; i < nitems(rows); i++) {
		e = view_find(w.v, rows[i].iface, rows[i].mac, rows[i].shelf,
		    rows[i].slot);
		assert_ptr_equal(e, rows[i].finds == -1 ? NULL :
		    &w.e[rows[i].finds]);
	}
	world_free(&w);
}

static void
broadcasts_find_what_the_client_may_use(void **state)
{
	static const struct {
		unsigned	iface;
		uint64_t	mac;
		uint16_t	shelf;
		uint8_t		slot;
		unsigned	finds;	/* bits */
	} rows[] = {
		{ 10, A, 0xffff, 0xff, 0 }, { 11, A, 3, 0xff, 0 },
		{ 11, A, 0xffff, 5, 0 },
		{ 11, A, 0xffff, 0xff, 1 << 0 | 1 << 4 },
		{ 11, A, 0, 0xff, 1 << 0 }, { 11, A, 7, 0xff, 1 << 4 },
		{ 11, A, 0xffff, 0, 1 << 0 | 1 << 4 },
		{ 12, A, 0xffff, 0xff, 1 << 2 | 1 << 3 },
		{ 12, B, 0xffff, 0xff, 1 << 1 | 1 << 3 },
		{ 12, B, 0xffff, 1, 1 << 3 },
		{ 11, B + 9, 0xffff, 0xff, 1 << 2 | 1 << 4 },
	};
	struct export *e;
	struct world w;
	unsigned found;
	size_t i, it;

	(void)state;
	world_make(&w);
	for (i = 0; i < nitems(rows); i++) {
		for (it = 0, found = 0; (e = view_next(w.v, &it,
		    rows[i].iface, rows[i].mac, rows[i].shelf,
		    rows[i].slot)) != NULL; ) {
			/* Each once. */
			assert_int_equal(found & 1U << (e - w.e), 0);
			found |= 1U << (e - w.e);
		}
		assert_int_equal(found, rows[i].finds);
	}
	world_free(&w);
}

static void
nothing_is_found_in_an_empty_view(void **state)
{
	struct view *v = view_new(0, NULL, 0, NULL, 0);
	size_t it = 0;

	(void)state;
	assert_non_null(v);
	assert_null(view_find(v, 1, A, 0, 0));
	assert_null(view_next(v, &it, 1, A, 0xffff, 0xff));
	view_free(v);
}

static void
a_thousand_exports_are_told_apart(void **state)
{
	enum { N = 1000 };
	struct export *e = calloc(N, sizeof(*e)), *list[N];
	struct iface *ifc = make_iface(1);
	uint64_t macs[N];
	struct view *v;
	size_t i, it;

	(void)state;
	assert_non_null(e);
	for (i = 0; i < N; i++) {
		macs[i] = A + i / 4;
		make_export(&e[i], (uint16_t)(i & 1), (uint8_t)(i >> 1 & 1),
		    &macs[i], 1, &ifc, 1);
		list[i] = &e[i];
	}
	v = view_new(1, list, N, &ifc, 1);
	assert_non_null(v);
	for (i = 0; i < N; i++)
		assert_ptr_equal(view_find(v, 1, macs[i], e[i].row.shelf,
		    e[i].row.slot), &e[i]);
	assert_null(view_find(v, 1, A + N, 0, 0));
	for (i = 0, it = 0; view_next(v, &it, 1, A + 7, 0xffff, 0xff) != NULL;
	    i++)
		continue;
	assert_int_equal(i, 4);
	view_free(v);
	free(ifc);
	free(e);
}

static void
a_ring_is_bounded(void **state)
{
	uint8_t frame[100], buf[100];
	unsigned iface, i;
	struct handoff *h = handoff_new(4, sizeof(frame));

	(void)state;
	assert_non_null(h);
	assert_false(handoff_any(h));
	assert_int_equal(handoff_get(h, &iface, buf), 0);
	assert_false(handoff_put(h, 1, frame, sizeof(frame) + 1));
	assert_false(handoff_put(h, 1, frame, 0));
	for (i = 0; i < 4; i++) {
		memset(frame, (int)i, sizeof(frame));
		assert_true(handoff_put(h, 10 + i, frame, 97 + i));
	}
	assert_false(handoff_put(h, 9, frame, 1));
	for (i = 0; i < 4; i++) {
		assert_true(handoff_any(h));
		assert_int_equal(handoff_get(h, &iface, buf), 97 + i);
		assert_int_equal(iface, 10 + i);
		assert_int_equal(buf[96], i);
	}
	assert_false(handoff_any(h));
	handoff_free(h);
}

#define SENT	100000

static void *
writer(void *arg)
{
	unsigned i;

	for (i = 0; i < SENT; ) {
		if (handoff_put(arg, i, (uint8_t *)&i, sizeof(i)))
			i++;
		else
			sched_yield();
	}
	return NULL;
}

static void
a_ring_joins_two_threads(void **state)
{
	struct handoff *h = handoff_new(64, 64);
	unsigned iface, got, i;
	uint8_t buf[64];
	pthread_t t;

	(void)state;
	assert_non_null(h);
	assert_int_equal(pthread_create(&t, NULL, writer, h), 0);
	for (i = 0; i < SENT; ) {
		if (handoff_get(h, &iface, buf) == 0) {
			sched_yield();
			continue;
		}
		memcpy(&got, buf, sizeof(got));
		assert_int_equal(got, i);
		assert_int_equal(iface, i);
		i++;
	}
	assert_int_equal(pthread_join(t, NULL), 0);
	handoff_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_find_their_export),
		cmocka_unit_test(broadcasts_find_what_the_client_may_use),
		cmocka_unit_test(nothing_is_found_in_an_empty_view),
		cmocka_unit_test(a_thousand_exports_are_told_apart),
		cmocka_unit_test(a_ring_is_bounded),
		cmocka_unit_test(a_ring_joins_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
