/* test_steer.c: which worker gets a frame, as we compute it and as the
 * kernel's program does.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "aoe/mac.h"
#include "aoe/steer.h"

#define A	UINT64_C(0x020000000001)
#define N	54

static uint64_t macs[N], anybody = MAC_ANY;
static struct row rows[N];
static struct steered list[N];

/* What the kernel does with a program on a frame. */
struct machine {
	uint32_t a, x, cell[16];
	const uint8_t *frame;
};

static uint32_t
load_word(const struct machine *m, int at)
{
	const uint8_t *p;

	p = m->frame + (at < 0 ? at - SKF_LL_OFF : 14 + at);
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* One instruction; how many are skipped after it. */
static unsigned
step(struct machine *m, const struct sock_filter *f)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		m->a = load_word(m, (int)f->k);
		break;
	case BPF_LD | BPF_IMM:
		m->a = f->k;
		break;
	case BPF_LDX | BPF_IMM:
		m->x = f->k;
		break;
	case BPF_LD | BPF_MEM:
		m->a = m->cell[f->k];
		break;
	case BPF_LDX | BPF_MEM:
		m->x = m->cell[f->k];
		break;
	case BPF_ST:
		m->cell[f->k] = m->a;
		break;
	case BPF_MISC | BPF_TAX:
		m->x = m->a;
		break;
	case BPF_ALU | BPF_MUL | BPF_K:
		m->a *= f->k;
		break;
	case BPF_ALU | BPF_AND | BPF_K:
		m->a &= f->k;
		break;
	case BPF_ALU | BPF_RSH | BPF_K:
		m->a >>= f->k;
		break;
	case BPF_ALU | BPF_RSH | BPF_X:
		m->a >>= m->x;
		break;
	case BPF_ALU | BPF_XOR | BPF_X:
		m->a ^= m->x;
		break;
	case BPF_JMP | BPF_JA:
		return f->k;
	case BPF_JMP | BPF_JEQ | BPF_K:
		return m->a == f->k ? f->jt : f->jf;
	case BPF_JMP | BPF_JGE | BPF_K:
		return m->a >= f->k ? f->jt : f->jf;
	default:
		fail_msg("instruction 0x%x", f->code);
	}
	return 0;
}

static unsigned
run_program(const struct steer *st, uint64_t mac, uint16_t shelf,
    uint8_t slot)
{
	struct sock_filter prog[STEER_PROGRAM];
	uint8_t frame[60] = { 0 };
	struct machine m = { .frame = frame };
	size_t i, n = steer_program(st, prog);

	assert_in_range(n, 1, STEER_PROGRAM);
	mac_put(frame + 6, mac);
	frame[14] = 0x10;
	frame[16] = (uint8_t)(shelf >> 8);
	frame[17] = (uint8_t)shelf;
	frame[18] = slot;
	for (i = 0; i < n; i++) {
		if (prog[i].code == (BPF_RET | BPF_A))
			return m.a;
		i += step(&m, &prog[i]);
	}
	fail_msg("no result");
	return 0;
}

/* N rows, each of a client or, from `any` on, of anybody; chosen one after the
 * other, as the supervisor does. */
static void
make_rows(unsigned any, bool one_address, unsigned nworkers)
{
	unsigned i;

	for (i = 0; i < N; i++) {
		macs[i] = A + i * 0x101;
		rows[i] = (struct row){
			.macs = i < any ? &macs[i] : &anybody, .nmacs = 1,
			.shelf = one_address && i < any ? 0 : 7,
			.slot = one_address && i < any ? 0 : (uint8_t)i
		};
		list[i].row = &rows[i];
		list[i].owner = steer_choose(&rows[i], list, i, nworkers);
	}
}

static void
exports_are_spread_evenly(void **state)
{
	static const struct {
		unsigned any, workers;
		bool one_address;
	} cases[] = {
		{ 0, 2, false }, { N, 2, true }, { N, 2, false },
		{ N / 2, 2, true }, { 0, 4, false }, { N, 16, true },
		{ 0, 1, false }
	};
	unsigned count[16], i, k, least;

	(void)state;
	for (i = 0; i < nitems(cases); i++) {
		make_rows(cases[i].any, cases[i].one_address,
		    cases[i].workers);
		memset(count, 0, sizeof(count));
		for (k = 0; k < N; k++)
			count[list[k].owner]++;
		/* Those that share a place cannot be parted. */
		least = N / cases[i].workers;
		for (k = 0; k < cases[i].workers; k++)
			assert_in_range(count[k], least - least / 4 - 1,
			    least + least / 4 + 1);
	}
}

/* Every frame comes to its owner, whoever sends it, and where the plan says
 * the program says the same. */
static void
a_frame_comes_to_its_owner(void **state)
{
	static const unsigned any[] = { 0, N / 2, N };
	struct steer st;
	unsigned i, k, w;
	uint64_t mac;

	(void)state;
	for (i = 0; i < nitems(any); i++) {
		make_rows(any[i], true, 3);
		steer_plan(&st, list, N, 3);
		for (k = 0; k < N; k++) {
			mac = k < any[i] ? macs[k] : A * 31 + k;
			w = steer_worker(&st, mac, rows[k].shelf,
			    rows[k].slot);
			assert_int_equal(w, list[k].owner);
			assert_int_equal(run_program(&st, mac, rows[k].shelf,
			    rows[k].slot), w);
		}
	}
}

/* More addresses of anybody's than a program lists, beside rows for one client:
 * frames may go astray, but never past the last worker. */
static void
too_many_of_anybodys(void **state)
{
	static struct row more[STEER_ANYBODY + 40];
	static struct steered v[nitems(more)];
	struct steer st;
	unsigned i, w;

	(void)state;
	macs[0] = A;
	for (i = 0; i < nitems(more); i++) {
		more[i] = (struct row){ .macs = i == 0 ? macs : &anybody,
		    .nmacs = 1, .shelf = 0x102, .slot = (uint8_t)i };
		v[i] = (struct steered){ &more[i],
		    steer_choose(&more[i], v, i, 2) };
	}
	steer_plan(&st, v, nitems(more), 2);
	assert_int_equal(st.nanybody, STEER_ANYBODY);
	for (i = 0; i < nitems(more); i++) {
		w = run_program(&st, A + i, 0x102, (uint8_t)i);
		assert_in_range(w, 0, 1);
		assert_int_equal(w, steer_worker(&st, A + i, 0x102,
		    (uint8_t)i));
		if (i > 0 && i <= STEER_ANYBODY)
			assert_int_equal(w, v[i].owner);
	}
}

/* A row with two clients: both are steered to its owner. */
static void
each_client_of_a_row(void **state)
{
	struct row r = { .macs = macs, .nmacs = 2 }, other = { .macs =
	    macs + 2, .nmacs = 1 };
	struct steered v[] = { { &other, 0 }, { &r, 3 } };
	struct steer st;

	(void)state;
	macs[0] = A;
	macs[1] = A + 77;
	macs[2] = A + 500;
	steer_plan(&st, v, 2, 4);
	assert_int_equal(run_program(&st, A, 0, 0), 3);
	assert_int_equal(run_program(&st, A + 77, 0, 0), 3);
	assert_int_equal(run_program(&st, A + 500, 0, 0), 0);
}

/* Before any row is known, and for frames of nobody's, all get something. */
static void
strangers_are_spread(void **state)
{
	unsigned count[4] = { 0 }, i;
	struct steer st;

	(void)state;
	steer_plan(&st, NULL, 0, 4);
	for (i = 0; i < 400; i++)
		count[run_program(&st, A, (uint16_t)(i / 100),
		    (uint8_t)(i % 100))]++;
	for (i = 0; i < 4; i++)
		assert_in_range(count[i], 50, 150);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exports_are_spread_evenly),
		cmocka_unit_test(a_frame_comes_to_its_owner),
		cmocka_unit_test(too_many_of_anybodys),
		cmocka_unit_test(each_client_of_a_row),
		cmocka_unit_test(strangers_are_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
