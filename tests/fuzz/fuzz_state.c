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
	struct config a, b;
	char *text;

	if (state_parse((const char *)data, size, &a) == -1)
		return 0;
	/* What was read is written so that it is read again. */
	if ((text = state_format(&a)) == NULL)
		return 0;
	if (state_parse(text, strlen(text), &b) == -1 || a.len != b.len ||
	    memcmp(a.bytes, b.bytes, a.len) != 0)
		abort();
	free(text);
	return 0;
}
