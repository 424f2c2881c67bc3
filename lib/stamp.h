/* stamp.h: the names of snapshots, "2026-11-22T040201Z": UTC, to the second,
 * sorting as text.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_STAMP_H
#define BACKSHELF_STAMP_H

#include <time.h>

#define STAMP_LEN	18			/* without the final NUL */
#define STAMP_SIZE	(STAMP_LEN + 1)

/* Write the stamp of a time.  0, or -1 with errno ERANGE for a time outside
 * the years 1970 to 9999. */
int	stamp_format(char buf[STAMP_SIZE], time_t);

/* Read one.  Exactly STAMP_LEN bytes and a NUL; every field in its range,
 * the day in its month.  0 and *t set, or -1 with errno EINVAL. */
int	stamp_parse(const char *, time_t *t);

#endif
