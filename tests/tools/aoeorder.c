/* aoeorder.c: does a target let requests that overlap take effect in the order
 * in which they arrived?  AoE has no session, so a write that was sent twice
 * must not undo a newer one.
 *
 * usage: aoeorder -i iface s.t [rounds [seed]]
 *
 * Each round is a burst of reads and writes over a few sectors, some of them
 * doubled, sent without waiting.  The same is done to a copy in memory, in
 * order.  Every read must answer what the copy held at its place in the burst,
 * and at the end of a round the sectors must equal the copy.  A round in which
 * a frame was lost proves nothing: it is counted and its sectors read anew.  A
 * bad one is the last.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "tests/initiator/session.h"

#define AREA		24		/* sectors that are fought over */
#define LONGEST		8		/* sectors of one request */
#define BURST		48		/* requests of a round */
#define AREA_LEN	(AREA * WIRE_SECTOR)
#define LONGEST_LEN	(LONGEST * WIRE_SECTOR)

struct op {
	uint32_t	tag;
	bool		write;
	bool		answered;
	unsigned	lba;
	unsigned	count;
	uint8_t		expect[LONGEST_LEN];	/* of a read */
};

struct burst {
	struct init	*in;
	uint8_t		 copy[AREA_LEN];
	struct op	 ops[BURST];
	uint8_t		 frames[BURST][WIRE_HEAD + WIRE_ATA + LONGEST_LEN];
	size_t		 lens[BURST];
	unsigned long	 serial;	/* of a write: what it writes */
};

/* Fill each sector of a write with its own number and the write's. */
static void
pattern(uint8_t *p, unsigned count, unsigned long serial)
{
	unsigned i;

	for (i = 0; i < count; i++, p += WIRE_SECTOR) {
		memset(p, serial * 7 + i, WIRE_SECTOR);
		memcpy(p, &serial, sizeof(serial));
	}
}

/* Make up request i: a new one, or the double of an earlier write. */
static void
op_make(struct burst *b, unsigned i)
{
	struct op *op = &b->ops[i];
	uint8_t *frame = b->frames[i], *body = frame + WIRE_HEAD + WIRE_ATA;
	struct ata ata = { .aflags = ATA_EXTENDED, .command = 0x24 };

	op->answered = false;
	if (i > 0 && random() % 4 == 0) {
		/* Under a new tag, as the kernel's driver does it. */
		unsigned of = random() % i;

		op->write = b->ops[of].write;
		op->lba = b->ops[of].lba;
		op->count = b->ops[of].count;
		memcpy(frame, b->frames[of], b->lens[of]);
		b->lens[i] = b->lens[of];
		op->tag = request_put(b->in, frame, AOE_ATA);
	} else {
		op->write = random() % 3 != 0;
		op->count = 1 + random() % LONGEST;
		op->lba = random() % (AREA - op->count + 1);
		ata.lba = op->lba;
		ata.count = op->count;
		if (op->write) {
			ata.aflags |= ATA_WRITE;
			ata.command = 0x34;
			pattern(body, op->count, ++b->serial);
		}
		op->tag = request_put(b->in, frame, AOE_ATA);
		ata_put(frame + WIRE_HEAD, &ata);
		b->lens[i] = WIRE_HEAD + WIRE_ATA +
		    (op->write ? op->count * WIRE_SECTOR : 0);
	}
	if (op->write)
		memcpy(b->copy + op->lba * WIRE_SECTOR, body,
		    op->count * WIRE_SECTOR);
	else
		memcpy(op->expect, b->copy + op->lba * WIRE_SECTOR,
		    op->count * WIRE_SECTOR);
}

/* One answer.  False if a read brought what it should not. */
static bool
op_answer(struct burst *b, const struct aoe *f, unsigned *left)
{
	struct ata ata;
	struct op *op;
	unsigned i;

	for (i = 0; i < BURST && b->ops[i].tag != f->tag; i++)
		continue;
	if (i == BURST || b->ops[i].answered)
		return true;
	op = &b->ops[i];
	op->answered = true;
	(*left)--;
	if ((f->flags & AOE_ERROR) || !ata_get(f, &ata) ||
	    (ata.command & ATA_FAILED))
		errx(EXIT_ATA, "request %u was refused", i);
	if (op->write)
		return true;
	if (f->body_len < WIRE_ATA + op->count * WIRE_SECTOR ||
	    memcmp(f->body + WIRE_ATA, op->expect,
	    op->count * WIRE_SECTOR) != 0) {
		warnx("request %u, a read of %u sectors at %u: not what the "
		    "writes before it wrote", i, op->count, op->lba);
		return false;
	}
	return true;
}

enum outcome { ROUND_GOOD, ROUND_BAD, ROUND_LOST };

static enum outcome
round_run(struct burst *b)
{
	uint8_t buf[WIRE_MAX], now[AREA_LEN];
	unsigned i, left = BURST;
	bool good = true;
	struct aoe f;

	for (i = 0; i < BURST; i++)
		op_make(b, i);
	for (i = 0; i < BURST; i++)
		transmit(b->in, b->frames[i], b->lens[i]);
	while (left > 0 && receive(b->in, buf, &f,
	    now_ms() + b->in->timeout_ms))
		good = op_answer(b, &f, &left) && good;
	transfer(b->in, false, 0, AREA, now);
	if (left > 0) {
		memcpy(b->copy, now, AREA_LEN);
		return ROUND_LOST;
	}
	if (memcmp(now, b->copy, AREA_LEN) != 0) {
		warnx("afterwards the sectors are not what was written last");
		memcpy(b->copy, now, AREA_LEN);
		return ROUND_BAD;
	}
	return good ? ROUND_GOOD : ROUND_BAD;
}

int
main(int argc, char **argv)
{
	struct init in = { .timeout_ms = 30000, .tag = getpid() << 12 };
	unsigned count[3] = { 0 };
	unsigned long n, rounds = 100;
	static struct burst b;

	if (argc < 4 || strcmp(argv[1], "-i") != 0) {
		fputs("usage: aoeorder -i iface s.t [rounds [seed]]\n", stderr);
		return BS_USAGE;
	}
	if (argc > 4)
		rounds = strtoul(argv[4], NULL, 10);
	srandom(argc > 5 ? strtoul(argv[5], NULL, 10) : 1);
	memcpy(in.to.mac, wire_broadcast, 6);
	if (wire_open(&in.wire, argv[2], NULL) == -1)
		err(BS_IO, "%s", argv[2]);
	target_find(&in, argv[3]);
	b.in = &in;
	transfer(&in, false, 0, AREA, b.copy);
	for (n = 0; n < rounds && count[ROUND_BAD] == 0; n++)
		count[round_run(&b)]++;
	printf("%lu rounds: %u good, %u bad, %u lost\n", n,
	    count[ROUND_GOOD], count[ROUND_BAD], count[ROUND_LOST]);
	return count[ROUND_BAD] == 0 && count[ROUND_LOST] * 10 <= rounds ?
	    0 : BS_FAIL;
}
