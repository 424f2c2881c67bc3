/* diag.c: a list of findings, each with its place.
 * Parsers fill it; only the caller prints it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <vis.h>

#include "diag.h"

void
diags_add(struct diags *ds, unsigned line, unsigned col, const char *fmt, ...)
{
	struct diag *v;
	char raw[sizeof(v->msg)], safe[4 * sizeof(raw) + 1];
	va_list ap;

	if (ds->n >= DIAGS_MAX) {
		ds->dropped++;
		return;
	}
	if ((v = reallocarray(ds->v, ds->n + 1, sizeof(*v))) == NULL) {
		ds->dropped++;
		return;
	}
	ds->v = v;
	v += ds->n++;
	v->line = line;
	v->col = col;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	/* Four bytes for each always suffice; what is then too long is cut. */
	strvis(safe, raw, VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
	(void)strlcpy(v->msg, safe, sizeof(v->msg));
}

int
diags_any(const struct diags *ds)
{
	return ds->n != 0 || ds->dropped != 0;
}

/* Insertion sort: stable, and lists of findings are short. */
void
diags_sort(struct diags *ds)
{
	struct diag d;
	size_t i, j;

	for (i = 1; i < ds->n; i++) {
		d = ds->v[i];
		for (j = i; j > 0 && (ds->v[j - 1].line > d.line ||
		    (ds->v[j - 1].line == d.line && ds->v[j - 1].col > d.col));
		    j--)
			ds->v[j] = ds->v[j - 1];
		ds->v[j] = d;
	}
}

void
diags_print(FILE *f, const char *file, const struct diags *ds)
{
	const struct diag *d;
	size_t i;

	for (i = 0; i < ds->n; i++) {
		d = &ds->v[i];
		fputs(file, f);
		if (d->line != 0)
			fprintf(f, ":%u", d->line);
		if (d->line != 0 && d->col != 0)
			fprintf(f, ":%u", d->col);
		fprintf(f, ": %s\n", d->msg);
	}
	if (ds->dropped != 0)
		fprintf(f, "%s: %zu more errors\n", file, ds->dropped);
}

void
diags_free(struct diags *ds)
{
	free(ds->v);
	memset(ds, 0, sizeof(*ds));
}
