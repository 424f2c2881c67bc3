/* show.c: what a person at a terminal sees while rsync runs.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <vis.h>

#include "human.h"
#include "irsync.h"
#include "term.h"

void
show_clear(bool *standing)
{
	if (!*standing)
		return;
	fputs(TERM_CLEAR, stderr);
	fflush(stderr);
	*standing = false;
}

/* Numbers of a progress line come from rsync, checked by progress_parse. */
void
show_progress(const struct rsync_progress *pr, bool *standing)
{
	char size[HUMAN_SIZE], line[200];

	human_size(size, pr->bytes);
	snprintf(line, sizeof(line), "%3u%%  %llu files  %s  %s  %s",
	    pr->percent, (unsigned long long)pr->files, size, pr->rate,
	    pr->time);
	term_line(stderr, line);
	*standing = true;
}

void
show_item(const char *line)
{
	char safe[4 * sizeof(((struct lines *)0)->buf) + 1];

	strvis(safe, line, VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
	puts(safe);
}
