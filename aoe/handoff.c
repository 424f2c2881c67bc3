/* handoff.c: a ring of frames between two threads, without a lock.
 * Memory is touched only as far as the ring has ever been filled.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mman.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "handoff.h"

struct slot {
	unsigned	iface;
	uint32_t	len;
	uint8_t		frame[];
};

struct handoff {
	uint8_t			*slots;
	size_t			 stride;	/* bytes of a slot */
	size_t			 size;		/* of a frame */
	unsigned		 n;
	_Alignas(64) _Atomic unsigned head;	/* next to be written */
	_Alignas(64) _Atomic unsigned tail;	/* next to be read */
};

static struct slot *
slot_at(const struct handoff *h, unsigned i)
{
	return (struct slot *)(void *)(h->slots +
	    (size_t)(i & (h->n - 1)) * h->stride);
}

struct handoff *
handoff_new(unsigned slots, size_t size)
{
	struct handoff *h;
	void *p;

	h = aligned_alloc(64, sizeof(*h));
	if (h == NULL)
		return NULL;
	memset(h, 0, sizeof(*h));
	h->n = slots;
	h->size = size;
	h->stride = (sizeof(struct slot) + size + 63) & ~(size_t)63;
	p = mmap(NULL, h->stride * slots, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		free(h);
		return NULL;
	}
	h->slots = p;
	return h;
}

void
handoff_free(struct handoff *h)
{
	if (h == NULL)
		return;
	munmap(h->slots, h->stride * h->n);
	free(h);
}

bool
handoff_put(struct handoff *h, unsigned iface, const uint8_t *frame,
    size_t len)
{
	unsigned head = atomic_load_explicit(&h->head, memory_order_relaxed);
	unsigned tail = atomic_load_explicit(&h->tail, memory_order_acquire);
	struct slot *s;

	if (head - tail == h->n || len > h->size || len == 0)
		return false;
	s = slot_at(h, head);
	s->iface = iface;
	s->len = (uint32_t)len;
	memcpy(s->frame, frame, len);
	atomic_store_explicit(&h->head, head + 1, memory_order_release);
	return true;
}

size_t
handoff_get(struct handoff *h, unsigned *iface, uint8_t *buf)
{
	unsigned tail = atomic_load_explicit(&h->tail, memory_order_relaxed);
	struct slot *s;
	size_t len;

	if (!handoff_any(h))
		return 0;
	s = slot_at(h, tail);
	*iface = s->iface;
	len = s->len;
	memcpy(buf, s->frame, len);
	atomic_store_explicit(&h->tail, tail + 1, memory_order_release);
	return len;
}

bool
handoff_any(const struct handoff *h)
{
	return atomic_load_explicit(&h->head, memory_order_acquire) !=
	    atomic_load_explicit(&h->tail, memory_order_relaxed);
}
