/* view.c: finding the export that answers a frame.
 * A hash for the frames with an address, whose cost does not depend on how
 * many exports there are; the same entries sorted by client for discovery.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "frame.h"
#include "mac.h"
#include "net.h"
#include "view.h"

static uint32_t
key_hash(unsigned iface, uint64_t mac, uint32_t address)
{
	uint64_t h = (mac ^ (uint64_t)address << 40 ^ address) *
	    UINT64_C(0x9e3779b97f4a7c15);

	h ^= (uint64_t)iface * UINT64_C(0xc2b2ae3d27d4eb4f);
	h ^= h >> 29;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(h >> 32);
}

static int
entry_cmp(const void *va, const void *vb)
{
	const struct view_entry *a = va, *b = vb;

	if (a->iface != b->iface)
		return a->iface < b->iface ? -1 : 1;
	if (a->mac != b->mac)
		return a->mac < b->mac ? -1 : 1;
	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return 0;
}

static size_t
entries_count(struct export *const *ex, size_t n)
{
	size_t i, sum = 0;

	for (i = 0; i < n; i++)
		sum += ex[i]->nifaces * ex[i]->row.nmacs;
	return sum;
}

static void
entries_fill(struct view *v)
{
	struct export *e;
	size_t i, f, m, n = 0;

	for (i = 0; i < v->nexports; i++) {
		e = v->exports[i];
		for (f = 0; f < e->nifaces; f++)
			for (m = 0; m < e->row.nmacs; m++)
				v->entries[n++] = (struct view_entry){
					.mac = e->row.macs[m],
					.iface = e->ifaces[f]->id,
					.address = (uint32_t)e->row.shelf << 8 |
					    e->row.slot,
					.export = e,
				};
	}
	v->nentries = n;
	if (n > 0)
		qsort(v->entries, n, sizeof(*v->entries), entry_cmp);
}

static void
hash_fill(struct view *v)
{
	const struct view_entry *e;
	uint32_t i, h;

	for (i = 0; i < v->nentries; i++) {
		e = &v->entries[i];
		h = key_hash(e->iface, e->mac, e->address) & v->mask;
		while (v->hash[h] != 0)
			h = (h + 1) & v->mask;
		v->hash[h] = i + 1;
	}
}

/* A copy of an array that may be empty, at least one element large. */
static void *
array_copy(const void *from, size_t n, size_t size)
{
	void *to;

	if ((to = calloc(n + 1, size)) != NULL && n > 0)
		memcpy(to, from, n * size);
	return to;
}

struct view *
view_new(uint64_t epoch, struct export *const *exports, size_t nexports,
    struct iface *const *ifaces, size_t nifaces)
{
	struct view *v;
	size_t n = entries_count(exports, nexports), slots = 8;

	while (slots < 2 * n)
		slots *= 2;
	if ((v = calloc(1, sizeof(*v))) == NULL)
		return NULL;
	v->epoch = epoch;
	v->nexports = nexports;
	v->nifaces = nifaces;
	v->mask = (uint32_t)(slots - 1);
	v->exports = array_copy(exports, nexports, sizeof(*exports));
	v->ifaces = array_copy(ifaces, nifaces, sizeof(*ifaces));
	v->entries = calloc(n + 1, sizeof(*v->entries));
	v->hash = calloc(slots, sizeof(*v->hash));
	if (v->exports == NULL || v->ifaces == NULL || v->entries == NULL ||
	    v->hash == NULL) {
		view_free(v);
		errno = ENOMEM;
		return NULL;
	}
	entries_fill(v);
	hash_fill(v);
	return v;
}

void
view_free(struct view *v)
{
	if (v == NULL)
		return;
	free(v->exports);
	free(v->ifaces);
	free(v->entries);
	free(v->hash);
	free(v);
}

static struct export *
find_exact(const struct view *v, unsigned iface, uint64_t mac,
    uint32_t address)
{
	const struct view_entry *e;
	uint32_t h = key_hash(iface, mac, address) & v->mask;

	for (; v->hash[h] != 0; h = (h + 1) & v->mask) {
		e = &v->entries[v->hash[h] - 1];
		if (e->mac == mac && e->address == address &&
		    e->iface == iface)
			return e->export;
	}
	return NULL;
}

struct export *
view_find(const struct view *v, unsigned iface, uint64_t mac, uint16_t shelf,
    uint8_t slot)
{
	uint32_t address = (uint32_t)shelf << 8 | slot;
	struct export *e;

	if ((e = find_exact(v, iface, mac, address)) == NULL)
		e = find_exact(v, iface, MAC_ANY, address);
	return e;
}

/* The first entry of an interface and MAC, or where it would stand. */
static size_t
first_of(const struct view *v, unsigned iface, uint64_t mac)
{
	struct view_entry key = { .iface = iface, .mac = mac };
	size_t lo = 0, hi = v->nentries, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (entry_cmp(&v->entries[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
address_fits(uint32_t address, uint16_t shelf, uint8_t slot)
{
	return (shelf == AOE_SHELF_ANY || shelf == address >> 8) &&
	    (slot == AOE_SLOT_ANY || slot == (address & 0xff));
}

/* The iterator is an index into the client's own entries, shifted, with a 1
 * in the low bit once it walks those for all. */
struct export *
view_next(const struct view *v, size_t *it, unsigned iface, uint64_t mac,
    uint16_t shelf, uint8_t slot)
{
	const struct view_entry *e;
	uint64_t whose;
	size_t i;
	bool shared;

	for (;;) {
		shared = (*it & 1) != 0;
		whose = shared ? MAC_ANY : mac;
		i = first_of(v, iface, whose) + (*it >> 1);
		if (i >= v->nentries || v->entries[i].iface != iface ||
		    v->entries[i].mac != whose) {
			if (shared)
				return NULL;
			*it = 1;
			continue;
		}
		*it += 2;
		e = &v->entries[i];
		if (!address_fits(e->address, shelf, slot))
			continue;
		/* One that names the client stands before one for all. */
		if (shared && find_exact(v, iface, mac, e->address) != NULL)
			continue;
		return e->export;
	}
}
