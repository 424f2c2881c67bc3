/* store_state.c: what .push/state and .push/commit hold, from bytes and to
 * bytes.  Pure: it opens nothing.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "store_internal.h"
#include "store_json.h"

/* "" or "a/b": no empty part, no "." and no "..", no slash at either end. */
bool
subdir_valid(const char *s)
{
	size_t n;

	if (strlen(s) >= PATH_MAX)
		return false;
	if (*s == '\0')
		return true;
	for (;; s += n + 1) {
		n = strcspn(s, "/");
		if (n == 0 || n > NAME_MAX || (n == 1 && s[0] == '.') ||
		    (n == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		if (s[n] == '\0')
			return true;
	}
}

/* Is `inner` the same folder as `outer` or below it? */
bool
subdir_covers(const char *outer, const char *inner)
{
	size_t n = strlen(outer);

	return n == 0 || (strncmp(outer, inner, n) == 0 &&
	    (inner[n] == '\0' || inner[n] == '/'));
}

static int
get_subdir(const json_t *o, char **out)
{
	char *s;

	if ((s = json_get_bytes(o, "subdir")) == NULL)
		return -1;
	if (!subdir_valid(s)) {
		free(s);
		return -1;
	}
	*out = s;
	return 0;
}

static int
invalid(json_t *o, char **subdir)
{
	json_decref(o);
	free(*subdir);
	*subdir = NULL;
	errno = EINVAL;
	return -1;
}

/* 0 and *st filled, its subdir to be freed; or -1 with errno EINVAL and
 * nothing to free. */
int
push_state_parse(const char *buf, size_t len, struct push_state *st)
{
	json_t *o;

	memset(st, 0, sizeof(*st));
	if ((o = json_object_parse(buf, len)) == NULL ||
	    json_get_way(o, &st->way) == -1 ||
	    json_get_stamp(o, "base", st->base) == -1 ||
	    json_get_text(o, "boot_id", st->boot_id,
	    sizeof(st->boot_id)) == -1 ||
	    json_get_time(o, "started", &st->started) == -1 ||
	    json_get_bool(o, "synced", &st->synced) == -1 ||
	    get_subdir(o, &st->subdir) == -1)
		return invalid(o, &st->subdir);
	json_decref(o);
	return 0;
}

char *
push_state_format(const struct push_state *st)
{
	return json_line(json_pack("{ss ss so ss sI sb}",
	    "way", store_way_name(st->way),
	    "base", st->base,
	    "subdir", json_bytes(st->subdir),
	    "boot_id", st->boot_id,
	    "started", (json_int_t)st->started,
	    "synced", (int)st->synced));
}

/* The same for .push/commit. */
int
push_commit_parse(const char *buf, size_t len, struct push_commit *c)
{
	int64_t rsync_exit;
	json_t *o;

	memset(c, 0, sizeof(*c));
	if ((o = json_object_parse(buf, len)) == NULL ||
	    json_get_way(o, &c->way) == -1 ||
	    json_get_stamp(o, "stamp", c->stamp) == -1 ||
	    c->stamp[0] == '\0' ||
	    json_get_stamp(o, "base", c->base) == -1 ||
	    json_get_text(o, "client", c->client,
	    sizeof(c->client)) == -1 ||
	    json_get_bool(o, "deletes", &c->deletes) == -1 ||
	    json_get_bool(o, "resumed", &c->resumed) == -1 ||
	    json_get_time(o, "started", &c->started) == -1 ||
	    json_get_time(o, "ended", &c->ended) == -1 ||
	    json_get_int(o, "rsync_exit", 0, 255, &rsync_exit) == -1 ||
	    get_subdir(o, &c->subdir) == -1)
		return invalid(o, &c->subdir);
	c->rsync_exit = (int)rsync_exit;
	json_decref(o);
	return 0;
}

char *
push_commit_format(const struct push_commit *c)
{
	return json_line(json_pack("{ss ss ss so so sb sb sI sI si}",
	    "way", store_way_name(c->way),
	    "stamp", c->stamp,
	    "base", c->base,
	    "subdir", json_bytes(c->subdir),
	    "client", json_ascii(c->client),
	    "deletes", (int)c->deletes,
	    "resumed", (int)c->resumed,
	    "started", (json_int_t)c->started,
	    "ended", (json_int_t)c->ended,
	    "rsync_exit", c->rsync_exit));
}
