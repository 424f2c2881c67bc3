/* order.c: the order in which the requests of one export take effect.
 * A list by arrival; the requests in flight of one export are few enough
 * (buffers=, twice at most) for a walk to be cheaper than any tree.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stddef.h>

#include "order.h"

void
order_init(struct order *o)
{
	TAILQ_INIT(&o->list);
	o->waiting = 0;
}

/* Must `later` wait until `earlier` has taken effect? */
static bool
must_wait(const struct order_item *earlier, const struct order_item *later)
{
	if (earlier->kind == ORDER_FLUSH)
		return false;
	if (later->kind == ORDER_FLUSH)
		return earlier->kind == ORDER_WRITE;
	if (earlier->kind == ORDER_READ && later->kind == ORDER_READ)
		return false;
	return earlier->lba < later->lba + later->count &&
	    later->lba < earlier->lba + earlier->count;
}

/* Is one that came before `item` in its way? */
static bool
is_held(const struct order *o, const struct order_item *item)
{
	const struct order_item *i;

	for (i = TAILQ_FIRST(&o->list); i != item; i = TAILQ_NEXT(i, link))
		if (must_wait(i, item))
			return true;
	return false;
}

bool
order_add(struct order *o, struct order_item *item)
{
	TAILQ_INSERT_TAIL(&o->list, item, link);
	item->waiting = is_held(o, item);
	if (item->waiting)
		o->waiting++;
	return !item->waiting;
}

void
order_remove(struct order *o, struct order_item *item)
{
	if (item->waiting)
		o->waiting--;
	TAILQ_REMOVE(&o->list, item, link);
}

struct order_item *
order_next(struct order *o)
{
	struct order_item *i;

	if (o->waiting == 0)
		return NULL;
	TAILQ_FOREACH(i, &o->list, link)
		if (i->waiting && !is_held(o, i)) {
			i->waiting = false;
			o->waiting--;
			return i;
		}
	return NULL;
}
