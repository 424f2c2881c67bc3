/* stamp.c: snapshot names to times and back, in UTC, whatever TZ says.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "stamp.h"

static const char shape[] = "dddd-dd-ddTddddddZ";

int
stamp_format(char buf[STAMP_SIZE], time_t t)
{
	struct tm tm;

	if (t < 0 || gmtime_r(&t, &tm) == NULL || tm.tm_year + 1900 > 9999) {
		errno = ERANGE;
		return -1;
	}
	strftime(buf, STAMP_SIZE, "%Y-%m-%dT%H%M%SZ", &tm);
	return 0;
}

int
stamp_parse(const char *s, time_t *t)
{
	struct tm tm = { 0 };
	char again[STAMP_SIZE];
	time_t r;
	size_t i;

	for (i = 0; i < STAMP_LEN; i++)
		if (shape[i] == 'd' ? !isdigit((unsigned char)s[i]) :
		    s[i] != shape[i])
			goto bad;
	if (s[STAMP_LEN] != '\0' ||
	    sscanf(s, "%4d-%2d-%2dT%2d%2d%2dZ", &tm.tm_year, &tm.tm_mon,
	    &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		goto bad;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	r = timegm(&tm);
	/* timegm turns 31 February into a day in March: only a stamp that
	 * comes back as it was is one. */
	if (stamp_format(again, r) == -1 || strcmp(again, s) != 0)
		goto bad;
	*t = r;
	return 0;
bad:
	errno = EINVAL;
	return -1;
}
