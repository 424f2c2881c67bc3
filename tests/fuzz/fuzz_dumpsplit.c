/* fuzz_dumpsplit.c: a dump's stream, from any bytes in any pieces: what comes
 * out is what went in, and every part has a name that is one.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "irsync/dumpsplit.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
on_begin(void *arg, const char *file)
{
	(void)arg;
	if (file[0] == '\0' || file[0] == '.' || strchr(file, '/') != NULL ||
	    strlen(file) > 240)
		abort();
	return 0;
}

static int
on_data(void *arg, const char *buf, size_t n)
{
	const uint8_t **p = arg;

	if (memcmp(*p, buf, n) != 0)
		abort();
	*p += n;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *p = data + 1;
	struct dumpsplit d = { .sink = { on_begin, on_data, &p },
	    .done = "-- Dump completed" };
	size_t i, n, step;

	if (size == 0)
		return 0;
	step = data[0] != 0 ? data[0] : 4096;
	for (i = 1; i < size; i += n) {
		n = size - i < step ? size - i : step;
		if (dumpsplit_feed(&d, (const char *)data + i, n) == -1)
			abort();
	}
	if (dumpsplit_end(&d) == -1 || p != data + size)
		abort();
	return 0;
}
