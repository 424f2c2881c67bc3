/* view.h: what is served now, as the workers see it: an immutable snapshot
 * that is replaced whole.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_VIEW_H
#define AOE_VIEW_H

#include <stddef.h>
#include <stdint.h>

struct export;
struct iface;

/* One thing that is answered: this export, on this interface, to this
 * client. */
struct view_entry {
	uint64_t	 mac;		/* MAC_ANY: to every other client */
	unsigned	 iface;		/* its id */
	uint32_t	 address;	/* shelf << 8 | slot */
	struct export	*export;
};

struct view {
	uint64_t		 epoch;		/* grows with every view */
	struct export		**exports;
	size_t			 nexports;
	struct iface		**ifaces;
	size_t			 nifaces;
	struct view_entry	*entries;	/* by iface, MAC, address */
	size_t			 nentries;
	uint32_t		*hash;		/* 1 + index of an entry; 0 */
	uint32_t		 mask;
};

/* Make a view of these exports, each with its ifaces filled in, and of these
 * interfaces.  The arrays are copied, what they point to is borrowed for the
 * view's life.  NULL with errno. */
struct view *view_new(uint64_t epoch, struct export *const *, size_t nexports,
	    struct iface *const *, size_t nifaces);
void	view_free(struct view *);

/* Which export answers this client at this address: the one that names its
 * MAC before the one for all.  NULL if none does. */
struct export *view_find(const struct view *, unsigned iface, uint64_t mac,
	    uint16_t shelf, uint8_t slot);

/* Walk all exports that this client may use whose address fits shelf and slot
 * (AOE_SHELF_ANY and AOE_SLOT_ANY fit all).  *it is 0 at first.  NULL at the
 * end. */
struct export *view_next(const struct view *, size_t *it, unsigned iface,
	    uint64_t mac, uint16_t shelf, uint8_t slot);

#endif
