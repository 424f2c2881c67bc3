/* aoectl_show.c: aoed's answers as tables for people.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vis.h>

#include "aoectl.h"
#include "human.h"

#define COLUMNS	14
#define CELL	256

/* Rows of text, each column as wide as its widest. */
struct grid {
	char	(*cells)[COLUMNS][CELL];
	size_t	 rows;
};

static void
grid_add(struct grid *g, char cells[COLUMNS][CELL])
{
	char (*v)[COLUMNS][CELL];

	v = reallocarray(g->cells, g->rows + 1, sizeof(*v));
	if (v == NULL)
		err(1, NULL);
	g->cells = v;
	memcpy(v[g->rows++], cells, sizeof(*v));
}

static void
grid_print(struct grid *g)
{
	size_t width[COLUMNS] = { 0 }, r, c, n;

	for (r = 0; r < g->rows; r++)
		for (c = 0; c < COLUMNS; c++)
			if ((n = strlen(g->cells[r][c])) > width[c])
				width[c] = n;
	for (r = 0; r < g->rows; r++) {
		for (c = 0; c < COLUMNS - 1; c++)
			printf("%-*s  ", (int)width[c], g->cells[r][c]);
		puts(g->cells[r][COLUMNS - 1]);
	}
	free(g->cells);
}

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

static void
put_text(char cell[CELL], const json_t *o, const char *key)
{
	(void)strnvis(cell, text_of(o, key), CELL,
	    VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
}

static void
put_list(char cell[CELL], const json_t *o, const char *key)
{
	const json_t *item;
	size_t i;

	cell[0] = '\0';
	json_array_foreach(json_object_get(o, key), i, item) {
		if (i > 0)
			(void)strlcat(cell, ",", CELL);
		(void)strlcat(cell, json_string_value(item), CELL);
	}
	if (cell[0] == '\0')
		(void)strlcpy(cell, "-", CELL);
}

static uint64_t
number_of(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static void
put_number(char cell[CELL], const json_t *o, const char *key)
{
	snprintf(cell, CELL, "%" PRIu64, number_of(o, key));
}

static void
put_size(char cell[CELL], uint64_t bytes)
{
	char buf[HUMAN_SIZE];

	human_size(buf, bytes);
	(void)strlcpy(cell, buf, CELL);
}

/* "12 s", "3 h 20 min": how long ago. */
static void
put_heard(char cell[CELL], const json_t *o)
{
	char buf[HUMAN_SIZE];
	time_t heard = (time_t)number_of(o, "heard"), now = time(NULL);

	if (heard == 0) {
		(void)strlcpy(cell, "never", CELL);
		return;
	}
	human_duration(buf, now > heard ? (uint64_t)(now - heard) : 0);
	(void)strlcpy(cell, buf, CELL);
}

static void
put_sync(char cell[CELL], const json_t *o)
{
	snprintf(cell, CELL, "%s%s", json_is_true(json_object_get(o, "ro")) ?
	    "ro" : text_of(o, "sync"),
	    json_is_true(json_object_get(o, "direct")) ? ",direct" : "");
}

static void
status_row(struct grid *g, const json_t *o)
{
	char c[COLUMNS][CELL];
	int i = 0;

	put_text(c[i++], o, "alias");
	put_text(c[i++], o, "address");
	put_list(c[i++], o, "clients");
	put_list(c[i++], o, "interfaces");
	put_size(c[i++], number_of(o, "sectors") * 512);
	put_sync(c[i++], o);
	put_text(c[i++], o, "state");
	put_number(c[i++], o, "reads");
	put_number(c[i++], o, "writes");
	put_size(c[i++], number_of(o, "bytes_read"));
	put_size(c[i++], number_of(o, "bytes_written"));
	put_number(c[i++], o, "errors");
	put_heard(c[i++], o);
	put_text(c[i++], o, "file");
	grid_add(g, c);
}

void
show_status(const json_t *answer)
{
	char head[COLUMNS][CELL] = { "ALIAS", "ADDRESS", "CLIENT",
	    "INTERFACE", "SIZE", "SYNC", "STATE", "READS", "WRITES", "READ",
	    "WRITTEN", "ERRORS", "HEARD", "FILE" };
	const json_t *list = json_object_get(answer, "exports"), *o;
	struct grid g = { 0 };
	char why[CELL];
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

void
show_stats(const json_t *answer)
{
	const json_t *o;
	json_t *drops;
	size_t i;
	void *it;

	json_array_foreach(json_object_get(answer, "workers"), i, o) {
		printf("worker %" PRIu64 ": frames %" PRIu64 ", answers %"
		    PRIu64 ", handed over %" PRIu64 "; dropped:",
		    number_of(o, "worker"), number_of(o, "frames"),
		    number_of(o, "answers"), number_of(o, "handed"));
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
show_results(const json_t *answer)
{
	const json_t *o;
	char why[CELL];
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
}
