/* retention.h: what rotate.conf(5) says is to be kept.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_RETENTION_H
#define BACKSHELF_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"

#define RETENTION_DAYS_MAX	36500	/* of age and keep-within */
#define RETENTION_COUNT_MAX	100000	/* of keep-last, … */
#define RETENTION_PUSH_AGE	(7 * 86400)	/* default, seconds */
#define RETENTION_FLOOR		3	/* default, days */

/* The rules that count: keep-last, keep-hourly, … in this order. */
enum retention_count {
	RETENTION_LAST,
	RETENTION_HOURLY,
	RETENTION_DAILY,
	RETENTION_WEEKLY,
	RETENTION_MONTHLY,
	RETENTION_YEARLY
};
#define RETENTION_NCOUNTS	(RETENTION_YEARLY + 1)

/* A client's rules.  What any of them keeps is kept. */
struct retention {
	uint64_t	age;		/* seconds; 0: no such rule */
	uint64_t	within;		/* seconds; 0: no such rule */
	unsigned	count[RETENTION_NCOUNTS];	/* 0: no such rule */
	uint64_t	push_age;	/* seconds; then what an unfinished
					 * push left goes; 0: never */
	uint64_t	max_size;	/* bytes of the store; 0: no such
					 * rule */
	unsigned	floor;		/* days with a complete snapshot that
					 * want of space leaves */
};

/* How much is to stay free: a share of all there is, or a number. */
struct retention_free {
	uint64_t	n;		/* bytes or inodes; 0: no such rule */
	unsigned	percent;	/* 1 to 99; 0: see n */
};

/* One client section. */
struct retention_client {
	char			*pattern;	/* its title */
	bool			 glob;		/* not an exact name */
	struct retention	 r;		/* the defaults filled in */
};

/* Zero-initialise; free with retention_free. */
struct retention_conf {
	char			*root;
	struct retention	 defaults;
	struct retention_free	 min_free;	/* bytes */
	struct retention_free	 min_inodes;
	char			*metrics;	/* a file, or NULL */
	struct retention_client	*v;		/* in the file's order */
	size_t			 n;
};

/* The name of a counting rule in rotate.conf, "keep-last" … */
const char	*retention_count_name(enum retention_count);

/* Parse the text of a rotate.conf.  It opens nothing.  0, or -1 with every
 * finding in ds and the conf empty. */
int	retention_parse(const char *text, struct retention_conf *,
	    struct diags *);

/* The rules for a client: of the section with exactly its name, else of the
 * first whose pattern fits, else the defaults.  Borrowed from the conf. */
const struct retention	*retention_for(const struct retention_conf *,
			    const char *host);

/* Is the section for this client, unless another one is? */
bool	retention_fits(const struct retention_client *, const char *host);

/* How many of `all` are to stay free. */
uint64_t	 retention_reserve(const struct retention_free *,
		    uint64_t all);

/* Would these rules keep anything at all? */
bool	retention_keeps(const struct retention *);

void	retention_free(struct retention_conf *);

#endif
