/* store_record.c: the record of a snapshot, .meta/STAMP.json, from bytes and
 * to bytes.  Pure: it opens nothing.
 *
 *   {"version": 1, "stamp": "2026-11-22T040201Z", "status": "complete",
 *    "way": "overlay", "client": "192.0.2.7", "base": "", "started": 179…,
 *    "ended": 179…, "rsync_exit": 0, "entries": 9, "linked": 0, "moved": 7,
 *    "dropped": 0, "copied": 0, "bytes": 1234, "bytes_new": 40960,
 *    "overlay_xattrs": false, "solid": true}
 *
 * Times are seconds since 1970; "solid" may be missing, and is false then.  A
 * record of a later version is no record to
 * us.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_internal.h"
#include "store_json.h"

#define RECORD_VERSION	1

static int
get_status(const json_t *o, enum snapshot_status *status)
{
	static const enum snapshot_status all[] = {
		SNAPSHOT_COMPLETE, SNAPSHOT_VANISHED, SNAPSHOT_PARTIAL
	};
	char text[16];
	size_t i;

	if (json_get_text(o, "status", text, sizeof(text)) == -1)
		return -1;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(text, snapshot_status_name(all[i])) == 0) {
			*status = all[i];
			return 0;
		}
	return -1;
}

int
store_way_parse(const char *text, enum store_way *way)
{
	static const enum store_way all[] = {
		STORE_WAY_OVERLAY, STORE_WAY_LINKDEST, STORE_WAY_BTRFS
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(text, store_way_name(all[i])) == 0) {
			*way = all[i];
			return 0;
		}
	return -1;
}

static int
get_numbers(const json_t *o, struct snapshot *s)
{
	const struct {
		const char	*key;
		uint64_t	*to;
	} rows[] = {
		{ "entries", &s->entries },
		{ "linked", &s->linked },
		{ "moved", &s->moved },
		{ "dropped", &s->dropped },
		{ "copied", &s->copied },
		{ "bytes", &s->bytes },
		{ "bytes_new", &s->bytes_new },
	};
	int64_t rsync_exit;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (json_get_u64(o, rows[i].key, rows[i].to) == -1)
			return -1;
	if (json_get_time(o, "started", &s->started) == -1 ||
	    json_get_time(o, "ended", &s->ended) == -1 ||
	    json_get_int(o, "rsync_exit", 0, 255, &rsync_exit) == -1)
		return -1;
	s->rsync_exit = (int)rsync_exit;
	return 0;
}

static int
get_all(const json_t *o, const char *stamp, struct snapshot *s)
{
	int64_t version;

	if (json_get_int(o, "version", RECORD_VERSION, RECORD_VERSION,
	    &version) == -1 ||
	    json_get_stamp(o, "stamp", s->stamp) == -1 ||
	    strcmp(s->stamp, stamp) != 0 ||
	    stamp_parse(stamp, &s->time) == -1 ||
	    get_status(o, &s->status) == -1 ||
	    json_get_way(o, &s->way) == -1 ||
	    json_get_text(o, "client", s->client, sizeof(s->client)) == -1 ||
	    json_get_stamp(o, "base", s->base) == -1 ||
	    get_numbers(o, s) == -1 ||
	    json_get_bool(o, "overlay_xattrs", &s->overlay_xattrs) == -1)
		return -1;
	if (json_get_bool(o, "solid", &s->solid) == -1)
		s->solid = false;
	s->recorded = true;
	return 0;
}

int
store_record_parse(const char *buf, size_t len, const char *stamp,
    struct snapshot *out)
{
	struct snapshot none = { .stamp = "" };
	json_t *o = NULL;
	int rc = -1;

	if (stamp_parse(stamp, &none.time) == 0)
		memcpy(none.stamp, stamp, STAMP_SIZE);
	*out = none;
	if (len <= STORE_RECORD_MAX &&
	    (o = json_object_parse(buf, len)) != NULL)
		rc = get_all(o, none.stamp, out);
	json_decref(o);
	if (rc == -1) {
		*out = none;
		errno = EINVAL;
	}
	return rc;
}

char *
store_record_format(const struct snapshot *s)
{
	/* "o" takes the reference of the text, and makes the whole NULL if
	 * memory was too short for it. */
	return json_line(json_pack("{si ss ss ss so ss sI sI si"
	    " sI sI sI sI sI sI sI sb sb}",
	    "version", RECORD_VERSION,
	    "stamp", s->stamp,
	    "status", snapshot_status_name(s->status),
	    "way", store_way_name(s->way),
	    "client", json_ascii(s->client),
	    "base", s->base,
	    "started", (json_int_t)s->started,
	    "ended", (json_int_t)s->ended,
	    "rsync_exit", s->rsync_exit,
	    "entries", (json_int_t)s->entries,
	    "linked", (json_int_t)s->linked,
	    "moved", (json_int_t)s->moved,
	    "dropped", (json_int_t)s->dropped,
	    "copied", (json_int_t)s->copied,
	    "bytes", (json_int_t)s->bytes,
	    "bytes_new", (json_int_t)s->bytes_new,
	    "overlay_xattrs", (int)s->overlay_xattrs,
	    "solid", (int)s->solid));
}
