/* notify.h: telling systemd, or whoever else listens at $NOTIFY_SOCKET, how
 * the service does; sd_notify(3) has the protocol.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_NOTIFY_H
#define AOE_NOTIFY_H

#include <stddef.h>

struct notify {
	int	fd;		/* -1: nobody listens */
};

/* Connect to the socket that the environment names.  0, also where it names
 * none; -1 with errno. */
int	notify_open(struct notify *);

void	notify_close(struct notify *);

/* Send one message of lines "KEY=VALUE".  It never waits; what cannot be said
 * is lost. */
void	notify_send(const struct notify *, const char *text);

/* How often the manager wants to hear WATCHDOG=1 of this process,
 * milliseconds; 0: never. */
unsigned notify_watchdog_ms(void);

/* The same of what the two variables say; for a test. */
unsigned notify_watchdog_parse(const char *usec, const char *pid, long self);

#endif
