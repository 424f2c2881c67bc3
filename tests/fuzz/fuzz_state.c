/* fuzz_state.c: any bytes as an export's state file.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aoe/state.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct state a, b;
	struct diags ds = { 0 };
	char *text;
	int rc;

	rc = state_parse((const char *)data, size, &a, &ds);
	if ((rc == -1) != (diags_any(&ds) != 0))
		abort();
	diags_free(&ds);
	if (rc == -1)
		return 0;
	/* What was read is written so that it is read again. */
	memset(&ds, 0, sizeof(ds));
	if ((text = state_format(&a)) == NULL)
		return 0;
	if (state_parse(text, strlen(text), &b, &ds) == -1 ||
	    a.config.len != b.config.len ||
	    memcmp(a.config.bytes, b.config.bytes, a.config.len) != 0 ||
	    !maclist_equal(&a.mask, &b.mask) ||
	    !maclist_equal(&a.reserved, &b.reserved) ||
	    a.sectors != b.sectors || a.window != b.window)
		abort();
	free(text);
	return 0;
}
