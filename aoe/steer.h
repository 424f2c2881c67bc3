/* steer.h: which worker gets a frame.
 *
 * Input: the rows that are served.  Promise: the kernel gives each frame to
 * the worker that has its export, as far as a program of 256 places can tell
 * exports apart, and exports are spread evenly; what goes astray is handed
 * over by the worker that gets it.
 *
 * A frame's place is a hash of its address and its sender.  What is served to
 * anybody has its place by the address alone.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_STEER_H
#define AOE_STEER_H

#include <linux/filter.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table.h"

#define STEER_PLACES	256
#define STEER_ANYBODY	64	/* addresses known to be anybody's */

struct steer {
	unsigned	nworkers;
	uint8_t		worker[STEER_PLACES];	/* that has the place */
	bool		taken[STEER_PLACES];	/* by an export */
	bool		by_address;	/* nobody has rows of his own */
	unsigned	nanybody;
	uint32_t	anybody[STEER_ANYBODY];	/* shelf << 8 | slot */
};

/* One row that is served, and the worker that has it. */
struct steered {
	const struct row *row;
	unsigned	 owner;
};

#define STEER_WORKERS_MAX	256	/* a place is a byte */

/* Lay out the places for these exports; one whose place is taken already by
 * another worker's goes astray.  nworkers is 1 to STEER_WORKERS_MAX. */
void	steer_plan(struct steer *, const struct steered *, size_t n,
	    unsigned nworkers);

/* The worker for a new row among those: the one that has its place, or the one
 * with the fewest exports. */
unsigned steer_choose(const struct row *, const struct steered *, size_t n,
	    unsigned nworkers);

/* The worker that a frame goes to: the same arithmetic as the program's. */
unsigned steer_worker(const struct steer *, uint64_t mac, uint16_t shelf,
	    uint8_t slot);

#define STEER_PROGRAM	512	/* no program is longer */

/* The program for PACKET_FANOUT_DATA: a classic BPF program that sees a frame
 * from behind Ethernet's header on, and whose result is the worker.  How many
 * instructions. */
size_t	steer_program(const struct steer *,
	    struct sock_filter prog[STEER_PROGRAM]);

#endif
