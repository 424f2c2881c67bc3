/* hours.h: times of the day.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_HOURS_H
#define BACKSHELF_SSHGUARD_HOURS_H

#include <stdbool.h>

/* From `from` to before `to`, minutes since midnight; over midnight if `to` is
 * the smaller one. */
struct hours {
	unsigned	from;	/* 0 to 1439 */
	unsigned	to;	/* 0 to 1440 */
};

/* "22:00-06:00", "00:00-24:00".  0, or -1 if it is not that, or is no time at
 * all. */
int	hours_parse(const char *, struct hours *);

/* Is this minute of the day in them? */
bool	hours_have(const struct hours *, unsigned minute);

#endif
