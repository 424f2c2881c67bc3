/* term.c: a terminal's width, and one line on it that is written over.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/ioctl.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "term.h"

unsigned
term_columns(FILE *f)
{
	const char *term = getenv("TERM"), *columns = getenv("COLUMNS"), *wrong;
	struct winsize ws;
	unsigned n;

	if (isatty(fileno(f)) != 1 ||
	    term == NULL || strcmp(term, "dumb") == 0)
		return 0;
	if (ioctl(fileno(f), TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
		return ws.ws_col;
	n = columns == NULL ? 0 :
	    (unsigned)strtonum(columns, 1, USHRT_MAX, &wrong);
	return n > 0 ? n : 80;
}

void
term_line(FILE *f, const char *text)
{
	unsigned columns = term_columns(f);

	/* The last column is left free: some wrap there. */
	if (columns > 1) {
		fprintf(f, TERM_CLEAR "%.*s", (int)columns - 1, text);
		fflush(f);
	}
}
