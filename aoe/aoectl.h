/* aoectl.h: what aoectl shows of aoed's answers.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_AOECTL_H
#define AOE_AOECTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* aoectl.c */

/* Send the daemon at that socket a request, one line, and wait for the answer.
 * Ends the program where there is none. */
json_t	*ask(const char *path, const char *request);

/* aoectl_grid.c: rows of text, each column as wide as its widest. */
#define GRID_COLUMNS	16
#define GRID_CELL	256
#define MIB		1048576.0	/* bytes, in rates */

/* Zero-initialise, set columns. */
struct grid {
	size_t	  columns;
	const uint8_t *spare;	/* which a terminal may have no room for: the
				 * first to go first, the list ends in 0 */
	char	(*cells)[GRID_COLUMNS][GRID_CELL];
	size_t	  rows;
};

void	grid_add(struct grid *, char cells[GRID_COLUMNS][GRID_CELL]);

/* Print it on stdout, as much as there is room for, and free it. */
void	grid_print(struct grid *);

/* A member as text fit for a terminal, "-" if there is none. */
void	put_text(char cell[GRID_CELL], const json_t *, const char *key);
void	put_list(char cell[GRID_CELL], const json_t *, const char *key);
void	put_number(char cell[GRID_CELL], uint64_t);
void	put_size(char cell[GRID_CELL], uint64_t bytes);
uint64_t number_of(const json_t *, const char *key);

/* aoectl_show.c: each prints one kind of answer as text on stdout; reasons of
 * failures go to stderr. */
void	show_status(const json_t *);
void	show_stats(const json_t *);
void	show_results(const json_t *);
void	show_errors(const json_t *);

/* aoectl_watch.c: ask for the counters every so many seconds and show what has
 * been added, until the daemon is gone or a signal comes. */
void	watch(const char *path, const char *request, unsigned seconds,
	    bool json) __attribute__((noreturn));

#endif
