/* aoectl_grid.c: tables for people.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vis.h>

#include "aoectl.h"
#include "exits.h"
#include "human.h"
#include "term.h"

#define GAP	2	/* blanks between columns */

void
grid_add(struct grid *g, char cells[GRID_COLUMNS][GRID_CELL])
{
	char (*v)[GRID_COLUMNS][GRID_CELL];

	v = reallocarray(g->cells, g->rows + 1, sizeof(*v));
	if (v == NULL)
		err(BS_FAIL, NULL);
	g->cells = v;
	memcpy(v[g->rows++], cells, sizeof(*v));
}

/* Leave columns out until the rest fits the terminal, if it is one. */
static void
leave_out(const struct grid *g, size_t width[GRID_COLUMNS])
{
	const uint8_t *spare = g->spare;
	size_t room = term_columns(stdout), used = 0, c;

	for (c = 0; c < g->columns; c++)
		used += width[c] + (c > 0 ? GAP : 0);
	for (; room > 0 && used > room && spare != NULL && *spare != 0;
	    spare++) {
		used -= width[*spare] + GAP;
		width[*spare] = 0;
	}
}

void
grid_print(struct grid *g)
{
	size_t width[GRID_COLUMNS] = { 0 }, r, c, n, pad;

	for (r = 0; r < g->rows; r++)
		for (c = 0; c < g->columns; c++)
			if ((n = strlen(g->cells[r][c])) > width[c])
				width[c] = n;
	leave_out(g, width);
	for (r = 0; r < g->rows; r++) {
		for (c = 0, pad = 0; c < g->columns; c++) {
			if (width[c] == 0)
				continue;
			printf("%*s%s", (int)pad, "", g->cells[r][c]);
			pad = width[c] - strlen(g->cells[r][c]) + GAP;
		}
		putchar('\n');
	}
	free(g->cells);
	g->cells = NULL;
	g->rows = 0;
}

void
put_text(char cell[GRID_CELL], const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	(void)strnvis(cell, s != NULL ? s : "-", GRID_CELL,
	    VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
}

void
put_list(char cell[GRID_CELL], const json_t *o, const char *key)
{
	const json_t *item;
	const char *s;
	size_t i;

	cell[0] = '\0';
	json_array_foreach(json_object_get(o, key), i, item) {
		if (i > 0)
			(void)strlcat(cell, ",", GRID_CELL);
		if ((s = json_string_value(item)) != NULL)
			(void)strlcat(cell, s, GRID_CELL);
	}
	if (cell[0] == '\0')
		(void)strlcpy(cell, "-", GRID_CELL);
}

uint64_t
number_of(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

void
put_number(char cell[GRID_CELL], uint64_t n)
{
	snprintf(cell, GRID_CELL, "%" PRIu64, n);
}

void
put_size(char cell[GRID_CELL], uint64_t bytes)
{
	char buf[HUMAN_SIZE];

	human_size(buf, bytes);
	(void)strlcpy(cell, buf, GRID_CELL);
}
