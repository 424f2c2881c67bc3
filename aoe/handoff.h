/* handoff.h: frames that came to a worker which does not own their export.
 * The kernel gives frames to owners as far as its program can tell exports
 * apart (steer.h); the rest is reached through this: one ring from each worker
 * to each other, written by one thread and read by one.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_HANDOFF_H
#define AOE_HANDOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct handoff;

/* A ring of `slots` (a power of two) frames of at most `size` bytes.  NULL
 * with errno. */
struct handoff *handoff_new(unsigned slots, size_t size);
void	handoff_free(struct handoff *);

/* Writer: append a copy, with the interface it came in by.  False if the
 * ring is full or the frame too long; the frame is then lost. */
bool	handoff_put(struct handoff *, unsigned iface, const uint8_t *,
	    size_t len);

/* Reader: copy the oldest into buf, of the ring's frame size, and take it
 * out.  Its length, or 0 if there is none. */
size_t	handoff_get(struct handoff *, unsigned *iface, uint8_t *buf);

/* Reader: is there one? */
bool	handoff_any(const struct handoff *);

#endif
