/* usage.h: what the stores take, and how fresh they are.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_USAGE_H
#define BACKSHELF_USAGE_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "pin.h"
#include "plan.h"
#include "retention.h"
#include "run.h"
#include "store.h"
#include "sweep.h"

#define USAGE_HISTORY	400	/* points that are remembered */

/* What a store took at a time. */
struct usage_point {
	time_t		time;
	uint64_t	bytes;
};

/* What a snapshot had that no newer one had, when that was measured. */
struct usage_share {
	char		stamp[STAMP_SIZE];
	uint64_t	bytes;
};

/* HOST.snaps/.usage.json: what the last walk found.  Zero-initialise, free with
 * usage_cache_free. */
struct usage_cache {
	time_t			 time;		/* of the walk; 0: none */
	struct usage_share	*v;		/* oldest first */
	size_t			 n;
	struct usage_point	*history;	/* oldest first */
	size_t			 points;
};

/* Parse it.  Pure; any bytes.  0, or -1 with errno EINVAL and an empty one. */
int	usage_cache_parse(const char *buf, size_t len, struct usage_cache *);
char	*usage_cache_format(const struct usage_cache *);	/* to be freed */
void	usage_cache_free(struct usage_cache *);

/* Add a point, at most one for each day, dropping the oldest of too many. */
int	usage_cache_add(struct usage_cache *, time_t, uint64_t bytes);

#define USAGE_CACHE_MAX	(4 * 1024 * 1024)	/* bytes; longer is damaged */

/* One client. */
struct usage_client {
	char			*host;
	const struct retention	*r;
	struct snapshot		*snaps;		/* oldest first */
	size_t			 n;
	struct plan		 plan;		/* as irsync-rotate -n */
	struct pins		 pins;
	uint64_t		*share;		/* bytes of each that no newer
						 * one has; NULL: not known */
	uint64_t		 real;		/* bytes of all of them */
	uint64_t		 logical;	/* sum of the sizes of the
						 * newest complete one's files */
	time_t			 measured;	/* when; 0: not */
	bool			 exact;		/* nothing was estimated since */
	int64_t			 per_day;	/* bytes it grows, or shrinks */
	bool			 by_history;	/* as measured; else: what the
						 * pushes brought */
	struct usage_cache	 cache;
	time_t			 pending;	/* an unfinished push, or 0 */
	struct strv		 problems;	/* printable, the gravest
						 * first */
	bool			 failed;	/* it could not be looked at */
};

struct usage {
	const char			*root;	/* borrowed */
	const struct retention_conf	*conf;	/* borrowed */
	unsigned			 jobs;
	bool				 walk;	/* trust no cache */
	const volatile sig_atomic_t	*stop;
	struct progress			*progress;

	time_t			 now;
	struct usage_client	*v;
	size_t			 n;
	struct space		 space;
	int64_t			 per_day;
	int64_t			 days_left;	/* until it is full; -1: never
						 * at this rate */
	json_t			*exports;	/* of aoectl, or NULL */
	char			 exports_why[128]; /* then: why not */
};

/* Look at all stores.  What goes wrong with one is a problem of that client.
 * The caller has filled in the first part of a zeroed struct.  0, or -1 with
 * errno. */
int	usage_gather(struct usage *);

/* Ask aoectl, which stands beside our own program, for the exports. */
void	usage_ask_aoe(struct usage *);

void	usage_free(struct usage *);

/* What removing the oldest snapshot that may go would free; UINT64_MAX if not
 * known. */
uint64_t usage_oldest(const struct usage_client *);

/* Seconds since the newest complete snapshot; UINT64_MAX: there is none. */
uint64_t usage_age(const struct usage_client *, time_t now);

/* When the disk is full, if it ever is at this rate (days_left >= 0), in words:
 * "full within a day", "full in 3 days". */
#define USAGE_FULL	40
void	usage_full(char buf[USAGE_FULL], const struct usage *);

/* Report.  bars: columns that bars may take, 0: none.  Each 0, or -1 with
 * errno. */
int	usage_text(FILE *, const struct usage *, unsigned bars);
int	usage_json(FILE *, const struct usage *);
int	usage_html(FILE *, const struct usage *);

#endif
