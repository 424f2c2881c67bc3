/* policy.h: sshguard.conf(5), who may do what.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_POLICY_H
#define BACKSHELF_SSHGUARD_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"

#define POLICY_FILE	"/etc/backshelf/sshguard.conf"
#define POLICY_RSYNC	"/usr/bin/rsync"	/* unless configured */

/* One address or network; IPv4 ones are kept as ::ffff:a.b.c.d. */
struct network {
	uint8_t		addr[16];
	unsigned	bits;		/* 0 to 128, of addr */
};

/* What one client may do. */
struct policy_client {
	char		*name;
	bool		 push;		/* may add a snapshot */
	bool		 pull;		/* may read its own snapshots */
	bool		 sandbox;	/* refuse to run unconfined */
	int		 way;		/* enum store_way, or -1: the best */
	unsigned	 timeout;	/* seconds of silence; 0: no limit */
	struct network	*from;		/* n_from of them; none: anywhere */
	size_t		 n_from;
};

/* Zero-initialise; free with policy_free. */
struct policy {
	char			*root;	/* of the stores; absolute */
	char			*rsync;	/* program to run; absolute */
	char			*log;	/* file, absolute; NULL: only syslog */
	struct policy_client	*clients;
	size_t			 n;
};

/* Read a NUL-terminated text.  0, or -1 with every error in the list and
 * nothing in the policy: who has a broken policy has none. */
int	policy_parse(const char *text, struct policy *, struct diags *);
void	policy_free(struct policy *);

/* The entry of a client, or NULL: it is not named, and so it is refused. */
const struct policy_client	*policy_find(const struct policy *,
		    const char *name);

/* May the client come from this address?  NULL or what is not an address may
 * only where any address may. */
bool	policy_from(const struct policy_client *, const char *address);

/* "192.0.2.7", "192.0.2.0/24", "2001:db8::/32".  Bits behind the prefix must
 * be zero.  0, or -1. */
int	network_parse(const char *, struct network *);
bool	network_has(const struct network *, const char *address);

#endif
