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
#include "hours.h"
#include "network.h"
#include "strv.h"

#define POLICY_FILE	"/etc/backshelf/sshguard.conf"
#define POLICY_RSYNC	"/usr/bin/rsync"	/* unless configured */

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
	struct hours	*hours;		/* n_hours of them; none: at any */
	size_t		 n_hours;
	unsigned	 interval;	/* seconds from one snapshot to the
					 * next; 0: any */
	uint64_t	 quota;		/* bytes of its store; 0: no limit */
	uint64_t	 quota_files;	/* files and folders; 0: no limit */
	unsigned	 bwlimit;	/* KiB a second; 0: no limit */
	unsigned	 sessions;	/* at a time; 0: any number */
	struct strv	 commands;	/* that it may also run, as written */
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

/* May it come at this minute of the day (0 to 1439)? */
bool	policy_hours(const struct policy_client *, unsigned minute);

#endif
