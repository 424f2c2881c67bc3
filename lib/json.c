/* json.c: what the programs' --json is made with, beyond jansson.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <vis.h>

#include "json.h"

json_t *
json_text(const char *text)
{
	json_t *j = json_string(text);
	char *safe;

	if (j != NULL || (safe = calloc(strlen(text) + 1, 4)) == NULL)
		return j;
	strvis(safe, text, VIS_OCTAL | VIS_NOSLASH);
	j = json_string(safe);
	free(safe);
	return j;
}

int
json_print(FILE *f, json_t *j, size_t flags)
{
	int rc = -1, saved;

	errno = ENOMEM;
	if (j != NULL && json_dumpf(j, f, flags) == 0 && fputc('\n', f) != EOF)
		rc = 0;
	saved = errno;
	json_decref(j);
	errno = saved;
	return rc;
}
