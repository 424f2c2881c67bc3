/* store_json.h: members of a JSON object, each within its bounds.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_STORE_JSON_H
#define BACKSHELF_STORE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <time.h>

#include <jansson.h>

#include "store.h"

/* Parse one object and nothing behind it.  NULL if it is none. */
json_t	*json_object_parse(const char *buf, size_t len);

/* Each: 0 and the value set; -1 if the member is missing, of another type or
 * out of bounds.  Strings hold printable ASCII only. */
int	json_get_bool(const json_t *, const char *key, bool *);
int	json_get_int(const json_t *, const char *key, int64_t min,
	    int64_t max, int64_t *);
int	json_get_u64(const json_t *, const char *key, uint64_t *);
int	json_get_text(const json_t *, const char *key, char *, size_t size);

int	json_get_time(const json_t *, const char *key, time_t *);

/* Member "way". */
int	json_get_way(const json_t *, enum store_way *);

/* "" or a stamp. */
int	json_get_stamp(const json_t *, const char *key, char *);

/* Any bytes but NUL, written as %XX where they are not of [A-Za-z0-9/._-].
 * To be freed. */
char	*json_get_bytes(const json_t *, const char *key);
json_t	*json_bytes(const char *);

/* Text with what is not printable ASCII replaced by '?'. */
json_t	*json_ascii(const char *);

/* One line, keys in the order they were set; takes the object, which may be
 * NULL.  To be freed; NULL with errno ENOMEM. */
char	*json_line(json_t *);

#endif
