/* fuzz_irsync_listing.c: what a server may make rsync say of its snapshots.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "irsync/look.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct snapshot snaps[] = {
	{ .stamp = "2026-11-20T010000Z", .recorded = true },
	{ .stamp = "2026-11-21T010000Z" },
};

static void
each(void *arg, const char *line)
{
	listing_line(arg, line);
}

static void
ask(const struct listing *l)
{
	struct difference *d;
	struct version *v;
	char text[80], mode[11];
	size_t i, n;

	for (i = 0; i < l->n; i++) {
		if (l->v[i].same >= l->n || listing_find(l,
		    l->v[i].path) != &l->v[i])
			abort();
		look_mode(mode, &l->v[i]);
	}
	free(v = versions_make(snaps, 2, l, "/f", &n));
	if (n > 2)
		abort();
	d = compare_make(l, snaps[0].stamp, snaps[1].stamp, true, &n);
	for (i = 0; d != NULL && i < n; i++)
		compare_text(text, sizeof(text), d[i].what);
	free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct lines lines = { .n = 0 };
	struct listing l = { 0 };

	lines_feed(&lines, (const char *)data, len, each, &l);
	lines_end(&lines, each, &l);
	if (listing_end(&l) == 0)
		ask(&l);
	listing_free(&l);
	return 0;
}
