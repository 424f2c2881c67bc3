/* human.c: sizes and durations as people write and read them.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "human.h"

/* Digits at *sp, moved past.  -1 with errno EINVAL (none) or ERANGE. */
static int
parse_digits(const char **sp, uint64_t *n)
{
	const char *s = *sp;

	if (!isdigit((unsigned char)*s)) {
		errno = EINVAL;
		return -1;
	}
	for (*n = 0; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, (uint64_t)(*s - '0'), n) ||
		    *n > INT64_MAX) {
			errno = ERANGE;
			return -1;
		}
	*sp = s;
	return 0;
}

/* "", "B", "K", "KB", "KiB", … : the power of 1024, or -1. */
static int
size_power(const char *s)
{
	static const char letters[] = "KMGTP";
	const char *p;

	if (*s == '\0' || strcasecmp(s, "b") == 0)
		return 0;
	if ((p = strchr(letters, toupper((unsigned char)*s))) == NULL)
		return -1;
	s++;
	if (*s != '\0' && strcasecmp(s, "b") != 0 && strcasecmp(s, "ib") != 0)
		return -1;
	return (int)(p - letters) + 1;
}

int
human_parse_size(const char *s, uint64_t *bytes)
{
	uint64_t whole, scale, tenth, frac = 0;
	int power;

	if (parse_digits(&s, &whole) == -1)
		return -1;
	tenth = 1;
	if (*s == '.') {
		/* Six places are finer than anyone writes. */
		for (s++; isdigit((unsigned char)*s) && tenth < 1000000; s++) {
			frac = frac * 10 + (uint64_t)(*s - '0');
			tenth *= 10;
		}
		if (tenth == 1)
			goto bad;
	}
	while (*s == ' ')
		s++;
	if ((power = size_power(s)) == -1 || (power == 0 && tenth != 1))
		goto bad;
	scale = UINT64_C(1) << (10 * power);
	if (__builtin_mul_overflow(whole, scale, &whole) ||
	    __builtin_add_overflow(whole, scale / tenth * frac +
	    scale % tenth * frac / tenth, &whole) || whole > INT64_MAX) {
		errno = ERANGE;
		return -1;
	}
	*bytes = whole;
	return 0;
bad:
	errno = EINVAL;
	return -1;
}

static uint64_t
duration_unit(char c)
{
	switch (c) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 7 * 86400;
	}
	return 0;
}

int
human_parse_duration(const char *s, uint64_t unit, uint64_t *secs)
{
	uint64_t n, u, last = UINT64_MAX, total = 0;

	do {
		if (parse_digits(&s, &n) == -1)
			return -1;
		u = *s == '\0' && last == UINT64_MAX ? unit :
		    duration_unit(*s);
		if (u == 0 || (last != UINT64_MAX && u >= last)) {
			errno = EINVAL;
			return -1;
		}
		last = u;
		if (*s != '\0')
			s++;
		if (__builtin_mul_overflow(n, u, &n) ||
		    __builtin_add_overflow(total, n, &total) ||
		    total > INT64_MAX) {
			errno = ERANGE;
			return -1;
		}
	} while (*s != '\0');
	*secs = total;
	return 0;
}

void
human_size(char buf[HUMAN_SIZE], uint64_t bytes)
{
	static const char letters[] = "KMGTPE";
	uint64_t whole = bytes, rest = 0;
	int i;

	for (i = -1; whole >= 1024; i++) {
		rest = whole % 1024;
		whole /= 1024;
	}
	if (i == -1)
		snprintf(buf, HUMAN_SIZE, "%llu B", (unsigned long long)bytes);
	else if (whole < 10)
		snprintf(buf, HUMAN_SIZE, "%llu.%llu %ciB",
		    (unsigned long long)whole,
		    (unsigned long long)(rest * 10 / 1024), letters[i]);
	else
		snprintf(buf, HUMAN_SIZE, "%llu %ciB",
		    (unsigned long long)whole, letters[i]);
}

void
human_duration(char buf[HUMAN_SIZE], uint64_t secs)
{
	unsigned long long s = secs;

	if (s < 60)
		snprintf(buf, HUMAN_SIZE, "%llu s", s);
	else if (s < 3600)
		snprintf(buf, HUMAN_SIZE, "%llu min", s / 60);
	else if (s < 86400 && s % 3600 / 60 != 0)
		snprintf(buf, HUMAN_SIZE, "%llu h %llu min", s / 3600,
		    s % 3600 / 60);
	else if (s < 86400)
		snprintf(buf, HUMAN_SIZE, "%llu h", s / 3600);
	else
		snprintf(buf, HUMAN_SIZE, "%llu d", s / 86400);
}
