/* usage_cache.c: HOST.snaps/.usage.json, what the last walk found:
 *
 *   {"version": 1, "time": 179…,
 *    "snapshots": [["2026-11-22T040201Z", 40960], …],
 *    "history": [[179…, 123456], …]}
 *
 * Pure.  It belongs to the account, so its numbers are only ever shown.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_json.h"
#include "usage.h"

#define VERSION		1
#define BYTES_MAX	(INT64_C(1) << 60)
#define SNAPSHOTS_MAX	100000
#define DAY		86400

/* [x, bytes] of a list. */
static int
pair_bytes(const json_t *pair, uint64_t *bytes)
{
	const json_t *o = json_array_get(pair, 1);
	json_int_t n;

	if (json_array_size(pair) != 2 || !json_is_integer(o))
		return -1;
	n = json_integer_value(o);
	if (n < 0 || n > BYTES_MAX)
		return -1;
	*bytes = (uint64_t)n;
	return 0;
}

static int
get_snapshots(const json_t *list, struct usage_cache *c)
{
	const char *stamp;
	size_t i, n = json_array_size(list);
	time_t t;

	if (!json_is_array(list) || n > SNAPSHOTS_MAX ||
	    (c->v = calloc(n + 1, sizeof(*c->v))) == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		const json_t *pair = json_array_get(list, i);

		stamp = json_string_value(json_array_get(pair, 0));
		if (stamp == NULL || stamp_parse(stamp, &t) == -1 ||
		    pair_bytes(pair, &c->v[i].bytes) == -1)
			return -1;
		(void)strlcpy(c->v[i].stamp, stamp, STAMP_SIZE);
		/* Oldest first, none twice. */
		if (i > 0 && strcmp(c->v[i - 1].stamp, stamp) >= 0)
			return -1;
		c->n++;
	}
	return 0;
}

static int
get_history(const json_t *list, struct usage_cache *c)
{
	size_t i, n = json_array_size(list);
	const json_t *pair, *o;

	if (!json_is_array(list) || n > USAGE_HISTORY ||
	    (c->history = calloc(USAGE_HISTORY, sizeof(*c->history))) == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		pair = json_array_get(list, i);
		o = json_array_get(pair, 0);
		if (!json_is_integer(o) || json_integer_value(o) < 0 ||
		    json_integer_value(o) > BYTES_MAX ||
		    pair_bytes(pair, &c->history[i].bytes) == -1)
			return -1;
		c->history[i].time = (time_t)json_integer_value(o);
		c->points++;
	}
	return 0;
}

int
usage_cache_parse(const char *buf, size_t len, struct usage_cache *c)
{
	json_t *o = NULL;
	int64_t version, t;
	int rc = -1;

	memset(c, 0, sizeof(*c));
	if (len <= USAGE_CACHE_MAX &&
	    (o = json_object_parse(buf, len)) != NULL &&
	    json_get_int(o, "version", VERSION, VERSION, &version) == 0 &&
	    json_get_int(o, "time", 0, BYTES_MAX, &t) == 0 &&
	    get_snapshots(json_object_get(o, "snapshots"), c) == 0 &&
	    get_history(json_object_get(o, "history"), c) == 0) {
		c->time = (time_t)t;
		rc = 0;
	}
	json_decref(o);
	if (rc == -1) {
		usage_cache_free(c);
		errno = EINVAL;
	}
	return rc;
}

char *
usage_cache_format(const struct usage_cache *c)
{
	json_t *snaps = json_array(), *history = json_array();
	size_t i;

	for (i = 0; i < c->n; i++)
		json_array_append_new(snaps, json_pack("[sI]", c->v[i].stamp,
		    (json_int_t)c->v[i].bytes));
	for (i = 0; i < c->points; i++)
		json_array_append_new(history, json_pack("[II]",
		    (json_int_t)c->history[i].time,
		    (json_int_t)c->history[i].bytes));
	return json_line(json_pack("{si sI so so}", "version", VERSION,
	    "time", (json_int_t)c->time, "snapshots", snaps,
	    "history", history));
}

int
usage_cache_add(struct usage_cache *c, time_t t, uint64_t bytes)
{
	struct usage_point *last;

	if (c->history == NULL && (c->history = calloc(USAGE_HISTORY,
	    sizeof(*c->history))) == NULL)
		return -1;
	last = c->points == 0 ? NULL : &c->history[c->points - 1];
	if (last == NULL || last->time / DAY != t / DAY) {
		if (c->points == USAGE_HISTORY)
			memmove(c->history, c->history + 1,
			    --c->points * sizeof(*c->history));
		last = &c->history[c->points++];
	}
	*last = (struct usage_point){ t, bytes };
	return 0;
}

void
usage_cache_free(struct usage_cache *c)
{
	free(c->v);
	free(c->history);
	memset(c, 0, sizeof(*c));
}
