/* link.h: the machine's network interfaces, as the kernel tells of them and of
 * every change (rtnetlink(7)).
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_LINK_H
#define AOE_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link {
	unsigned	 index;		/* the kernel's */
	char		 name[IFNAMSIZ];
	unsigned	 type;		/* ARPHRD_ETHER … */
	uint64_t	 mac;
	unsigned	 mtu;
	bool		 up;		/* and its carrier is there */
	bool		 bridged;	/* a bridge takes what it receives */
};

/* What is known.  Belongs to one thread. */
struct links {
	int		 fd;		/* to be polled for reading */
	bool		 dumping;	/* the list is not whole yet */
	bool		 lost;		/* messages were, so ask again */
	struct link	*v;
	size_t		 n;
};

/* Ask for all interfaces and wait until they are known; later changes are
 * told.  0, or -1 with errno. */
int	links_open(struct links *);
void	links_close(struct links *);

/* Take what the kernel has told since.  True if anything may have changed. */
bool	links_read(struct links *);

/* The interface of that name, or NULL. */
const struct link *links_find(const struct links *, const char *name);

/* Does an interface of ours have this address? */
bool	links_own(const struct links *, uint64_t mac);

/* Why frames cannot be served on an interface of that name: a text into why,
 * such as "eth1: it is down"; "" if they can.  `down` says whether an
 * interface that is down is a reason. */
void	links_unfit(const struct links *, const char *name, bool down,
	    char *why, size_t size);

/* Apply messages of len bytes, as they come from the socket.  Pure but for
 * memory.  True if anything may have changed. */
bool	links_apply(struct links *, const void *, size_t len);

#endif
