/* output.c: the last look at standard output: what was printed onto a full disk
 * is a failure, also of --help.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>

#include "exits.h"
#include "output.h"

int
output_end(int status)
{
	bool flushed = fflush(stdout) == 0;

	if (status != BS_OK || (flushed && !ferror(stdout)))
		return status;
	/* An earlier failure has left no errno behind. */
	if (flushed)
		warnx("standard output: not all of it was written");
	else
		warn("standard output");
	return BS_FAIL;
}
