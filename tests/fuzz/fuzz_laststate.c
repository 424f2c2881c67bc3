/* fuzz_laststate.c: irsync's state file, from any bytes.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>

#include "irsync/laststate.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct laststate a, b;
	char *text;

	if (laststate_parse((const char *)data, size, &a) == -1)
		return 0;
	/* What was read is written so that it is read again. */
	if ((text = laststate_format(&a)) == NULL ||
	    laststate_parse(text, strlen(text), &b) == -1 || a.n != b.n)
		abort();
	laststate_free(&a);
	laststate_free(&b);
	free(text);
	return 0;
}
