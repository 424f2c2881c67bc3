/* fuzz_rotate_files.c: any bytes as a pin, and as what a walk has left.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rotate/usage.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What was read is written so that it is read again. */
static void
again_pin(const struct pin *a)
{
	char *text = pin_format(a);
	struct pin b;

	if (text == NULL || pin_parse(text, strlen(text), &b) == -1 ||
	    strcmp(a->reason, b.reason) != 0 || a->since != b.since)
		abort();
	free(text);
}

static void
again_cache(const struct usage_cache *a)
{
	char *text = usage_cache_format(a);
	struct usage_cache b;

	if (text == NULL || usage_cache_parse(text, strlen(text), &b) == -1 ||
	    a->n != b.n || a->points != b.points)
		abort();
	usage_cache_free(&b);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct usage_cache c;
	struct pin pin;

	if (pin_parse((const char *)data, size, &pin) == 0)
		again_pin(&pin);
	if (usage_cache_parse((const char *)data, size, &c) == 0)
		again_cache(&c);
	usage_cache_free(&c);
	return 0;
}
