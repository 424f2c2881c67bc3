/* when.c: which snapshot is meant.
 * Pure but for the time zone: the list and the time are arguments.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "irsync.h"

static bool
is_complete(const struct snapshot *s)
{
	return s->status != SNAPSHOT_PARTIAL;
}

/* A local time.  One that the clocks show twice, when they are set back, is the
 * later of the two; one that they leave out is the instant at which they do. */
static time_t
local_time(const struct tm *want)
{
	struct tm tm;
	time_t t, best = -1;
	int dst;

	for (dst = 1; dst >= 0; dst--) {
		tm = *want;
		tm.tm_isdst = dst;
		t = mktime(&tm);
		/* As wanted, or set right by the hour that it was off? */
		if (tm.tm_min == want->tm_min && tm.tm_hour == want->tm_hour &&
		    (best == -1 || t > best))
			best = t;
	}
	return best != -1 ? best : t;
}

/* Midnight at the beginning of a day, local time; days may be out of its
 * month. */
static time_t
midnight(int year, int month, int day)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1,
	    .tm_mday = day };

	return local_time(&tm);
}

static int
days_of(int year, int month)
{
	static const int days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Is text of this shape?  d stands for a digit, s for a blank or a T. */
static bool
has_shape(const char *text, const char *shape)
{
	for (; *shape != '\0'; shape++, text++)
		if (*shape == 'd' ? *text < '0' || *text > '9' :
		    *shape == 's' ? *text != ' ' && *text != 'T' :
		    *text != *shape)
			return false;
	return *text == '\0';
}

int
when_parse(const char *text, time_t now, time_t *before)
{
	struct tm tm = { .tm_isdst = -1 };
	int year, month, day, hour = 0, min = 0, sec = 0;
	bool timed;

	if (strcmp(text, "yesterday") == 0) {
		if (localtime_r(&now, &tm) == NULL)
			return -1;
		*before = midnight(tm.tm_year + 1900, tm.tm_mon + 1,
		    tm.tm_mday) - 1;
		return 0;
	}
	timed = has_shape(text, "dddd-dd-ddsdd:dd") ||
	    has_shape(text, "dddd-dd-ddsdd:dd:dd");
	if (!timed && !has_shape(text, "dddd-dd-dd"))
		return -1;
	(void)sscanf(text, "%4d-%2d-%2d%*1[ T]%2d:%2d:%2d", &year, &month,
	    &day, &hour, &min, &sec);
	if (month < 1 || month > 12 || day < 1 || day > days_of(year, month) ||
	    hour > 23 || min > 59 || sec > 60)
		return -1;
	if (!timed) {
		*before = midnight(year, month, day + 1) - 1;
		return 0;
	}
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_min = min;
	tm.tm_sec = sec;
	*before = local_time(&tm);
	return 0;
}

const struct snapshot *
snapshot_newest(const struct snapshot *v, size_t n, time_t before)
{
	const struct snapshot *best = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		if (is_complete(&v[i]) && v[i].time <= before &&
		    (best == NULL || v[i].time > best->time))
			best = &v[i];
	return best;
}

const struct snapshot *
snapshot_choose(const struct snapshot *v, size_t n, const char *spec,
    time_t now, const char **why)
{
	const struct snapshot *s;
	time_t before;
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(v[i].stamp, spec) == 0)
			return &v[i];
	if (stamp_parse(spec, &before) == 0) {
		*why = "there is no snapshot of that name";
		return NULL;
	}
	if (strcmp(spec, "latest") == 0)
		before = INT64_MAX;
	else if (when_parse(spec, now, &before) == -1) {
		*why = "neither a snapshot's name, nor 'latest', 'yesterday', "
		    "\"YYYY-MM-DD\" or \"YYYY-MM-DD HH:MM\"";
		return NULL;
	}
	if ((s = snapshot_newest(v, n, before)) == NULL)
		*why = n == 0 ? "there are no snapshots" :
		    "there is no complete snapshot that old";
	return s;
}
