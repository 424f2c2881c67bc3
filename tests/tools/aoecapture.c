/* aoecapture.c: what a target sends, into a file for tshark.
 *
 * usage: aoecapture FILE
 *
 * It listens to all interfaces of its network namespace and writes every AoE
 * answer that goes out there, until SIGTERM.  One that differs from an earlier
 * one in nothing but addresses, tag, LBA and sectors is not written again: to
 * a dissector it is the same.  "listening" on standard output says that it
 * has begun.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/socket.h>
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "exits.h"
#include "tests/initiator/wire.h"

#define KEEP	2048		/* bytes of a frame that are written */
#define SEEN	(1u << 18)	/* kinds of frames */

/* Of a capture file and of each frame in it: pcap-savefile(5). */
struct file_head {
	uint32_t	magic;
	uint16_t	major, minor;
	uint32_t	zone, accuracy, longest, link;
};

struct frame_head {
	uint32_t	seconds, micros, kept, length;
};

static volatile sig_atomic_t ended;

static void
on_term(int sig)
{
	(void)sig;
	ended = 1;
}

static int
tap_open(void)
{
	int fd, room = 64 << 20;

	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (fd == -1)
		err(BS_IO, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return fd;
}

/* Is this the first of its kind? */
static bool
is_new(const uint8_t *frame, size_t kept, size_t len)
{
	static uint64_t seen[SEEN];
	static unsigned used;
	uint8_t copy[KEEP];
	uint64_t h;
	uint32_t i;

	memcpy(copy, frame, kept);
	memset(copy, 0, 12);			/* addresses */
	memset(copy + 20, 0, 4);		/* tag */
	if (copy[19] == AOE_ATA && kept > WIRE_HEAD + WIRE_ATA) {
		memset(copy + 28, 0, 6);	/* LBA */
		kept = WIRE_HEAD + WIRE_ATA;
	}
	h = XXH64(copy, kept, len) | 1;
	for (i = (uint32_t)h % SEEN; seen[i] != 0; i = (i + 1) % SEEN)
		if (seen[i] == h)
			return false;
	if (used < SEEN / 2) {	/* it must never be full */
		seen[i] = h;
		used++;
	}
	return true;
}

static void
frame_write(FILE *f, const uint8_t *frame, size_t len)
{
	const size_t kept = len < KEEP ? len : KEEP;
	const struct frame_head h = { .kept = (uint32_t)kept,
	    .length = (uint32_t)len };

	if (!is_new(frame, kept, len))
		return;
	if (fwrite(&h, sizeof(h), 1, f) != 1 ||
	    fwrite(frame, kept, 1, f) != 1)
		err(BS_IO, "write");
}

/* Only what went out, and is an answer of AoE's. */
static void
take(FILE *f, int fd)
{
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	uint8_t frame[KEEP];
	ssize_t n;

	n = recvfrom(fd, frame, sizeof(frame), MSG_TRUNC,
	    (struct sockaddr *)&from, &size);
	if (n == -1 && errno != EINTR && errno != ENETDOWN)
		err(BS_IO, "receive");
	if (n >= WIRE_HEAD && from.sll_pkttype == PACKET_OUTGOING &&
	    from.sll_protocol == htons(0x88a2) && (frame[14] & AOE_RESPONSE))
		frame_write(f, frame, (size_t)n);
}

int
main(int argc, char **argv)
{
	const struct file_head head = { .magic = 0xa1b2c3d4, .major = 2,
	    .minor = 4, .longest = 65536, .link = 1 };
	struct sigaction sa = { .sa_handler = on_term };
	struct tpacket_stats st = { 0 };
	socklen_t len = sizeof(st);
	FILE *f;
	int fd;

	if (argc != 2) {
		fputs("usage: aoecapture file\n", stderr);
		return BS_USAGE;
	}
	if ((f = fopen(argv[1], "we")) == NULL ||
	    fwrite(&head, sizeof(head), 1, f) != 1)
		err(BS_IO, "%s", argv[1]);
	sigaction(SIGTERM, &sa, NULL);
	fd = tap_open();
	puts("listening");
	fflush(stdout);
	while (!ended)
		take(f, fd);
	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &st, &len) == 0 &&
	    st.tp_drops > 0)
		warnx("%u of %u frames were not seen", st.tp_drops,
		    st.tp_packets);
	if (fclose(f) != 0)
		err(BS_IO, "%s", argv[1]);
	return 0;
}
