/* client.h: one client's store in a rotation: looked at, decided on, acted on.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_CLIENT_H
#define BACKSHELF_CLIENT_H

#include "run.h"

/* Warn about a client: to stderr, to the log unless nothing is done anyway,
 * and for the report. */
void	client_warn(const struct run *, struct client *, const char *, ...)
	    __attribute__((format(printf, 3, 4)));

/* Open a client's store, with no more rights than its owner has until
 * client_close.  NULL: there is nothing to do, or a warning says why. */
struct store	*client_open(const struct run *, struct client *);
void		 client_close(struct store *);

/* Lock the store, decide, and take out what goes. */
void	client_rotate(struct run *, struct client *);

/* Drop some of what the rules keep: order[0..n), as plan_order gave them, of
 * which gain[] says what each would free. */
void	client_squeeze(struct run *, struct client *, const size_t *order,
	    size_t n, const struct sweep_share *gain, enum plan_want);

#endif
