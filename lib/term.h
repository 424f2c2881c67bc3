/* term.h: what a line may look like that is written over.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_TERM_H
#define BACKSHELF_TERM_H

#include <stdio.h>

#define TERM_CLEAR	"\r\033[K"	/* to the line's beginning, and empty it */

/* How wide the terminal behind a stream is; where it does not say, what COLUMNS
 * says, or 80.  0: it is none, or one that cannot go back (TERM is dumb or not
 * set), and wants plain lines. */
unsigned	term_columns(FILE *);

/* Write text over the line, cut to the terminal's width, so that it stays one
 * line.  Nothing where term_columns is 0. */
void		term_line(FILE *, const char *text);

#endif
