/* faults.h: texts with a fault, and where a parser must find it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_UNIT_FAULTS_H
#define BACKSHELF_UNIT_FAULTS_H

#include <string.h>

#include "diag.h"

struct fault {
	const char	*text;
	unsigned	 line, col;	/* of the first that is found */
	const char	*says;		/* a part of its message */
};

/* `parse` sees each text, returns -1, and frees what it made. */
static void
faults_are_found(const struct fault *rows, size_t n,
    int (*parse)(const char *, struct diags *))
{
	struct diags ds = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		if (parse(rows[i].text, &ds) != -1 || ds.n == 0)
			fail_msg("row %zu: %s: no fault found", i,
			    rows[i].text);
		if (ds.v[0].line != rows[i].line ||
		    ds.v[0].col != rows[i].col ||
		    strstr(ds.v[0].msg, rows[i].says) == NULL)
			fail_msg("row %zu: %s: %u:%u: %s", i, rows[i].text,
			    ds.v[0].line, ds.v[0].col, ds.v[0].msg);
		diags_free(&ds);
	}
}

#endif
