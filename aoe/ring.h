/* ring.h: frames by memory that is shared with the kernel.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_RING_H
#define AOE_RING_H

#include <stddef.h>
#include <stdint.h>

struct net_batch;

/* One socket's ring, in the process that reads it; zero: there is none. */
struct ring {
	uint8_t		*slots;
	unsigned	 slot;		/* bytes of one */
	unsigned	 blocks;	/* of 64 KiB, of slots side by side */
	size_t		 next;		/* to be looked at: where it begins */
};

/* The slots of a socket, one of `shares` that share the frames of an interface
 * of that MTU, of which `frames` are likely to come at once: ->slot and
 * ->blocks. */
void	ring_shape(struct ring *, unsigned mtu, size_t frames, size_t shares);

/* Have such a socket put what comes into a ring.  It must not be bound yet.
 * 0, or -1 with errno: it goes on without. */
int	ring_open(int fd, unsigned mtu, size_t frames, size_t shares);

/* Find the ring of a socket, in whichever process, by what it was opened with.
 * Where it has none, ->slots stays NULL.  0, or -1 with errno: what comes
 * cannot be read. */
int	ring_map(struct ring *, int fd, unsigned mtu, size_t frames,
	    size_t shares);
void	ring_unmap(struct ring *);

/* Take up to n frames, with the socket's descriptor for those that are too long
 * for a slot; as net_receive in all else. */
int	ring_receive(struct ring *, int fd, struct net_batch *, unsigned n);

#endif
