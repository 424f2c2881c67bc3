/* steer.c: the places, and the program that finds them.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <assert.h>
#include <string.h>

#include "mac.h"
#include "steer.h"

#define MULTIPLY_MAC		0x9e3779b1U
#define MULTIPLY_ADDRESS	0x85ebca6bU

#define PER_WORD	4	/* places in a word of the program */
#define WORDS		(STEER_PLACES / PER_WORD)

static_assert(STEER_PROGRAM >= 2 * STEER_ANYBODY + 3 * WORDS + 32,
    "a program fits");

static uint32_t
address_of(uint16_t shelf, uint8_t slot)
{
	return (uint32_t)shelf << 8 | slot;
}

static bool
is_anybodys(const struct steer *st, uint32_t address)
{
	unsigned i;

	for (i = 0; i < st->nanybody; i++)
		if (st->anybody[i] == address)
			return true;
	return st->by_address;
}

static unsigned
place_of(const struct steer *st, uint64_t mac, uint32_t address)
{
	uint32_t h = address * MULTIPLY_ADDRESS;

	if (!is_anybodys(st, address))
		h ^= (uint32_t)mac * MULTIPLY_MAC;
	h ^= h >> 16;
	return (h ^ h >> 8) % STEER_PLACES;
}

static unsigned
row_place(const struct steer *st, const struct row *r, size_t i)
{
	return place_of(st, r->macs[i], address_of(r->shelf, r->slot));
}

static bool
serves_anybody(const struct row *r)
{
	size_t i;

	for (i = 0; i < r->nmacs; i++)
		if (r->macs[i] == MAC_ANY)
			return true;
	return false;
}

/* Find out which addresses are anybody's. */
static void
learn(struct steer *st, const struct row *r)
{
	uint32_t address = address_of(r->shelf, r->slot);

	if (!serves_anybody(r))
		st->by_address = false;
	else if (st->nanybody < STEER_ANYBODY)
		st->anybody[st->nanybody++] = address;
}

static void
begin(struct steer *st, const struct steered *v, size_t n, unsigned nworkers)
{
	size_t i;

	memset(st, 0, sizeof(*st));
	st->nworkers = nworkers;
	st->by_address = true;
	for (i = 0; i < n; i++)
		learn(st, v[i].row);
}

static void
take(struct steer *st, const struct steered *s)
{
	unsigned p;
	size_t i;

	for (i = 0; i < s->row->nmacs; i++) {
		p = row_place(st, s->row, i);
		if (st->taken[p])
			continue;
		st->taken[p] = true;
		st->worker[p] = (uint8_t)s->owner;
	}
}

void
steer_plan(struct steer *st, const struct steered *v, size_t n,
    unsigned nworkers)
{
	unsigned p;
	size_t i;

	begin(st, v, n, nworkers);
	for (i = 0; i < n; i++)
		take(st, &v[i]);
	for (p = 0; p < STEER_PLACES; p++)
		if (!st->taken[p])
			st->worker[p] = (uint8_t)(p % nworkers);
}

unsigned
steer_choose(const struct row *r, const struct steered *v, size_t n,
    unsigned nworkers)
{
	unsigned count[STEER_WORKERS_MAX] = { 0 }, best = 0, w, p;
	struct steer st;
	size_t i;

	begin(&st, v, n, nworkers);
	learn(&st, r);
	for (i = 0; i < n; i++) {
		take(&st, &v[i]);
		count[v[i].owner]++;
	}
	p = row_place(&st, r, 0);
	if (st.taken[p])
		return st.worker[p];
	for (w = 1; w < nworkers; w++)
		if (count[w] < count[best])
			best = w;
	return best;
}

unsigned
steer_worker(const struct steer *st, uint64_t mac, uint16_t shelf,
    uint8_t slot)
{
	return st->worker[place_of(st, mac, address_of(shelf, slot))];
}

/* The program as it grows. */
struct program {
	struct sock_filter	*v;
	size_t			 n;
};

static void
put(struct program *p, struct sock_filter f)
{
	p->v[p->n++] = f;
}

#define STMT(code, k)	(struct sock_filter)BPF_STMT((code), (k))
#define JUMP(code, k, t, f)						\
	(struct sock_filter)BPF_JUMP((code), (k), (t), (f))
#define PLACE		0	/* cells of the program's memory */
#define SHIFT		1

#define SENDER_LENGTH	6	/* instructions that take it in */

/* X becomes the sender's part of the hash, 0 where anybody is served; A is the
 * address. */
static void
put_sender(const struct steer *st, struct program *p)
{
	unsigned i;

	if (st->by_address) {
		put(p, STMT(BPF_LDX | BPF_IMM, 0));
		return;
	}
	for (i = 0; i < st->nanybody; i++)
		put(p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, st->anybody[i],
		    (uint8_t)(st->nanybody - i - 1 + SENDER_LENGTH), 0));
	put(p, STMT(BPF_ST, PLACE));
	put(p, STMT(BPF_LD | BPF_W | BPF_ABS, SKF_LL_OFF + 8));
	put(p, STMT(BPF_ALU | BPF_MUL | BPF_K, MULTIPLY_MAC));
	put(p, STMT(BPF_MISC | BPF_TAX, 0));
	put(p, STMT(BPF_LD | BPF_MEM, PLACE));
	put(p, STMT(BPF_JMP | BPF_JA, 1));
	put(p, STMT(BPF_LDX | BPF_IMM, 0));
}

static void
put_place(struct program *p)
{
	put(p, STMT(BPF_ALU | BPF_MUL | BPF_K, MULTIPLY_ADDRESS));
	put(p, STMT(BPF_ALU | BPF_XOR | BPF_X, 0));
	put(p, STMT(BPF_MISC | BPF_TAX, 0));
	put(p, STMT(BPF_ALU | BPF_RSH | BPF_K, 16));
	put(p, STMT(BPF_ALU | BPF_XOR | BPF_X, 0));
	put(p, STMT(BPF_MISC | BPF_TAX, 0));
	put(p, STMT(BPF_ALU | BPF_RSH | BPF_K, 8));
	put(p, STMT(BPF_ALU | BPF_XOR | BPF_X, 0));
	put(p, STMT(BPF_ALU | BPF_AND | BPF_K, STEER_PLACES - 1));
	put(p, STMT(BPF_ST, PLACE));
	put(p, STMT(BPF_ALU | BPF_AND | BPF_K, PER_WORD - 1));
	put(p, STMT(BPF_ALU | BPF_MUL | BPF_K, 8));
	put(p, STMT(BPF_ST, SHIFT));
	put(p, STMT(BPF_LD | BPF_MEM, PLACE));
}

static uint32_t
word_of(const struct steer *st, unsigned w)
{
	const uint8_t *b = &st->worker[w * PER_WORD];

	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	    (uint32_t)b[3] << 24;
}

/* How many instructions put_words makes of n words, a power of 2: each word
 * two, and one for each decision. */
static unsigned
words_length(unsigned n)
{
	return 3 * n - 1;
}

/* A, a place, becomes the word that it is in: by halves.  `after` instructions
 * lie between the last of these and what comes next. */
static void
put_words(const struct steer *st, struct program *p, unsigned first,
    unsigned n, unsigned after)
{
	unsigned half = n / 2;

	if (n == 1) {
		put(p, STMT(BPF_LD | BPF_IMM, word_of(st, first)));
		put(p, STMT(BPF_JMP | BPF_JA, after));
		return;
	}
	put(p, JUMP(BPF_JMP | BPF_JGE | BPF_K, (first + half) * PER_WORD,
	    (uint8_t)words_length(half), 0));
	put_words(st, p, first, half, after + words_length(half));
	put_words(st, p, first + half, half, after);
}

static_assert(3 * (WORDS / 2) - 1 <= UINT8_MAX, "as far as a jump goes");

size_t
steer_program(const struct steer *st, struct sock_filter prog[STEER_PROGRAM])
{
	struct program p = { prog, 0 };

	put(&p, STMT(BPF_LD | BPF_W | BPF_ABS, 1));
	put(&p, STMT(BPF_ALU | BPF_AND | BPF_K, 0xffffff));
	put_sender(st, &p);
	put_place(&p);
	put_words(st, &p, 0, WORDS, 0);
	put(&p, STMT(BPF_LDX | BPF_MEM, SHIFT));
	put(&p, STMT(BPF_ALU | BPF_RSH | BPF_X, 0));
	put(&p, STMT(BPF_ALU | BPF_AND | BPF_K, 0xff));
	put(&p, STMT(BPF_RET | BPF_A, 0));
	return p.n;
}
