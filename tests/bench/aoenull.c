/* aoenull.c: a target with no storage behind it, the ceiling that a benchmark
 * measures others against.
 *
 *	aoenull -i IFACE -n EXPORTS
 *
 * One thread, one recvmmsg(2) and one sendmmsg(2) for a batch.  It answers
 * Query Config, and READ and WRITE SECTORS (EXT) of the bench's exports
 * (aoepattern.h) at once: reads with sectors that carry their number, writes
 * with a lie.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/socket.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aoepattern.h"
#include "tests/initiator/wire.h"

#define BATCH		64
#define ATA_DATA	(WIRE_HEAD + WIRE_ATA)
#define ETHER_MIN	60

struct batch {
	struct mmsghdr	msg[BATCH];
	struct iovec	iov[BATCH];
	uint8_t		frame[BATCH][WIRE_MAX];
};

/* Turn a request into its answer, in place: its length, 0 for none. */
static size_t
answer(const struct wire *w, uint8_t *frame, size_t len, unsigned exports)
{
	struct aoe f;
	struct ata a;
	unsigned export;
	size_t out = len;

	if (!aoe_get(frame, len, &f) || (f.flags & AOE_RESPONSE) ||
	    f.shelf == 0 || f.slot >= BENCH_SLOTS)
		return 0;
	export = (f.shelf - 1U) * BENCH_SLOTS + f.slot;
	if (export >= exports)
		return 0;
	if (f.command == AOE_ATA && ata_get(&f, &a)) {
		out = ATA_DATA;
		if (!(a.aflags & ATA_WRITE)) {
			out += (size_t)a.count * PATTERN_SECTOR;
			pattern_put(frame + ATA_DATA, export, a.lba, a.count,
			    0);
		}
		frame[WIRE_HEAD + 1] = 0;	/* error */
		frame[WIRE_HEAD + 2] = 0;	/* sectors left */
		frame[WIRE_HEAD + 3] = 0x40;	/* DRDY */
	} else if (f.command == AOE_CONFIG) {
		out = WIRE_HEAD + 8;
		memset(frame + WIRE_HEAD, 0, 8);
		frame[WIRE_HEAD + 1] = 16;
		frame[WIRE_HEAD + 4] = (uint8_t)((w->mtu - ATA_DATA + 14) /
		    PATTERN_SECTOR);
		frame[WIRE_HEAD + 5] = 0x10;
	} else
		return 0;
	memcpy(frame, f.src, 6);
	memcpy(frame + 6, w->mac, 6);
	frame[14] |= AOE_RESPONSE;
	return out < ETHER_MIN ? ETHER_MIN : out;
}

static void
serve(struct wire *w, struct batch *b, unsigned exports)
{
	int got, i, n, sent;
	size_t len;

	for (i = 0; i < BATCH; i++) {
		b->iov[i] = (struct iovec){ b->frame[i], WIRE_MAX };
		b->msg[i].msg_hdr.msg_iov = &b->iov[i];
		b->msg[i].msg_hdr.msg_iovlen = 1;
	}
	got = recvmmsg(w->fd, b->msg, BATCH, MSG_WAITFORONE, NULL);
	if (got == -1)
		err(1, "recvmmsg");
	for (i = n = 0; i < got; i++) {
		len = answer(w, b->frame[i], b->msg[i].msg_len, exports);
		if (len > 0)
			b->iov[n++] = (struct iovec){ b->frame[i], len };
	}
	for (i = 0; i < n; i += sent)
		if ((sent = sendmmsg(w->fd, b->msg + i, n - i, 0)) == -1)
			err(1, "sendmmsg");
}

int
main(int argc, char **argv)
{
	const char *ifname = NULL;
	unsigned exports = 0;
	struct batch *b;
	struct wire w;
	int ch;

	while ((ch = getopt(argc, argv, "i:n:")) != -1)
		switch (ch) {
		case 'i':
			ifname = optarg;
			break;
		case 'n':
			exports = strtonum(optarg, 1, 60000, NULL);
			break;
		}
	if (ifname == NULL || exports == 0 || optind != argc)
		errx(64, "usage: aoenull -i IFACE -n EXPORTS");
	if (wire_open(&w, ifname, NULL) == -1)
		err(1, "%s", ifname);
	if ((b = calloc(1, sizeof(*b))) == NULL)
		err(1, NULL);
	for (;;)
		serve(&w, b, exports);
}
