/* aoegarbage.c: recorded requests, damaged and sent to whoever listens.
 *
 * usage: aoegarbage -i iface -d mac count seed <frames
 *
 * Each line of the input is a frame in hexadecimal, from behind its Ethernet
 * header on.  Every frame sent is one of them with some of its bits, fields or
 * its length changed.  Answers are counted and thrown away; with each hundred
 * frames the sender waits until the target has kept up.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "tests/initiator/wire.h"

#define FRAMES_MAX	256
#define ETHER		14	/* bytes of the Ethernet header */
#define PAUSE_EVERY	100
#define PAUSE_MS	100	/* at most */

struct seed {
	uint8_t	*bytes;		/* behind the Ethernet header */
	size_t	 len;
};

/* Read the recorded frames: how many. */
static size_t
seeds_read(struct seed *seeds)
{
	char line[2 * WIRE_MAX + 2];
	size_t n = 0, i, len;

	while (n < FRAMES_MAX && fgets(line, sizeof(line), stdin) != NULL) {
		len = strcspn(line, "\n") / 2;
		if (len == 0 || line[0] == '#')
			continue;
		seeds[n].len = len;
		seeds[n].bytes = malloc(len);
		if (seeds[n].bytes == NULL)
			err(BS_IO, NULL);
		for (i = 0; i < len; i++)
			if (sscanf(line + 2 * i, "%2hhx",
			    &seeds[n].bytes[i]) != 1)
				errx(BS_USAGE, "%s: not hexadecimal", line);
		n++;
	}
	return n;
}

/* Change some of p[0..len) and perhaps the length; the new length. */
static size_t
damage(uint8_t *p, size_t len, size_t cap)
{
	static const uint8_t telling[] = { 0, 1, 2, 3, 4, 0x20, 0x24, 0x30,
	    0x34, 0x40, 0x7f, 0x80, 0xec, 0xea, 0xfe, 0xff };
	/* Where the headers are, the more telling damage is done. */
	size_t head = len < 32 ? len : 32;
	int n = 1 + random() % 4;

	while (n-- > 0) {
		size_t at = random() % (random() % 4 == 0 ? len : head);

		switch (random() % 5) {
		case 0:
			p[at] ^= 1 << random() % 8;
			break;
		case 1:
		case 2:
			p[at] = telling[random() % sizeof(telling)];
			break;
		case 3:
			p[at] = random();
			break;
		case 4:
			if (random() % 2 == 0)
				len = 1 + random() % len;
			else {
				size_t more = random() % (cap - len + 1);

				memset(p + len, random(), more);
				len += more;
			}
			head = len < head ? len : head;
			break;
		}
	}
	return len;
}

/* Throw away what was answered, until nothing comes; how much it was. */
static unsigned long
drain(struct wire *w)
{
	uint8_t buf[WIRE_MAX];
	unsigned long n = 0;
	int64_t end = now_ms() + PAUSE_MS;

	while (now_ms() < end && wire_recv(w, buf, sizeof(buf), 1) > 0)
		n++;
	return n;
}

int
main(int argc, char **argv)
{
	static struct seed seeds[FRAMES_MAX];
	unsigned long i, count, answers = 0;
	uint8_t frame[WIRE_MAX], mac[6];
	struct aoe head = { 0 };
	struct wire w;
	size_t n, len, cap;

	if (argc != 7 || strcmp(argv[1], "-i") != 0 ||
	    strcmp(argv[3], "-d") != 0 || !mac_parse(argv[4], mac)) {
		fputs("usage: aoegarbage -i iface -d mac count seed <frames\n",
		    stderr);
		return BS_USAGE;
	}
	count = strtoul(argv[5], NULL, 10);
	srandom(strtoul(argv[6], NULL, 10));
	if (wire_open(&w, argv[2], NULL) == -1)
		err(BS_IO, "%s", argv[2]);
	n = seeds_read(seeds);
	if (n == 0)
		errx(BS_USAGE, "no frame in the input");
	cap = w.mtu < WIRE_MAX - ETHER ? w.mtu : WIRE_MAX - ETHER;
	memcpy(head.src, w.mac, 6);
	for (i = 0; i < count; i++) {
		const struct seed *s = &seeds[random() % n];

		/* Mostly to the target itself, sometimes to everybody. */
		memcpy(head.dst, random() % 8 == 0 ? wire_broadcast : mac, 6);
		aoe_put(frame, &head);
		len = s->len < cap ? s->len : cap;
		memcpy(frame + ETHER, s->bytes, len);
		len = damage(frame + ETHER, len, cap);
		if (wire_send(&w, frame, ETHER + len) == -1)
			err(BS_IO, "send");
		if (i % PAUSE_EVERY == 0)
			answers += drain(&w);
	}
	printf("%lu frames sent, %lu answers\n", count, answers + drain(&w));
	return 0;
}
