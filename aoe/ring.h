/* ring.h: short frames by memory that is shared with the kernel.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_RING_H
#define AOE_RING_H

#include <stddef.h>
#include <stdint.h>

struct net_batch;

#define RING_SLOT	256	/* bytes, some 80 of them the kernel's words */

/* One socket's ring, in the process that reads it; zero: there is none. */
struct ring {
	uint8_t		*slots;		/* n of them */
	unsigned	 n;		/* a power of two */
	unsigned	 next;		/* to be looked at; it only grows */
};

/* Have a packet socket, one of `shares` that share the frames of an interface,
 * put what comes into a ring.  It must not be bound yet.  0, or -1 with errno:
 * it goes on without. */
int	ring_open(int fd, size_t shares);

/* Find the ring of such a socket, in whichever process.  Where it has none, the
 * struct stays zero.  0, or -1 with errno: what comes cannot be read. */
int	ring_map(struct ring *, int fd, size_t shares);
void	ring_unmap(struct ring *);

/* Take up to n frames, with the socket's descriptor for those that are too long
 * for a slot; as net_receive in all else. */
int	ring_receive(struct ring *, int fd, struct net_batch *, unsigned n);

#endif
