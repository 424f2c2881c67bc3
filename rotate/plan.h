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

/* A stamp that is further ahead of the clock than this stops the rotation of
 * its client: either the clock is wrong or the stamp is. */
#define PLAN_SLACK	(15 * 60)	/* seconds */

/* Silence that is worth a warning where neither age nor keep-within says. */
#define PLAN_SILENCE	(14 * 86400)	/* seconds */

#define PLAN_REASON	320	/* room for any reason */

/* What keeps a snapshot; several may. */
enum plan_why {
	PLAN_CLOCK	= 1 << 0,	/* stamps from the future */
	PLAN_NEWEST	= 1 << 1,	/* the newest complete one */
	PLAN_LATEST	= 1 << 2,	/* the newest of any status */
	PLAN_BASE	= 1 << 3,	/* an unfinished push stands on it */
	PLAN_FULL	= 1 << 4,	/* HOST.full points to it */
	PLAN_FOREIGN	= 1 << 5,	/* no record: not known to be ours */
	PLAN_AGE	= 1 << 6,
	PLAN_WITHIN	= 1 << 7,
	PLAN_COUNTED	= 1 << 8	/* by a rule that counts: see nth */
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
};

/* A client's plan; v[i] is the verdict on the i-th snapshot. */
struct plan {
	struct plan_line	*v;
	size_t			 n;
	size_t			 drops;		/* that go */
	size_t			 newest;	/* complete; or PLAN_NONE */
	uint64_t		 ahead;		/* seconds that the newest
						 * stamp lies in the future, if
						 * more than PLAN_SLACK */
	uint64_t		 silent;	/* seconds since the newest
						 * complete one, if that is
						 * worth a warning */
};

/* What is to be known of a client besides its snapshots. */
struct plan_facts {
	time_t		 now;
	const char	*base;	/* stamp an unfinished push needs, or "" */
	const char	*full;	/* stamp that HOST.full points to, or "" */
};

/* Decide.  snaps: oldest first, no stamp twice.  It reads no clock and no
 * store.  0, to be freed with plan_free; or -1 with errno ENOMEM. */
int	plan_make(const struct snapshot *snaps, size_t n,
	    const struct retention *, const struct plan_facts *,
	    struct plan *);

/* Does what an unfinished push left, last written to at `last`, go? */
bool	plan_push_goes(time_t last, const struct retention *, time_t now);

/* Is this one kept? */
bool	plan_keeps(const struct plan *, size_t i);

/* Why, in words: "newest complete, age 14 d, keep-daily 1/7". */
void	plan_reason(char buf[PLAN_REASON], const struct plan *, size_t i,
	    const struct snapshot *snaps, const struct retention *);

void	plan_free(struct plan *);

#endif
