/* aoectl_show.c: aoed's answers as tables for people.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <vis.h>

#include "aoectl.h"
#include "human.h"

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

/* "12 s", "3 h 20 min": how long ago. */
static void
put_heard(char cell[GRID_CELL], const json_t *o)
{
	char buf[HUMAN_SIZE];
	time_t heard = (time_t)number_of(o, "heard"), now = time(NULL);

	if (heard == 0) {
		(void)strlcpy(cell, "never", GRID_CELL);
		return;
	}
	human_duration(buf, now > heard ? (uint64_t)(now - heard) : 0);
	(void)strlcpy(cell, buf, GRID_CELL);
}

static void
put_sync(char cell[GRID_CELL], const json_t *o)
{
	snprintf(cell, GRID_CELL, "%s%s", json_is_true(json_object_get(o, "ro")) ?
	    "ro" : text_of(o, "sync"),
	    json_is_true(json_object_get(o, "direct")) ? ",direct" : "");
}

/* MiB a second, lately: read/written. */
static void
put_rate(char cell[GRID_CELL], const json_t *o)
{
	snprintf(cell, GRID_CELL, "%.1f/%.1f",
	    (double)number_of(o, "read_rate") / MIB,
	    (double)number_of(o, "write_rate") / MIB);
}

static void
status_row(struct grid *g, const json_t *o)
{
	char c[GRID_COLUMNS][GRID_CELL];
	int i = 0;

	put_text(c[i++], o, "alias");
	put_text(c[i++], o, "address");
	put_list(c[i++], o, "clients");
	put_list(c[i++], o, "interfaces");
	put_size(c[i++], number_of(o, "sectors") * 512);
	put_sync(c[i++], o);
	put_text(c[i++], o, "state");
	put_number(c[i++], number_of(o, "reads"));
	put_number(c[i++], number_of(o, "writes"));
	put_rate(c[i++], o);
	put_size(c[i++], number_of(o, "bytes_read"));
	put_size(c[i++], number_of(o, "bytes_written"));
	put_number(c[i++], number_of(o, "errors"));
	put_heard(c[i++], o);
	put_text(c[i++], o, "file");
	grid_add(g, c);
	g->columns = (size_t)i;
}

void
show_status(const json_t *answer)
{
	char head[GRID_COLUMNS][GRID_CELL] = { "ALIAS", "ADDRESS", "CLIENT",
	    "INTERFACE", "SIZE", "SYNC", "STATE", "READS", "WRITES", "MiB/S",
	    "READ", "WRITTEN", "ERRORS", "HEARD", "FILE" };
	static const uint8_t spare[] = { 10, 11, 7, 8, 3, 5, 9, 2, 14, 4, 13,
	    0 };
	const json_t *list = json_object_get(answer, "exports"), *o;
	struct grid g = { .columns = 15, .spare = spare };
	char why[GRID_CELL];
	size_t i;

	grid_add(&g, head);
	json_array_foreach(list, i, o)
		if (json_object_get(o, "state") != NULL)
			status_row(&g, o);
	grid_print(&g);
	json_array_foreach(list, i, o)
		if (json_object_get(o, "why") != NULL) {
			put_text(why, o, "why");
			fflush(stdout);
			warnx("%s: %s", text_of(o, "alias"), why);
		}
}

static void
show_workers(const json_t *answer)
{
	const json_t *o;
	json_t *drops;
	size_t i;
	void *it;

	json_array_foreach(json_object_get(answer, "workers"), i, o) {
		printf("worker %" PRIu64 ": frames %" PRIu64 ", answers %"
		    PRIu64 ", handed over %" PRIu64 ", kept by disks %" PRIu64
		    "; dropped:",
		    number_of(o, "worker"), number_of(o, "frames"),
		    number_of(o, "answers"), number_of(o, "handed"),
		    number_of(o, "kept"));
		drops = json_object_get(o, "drops");
		for (it = json_object_iter(drops); it != NULL;
		    it = json_object_iter_next(drops, it))
			printf(" %s %" JSON_INTEGER_FORMAT,
			    json_object_iter_key(it),
			    json_integer_value(json_object_iter_value(it)));
		putchar('\n');
	}
}

void
show_stats(const json_t *answer)
{
	char c[GRID_COLUMNS][GRID_CELL] = { "ALIAS", "READS", "WRITES",
	    "FLUSHES", "SYNCS", "MiB/S", "READ", "WRITTEN", "ERRORS",
	    "DROPPED" };
	static const uint8_t spare[] = { 3, 4, 5, 6, 7, 1, 2, 0 };
	struct grid g = { .columns = 10, .spare = spare };
	const json_t *o;
	size_t i;

	grid_add(&g, c);
	json_array_foreach(json_object_get(answer, "exports"), i, o) {
		put_text(c[0], o, "alias");
		put_number(c[1], number_of(o, "reads"));
		put_number(c[2], number_of(o, "writes"));
		put_number(c[3], number_of(o, "flushes"));
		put_number(c[4], number_of(o, "syncs"));
		put_rate(c[5], o);
		put_size(c[6], number_of(o, "bytes_read"));
		put_size(c[7], number_of(o, "bytes_written"));
		put_number(c[8], number_of(o, "errors"));
		put_number(c[9], number_of(o, "dropped"));
		grid_add(&g, c);
	}
	grid_print(&g);
	show_workers(answer);
}

void
show_results(const json_t *answer)
{
	const json_t *o;
	char why[GRID_CELL];
	size_t i;

	json_array_foreach(json_object_get(answer, "results"), i, o) {
		put_text(why, o, "why");
		if (json_is_true(json_object_get(o, "ok")))
			printf("%s: %s\n", text_of(o, "alias"),
			    text_of(o, "state"));
		else if (json_object_get(o, "why") != NULL)
			warnx("%s: %s", text_of(o, "alias"), why);
		else
			warnx("%s: %s", text_of(o, "alias"),
			    text_of(o, "state"));
	}
}

void
show_errors(const json_t *answer)
{
	const char *file = text_of(answer, "file");
	uint64_t line, column;
	const json_t *o;
	size_t i;

	json_array_foreach(json_object_get(answer, "errors"), i, o) {
		line = number_of(o, "line");
		column = number_of(o, "column");
		fputs(file, stderr);
		if (line != 0)
			fprintf(stderr, ":%" PRIu64, line);
		if (line != 0 && column != 0)
			fprintf(stderr, ":%" PRIu64, column);
		fprintf(stderr, ": %s\n", text_of(o, "message"));
	}
	json_array_foreach(json_object_get(answer, "pending"), i, o)
		printf("%s: %s: %s\n", text_of(o, "alias"),
		    text_of(o, "state"), text_of(o, "why"));
}
