/* retry.c: is another attempt worth it, and when.  Pure.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "exits.h"
#include "irsync.h"

#define PAUSE_MAX	900	/* seconds; pauses double up to this */

unsigned
retry_pause(const struct irsync_conf *c, unsigned attempt)
{
	uint64_t pause = c->retry_pause;

	while (--attempt > 0 && pause != 0 && pause < PAUSE_MAX)
		pause *= 2;
	if (c->retry_pause > PAUSE_MAX)
		return c->retry_pause;
	return pause < PAUSE_MAX ? (unsigned)pause : PAUSE_MAX;
}

bool
retry_wanted(int status, unsigned attempt)
{
	return status == BS_UNREACHABLE ||
	    (status == BS_BUSY && attempt > 1);
}
