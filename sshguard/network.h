/* network.h: addresses and networks, IPv4 and IPv6.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_NETWORK_H
#define BACKSHELF_SSHGUARD_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#define NETWORK_TEXT	52	/* room for any network as text */

/* One address or network; IPv4 ones are kept as ::ffff:a.b.c.d. */
struct network {
	uint8_t		addr[16];
	unsigned	bits;		/* 0 to 128, of addr */
};

/* "192.0.2.7", "192.0.2.0/24", "2001:db8::/32".  Bits behind the prefix must
 * be zero.  0, or -1. */
int	network_parse(const char *, struct network *);

/* Is the address in it?  What is no address is not. */
bool	network_has(const struct network *, const char *address);

/* The same text as network_parse takes. */
void	network_format(const struct network *, char buf[NETWORK_TEXT]);

#endif
