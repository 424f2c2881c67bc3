/* health.h: how a client's backups are doing, in the words of monitoring
 * plug-ins.  Pure.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef IRSYNC_HEALTH_H
#define IRSYNC_HEALTH_H

#include "irsync.h"

enum level {			/* the plug-ins' exit statuses */
	LEVEL_OK,
	LEVEL_WARNING,
	LEVEL_CRITICAL,
	LEVEL_UNKNOWN
};

const char	*level_name(enum level);	/* "OK", … */

/* The one that is to be told: critical, warning, unknown, ok. */
enum level	 level_worse(enum level, enum level);

struct health_facts {
	time_t		 now;
	uint64_t	 max_age;	/* seconds */
	const struct snapshot *v;	/* oldest first */
	size_t		 n;
	const char	*trouble;	/* why v is not known, or NULL */
	const struct laststate_storage *last;	/* what the client remembers,
						 * or NULL */
};

struct health {
	enum level	 level;
	char		 text[512];	/* one line, printable, without '|' */
	char		 stamp[STAMP_SIZE]; /* newest complete one, or "" */
	int64_t		 age;		/* of it in seconds, -1: none */
	bool		 measured;	/* these three are known: */
	uint64_t	 size;		/* of it, in bytes */
	uint64_t	 bytes_new;	/* room that it took */
	uint64_t	 seconds;	/* duration */
	uint64_t	 usual_size;	/* median of those before it, 0: none */
	uint64_t	 usual_seconds;
	char		 error[256];	/* of the last run, or "" */
};

void	health_judge(const struct health_facts *, struct health *);

/* " 'NAME age'=5s;;10;0 …", with '=' and quotes in the name replaced, as
 * performance data. */
void	health_perfdata(char *buf, size_t size, const char *name,
	    const struct health *, uint64_t max_age);

#endif
