/* store_json.c: members of a JSON object, each within its bounds.
 * The store's records and states are read by these alone: whatever stands in
 * the file, a value is right or the file is not ours.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_internal.h"
#include "store_json.h"

json_t *
json_object_parse(const char *buf, size_t len)
{
	json_error_t error;
	json_t *j;

	j = json_loadb(buf, len, JSON_REJECT_DUPLICATES, &error);
	if (j != NULL && !json_is_object(j)) {
		json_decref(j);
		j = NULL;
	}
	return j;
}

int
json_get_bool(const json_t *o, const char *key, bool *out)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_boolean(j))
		return -1;
	*out = json_is_true(j);
	return 0;
}

int
json_get_int(const json_t *o, const char *key, int64_t min, int64_t max,
    int64_t *out)
{
	const json_t *j = json_object_get(o, key);
	json_int_t v;

	if (!json_is_integer(j))
		return -1;
	v = json_integer_value(j);
	if (v < min || v > max)
		return -1;
	*out = v;
	return 0;
}

int
json_get_time(const json_t *o, const char *key, time_t *out)
{
	int64_t v;

	if (json_get_int(o, key, 0, INT64_MAX, &v) == -1)
		return -1;
	*out = (time_t)v;
	return 0;
}

int
json_get_way(const json_t *o, enum store_way *out)
{
	char text[16];

	if (json_get_text(o, "way", text, sizeof(text)) == -1)
		return -1;
	return store_way_parse(text, out);
}

int
json_get_u64(const json_t *o, const char *key, uint64_t *out)
{
	int64_t v;

	if (json_get_int(o, key, 0, INT64_MAX, &v) == -1)
		return -1;
	*out = (uint64_t)v;
	return 0;
}

static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s > '~')
			return false;
	return true;
}

int
json_get_text(const json_t *o, const char *key, char *out, size_t size)
{
	const json_t *j = json_object_get(o, key);
	const char *s;

	if (!json_is_string(j))
		return -1;
	s = json_string_value(j);
	if (json_string_length(j) != strlen(s) || !is_plain(s) ||
	    strlen(s) >= size)
		return -1;
	strlcpy(out, s, size);
	return 0;
}

int
json_get_stamp(const json_t *o, const char *key, char *out)
{
	char text[STAMP_SIZE];
	time_t t;

	if (json_get_text(o, key, text, sizeof(text)) == -1 ||
	    (text[0] != '\0' && stamp_parse(text, &t) == -1))
		return -1;
	strlcpy(out, text, STAMP_SIZE);
	return 0;
}

static int
hex_value(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *p;

	return c != '\0' && (p = strchr(digits, c)) != NULL ?
	    (int)(p - digits) : -1;
}

char *
json_get_bytes(const json_t *o, const char *key)
{
	const json_t *j = json_object_get(o, key);
	const char *s;
	char *out, *p;
	int hi, lo;

	if (!json_is_string(j))
		return NULL;
	s = json_string_value(j);
	if (json_string_length(j) != strlen(s) ||
	    (p = out = malloc(strlen(s) + 1)) == NULL)
		return NULL;
	for (; *s != '\0'; s++) {
		if (*s != '%') {
			*p++ = *s;
			continue;
		}
		if ((hi = hex_value(s[1])) == -1 ||
		    (lo = hex_value(s[2])) == -1 || (hi == 0 && lo == 0)) {
			free(out);
			return NULL;
		}
		*p++ = (char)(hi * 16 + lo);
		s += 2;
	}
	*p = '\0';
	return out;
}

json_t *
json_bytes(const char *s)
{
	static const char digits[] = "0123456789ABCDEF";
	json_t *j;
	char *out, *p;

	if ((p = out = malloc(3 * strlen(s) + 1)) == NULL)
		return NULL;
	for (; *s != '\0'; s++) {
		if (isalnum((unsigned char)*s) ||
		    strchr("/._-", *s) != NULL) {
			*p++ = *s;
			continue;
		}
		*p++ = '%';
		*p++ = digits[(unsigned char)*s >> 4];
		*p++ = digits[(unsigned char)*s & 15];
	}
	*p = '\0';
	j = json_string(out);
	free(out);
	return j;
}

json_t *
json_ascii(const char *s)
{
	json_t *j;
	char *out, *p;

	if ((out = strdup(s)) == NULL)
		return NULL;
	for (p = out; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = '?';
	j = json_string(out);
	free(out);
	return j;
}

char *
json_line(json_t *j)
{
	char *text = NULL, *line = NULL;
	size_t n;

	if (j != NULL && (text = json_dumps(j, 0)) != NULL) {
		n = strlen(text);
		if ((line = realloc(text, n + 2)) != NULL)
			memcpy(line + n, "\n", 2);
		else
			free(text);
	}
	json_decref(j);
	if (line == NULL)
		errno = ENOMEM;
	return line;
}
