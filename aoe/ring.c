/* ring.c: frames by memory that is shared with the kernel (packet(7),
 * PACKET_RX_RING, TPACKET_V2).
 *
 * In: a packet socket.  Out: its frames, in the order in which they came.  A
 * frame of the interface's MTU lies whole in a slot of the ring: to take it
 * costs no system call, and nothing is left for the worker to release.  Of one
 * that is longer, because the MTU has been raised since, the slot has the
 * beginning, and says that all of it waits at the socket
 * (PACKET_COPY_THRESH).
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "frame.h"
#include "net.h"
#include "ring.h"

#define MARK_AT		6	/* behind the receiver's address */
#define BLOCK		65536	/* of memory that lies together */
#define KERNEL_WORDS	96	/* of a slot, at most */
#define LINE		64	/* bytes that a processor caches together */
#define MTU_MOST	9216	/* frames of a larger one wait at the socket */
#define BLOCKS_LEAST	288	/* of an interface: 18 MiB ... */
#define BLOCKS_MOST	608	/* ... to 38, 4256 slots for an MTU of 9000 */
#define SLOTS_MOST	8192	/* of an interface, if they are short */
#define SLOTS_LEAST	512	/* of one socket, whatever their number */

static_assert(LINE % TPACKET_ALIGNMENT == 0, "as the kernel wants it");

static size_t
clamp(size_t n, size_t least, size_t most)
{
	return n < least ? least : n > most ? most : n;
}

void
ring_shape(struct ring *g, unsigned mtu, size_t frames, size_t shares)
{
	size_t in_block, n;

	if (mtu > MTU_MOST)
		mtu = MTU_MOST;
	g->slot = (KERNEL_WORDS + ETHER_HDR_LEN + mtu + LINE - 1) / LINE * LINE;
	in_block = BLOCK / g->slot;
	n = clamp(frames, BLOCKS_LEAST * in_block, BLOCKS_MOST * in_block);
	if (n > SLOTS_MOST)
		n = SLOTS_MOST;
	n /= shares;
	if (n < SLOTS_LEAST)
		n = SLOTS_LEAST;
	g->blocks = (unsigned)((n + in_block - 1) / in_block);
}

int
ring_open(int fd, unsigned mtu, size_t frames, size_t shares)
{
	int version = TPACKET_V2, on = 1;
	struct ring g;
	struct tpacket_req req;

	ring_shape(&g, mtu, frames, shares);
	req = (struct tpacket_req){
		.tp_block_size = BLOCK,
		.tp_block_nr = g.blocks,
		.tp_frame_size = g.slot,
		.tp_frame_nr = g.blocks * (BLOCK / g.slot),
	};
	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version,
	    sizeof(version)) == -1 ||
	    setsockopt(fd, SOL_PACKET, PACKET_COPY_THRESH, &on,
	    sizeof(on)) == -1)
		return -1;
	return setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req));
}

static size_t
bytes_of(const struct ring *g)
{
	return (size_t)g->blocks * BLOCK;
}

int
ring_map(struct ring *g, int fd, unsigned mtu, size_t frames, size_t shares)
{
	void *m;

	ring_shape(g, mtu, frames, shares);
	g->next = 0;
	m = mmap(NULL, bytes_of(g), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)	/* EINVAL: there is nothing to be mapped */
		return errno == EINVAL ? 0 : -1;
	g->slots = m;
	return 0;
}

void
ring_unmap(struct ring *g)
{
	if (g->slots != NULL)
		munmap(g->slots, bytes_of(g));
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
slot_next(const struct ring *g)
{
	return (struct tpacket2_hdr *)(void *)(g->slots + g->next);
}

/* Slots lie side by side, but never across the end of a block. */
static void
step(struct ring *g)
{
	g->next += g->slot;
	if (g->next % BLOCK + g->slot > BLOCK)
		g->next = (g->next / BLOCK + 1) * BLOCK;
	if (g->next == bytes_of(g))
		g->next = 0;
}

static _Atomic uint32_t *
status_of(struct tpacket2_hdr *h)
{
	return (_Atomic uint32_t *)(void *)&h->tp_status;
}

static enum slot
slot_look(const struct ring *g, struct tpacket2_hdr *h)
{
	uint32_t status;

	status = atomic_load_explicit(status_of(h), memory_order_acquire);
	if (!(status & TP_STATUS_USER))
		return SLOT_EMPTY;
	if (status & TP_STATUS_COPY)
		return SLOT_QUEUED;
	/* A filter cuts frames as well, but to less than a slot. */
	if (h->tp_snaplen < h->tp_len && h->tp_mac + h->tp_snaplen >= g->slot)
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
		return NET_CUT;
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
		h = slot_next(g);
		if ((what = slot_look(g, h)) == SLOT_EMPTY)
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
		step(g);
	}
	if (queued > 0)
		fetch(fd, b, q, queued);
	return (int)i;
}
