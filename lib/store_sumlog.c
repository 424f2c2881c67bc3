/* store_sumlog.c: the log of checksums, from bytes and to bytes (the format is
 * in store_sums.h).  Pure.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "store_sums.h"

#define HEAD	48		/* bytes before the entries */
#define SIGNED	32		/* of them before their checksum */
#define ENTRY	64
#define STEP	16		/* where a block may begin */
#define NSEC	1000000000

static const char magic[8] = "BSsums1\n";

_Static_assert(HEAD + SUMS_BLOCK * ENTRY == SUMS_BLOCK_MAX, "block size");
_Static_assert(HEAD % STEP == 0 && ENTRY % STEP == 0, "blocks stay aligned");

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static uint32_t
get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static void
put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static void
put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

/* The checksum of a block, over what stands before and behind it. */
static void
block_hash(const uint8_t *block, size_t n, uint8_t hash[SUM_SIZE])
{
	XXH128_hash_t h;

	h = XXH3_128bits_withSeed(block + HEAD, n * ENTRY,
	    XXH3_64bits(block, SIGNED));
	XXH128_canonicalFromHash((XXH128_canonical_t *)(void *)hash, h);
}

/* The number of entries of a good block at buf, or 0. */
static size_t
block_check(const uint8_t *buf, size_t len)
{
	uint8_t hash[SUM_SIZE];
	size_t n;

	if (len < HEAD + ENTRY || memcmp(buf, magic, sizeof(magic)) != 0)
		return 0;
	n = get32(buf + 8);
	if (n < 1 || n > SUMS_BLOCK || len - HEAD < n * ENTRY ||
	    get32(buf + 12) != 0 || get64(buf + 24) != 0)
		return 0;
	block_hash(buf, n, hash);
	return memcmp(hash, buf + SIGNED, sizeof(hash)) == 0 ? n : 0;
}

static void
entry_get(const uint8_t *p, int64_t since, struct sum *s)
{
	s->ino = get64(p);
	s->size = get64(p + 8);
	s->mtime = (int64_t)get64(p + 16);
	s->btime = (int64_t)get64(p + 24);
	s->mtime_ns = get32(p + 32);
	s->btime_ns = get32(p + 36);
	s->flags = get32(p + 40);
	s->since = since;
	memcpy(s->hash, p + 48, SUM_SIZE);
}

static void
entry_put(uint8_t *p, const struct sum *s)
{
	put64(p, s->ino);
	put64(p + 8, s->size);
	put64(p + 16, (uint64_t)s->mtime);
	put64(p + 24, (uint64_t)s->btime);
	put32(p + 32, s->mtime_ns);
	put32(p + 36, s->btime_ns);
	put32(p + 40, s->flags);
	put32(p + 44, 0);
	memcpy(p + 48, s->hash, SUM_SIZE);
}

size_t
sums_block(uint8_t *buf, const struct sum *v, size_t n)
{
	size_t i;

	memset(buf, 0, HEAD);
	memcpy(buf, magic, sizeof(magic));
	put32(buf + 8, (uint32_t)n);
	put64(buf + 16, (uint64_t)v[0].since);
	for (i = 0; i < n; i++)
		entry_put(buf + HEAD + i * ENTRY, &v[i]);
	block_hash(buf, n, buf + SIGNED);
	return HEAD + n * ENTRY;
}

static int
reserve(struct sums *s, size_t n)
{
	struct sum *more;
	size_t cap = s->cap == 0 ? SUMS_BLOCK : s->cap;

	while (cap - s->n < n)
		cap *= 2;
	if (cap == s->cap)
		return 0;
	if ((more = reallocarray(s->v, cap, sizeof(*more))) == NULL)
		return -1;
	s->v = more;
	s->cap = cap;
	return 0;
}

int
sums_parse(const uint8_t *buf, size_t len, struct sums *s)
{
	size_t pos = 0, n, i;
	int64_t since;

	while (pos < len) {
		if ((n = block_check(buf + pos, len - pos)) == 0) {
			s->lost += len - pos < STEP ? len - pos : STEP;
			pos += STEP;
			continue;
		}
		if (reserve(s, n) == -1)
			return -1;
		since = (int64_t)get64(buf + pos + 16);
		for (i = 0; i < n; i++)
			entry_get(buf + pos + HEAD + i * ENTRY, since,
			    &s->v[s->n++]);
		s->blocks++;
		pos += HEAD + n * ENTRY;
	}
	return 0;
}

static bool
same_birth(const struct sum *a, const struct sum *b)
{
	return a->btime == b->btime && a->btime_ns == b->btime_ns;
}

/* By inode, then snapshot; what came later stands behind. */
static int
order(const struct sum *a, const struct sum *b)
{
	if (a->ino != b->ino)
		return a->ino < b->ino ? -1 : 1;
	if (a->since != b->since)
		return a->since < b->since ? -1 : 1;
	return 0;
}

static int
order_cb(const void *a, const void *b)
{
	return order(a, b);
}

/* Of entries sorted so, leave out those that a later one of the same inode and
 * snapshot replaces.  Those of an earlier file of that number stay: of two
 * subvolumes, each gives its numbers out by itself. */
static void
drop_replaced(struct sums *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++) {
		if (n > 0 && order(&s->v[n - 1], &s->v[i]) == 0)
			n--;
		s->v[n++] = s->v[i];
	}
	s->n = n;
}

void
sums_sort(struct sums *s)
{
	/* Stable: of equal ones the later must stay behind. */
	if (s->n > 1 && mergesort(s->v, s->n, sizeof(*s->v), order_cb) == -1)
		s->n = 0;	/* out of memory: all is unknown */
	drop_replaced(s);
}

void
sum_of_file(struct sum *s, const struct statx *x)
{
	memset(s, 0, sizeof(*s));
	s->ino = x->stx_ino;
	s->size = x->stx_size;
	s->mtime = x->stx_mtime.tv_sec;
	s->mtime_ns = x->stx_mtime.tv_nsec;
	if ((x->stx_mask & STATX_BTIME) != 0 &&
	    x->stx_btime.tv_nsec < NSEC) {
		s->btime = x->stx_btime.tv_sec;
		s->btime_ns = x->stx_btime.tv_nsec;
	}
}

const struct sum *
sums_find(const struct sums *s, const struct statx *x, time_t snapshot)
{
	struct sum key;
	size_t lo = 0, hi = s->n, mid;
	const struct sum *e;

	sum_of_file(&key, x);
	key.since = snapshot;
	/* The last one that is not behind the key. */
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (order(&s->v[mid], &key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return NULL;
	e = &s->v[lo - 1];
	if (e->ino != key.ino || e->size != key.size ||
	    e->mtime != key.mtime || e->mtime_ns != key.mtime_ns ||
	    !same_birth(e, &key))
		return NULL;
	return e;
}

void
sums_free(struct sums *s)
{
	free(s->v);
	memset(s, 0, sizeof(*s));
}
