/* aoectl_watch.c: aoectl stats --watch: what each export moves, as it moves.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "aoectl.h"
#include "exits.h"
#include "json.h"
#include "output.h"
#include "term.h"

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static const json_t *
find_alias(const json_t *answer, const char *alias)
{
	const json_t *o;
	const char *s;
	size_t i;

	json_array_foreach(json_object_get(answer, "exports"), i, o) {
		s = json_string_value(json_object_get(o, "alias"));
		if (s != NULL && strcmp(s, alias) == 0)
			return o;
	}
	return NULL;
}

/* How much a counter has grown in a second.  One that began anew, with a new
 * daemon, has not. */
static double
growth(const json_t *o, const json_t *before, const char *key, double seconds)
{
	uint64_t a = number_of(before, key), b = number_of(o, key);

	return before == NULL || b < a ? 0 : (double)(b - a) / seconds;
}

static void
put_growth(char cell[GRID_CELL], double n, bool bytes)
{
	if (bytes)
		snprintf(cell, GRID_CELL, "%.1f", n / MIB);
	else
		snprintf(cell, GRID_CELL, "%.0f", n);
}

#define FIGURES	6

static const struct {
	const char	*key, *title;
	bool		 bytes;		/* shown as MiB */
} figures[FIGURES] = {
	{ "reads",		"READS/S",	false },
	{ "writes",		"WRITES/S",	false },
	{ "bytes_read",		"READ MiB/S",	true },
	{ "bytes_written",	"WRITE MiB/S",	true },
	{ "syncs",		"SYNCS/S",	false },
	{ "errors",		"ERRORS/S",	false },
};

static void
show(const json_t *answer, const json_t *before, double seconds)
{
	char c[GRID_COLUMNS][GRID_CELL] = { "ALIAS" };
	struct grid g = { .columns = FIGURES + 1 };
	double sum[FIGURES] = { 0 }, n;
	const json_t *o, *old;
	size_t i, f;

	for (f = 0; f < FIGURES; f++)
		(void)strlcpy(c[f + 1], figures[f].title, GRID_CELL);
	grid_add(&g, c);
	json_array_foreach(json_object_get(answer, "exports"), i, o) {
		put_text(c[0], o, "alias");
		old = find_alias(before, json_string_value(
		    json_object_get(o, "alias")));
		for (f = 0; f < FIGURES; f++) {
			n = growth(o, old, figures[f].key, seconds);
			sum[f] += n;
			put_growth(c[f + 1], n, figures[f].bytes);
		}
		grid_add(&g, c);
	}
	(void)strlcpy(c[0], "(all)", GRID_CELL);
	for (f = 0; f < FIGURES; f++)
		put_growth(c[f + 1], sum[f], figures[f].bytes);
	grid_add(&g, c);
	if (term_columns(stdout) > 0)
		fputs("\033[H\033[J", stdout);
	grid_print(&g);
	putchar('\n');
}

static void
sleep_until(double end)
{
	double left = end - now();
	struct timespec ts;

	if (left <= 0)
		return;
	ts.tv_sec = (time_t)left;
	ts.tv_nsec = (long)((left - (double)ts.tv_sec) * 1e9);
	(void)nanosleep(&ts, NULL);
}

void
watch(const char *path, const char *request, unsigned seconds, bool json)
{
	json_t *answer, *before = NULL;
	double t, last = now();

	for (;;) {
		answer = ask(path, request);
		if (!json_is_true(json_object_get(answer, "ok")))
			errx(BS_FAIL, "%s: no counters", path);
		t = now();
		if (json)
			(void)json_print(stdout, json_incref(answer),
			    JSON_COMPACT);
		else if (before != NULL)
			show(answer, before, t - last);
		if (output_end(BS_OK) != BS_OK)
			exit(BS_FAIL);
		json_decref(before);
		before = answer;
		last = t;
		sleep_until(t + seconds);
	}
}
