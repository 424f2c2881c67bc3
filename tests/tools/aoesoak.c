/* aoesoak.c: a client that writes its disk for as long as it is told to,
 * whatever becomes of the target and the network, and that knows afterwards
 * what it was promised.
 *
 *	aoesoak -i IFACE -d MAC -a SHELF.SLOT -e EXPORT -l LEDGER
 *	    [-n BLOCKS] [-w WINDOW] [-p PAUSE_MS] [-s SEED]
 *	aoesoak -r -i IFACE -d MAC -a SHELF.SLOT -e EXPORT -l LEDGER
 *	aoesoak -c IMAGE -e EXPORT -l LEDGER
 *	aoesoak -t LEDGER
 *
 * The first form writes blocks of 4 KiB and reads others back, WINDOW at once,
 * until SIGTERM.  Each sector carries its export, its block, its place in it
 * and the round in which it was written, and is filled with what follows from
 * these.  The ledger, a file that the program maps, says of each block which
 * round was sent last and which was acknowledged last; so a client that is
 * killed and started again goes on.  What is not answered is sent again, the
 * same round under the same tag, so that doubles of a write may arrive late.
 *
 * The second form reads all blocks over the wire, the third from the image.  A
 * sector older than the acknowledged round, or of a round that was never sent,
 * or with anything else in it, is wrong; it is named, and the exit status is 1.
 *
 * The last form prints what the ledger has counted.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "tests/initiator/wire.h"

#define BLOCK		4096
#define PER_BLOCK	(BLOCK / WIRE_SECTOR)
#define HEAD		(WIRE_HEAD + WIRE_ATA)
#define SLOTS_MAX	16
#define AGAIN_MS	300	/* first repetition; doubled each time */
#define AGAIN_MAX_MS	2000
#define GIVE_UP_MS	60000	/* -r: no answer at all */
#define NAMED_MAX	20	/* wrong sectors that are named */

struct mark {			/* the first bytes of each sector */
	uint32_t	export, block, sector, round;
};

struct promise {		/* of one block, in rounds; 0: none yet */
	uint32_t	sent;
	uint32_t	acked;
};

struct ledger {			/* the file */
	uint64_t	acked;		/* writes */
	uint64_t	reads;
	uint64_t	again;		/* requests sent once more */
	uint64_t	refused;	/* answered with an error */
	uint64_t	gone;		/* times that the interface went */
	uint64_t	wrong;		/* sectors */
	uint64_t	n;		/* blocks */
	struct promise	block[];
};

struct slot {
	uint32_t	tag;
	uint32_t	block;
	bool		busy, write;
	int		wait_ms;
	int64_t		due;		/* sent again, or begun */
};

struct soak {
	const char	*ifname, *image, *path;
	uint32_t	 export;
	uint16_t	 shelf;
	uint8_t		 target, mac[6];
	bool		 all;		/* -r */
	unsigned	 window, pause_ms;
	uint64_t	 seed;
	struct wire	 wire;		/* fd -1: no interface */
	struct ledger	*ledger;
	uint32_t	 next;		/* -r: block */
	struct slot	 slot[SLOTS_MAX];
};

static volatile sig_atomic_t ended;

static void
on_term(int sig)
{
	(void)sig;
	ended = 1;
}

static uint64_t
dice(struct soak *s)
{
	s->seed = s->seed * 6364136223846793005u + 1442695040888963407u;
	return s->seed >> 33;
}

/* What stands in a sector: its mark, then words that follow from it. */
static void
sector_fill(uint8_t *p, const struct mark *m)
{
	uint64_t word = (uint64_t)m->export << 48 ^ (uint64_t)m->block << 24 ^
	    (uint64_t)m->sector << 60 ^ m->round;
	size_t i;

	for (i = 0; i < WIRE_SECTOR; i += sizeof(word)) {
		word = word * 6364136223846793005u + 1442695040888963407u;
		memcpy(p + i, &word, sizeof(word));
	}
	memcpy(p, m, sizeof(*m));
}

/* NULL if a sector may be there after what was promised, else why not. */
static const char *
sector_wrong(const struct soak *s, const uint8_t *p, uint32_t block,
    uint32_t sector, uint32_t *round)
{
	const struct promise *b = &s->ledger->block[block];
	uint8_t want[WIRE_SECTOR] = { 0 };
	struct mark m;

	memcpy(&m, p, sizeof(m));
	*round = m.round;
	if (memcmp(p, want, sizeof(want)) == 0)
		return b->acked == 0 ? NULL : "never written";
	if (m.export != s->export || m.block != block || m.sector != sector)
		return "another's";
	sector_fill(want, &m);
	if (memcmp(p, want, sizeof(want)) != 0)
		return "torn";
	if (m.round < b->acked)
		return "older than acknowledged";
	return m.round <= b->sent ? NULL : "never sent";
}

static void
block_check(struct soak *s, const uint8_t *p, uint32_t block)
{
	const struct promise *b = &s->ledger->block[block];
	const char *why;
	uint32_t i, round;

	for (i = 0; i < PER_BLOCK; i++) {
		why = sector_wrong(s, p + i * WIRE_SECTOR, block, i, &round);
		if (why != NULL && s->ledger->wrong++ < NAMED_MAX)
			warnx("export %u block %u sector %u: %s: round %u; "
			    "acknowledged %u, sent %u", s->export, block, i,
			    why, round, b->acked, b->sent);
	}
}

/* The interface may go and come back: then there is a socket again. */
static bool
wire_there(struct soak *s)
{
	if (s->wire.fd != -1)
		return true;
	if (wire_open(&s->wire, s->ifname, NULL) == -1) {
		s->wire.fd = -1;
		return false;
	}
	return true;
}

static void
wire_failed(struct soak *s)
{
	if (errno == ENXIO || errno == ENODEV) {
		close(s->wire.fd);
		s->wire.fd = -1;
		s->ledger->gone++;
	} else if (errno != ENETDOWN)
		err(1, "%s", s->ifname);
}

static void
slot_send(struct soak *s, struct slot *x)
{
	const struct promise *b = &s->ledger->block[x->block];
	struct aoe f = { .shelf = s->shelf, .slot = s->target,
	    .command = AOE_ATA, .tag = x->tag };
	struct ata a = { .aflags = ATA_EXTENDED | (x->write ? ATA_WRITE : 0),
	    .count = PER_BLOCK, .command = x->write ? 0x34 : 0x24,
	    .lba = (uint64_t)x->block * PER_BLOCK };
	struct mark m = { .export = s->export, .block = x->block,
	    .round = b->sent };
	uint8_t frame[HEAD + BLOCK] = { 0 };

	x->due = now_ms() + x->wait_ms;
	if (x->wait_ms < AGAIN_MAX_MS)
		x->wait_ms *= 2;
	if (!wire_there(s))
		return;
	memcpy(f.dst, s->mac, 6);
	memcpy(f.src, s->wire.mac, 6);
	aoe_put(frame, &f);
	ata_put(frame + WIRE_HEAD, &a);
	for (m.sector = 0; x->write && m.sector < PER_BLOCK; m.sector++)
		sector_fill(frame + HEAD + m.sector * WIRE_SECTOR, &m);
	if (wire_send(&s->wire, frame, x->write ? sizeof(frame) : HEAD) == -1)
		wire_failed(s);
}

static bool
is_busy(const struct soak *s, uint32_t block)
{
	unsigned i;

	for (i = 0; i < s->window; i++)
		if (s->slot[i].busy && s->slot[i].block == block)
			return true;
	return false;
}

/* The next request of a slot; three of four are writes. */
static void
slot_begin(struct soak *s, struct slot *x)
{
	if (s->all)
		x->block = s->next++;
	else
		do
			x->block = (uint32_t)(dice(s) % s->ledger->n);
		while (is_busy(s, x->block));
	x->write = !s->all && dice(s) % 4 != 0;
	if (x->write)
		s->ledger->block[x->block].sent++;
	x->busy = true;
	x->tag = WIRE_TAG_USER | (x->tag + SLOTS_MAX);
	x->wait_ms = AGAIN_MS;
	slot_send(s, x);
}

static void
slot_ends(struct soak *s, struct slot *x)
{
	x->busy = false;
	x->due = now_ms() + s->pause_ms;
}

static void
take(struct soak *s, const struct aoe *f)
{
	struct slot *x = &s->slot[f->tag % SLOTS_MAX];
	struct promise *b = &s->ledger->block[x->block];
	struct ata a;

	if (!(f->flags & AOE_RESPONSE) || f->tag != x->tag || !x->busy)
		return;
	if ((f->flags & AOE_ERROR) || !ata_get(f, &a) ||
	    (a.command & ATA_FAILED)) {
		s->ledger->refused++;
		if (s->all)
			errx(1, "export %u block %u: an error", s->export,
			    x->block);
	} else if (x->write) {
		b->acked = b->sent;
		s->ledger->acked++;
	} else if (f->body_len < WIRE_ATA + BLOCK) {
		errx(1, "export %u: a short answer", s->export);
	} else {
		block_check(s, f->body + WIRE_ATA, x->block);
		s->ledger->reads++;
	}
	slot_ends(s, x);
}

/* Begin what may begin, repeat what is due: when to look again. */
static int64_t
slots_run(struct soak *s)
{
	int64_t now = now_ms(), next = now + 1000;
	unsigned i;

	for (i = 0; i < s->window; i++) {
		struct slot *x = &s->slot[i];

		if (!x->busy && s->all && s->next == s->ledger->n)
			continue;
		if (x->due <= now) {
			if (x->busy) {
				s->ledger->again++;
				slot_send(s, x);
			} else
				slot_begin(s, x);
		}
		if (x->due < next)
			next = x->due;
	}
	return next;
}

static bool
all_read(const struct soak *s)
{
	unsigned i;

	for (i = 0; i < s->window; i++)
		if (s->slot[i].busy)
			return false;
	return s->all && s->next == s->ledger->n;
}

static int
run(struct soak *s)
{
	uint64_t wrong = s->ledger->wrong;
	int64_t heard = now_ms(), left;
	uint8_t buf[WIRE_MAX];
	struct aoe f;
	ssize_t n;

	s->wire.fd = -1;
	while (!ended && !all_read(s)) {
		if ((left = slots_run(s) - now_ms()) < 0)
			left = 0;
		if (s->wire.fd == -1) {
			poll(NULL, 0, 50);
			continue;
		}
		n = wire_recv(&s->wire, buf, sizeof(buf), (int)left);
		if (n == -1)
			wire_failed(s);
		else if (n > 0 && aoe_get(buf, (size_t)n, &f)) {
			take(s, &f);
			heard = now_ms();
		}
		if (s->all && now_ms() - heard > GIVE_UP_MS)
			errx(1, "export %u: no answer", s->export);
	}
	return s->ledger->wrong > wrong ? 1 : 0;
}

static int
check_image(struct soak *s)
{
	uint64_t wrong = s->ledger->wrong, promised = 0;
	uint8_t data[BLOCK];
	uint32_t i;
	int fd;

	if ((fd = open(s->image, O_RDONLY)) == -1)
		err(1, "%s", s->image);
	for (i = 0; i < s->ledger->n; i++) {
		if (pread(fd, data, BLOCK, (off_t)i * BLOCK) != BLOCK)
			err(1, "%s: block %u", s->image, i);
		block_check(s, data, i);
		promised += s->ledger->block[i].acked > 0;
	}
	close(fd);
	if (promised == 0)
		errx(1, "%s: nothing was promised", s->image);
	printf("%" PRIu64 " blocks promised, %" PRIu64 " sectors wrong\n",
	    promised, s->ledger->wrong - wrong);
	return s->ledger->wrong > wrong ? 1 : 0;
}

/* Map the ledger; one that is not there is made, for so many blocks. */
static struct ledger *
ledger_open(const char *path, uint64_t n)
{
	struct ledger *l;
	struct stat st;
	int fd;

	if ((fd = open(path, O_RDWR | (n > 0 ? O_CREAT : 0), 0600)) == -1 ||
	    fstat(fd, &st) == -1)
		err(1, "%s", path);
	if (st.st_size == 0) {
		st.st_size = (off_t)(sizeof(*l) + n * sizeof(l->block[0]));
		if (ftruncate(fd, st.st_size) == -1)
			err(1, "%s", path);
	}
	l = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (l == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	l->n = ((uint64_t)st.st_size - sizeof(*l)) / sizeof(l->block[0]);
	return l;
}

static void
ledger_print(const struct ledger *l)
{
	printf("acked %" PRIu64 " reads %" PRIu64 " again %" PRIu64
	    " refused %" PRIu64 " gone %" PRIu64 " wrong %" PRIu64 "\n",
	    l->acked, l->reads, l->again, l->refused, l->gone, l->wrong);
}

static void
usage(void)
{
	fprintf(stderr, "usage: aoesoak [-r] -i IFACE -d MAC -a SHELF.SLOT "
	    "-e EXPORT -l LEDGER\n\t    [-n BLOCKS] [-w WINDOW] [-p PAUSE_MS] [-s SEED]\n"
	    "       aoesoak -c IMAGE -e EXPORT -l LEDGER\n"
	    "       aoesoak -t LEDGER\n");
	exit(BS_USAGE);
}

int
main(int argc, char **argv)
{
	struct soak s = { .window = 2, .pause_ms = 100, .seed = 1 };
	const char *address = NULL, *mac = NULL, *total = NULL;
	uint64_t n = 512;
	unsigned i;
	int ch;

	while ((ch = getopt(argc, argv, "i:a:d:e:l:n:w:p:s:c:t:r")) != -1)
		switch (ch) {
		case 'i': s.ifname = optarg; break;
		case 'a': address = optarg; break;
		case 'd': mac = optarg; break;
		case 'e': s.export = strtonum(optarg, 0, 65535, NULL); break;
		case 'l': s.path = optarg; break;
		case 'n': n = strtonum(optarg, 64, 1 << 20, NULL); break;
		case 'w': s.window = strtonum(optarg, 1, SLOTS_MAX, NULL);
			break;
		case 'p': s.pause_ms = strtonum(optarg, 0, 60000, NULL); break;
		case 's': s.seed = strtonum(optarg, 0, INT64_MAX, NULL); break;
		case 'c': s.image = optarg; break;
		case 't': total = optarg; break;
		case 'r': s.all = true; break;
		default: usage();
		}
	if (total != NULL) {
		ledger_print(ledger_open(total, 0));
		return 0;
	}
	if (s.path == NULL || s.window == 0 || n == 0)
		usage();
	s.ledger = ledger_open(s.path, s.image == NULL && !s.all ? n : 0);
	if (s.image != NULL)
		return check_image(&s);
	if (s.ifname == NULL || address == NULL || mac == NULL ||
	    !mac_parse(mac, s.mac) || !address_parse(address, &s.shelf, &s.target))
		usage();
	if (s.all)
		s.window = 8, s.pause_ms = 0;
	for (i = 0; i < s.window; i++)	/* the low bits are the slot's */
		s.slot[i].tag = WIRE_TAG_USER |
		    ((uint32_t)now_ms() << 4 & ~(SLOTS_MAX - 1U)) | i;
	signal(SIGTERM, on_term);
	signal(SIGINT, on_term);
	return run(&s);
}
