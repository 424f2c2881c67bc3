/* aoemeter.h: latencies counted in a histogram, and what processes use.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BENCH_AOEMETER_H
#define BENCH_AOEMETER_H

#include <sys/types.h>

#include <stdint.h>

/* Nanoseconds, in 32 steps for each power of two: off by 3 % at most. */
#define HISTOGRAM_STEPS	32
#define HISTOGRAM_MAX	(64 * HISTOGRAM_STEPS)

struct histogram {
	uint64_t	n[HISTOGRAM_MAX];
	uint64_t	total;
};

void	histogram_add(struct histogram *, uint64_t ns);
void	histogram_merge(struct histogram *, const struct histogram *);

/* The value that the fraction q of all is not above; 0 if there are none. */
double	histogram_at(const struct histogram *, double q);

/* The processes whose use is counted, threads and kernel threads of theirs
 * included. */
struct watched {
	pid_t		pid[256];
	unsigned	n;
};

struct usage {
	double	cpu;	/* seconds, user and system */
	double	mib;	/* proportional set size */
};

/* "1,2,3".  Ends the program if it is anything else. */
void	watched_parse(struct watched *, char *text);

/* A process that has ended ends the program: it was to be measured. */
void	usage_read(const struct watched *, struct usage *);

#endif
