/* diag.h: what a parser found wrong, with its place.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_DIAG_H
#define BACKSHELF_DIAG_H

#include <stddef.h>
#include <stdio.h>

struct diag {
	unsigned	line;		/* from 1; 0: the whole file */
	unsigned	col;		/* from 1, in bytes; 0: the whole line */
	char		msg[232];	/* printable, no final stop */
};

#define DIAGS_MAX	1000	/* further ones are counted, not kept */

/* Zero-initialise; free with diags_free. */
struct diags {
	struct diag	*v;
	size_t		 n;		/* kept in v */
	size_t		 dropped;	/* found after DIAGS_MAX */
};

/* Append one finding.  Bytes of the message that are not printable are
 * written as vis(3) does, so text from outside may be quoted in it.  A
 * finding that memory is too short for counts as dropped, so that
 * diags_any() is never wrong. */
void	diags_add(struct diags *, unsigned line, unsigned col,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Were there any findings? */
int	diags_any(const struct diags *);

/* Sort by line, then column; equal places keep their order. */
void	diags_sort(struct diags *);

/* Write each as "file:line:col: message\n", leaving out what is 0. */
void	diags_print(FILE *, const char *file, const struct diags *);

void	diags_free(struct diags *);

#endif
