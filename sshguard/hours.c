/* hours.c: times of the day, as "22:00-06:00".
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <stddef.h>

#include "hours.h"

/* "HH:MM"; 24:00 is the end of the day.  What follows it, or NULL. */
static const char *
parse_time(const char *s, unsigned *minute)
{
	unsigned h, m;
	int i;

	for (i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : !isdigit((unsigned char)s[i]))
			return NULL;
	h = (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
	m = (unsigned)(s[3] - '0') * 10 + (unsigned)(s[4] - '0');
	*minute = h * 60 + m;
	return m < 60 && *minute <= 1440 ? s + 5 : NULL;
}

int
hours_parse(const char *s, struct hours *h)
{
	if ((s = parse_time(s, &h->from)) == NULL || *s != '-' ||
	    (s = parse_time(s + 1, &h->to)) == NULL || *s != '\0')
		return -1;
	return h->from == h->to || h->from == 1440 ? -1 : 0;
}

bool
hours_have(const struct hours *h, unsigned minute)
{
	if (h->from < h->to)
		return minute >= h->from && minute < h->to;
	return minute >= h->from || minute < h->to;
}
