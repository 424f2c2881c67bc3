/* plan.h: which snapshots of one client stay and which go, and why.
 * The rules are specified in rotate.conf(5), "HOW IT IS DECIDED".
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_PLAN_H
#define BACKSHELF_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "retention.h"
#include "store.h"
#include "strv.h"

/* A stamp that is further ahead of a clock than this comes from another time:
 * either the clock is wrong or the stamp is. */
#define PLAN_SLACK	(15 * 60)	/* seconds */

/* Silence that is worth a warning where neither age nor keep-within says. */
#define PLAN_SILENCE	(14 * 86400)	/* seconds */

#define PLAN_REASON	320	/* room for any reason */

/* What keeps a snapshot; several may. */
enum plan_why {
	PLAN_FUTURE	= 1 << 0,	/* it comes from the future */
	PLAN_NEWEST	= 1 << 1,	/* the newest complete one */
	PLAN_LATEST	= 1 << 2,	/* the newest of any status */
	PLAN_BASE	= 1 << 3,	/* an unfinished push stands on it */
	PLAN_FULL	= 1 << 4,	/* HOST.full points to it */
	PLAN_FOREIGN	= 1 << 5,	/* no record: not known to be ours */
	PLAN_AGE	= 1 << 6,
	PLAN_WITHIN	= 1 << 7,
	PLAN_COUNTED	= 1 << 8,	/* by a rule that counts: see nth */
	PLAN_PINNED	= 1 << 9	/* by the operator */
};

/* What no want of space removes. */
#define PLAN_ALWAYS	(PLAN_FUTURE | PLAN_NEWEST | PLAN_LATEST | PLAN_BASE | \
			    PLAN_FULL | PLAN_FOREIGN | PLAN_PINNED)

/* What drops a snapshot that the rules would keep. */
enum plan_want {
	PLAN_NO_WANT,
	PLAN_MAX_SIZE,		/* its client's store is too large */
	PLAN_MIN_FREE,		/* the file system has too little room */
	PLAN_MIN_INODES		/* or too few inodes */
};

#define PLAN_NONE	SIZE_MAX	/* no such snapshot */

/* The verdict on one snapshot. */
struct plan_line {
	unsigned		why;	/* enum plan_why; 0: it goes */
	unsigned		nth[RETENTION_NCOUNTS];	/* its place in what
					 * that rule keeps, from 1; 0: not */
	size_t			other;	/* the one that stands for it in
					 * `by`, or PLAN_NONE */
	enum retention_count	by;
	enum plan_want		want;	/* why is 0 because of that */
};

/* A client's plan; v[i] is the verdict on the i-th snapshot. */
struct plan {
	struct plan_line	*v;
	size_t			 n;
	size_t			 drops;		/* that go */
	size_t			 newest;	/* complete; or PLAN_NONE */
	size_t			 future;	/* that come from there */
	uint64_t		 ahead;		/* seconds, of the furthest */
	uint64_t		 silent;	/* seconds since the newest
						 * complete one, if that is
						 * worth a warning */
};

/* What is to be known of a client besides its snapshots. */
struct plan_facts {
	time_t			 now;
	const char		*base;	/* stamp an unfinished push needs, or
					 * "" */
	const char		*full;	/* stamp that HOST.full points to, or
					 * "" */
	const struct strv	*pins;	/* stamps; NULL: none */
};

/* Decide.  snaps: oldest first, no stamp twice.  It reads no clock and no
 * store.  0, to be freed with plan_free; or -1 with errno ENOMEM. */
int	plan_make(const struct snapshot *snaps, size_t n,
	    const struct retention *, const struct plan_facts *,
	    struct plan *);

/* The server's clock when a snapshot was made, as its record has it.  Its stamp
 * is later if that had to be later than another one's. */
time_t	plan_clock(const struct snapshot *);

/* The order in which a client's snapshots would go if room had to be made
 * (rotate.conf(5), "Want of space"): indices into snaps, the first to go first,
 * in `order`, which has room for all.  How many there are; the others never go.
 * 0 also if memory is short. */
size_t	plan_order(const struct plan *, const struct snapshot *snaps,
	    unsigned floor, size_t *order);

/* Drop a snapshot for want of space. */
void	plan_drop(struct plan *, size_t i, enum plan_want);

/* Does what an unfinished push left, last written to at `last`, go? */
bool	plan_push_goes(time_t last, const struct retention *, time_t now);

/* Is this one kept? */
bool	plan_keeps(const struct plan *, size_t i);

/* Why, in words: "newest complete, age 14 d, keep-daily 1/7". */
void	plan_reason(char buf[PLAN_REASON], const struct plan *, size_t i,
	    const struct snapshot *snaps, const struct retention *);

void	plan_free(struct plan *);

#endif
