/* fuzz_import.c: any bytes as a configuration of vblade's; what becomes of it
 * must be a row that the table's parser reads as the same.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aoe/import.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_row(const struct row *r)
{
	struct diags ds = { 0 };
	struct table t;
	char *text;

	if ((text = import_format(r)) == NULL)
		abort();
	if (table_parse(text, strlen(text), &t, &ds) == -1 || t.n != 1 ||
	    !row_equal(&t.rows[0], r))
		abort();
	diags_free(&ds);
	table_free(&t);
	free(text);
}

static void
check(struct table *t, int rc, struct diags *ds)
{
	size_t i;

	if ((rc == -1) != (diags_any(ds) != 0))
		abort();
	if (import_aliases(t) == -1)
		abort();
	for (i = 0; i < t->n; i++)
		check_row(&t->rows[i]);
	diags_free(ds);
	table_free(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diags ds = { 0 };
	struct table t = { 0 };
	const char *text = (const char *)data;

	if (size > 0 && data[0] == '@')
		check(&t, import_lines(text + 1, size - 1, &t, &ds), &ds);
	else
		check(&t, import_fragment(text, size, "a", &t, &ds), &ds);
	return 0;
}
