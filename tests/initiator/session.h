/* session.h: what an initiator does with one target, for tests: find it, give
 * it a command, move sectors.  Whatever fails is said on stderr and ends the
 * program with the status below.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef INITIATOR_SESSION_H
#define INITIATOR_SESSION_H

#include "wire.h"

#define WINDOW_MAX	256	/* requests in flight */

/* Exit statuses; BS_USAGE and BS_IO for the rest. */
enum {
	EXIT_TIMEOUT	= 1,
	EXIT_ATA	= 2,
	EXIT_AOE	= 3
};

struct target {
	uint16_t	shelf;
	uint8_t		slot;
	uint8_t		mac[6];
};

struct init {
	struct wire	wire;
	struct target	to;
	unsigned	timeout_ms;	/* of a request, repetitions included */
	unsigned	retry_ms;	/* until the first repetition; 0: 250 */
	unsigned	window;		/* requests in flight; 0: as it says */
	unsigned	sectors;	/* per request; 0: as it says */
	bool		lba28;		/* commands without EXT */
	uint32_t	tag;		/* of the next request */
	unsigned long	sent, again;	/* frames, and those sent once more */
};

/* Write the header of a request to in->to: its tag, a new one. */
uint32_t request_put(struct init *, uint8_t *frame, uint8_t command);

/* Send one frame. */
void	transmit(struct init *, const uint8_t *frame, size_t len);

/* The next reply to anything, into buf (WIRE_MAX bytes), until now_ms() is
 * `due`.  False if none came. */
bool	receive(struct init *, uint8_t *buf, struct aoe *, int64_t due);

/* Send one request until it is answered; the reply is in buf, taken apart. */
void	ask(struct init *, const uint8_t *frame, size_t len, uint32_t tag,
	    uint8_t *buf, struct aoe *);

/* The same for an ATA command without data. */
void	ata_ask(struct init *, const struct ata *, uint8_t *buf, struct aoe *);

/* Learn the MAC and the limits of "SHELF.SLOT" into *in. */
void	target_find(struct init *, const char *address);

/* Move whole sectors between data and the target's from lba on. */
void	transfer(struct init *, bool write, uint64_t lba, uint64_t count,
	    uint8_t *data);

#endif
