/* fuzz_irsync_facts.c: what irsync's guards read: its own file, the kernel's
 * list of mounts, and files of patterns, from any bytes.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "irsync/irsync.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
facts(const char *text, size_t len)
{
	struct facts a, b;
	char *out;

	if (facts_parse(text, len, &a) == -1)
		return;
	/* What was read is written so that it is read again. */
	if ((out = facts_format(&a)) == NULL ||
	    facts_parse(out, strlen(out), &b) == -1 ||
	    a.mounts.n != b.mounts.n || a.empty.n != b.empty.n)
		abort();
	facts_free(&a);
	facts_free(&b);
	free(out);
}

static void
patterns(const char *text)
{
	char *out;
	size_t len, i;
	FILE *f;

	if ((f = open_memstream(&out, &len)) == NULL)
		abort();
	if (rules_lines(f, "/a[b]", text) == -1)
		abort();
	fclose(f);
	/* Every rule leaves something below that path in or out. */
	for (i = 0; i < len; i += strlen(out + i) + 1)
		if ((out[i] != '+' && out[i] != '-') || out[i + 1] != ' ' ||
		    (strncmp(out + i + 2, "/a[b]/", 6) != 0 &&
		    strncmp(out + i + 2, "/a\\[b]/", 7) != 0))
			abort();
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strv mounts = { 0 };
	char *text;
	size_t i;

	if ((text = malloc(size + 1)) == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	facts(text, size);
	if (mounts_parse(text, true, &mounts) == -1)
		abort();
	for (i = 0; i < mounts.n; i++)
		if (mounts.v[i][0] != '/')
			abort();
	strv_free(&mounts);
	patterns(text);
	free(text);
	return 0;
}
