/* fuzz_rotate_conf.c: any text is rules or a list of errors with places.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rotate/retention.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct retention_conf conf;
	struct diags ds = { 0 };
	char *text;

	if (memchr(data, '\0', size) != NULL ||
	    (text = strndup((const char *)data, size)) == NULL)
		return 0;
	if (retention_parse(text, &conf, &ds) == 0) {
		/* Rules that were taken for sound keep something. */
		if (diags_any(&ds) || conf.root[0] != '/' ||
		    !retention_keeps(retention_for(&conf, "mysql02")) ||
		    !retention_keeps(retention_for(&conf, "a.b-c_d")))
			abort();
		retention_free(&conf);
	} else if (!diags_any(&ds))
		abort();
	diags_free(&ds);
	free(text);
	return 0;
}
