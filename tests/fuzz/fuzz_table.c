/* fuzz_table.c: any bytes as an export table.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>

#include "aoe/table.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diags ds = { 0 };
	struct table t;
	struct row copy;
	size_t i;
	int rc;

	rc = table_parse((const char *)data, size, &t, &ds);
	/* A failure says something, a success nothing. */
	if ((rc == -1) != (diags_any(&ds) != 0))
		abort();
	for (i = 0; i < t.n; i++) {
		if (rc == 0 && (t.rows[i].bad != NULL ||
		    t.rows[i].file == NULL || t.rows[i].nmacs == 0 ||
		    t.rows[i].ifaces.n == 0 || t.rows[i].alias[0] == '\0'))
			abort();
		if (row_copy(&copy, &t.rows[i]) == 0) {
			if (!row_equal(&copy, &t.rows[i]))
				abort();
			row_free(&copy);
		}
	}
	diags_free(&ds);
	table_free(&t);
	return 0;
}
