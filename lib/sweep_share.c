/* sweep_share.c: what each of several trees has that those before it have not.
 *
 * The inodes that were seen are in a hash table of a fixed size, which threads
 * fill without a lock.  Should they not fit, the inodes are divided into parts
 * by their numbers and the trees gone through once for each part.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sweep_int.h"

#define PLACES		(1U << 22)	/* 32 MiB, of which half is used */
#define PARTS_MAX	(1U << 16)

uint64_t
scatter(uint64_t ino)
{
	ino ^= ino >> 32;
	ino *= UINT64_C(0x9e3779b97f4a7c15);
	return ino ^ ino >> 29;
}

int
inoset_add(struct inoset *set, uint64_t ino)
{
	uint64_t h = scatter(ino), there;
	size_t i = (size_t)(h >> 16);

	if ((h & (set->parts - 1)) != set->part)
		return 0;
	for (ino = ino == 0 ? UINT64_MAX : ino;; i++) {
		there = 0;
		if (atomic_compare_exchange_strong_explicit(
		    &set->v[i & (set->size - 1)], &there, ino,
		    memory_order_relaxed, memory_order_relaxed))
			break;
		if (there == ino)
			return 0;
	}
	if (atomic_fetch_add(&set->n, 1) < set->size / 2)
		return 1;
	atomic_store(&set->full, true);
	return -1;
}

/* Go through all trees for one part. */
static int
share_part(const struct sweep_item *items, size_t n,
    const struct sweep_opts *opts, struct inoset *set, struct sweep_share *v)
{
	struct sweep_result res;
	int errnum = 0;
	size_t i;

	memset(set->v, 0, set->size * sizeof(*set->v));
	atomic_store(&set->n, 0);
	for (i = 0; i < n; i++) {
		if (sweep_read(&items[i], 1, opts, set, NULL, &res) == -1 &&
		    errnum == 0)
			errnum = errno;
		if (res.stopped)
			break;
		v[i].bytes += res.bytes;
		v[i].inodes += res.inodes;
	}
	errno = errnum;
	return errnum == 0 ? 0 : -1;
}

int
sweep_shares(const struct sweep_item *items, size_t n,
    const struct sweep_opts *opts, struct sweep_share *v)
{
	struct inoset set = { .size = PLACES, .parts = 1 };
	int errnum = 0;

	if ((set.v = calloc(set.size, sizeof(*set.v))) == NULL)
		return -1;
again:
	atomic_store(&set.full, false);
	memset(v, 0, n * sizeof(*v));
	for (set.part = 0; set.part < set.parts; set.part++) {
		if (share_part(items, n, opts, &set, v) == -1 && errnum == 0)
			errnum = errno;
		if (atomic_load(&set.full) && set.parts < PARTS_MAX) {
			set.parts *= 2;
			errnum = 0;
			goto again;
		}
		if (errnum == EINTR)
			break;
	}
	free(set.v);
	errno = errnum;
	return errnum == 0 ? 0 : -1;
}
