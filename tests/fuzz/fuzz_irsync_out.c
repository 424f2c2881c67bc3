/* fuzz_irsync_out.c: what a server may make rsync and ssh print.
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
each(void *arg, const char *line)
{
	struct rsync_counts *c = arg;
	struct rsync_progress pr;
	struct snapshot s;
	time_t t;

	if (strpbrk(line, "\r\n") != NULL || line[0] == '\0')
		abort();
	(void)out_parse(line, c, &pr);
	(void)hint_parse(line);
	if (server_line_parse(line, &s) == 0 && stamp_parse(s.stamp, &t) == -1)
		abort();
	(void)when_parse(line, 1795352400, &t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rsync_counts c = { 0 };
	struct lines l = { .n = 0 };

	lines_feed(&l, (const char *)data, len, each, &c);
	lines_end(&l, each, &c);
	return 0;
}
