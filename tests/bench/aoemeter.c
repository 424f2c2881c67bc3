/* aoemeter.c: latencies counted in a histogram, and what processes use.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aoemeter.h"

#define STEP_BITS	5	/* of HISTOGRAM_STEPS */

static unsigned
bucket_of(uint64_t v)
{
	unsigned top;

	if (v < HISTOGRAM_STEPS)
		return (unsigned)v;
	top = 63 - (unsigned)__builtin_clzll(v);
	return (top - STEP_BITS + 1) * HISTOGRAM_STEPS +
	    (unsigned)(v >> (top - STEP_BITS) & (HISTOGRAM_STEPS - 1));
}

/* The middle of a bucket. */
static double
value_of(unsigned b)
{
	unsigned octave = b / HISTOGRAM_STEPS, step = b % HISTOGRAM_STEPS;
	uint64_t low;

	if (octave == 0)
		return step;
	low = (uint64_t)(HISTOGRAM_STEPS + step) << (octave - 1);
	return (double)low + (double)((uint64_t)1 << (octave - 1)) / 2;
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
	h->n[bucket_of(ns)]++;
	h->total++;
}

void
histogram_merge(struct histogram *h, const struct histogram *from)
{
	unsigned i;

	for (i = 0; i < HISTOGRAM_MAX; i++)
		h->n[i] += from->n[i];
	h->total += from->total;
}

double
histogram_at(const struct histogram *h, double q)
{
	uint64_t sum = 0;
	unsigned i, last = 0;

	for (i = 0; i < HISTOGRAM_MAX; i++) {
		if (h->n[i] == 0)
			continue;
		last = i;
		if ((double)(sum += h->n[i]) >= q * (double)h->total)
			break;
	}
	return h->total == 0 ? 0 : value_of(last);
}

void
watched_parse(struct watched *w, char *text)
{
	const char *why;
	char *word;

	while ((word = strsep(&text, ",")) != NULL) {
		if (w->n == sizeof(w->pid) / sizeof(w->pid[0]))
			errx(64, "too many processes");
		w->pid[w->n++] = (pid_t)strtonum(word, 1, 1 << 30, &why);
		if (why != NULL)
			errx(64, "%s: %s", word, why);
	}
}

static double
cpu_of(pid_t pid)
{
	unsigned long user, system;
	char path[64], line[1024], *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		err(1, "%s", path);
	if (fgets(line, sizeof(line), f) == NULL ||
	    (p = strrchr(line, ')')) == NULL ||
	    sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu "
	    "%lu", &user, &system) != 2)
		errx(1, "%s: not understood", path);
	fclose(f);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double
mib_of(pid_t pid)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), f) != NULL &&
	    sscanf(line, "Pss: %lu", &kib) != 1)
		;
	fclose(f);
	return (double)kib / 1024;
}

void
usage_read(const struct watched *w, struct usage *u)
{
	unsigned i;

	memset(u, 0, sizeof(*u));
	for (i = 0; i < w->n; i++) {
		u->cpu += cpu_of(w->pid[i]);
		u->mib += mib_of(w->pid[i]);
	}
}
