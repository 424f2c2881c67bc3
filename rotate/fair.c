/* fair.c: who gives how much if room has to be made.  Pure.
 *
 * Fair is that histories end up equally long: a client that keeps (or was
 * flooded with) more than the others gives before they do.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>

#include "fair.h"

/* What a client has left to give. */
struct rest {
	uint64_t	bytes;
	uint64_t	inodes;
};

static struct rest
rest_of(const struct fair *f)
{
	struct rest r = { 0, 0 };
	size_t i;

	for (i = f->taken; i < f->n; i++) {
		r.bytes += f->gain[i].bytes;
		r.inodes += f->gain[i].inodes;
	}
	return r;
}

uint64_t
fair_limit(struct fair *f, uint64_t total, uint64_t limit)
{
	uint64_t rest = rest_of(f).bytes, gain;

	/* Where nothing is to be gained any more, nothing goes. */
	while (total > limit && rest != 0) {
		gain = f->gain[f->taken++].bytes;
		rest -= gain;
		total -= gain < total ? gain : total;
	}
	return total;
}

/* Whose turn it is; n if nobody has what is wanted. */
static size_t
next_giver(const struct fair *v, const struct rest *rest, size_t n,
    bool bytes)
{
	uint64_t gain, most = 0;
	size_t i, left, longest = 0, who = n;

	for (i = 0; i < n; i++) {
		gain = bytes ? rest[i].bytes : rest[i].inodes;
		left = v[i].n - v[i].taken;
		if (gain == 0 || left < longest ||
		    (left == longest && gain <= most))
			continue;
		longest = left;
		most = gain;
		who = i;
	}
	return who;
}

bool
fair_gain(struct fair *v, size_t n, uint64_t bytes, uint64_t inodes)
{
	const struct sweep_share *g;
	struct rest *rest;
	size_t i;

	if ((rest = calloc(n + 1, sizeof(*rest))) == NULL)
		return false;
	for (i = 0; i < n; i++)
		rest[i] = rest_of(&v[i]);
	while (bytes != 0 || inodes != 0) {
		if ((i = next_giver(v, rest, n, bytes != 0)) == n)
			break;
		g = &v[i].gain[v[i].taken++];
		rest[i].bytes -= g->bytes;
		rest[i].inodes -= g->inodes;
		bytes -= g->bytes < bytes ? g->bytes : bytes;
		inodes -= g->inodes < inodes ? g->inodes : inodes;
	}
	free(rest);
	return bytes == 0 && inodes == 0;
}
