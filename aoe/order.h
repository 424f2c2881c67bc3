/* order.h: the order in which the requests of one export take effect.
 * AoE has no session: a client that hears nothing sends a write again, and the
 * first may still be on its way.  So requests that overlap take effect in the
 * order in which they arrived, whatever the disk makes of them.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_ORDER_H
#define AOE_ORDER_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

enum order_kind {
	ORDER_READ,
	ORDER_WRITE,
	ORDER_FLUSH	/* after every write before it; holds up nobody */
};

/* To be embedded in a request. */
struct order_item {
	TAILQ_ENTRY(order_item)	 link;
	enum order_kind		 kind;
	uint64_t		 lba;
	unsigned		 count;		/* sectors */
	bool			 waiting;
};

struct order {
	TAILQ_HEAD(order_list, order_item) list;	/* by arrival */
	unsigned		 waiting;	/* of them may not start */
};

void	order_init(struct order *);

/* Append.  True if it may start now; false if it waits for an earlier one. */
bool	order_add(struct order *, struct order_item *);

/* Has taken effect (or failed): take it out. */
void	order_remove(struct order *, struct order_item *);

/* After a removal: one that waited and may start now, its mark taken off, or
 * NULL.  Call until it says NULL. */
struct order_item *order_next(struct order *);

#endif
