/* aoecut.c: writes that a power cut must not lose, and the look at what is
 * left of them.
 *
 *	aoecut -i IFACE -a SHELF.SLOT -l LEDGER [-n BLOCKS] [-w WINDOW] [-f]
 *	aoecut -c IMAGE -l LEDGER
 *
 * The first form writes blocks of 4 KiB in an order of its own, again and
 * again, WINDOW of them at once.  Each sector carries the number of its block
 * and the round in which it was written.  It ends by itself when the target has
 * not answered for three seconds, and then writes the ledger: for each block
 * the round that was promised to be safe, and the last that was sent.  With -f
 * an answer promises nothing, but an answered FLUSH CACHE EXT makes a promise
 * of all that was answered before it was sent.
 *
 * The second form reads the image and compares: a sector of a round older than
 * the promised one, or of one that was never sent, is a loss.  It says how many
 * blocks have one, and ends with 1 if any.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/initiator/session.h"

#define BLOCK		4096
#define PER_BLOCK	(BLOCK / WIRE_SECTOR)
#define FRAME		(WIRE_HEAD + WIRE_ATA + BLOCK)
#define SILENCE_MS	3000	/* the target is gone */
#define AGAIN_MS	300
#define FLUSH_MS	50	/* between two FLUSH CACHEs */

struct mark {			/* the first bytes of each sector */
	uint32_t	block, round;
};

struct block {
	uint32_t	sent;		/* rounds */
	uint32_t	answered;
	uint32_t	safe;
	bool		busy;
};

struct flight {
	uint32_t	tag;		/* 0: free */
	uint32_t	block;
	int64_t		sent_at;
};

struct run {
	struct init	in;
	struct block	*blocks;
	uint32_t	n;		/* blocks */
	uint32_t	*barrier;	/* rounds answered when the FLUSH was
					 * sent */
	struct flight	flight[WINDOW_MAX];
	uint32_t	flush_tag;	/* 0: none on its way */
	int64_t		flush_at, heard_at;
	bool		flushes;
	uint64_t	seed;
};

static uint64_t
dice(struct run *r)
{
	r->seed = r->seed * 6364136223846793005u + 1442695040888963407u;
	return r->seed >> 33;
}

static void
send_block(struct run *r, struct flight *f)
{
	struct block *b = &r->blocks[f->block];
	struct ata a = { .aflags = ATA_EXTENDED | ATA_WRITE,
	    .count = PER_BLOCK, .command = 0x34,
	    .lba = (uint64_t)f->block * PER_BLOCK };
	struct mark m = { f->block, b->sent };
	uint8_t frame[FRAME] = { 0 };
	unsigned i;

	f->tag = request_put(&r->in, frame, AOE_ATA);
	f->sent_at = now_ms();
	ata_put(frame + WIRE_HEAD, &a);
	for (i = 0; i < PER_BLOCK; i++)
		memcpy(frame + WIRE_HEAD + WIRE_ATA + i * WIRE_SECTOR, &m,
		    sizeof(m));
	transmit(&r->in, frame, sizeof(frame));
}

static void
send_flush(struct run *r)
{
	struct ata a = { .aflags = ATA_EXTENDED, .command = 0xea };
	uint8_t frame[WIRE_HEAD + WIRE_ATA] = { 0 };

	r->flush_tag = request_put(&r->in, frame, AOE_ATA);
	r->flush_at = now_ms();
	ata_put(frame + WIRE_HEAD, &a);
	transmit(&r->in, frame, sizeof(frame));
}

/* A block that no request is on its way for. */
static void
begin(struct run *r, struct flight *f)
{
	do
		f->block = (uint32_t)(dice(r) % r->n);
	while (r->blocks[f->block].busy);
	r->blocks[f->block].busy = true;
	r->blocks[f->block].sent++;
	send_block(r, f);
}

static void
answered(struct run *r, struct flight *f)
{
	struct block *b = &r->blocks[f->block];

	b->answered = b->sent;
	if (!r->flushes)
		b->safe = b->sent;
	b->busy = false;
	f->tag = 0;
}

static void
flushed(struct run *r)
{
	uint32_t i;

	for (i = 0; i < r->n; i++)
		r->blocks[i].safe = r->barrier[i];
	r->flush_tag = 0;
}

static void
want_flush(struct run *r)
{
	uint32_t i;

	if (!r->flushes || r->flush_tag != 0 ||
	    now_ms() - r->flush_at < FLUSH_MS)
		return;
	for (i = 0; i < r->n; i++)
		r->barrier[i] = r->blocks[i].answered;
	send_flush(r);
}

static void
take(struct run *r, const struct aoe *reply)
{
	struct ata a;
	unsigned i;

	if (!(reply->flags & AOE_RESPONSE) || !ata_get(reply, &a))
		return;
	r->heard_at = now_ms();
	if (a.command & ATA_FAILED)
		errx(EXIT_ATA, "status %#x, error %#x", a.command, a.feature);
	if (reply->tag == r->flush_tag && r->flush_tag != 0)
		flushed(r);
	for (i = 0; i < r->in.window; i++)
		if (r->flight[i].tag != 0 && r->flight[i].tag == reply->tag)
			answered(r, &r->flight[i]);
}

/* Once more what has waited for long: the same round, under a new tag. */
static void
resend(struct run *r)
{
	int64_t now = now_ms();
	unsigned i;

	for (i = 0; i < r->in.window; i++)
		if (r->flight[i].tag != 0 &&
		    now - r->flight[i].sent_at > AGAIN_MS)
			send_block(r, &r->flight[i]);
	if (r->flush_tag != 0 && now - r->flush_at > SILENCE_MS / 2)
		send_flush(r);
}

static void
write_until_silence(struct run *r)
{
	uint8_t buf[WIRE_MAX];
	struct aoe reply;
	unsigned i;

	r->heard_at = now_ms();
	while (now_ms() - r->heard_at < SILENCE_MS) {
		for (i = 0; i < r->in.window; i++)
			if (r->flight[i].tag == 0)
				begin(r, &r->flight[i]);
		want_flush(r);
		if (receive(&r->in, buf, &reply, now_ms() + 100))
			take(r, &reply);
		resend(r);
	}
}

static void
write_ledger(const struct run *r, const char *path)
{
	uint64_t promised = 0;
	uint32_t i;
	FILE *f;

	if ((f = fopen(path, "w")) == NULL)
		err(1, "%s", path);
	for (i = 0; i < r->n; i++) {
		fprintf(f, "%" PRIu32 " %" PRIu32 "\n", r->blocks[i].safe,
		    r->blocks[i].sent);
		promised += r->blocks[i].safe;
	}
	if (fclose(f) != 0)
		err(1, "%s", path);
	printf("%" PRIu64 " writes promised\n", promised);
	if (promised == 0)
		errx(1, "nothing was promised, so nothing can be lost");
}

/* Is this sector of block `i` of a round from safe to sent? */
static bool
sector_holds(const uint8_t *sector, uint32_t i, uint32_t safe, uint32_t sent)
{
	struct mark m;

	memcpy(&m, sector, sizeof(m));
	if (m.round == 0)	/* never written */
		return safe == 0 && m.block == 0;
	return m.block == i && m.round >= safe && m.round <= sent;
}

static int
check(const char *image, const char *ledger)
{
	uint32_t i, safe, sent, lost = 0, promised = 0;
	uint8_t data[BLOCK];
	bool good;
	FILE *f;
	int fd, k;

	if ((f = fopen(ledger, "r")) == NULL)
		err(1, "%s", ledger);
	if ((fd = open(image, O_RDONLY)) == -1)
		err(1, "%s", image);
	for (i = 0; fscanf(f, "%" SCNu32 " %" SCNu32, &safe, &sent) == 2;
	    i++) {
		if (pread(fd, data, BLOCK, (off_t)i * BLOCK) != BLOCK)
			err(1, "%s: block %" PRIu32, image, i);
		for (good = true, k = 0; k < PER_BLOCK; k++)
			good = good && sector_holds(data + k * WIRE_SECTOR, i,
			    safe, sent);
		lost += !good;
		promised += safe > 0;
	}
	printf("%" PRIu32 " of %" PRIu32 " promised blocks lost\n", lost,
	    promised);
	fclose(f);
	close(fd);
	return lost > 0 || i == 0 ? 1 : 0;
}

static void
usage(void)
{
	fprintf(stderr, "usage: aoecut -i IFACE -a SHELF.SLOT -l LEDGER "
	    "[-n BLOCKS] [-w WINDOW] [-f]\n       aoecut -c IMAGE -l LEDGER\n");
	exit(64);
}

int
main(int argc, char **argv)
{
	const char *ifname = NULL, *address = NULL, *ledger = NULL;
	const char *image = NULL;
	struct run r = { .n = 2000, .seed = (uint64_t)now_ms() };
	int ch;

	r.in.timeout_ms = 30000;
	r.in.window = 32;
	while ((ch = getopt(argc, argv, "i:a:l:n:w:fc:")) != -1)
		switch (ch) {
		case 'i': ifname = optarg; break;
		case 'a': address = optarg; break;
		case 'l': ledger = optarg; break;
		case 'n': r.n = strtonum(optarg, 2, 1 << 20, NULL); break;
		case 'w': r.in.window = strtonum(optarg, 1, WINDOW_MAX, NULL);
			break;
		case 'f': r.flushes = true; break;
		case 'c': image = optarg; break;
		default: usage();
		}
	if (ledger == NULL || r.n < 2 * r.in.window || r.in.window == 0)
		usage();
	if (image != NULL)
		return check(image, ledger);
	if (ifname == NULL || address == NULL)
		usage();
	if ((r.blocks = calloc(r.n, sizeof(*r.blocks))) == NULL ||
	    (r.barrier = calloc(r.n, sizeof(*r.barrier))) == NULL)
		err(1, NULL);
	if (wire_open(&r.in.wire, ifname, NULL) == -1)
		err(1, "%s", ifname);
	memcpy(r.in.to.mac, wire_broadcast, 6);
	target_find(&r.in, address);
	write_until_silence(&r);
	write_ledger(&r, ledger);
	return 0;
}
