/* maclist.h: a short list of Ethernet addresses, as AoE's mask and reserve
 * lists are: their number travels in one byte.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_MACLIST_H
#define AOE_MACLIST_H

#include <stdbool.h>
#include <stdint.h>

#define MACLIST_MAX	255

/* Zero-initialise: empty. */
struct maclist {
	unsigned	n;
	uint64_t	v[MACLIST_MAX];		/* in the order given */
};

bool	maclist_has(const struct maclist *, uint64_t mac);

/* Append.  False if it has `max` addresses, or MACLIST_MAX. */
bool	maclist_add(struct maclist *, unsigned max, uint64_t mac);

/* Take it out wherever it stands; what is not there is no error. */
void	maclist_remove(struct maclist *, uint64_t mac);

/* The same addresses in the same order? */
bool	maclist_equal(const struct maclist *, const struct maclist *);

#endif
