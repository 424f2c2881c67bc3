/* maclist.c: a short list of Ethernet addresses.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>

#include "maclist.h"

bool
maclist_has(const struct maclist *l, uint64_t mac)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (l->v[i] == mac)
			return true;
	return false;
}

bool
maclist_add(struct maclist *l, unsigned max, uint64_t mac)
{
	if (l->n >= max || l->n >= MACLIST_MAX)
		return false;
	l->v[l->n++] = mac;
	return true;
}

void
maclist_remove(struct maclist *l, uint64_t mac)
{
	unsigned i, kept = 0;

	for (i = 0; i < l->n; i++)
		if (l->v[i] != mac)
			l->v[kept++] = l->v[i];
	l->n = kept;
}

bool
maclist_equal(const struct maclist *a, const struct maclist *b)
{
	return a->n == b->n &&
	    memcmp(a->v, b->v, a->n * sizeof(a->v[0])) == 0;
}
