/* relay.h: what rsync says on descriptor 2, passed on to a client who may not
 * be listening.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_RELAY_H
#define BACKSHELF_SSHGUARD_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_BUF	16384

struct relay {
	int	 from;		/* read end of rsync's; -1: at its end */
	int	 to;		/* the client */
	unsigned patience;	/* seconds without the client reading, after
				 * which the rest is thrown away; 0: for ever */
	int64_t	 since;		/* ms; when the client last read */
	bool	 deaf;		/* it does not listen any more */
	size_t	 n;		/* bytes in buf */
	char	 buf[RELAY_BUF];
};

/* from becomes non-blocking; it and to are borrowed. */
void	relay_init(struct relay *, int from, int to, unsigned patience);

/* What to poll for: from in p[0], to in p[1]; with what is not wanted as -1.
 * How many ms until relay_move must be called whatever happens; -1: none. */
int	relay_poll(const struct relay *, struct pollfd p[2]);

/* Move what can be moved without waiting. */
void	relay_move(struct relay *, const struct pollfd p[2]);

/* rsync is gone: pass on what it left, for at most wait_ms. */
void	relay_finish(struct relay *, int wait_ms);

/* Milliseconds of the monotonic clock. */
int64_t	relay_now(void);

#endif
