/* ring.c: short frames by memory that is shared with the kernel (packet(7),
 * PACKET_RX_RING, TPACKET_V2).
 *
 * In: a packet socket.  Out: its frames, in the order in which they came.
 * Requests that carry no data, reads above all, lie whole in a slot of the
 * ring: to take one costs no system call, and the kernel needs no memory for
 * it.  Of a longer frame the slot has the beginning, and says that all of it
 * waits at the socket (PACKET_COPY_THRESH): so the slots stay small, many, and
 * in the processor's cache.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "frame.h"
#include "net.h"
#include "ring.h"

#define SLOT		RING_SLOT
#define MARK_AT		6	/* behind the receiver's address */
#define BLOCK		65536	/* of memory that lies together */
#define SLOTS_SUM	16384	/* of an interface; of one socket … */
#define SLOTS_MOST	8192	/* … twice what a thousand clients send at
				 * once, in 2 MiB */
#define SLOTS_LEAST	1024

static_assert(BLOCK % SLOT == 0 && SLOTS_LEAST * SLOT % BLOCK == 0,
    "the slots of all blocks lie side by side");
static_assert(SLOT % TPACKET_ALIGNMENT == 0, "as the kernel wants it");

static unsigned
slots_of(size_t shares)
{
	unsigned n = SLOTS_MOST;

	while (n > SLOTS_LEAST && n * shares > SLOTS_SUM)
		n /= 2;
	return n;
}

int
ring_open(int fd, size_t shares)
{
	int version = TPACKET_V2, on = 1;
	struct tpacket_req req = {
		.tp_block_size = BLOCK,
		.tp_frame_size = SLOT,
		.tp_frame_nr = slots_of(shares),
	};

	req.tp_block_nr = req.tp_frame_nr / (BLOCK / SLOT);
	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version,
	    sizeof(version)) == -1 ||
	    setsockopt(fd, SOL_PACKET, PACKET_COPY_THRESH, &on,
	    sizeof(on)) == -1)
		return -1;
	return setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req));
}

int
ring_map(struct ring *g, int fd, size_t shares)
{
	unsigned n = slots_of(shares);
	void *m;

	m = mmap(NULL, (size_t)n * SLOT, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (m == MAP_FAILED)	/* EINVAL: there is nothing to be mapped */
		return errno == EINVAL ? 0 : -1;
	g->slots = m;
	g->n = n;
	g->next = 0;
	return 0;
}

void
ring_unmap(struct ring *g)
{
	if (g->slots != NULL)
		munmap(g->slots, (size_t)g->n * SLOT);
	g->slots = NULL;
}

/* What to do with a slot. */
enum slot {
	SLOT_EMPTY,
	SLOT_WHOLE,		/* the frame is in it */
	SLOT_QUEUED,		/* … waits at the socket */
	SLOT_LOST		/* … had no room there */
};

static struct tpacket2_hdr *
slot_at(const struct ring *g, unsigned i)
{
	return (struct tpacket2_hdr *)(void *)(g->slots +
	    (size_t)(i & (g->n - 1)) * SLOT);
}

static _Atomic uint32_t *
status_of(struct tpacket2_hdr *h)
{
	return (_Atomic uint32_t *)(void *)&h->tp_status;
}

static enum slot
slot_look(struct tpacket2_hdr *h)
{
	uint32_t status;

	status = atomic_load_explicit(status_of(h), memory_order_acquire);
	if (!(status & TP_STATUS_USER))
		return SLOT_EMPTY;
	if (status & TP_STATUS_COPY)
		return SLOT_QUEUED;
	/* A filter cuts frames as well, but to less than a slot. */
	if (h->tp_snaplen < h->tp_len && h->tp_mac + h->tp_snaplen >= SLOT)
		return SLOT_LOST;
	return SLOT_WHOLE;
}

/* It is the kernel's again. */
static void
slot_return(struct tpacket2_hdr *h)
{
	atomic_store_explicit(status_of(h), TP_STATUS_KERNEL,
	    memory_order_release);
}

static unsigned
slot_copy(const struct tpacket2_hdr *h, const struct iovec *to)
{
	size_t n = h->tp_snaplen;

	if (n > to->iov_len)
		n = to->iov_len;
	memcpy(to->iov_base, (const uint8_t *)h + h->tp_mac, n);
	return (unsigned)n;
}

/* A frame that waits at the socket: which buffer it is for, and of its slot
 * the bytes that tell it from others: sender, address, command, tag. */
struct queued {
	unsigned	place;
	uint8_t		mark[FRAME_HEADER - MARK_AT];
};

/* The socket's frames are in the order of the slots.  Should that ever not be
 * so, which no kernel does, none of them may take effect: what waits is thrown
 * away, as a network would that is too busy, and clients ask again. */
static void
throw_away(int fd, struct net_batch *b, const struct queued *q, unsigned n)
{
	uint8_t byte;

	while (n > 0)
		b->len[q[--n].place] = NET_CUT;
	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) != -1 ||
	    errno == EINTR || errno == ENETDOWN)
		;
}

/* Fetch the frames of these slots from the socket, where they are by now. */
static void
fetch(int fd, struct net_batch *b, const struct queued *q, unsigned n)
{
	const uint8_t *frame;
	unsigned i, done = 0;
	int got;

	while (done < n) {
		for (i = done; i < n; i++)
			net_prepare(b, i, q[i].place);
		got = recvmmsg(fd, b->msg + done, n - done, MSG_DONTWAIT,
		    NULL);
		/* The interface's going down is said once, ahead of them. */
		if (got == -1 && errno != EINTR && errno != ENETDOWN)
			break;
		for (; got > 0; got--, done++)
			b->len[q[done].place] = net_length(&b->msg[done]);
	}
	for (i = 0; i < done; i++) {
		frame = b->iov[q[i].place].iov_base;
		if (memcmp(frame + MARK_AT, q[i].mark,
		    sizeof(q[i].mark)) != 0)
			break;
	}
	if (i < n)
		throw_away(fd, b, q + i, n - i);
}

int
ring_receive(struct ring *g, int fd, struct net_batch *b, unsigned n)
{
	struct queued q[NET_BATCH];
	unsigned queued = 0, i = 0;
	struct tpacket2_hdr *h;
	enum slot what;

	while (i < n) {
		h = slot_at(g, g->next);
		if ((what = slot_look(h)) == SLOT_EMPTY)
			break;
		if (what == SLOT_WHOLE) {
			b->len[i] = slot_copy(h, &b->iov[i]);
			i++;
		} else if (what == SLOT_QUEUED) {
			memcpy(q[queued].mark, (uint8_t *)h + h->tp_mac +
			    MARK_AT, sizeof(q[queued].mark));
			q[queued++].place = i++;
		}
		slot_return(h);
		g->next++;
	}
	if (queued > 0)
		fetch(fd, b, q, queued);
	return (int)i;
}
