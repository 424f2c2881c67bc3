/* conform.h: a target asked clause by clause whether it does as AoEr11 says.
 *
 * A clause is a function that sends messages to the target and judges what
 * comes back.  It leaves the target as it found it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef CONFORM_H
#define CONFORM_H

#include <stdarg.h>

#include "tests/initiator/session.h"

enum verdict {
	OK,
	NOT_OK,
	NA		/* optional, and not there */
};

/* Two clients, each with an address of its own. */
enum { ME = 0, OTHER = 1 };

struct conform {
	struct wire	wire[2];
	struct target	to;
	int		wait_ms;	/* for an answer, of each of TRIES */
	uint32_t	tag;

	/* The message being made, and the last answer. */
	uint8_t		out[WIRE_MAX];
	size_t		len;
	uint8_t		in[WIRE_MAX];
	struct aoe	got;		/* … taken apart; body in in[] */

	char		saw[160];	/* what the clause has seen */

	/* Of the target, learnt before the first clause. */
	unsigned	sectors;	/* that one message may carry */
	uint64_t	capacity;
};

struct clause {
	const char	*section;	/* of AoEr11 */
	const char	*what;
	enum verdict	(*check)(struct conform *);
};

/* The chapters; each ends with an empty clause. */
extern const struct clause header_clauses[], ata_clauses[],
    config_clauses[], mask_clauses[], reserve_clauses[];

/* Begin a message of a client's to the target: a header, and no arguments. */
void	begin(struct conform *, unsigned who, uint8_t command);

/* Append to it. */
void	put_byte(struct conform *, uint8_t);
void	put_bytes(struct conform *, const void *, size_t);
void	put_zeros(struct conform *, size_t);

/* Send it until it is answered.  False if it is not, and saw says so. */
bool	answered(struct conform *, unsigned who);

/* Send it once.  True if nobody answers; saw says. */
bool	silent(struct conform *, unsigned who);

/* Send it: is it refused with this AoE error, and only with that? */
enum verdict refused(struct conform *, unsigned who, unsigned error);

/* Send it: is it answered without an AoE error? */
bool	accepted(struct conform *, unsigned who);

/* Note what was seen.  The verdict is for the caller to return. */
enum verdict saw(struct conform *, enum verdict, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/* What was wrong stands in saw already. */
enum verdict ok_if(bool);

/* ata.c: an ATA command without data; the registers that come back, or false
 * with saw set. */
bool	ata_do(struct conform *, unsigned who, const struct ata *,
	    struct ata *back);

/* ata.c: learn the target's capacity and limits.  False with saw set. */
bool	target_learn(struct conform *);

#endif
