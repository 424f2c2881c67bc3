/* laststate.c: what became of the last backups: bytes to a struct and back.
 * In: bytes of a file that a crash or a hand may have spoilt.  Out: the
 * struct, or an error.  All but _read and _write is pure.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "laststate.h"
#include "store_json.h"

static int
get_time(const json_t *j, const char *key, time_t *t)
{
	int64_t v;

	if (json_get_int(j, key, 0, INT64_C(253402300799), &v) == -1)
		return -1;
	*t = (time_t)v;
	return 0;
}

static int
parse_run(const json_t *j, struct laststate_run *r)
{
	int64_t v;

	if (!json_is_object(j) || get_time(j, "started", &r->started) == -1 ||
	    get_time(j, "ended", &r->ended) == -1 ||
	    json_get_int(j, "exit", -1, 255, &v) == -1 ||
	    json_get_stamp(j, "snapshot", r->stamp) == -1 ||
	    json_get_u64(j, "entries", &r->entries) == -1 ||
	    json_get_u64(j, "size", &r->size) == -1 ||
	    json_get_u64(j, "sent", &r->sent) == -1 ||
	    json_get_u64(j, "bytes_new", &r->bytes_new) == -1 ||
	    json_get_u64(j, "msecs", &r->msecs) == -1 ||
	    json_get_text(j, "error", r->error, sizeof(r->error)) == -1)
		return -1;
	r->exit = (int)v;
	return json_object_get(j, "gone") == NULL ? 0 :
	    json_get_u64(j, "gone", &r->gone);
}

static int
parse_storage(const json_t *j, struct laststate_storage *s)
{
	const json_t *runs = json_object_get(j, "runs");
	size_t i;

	if (json_get_text(j, "storage", s->name, sizeof(s->name)) == -1 ||
	    get_time(j, "complete", &s->complete) == -1 ||
	    json_get_stamp(j, "complete_snapshot", s->complete_stamp) == -1 ||
	    !json_is_array(runs) || json_array_size(runs) > LASTSTATE_RUNS)
		return -1;
	s->n = json_array_size(runs);
	for (i = 0; i < s->n; i++)
		if (parse_run(json_array_get(runs, i), &s->runs[i]) == -1)
			return -1;
	return 0;
}

static int
parse_storages(const json_t *all, struct laststate *out)
{
	size_t i, n = json_array_size(all);

	if (!json_is_array(all) || n > LASTSTATE_STORAGES)
		return -1;
	if (n > 0 && (out->v = calloc(n, sizeof(*out->v))) == NULL)
		return -1;
	out->n = n;
	for (i = 0; i < n; i++)
		if (parse_storage(json_array_get(all, i), &out->v[i]) == -1)
			return -1;
	return 0;
}

int
laststate_parse(const char *buf, size_t len, struct laststate *out)
{
	json_t *j;
	int64_t version;
	int rc = -1;

	memset(out, 0, sizeof(*out));
	if (len > LASTSTATE_MAX || (j = json_object_parse(buf, len)) == NULL) {
		errno = EINVAL;
		return -1;
	}
	errno = EINVAL;
	if (json_get_int(j, "version", 1, 1, &version) == 0 &&
	    json_get_text(j, "host", out->host, sizeof(out->host)) == 0)
		rc = parse_storages(json_object_get(j, "storages"), out);
	if (rc == -1)
		laststate_free(out);
	json_decref(j);
	return rc;
}

static json_t *
run_json(const struct laststate_run *r)
{
	return json_pack("{s:I, s:I, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, "
	    "s:o}", "started", (json_int_t)r->started, "ended", (json_int_t)r->ended,
	    "exit", r->exit, "snapshot", r->stamp,
	    "entries", (json_int_t)r->entries, "size", (json_int_t)r->size,
	    "sent", (json_int_t)r->sent,
	    "bytes_new", (json_int_t)r->bytes_new,
	    "msecs", (json_int_t)r->msecs, "gone", (json_int_t)r->gone,
	    "error", json_ascii(r->error));
}

static json_t *
storage_json(const struct laststate_storage *s)
{
	json_t *runs = json_array();
	size_t i;

	for (i = 0; i < s->n; i++)
		if (json_array_append_new(runs, run_json(&s->runs[i])) == -1) {
			json_decref(runs);
			return NULL;
		}
	return json_pack("{s:o, s:I, s:s, s:o}", "storage", json_ascii(s->name),
	    "complete", (json_int_t)s->complete,
	    "complete_snapshot", s->complete_stamp, "runs", runs);
}

char *
laststate_format(const struct laststate *ls)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < ls->n; i++)
		if (json_array_append_new(all, storage_json(&ls->v[i])) == -1) {
			json_decref(all);
			errno = ENOMEM;
			return NULL;
		}
	return json_line(json_pack("{s:i, s:o, s:o}", "version", 1, "host",
	    json_ascii(ls->host), "storages", all));
}

/* A name as the file has it: printable, and cut. */
static void
escape_name(char buf[512], const char *name)
{
	char *p;

	(void)strlcpy(buf, name, 512);
	for (p = buf; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

struct laststate_storage *
laststate_find(const struct laststate *ls, const char *name)
{
	char safe[512];
	size_t i;

	escape_name(safe, name);
	for (i = 0; i < ls->n; i++)
		if (strcmp(ls->v[i].name, safe) == 0)
			return &ls->v[i];
	return NULL;
}

/* A new row.  The one whose last run is the oldest makes room for it: it is of
 * a storage that is no longer configured. */
static struct laststate_storage *
row_add(struct laststate *ls, const char *name)
{
	struct laststate_storage *v, *s;
	size_t i;

	if (ls->n < LASTSTATE_STORAGES) {
		if ((v = reallocarray(ls->v, ls->n + 1, sizeof(*v))) == NULL)
			return NULL;
		ls->v = v;
		s = &v[ls->n++];
	} else {
		s = &ls->v[0];
		for (i = 1; i < ls->n; i++)
			if (ls->v[i].n == 0 || (s->n > 0 &&
			    ls->v[i].runs[ls->v[i].n - 1].started <
			    s->runs[s->n - 1].started))
				s = &ls->v[i];
	}
	memset(s, 0, sizeof(*s));
	escape_name(s->name, name);
	return s;
}

struct laststate_run *
laststate_begin(struct laststate *ls, const char *name, time_t now)
{
	struct laststate_storage *s;
	struct laststate_run *r;

	if ((s = laststate_find(ls, name)) == NULL &&
	    (s = row_add(ls, name)) == NULL)
		return NULL;
	if (s->n == LASTSTATE_RUNS) {
		memmove(&s->runs[0], &s->runs[1],
		    (LASTSTATE_RUNS - 1) * sizeof(s->runs[0]));
		s->n--;
	}
	r = &s->runs[s->n++];
	memset(r, 0, sizeof(*r));
	r->started = now;
	r->exit = -1;
	return r;
}

void
laststate_end(struct laststate *ls, const char *name,
    const struct laststate_run *run)
{
	struct laststate_storage *s = laststate_find(ls, name);

	if (s == NULL || s->n == 0)
		return;
	s->runs[s->n - 1] = *run;
	if (run->exit == 0 || run->exit == 24) {
		s->complete = run->ended;
		memcpy(s->complete_stamp, run->stamp, STAMP_SIZE);
	}
}

const struct laststate_run *
laststate_made(const struct laststate_storage *s, uint64_t *gone)
{
	size_t i;

	*gone = 0;
	for (i = s != NULL ? s->n : 0; i > 0; i--) {
		if (s->runs[i - 1].stamp[0] != '\0')
			return &s->runs[i - 1];
		if (__builtin_add_overflow(*gone, s->runs[i - 1].gone, gone))
			*gone = UINT64_MAX;
		/* It was killed, and nobody knows how much it deleted. */
		if (s->runs[i - 1].ended == 0 && i < s->n && *gone == 0)
			*gone = 1;
	}
	return NULL;
}

void
laststate_free(struct laststate *ls)
{
	free(ls->v);
	memset(ls, 0, sizeof(*ls));
}

int
laststate_read(const char *path, struct laststate *out)
{
	char *buf;
	size_t len;
	int rc;

	memset(out, 0, sizeof(*out));
	if ((buf = file_read(path, LASTSTATE_MAX, &len)) == NULL)
		return errno == ENOENT ? 0 : -1;
	rc = laststate_parse(buf, len, out);
	free(buf);
	return rc;
}

int
laststate_write(const char *path, const struct laststate *ls)
{
	char *text;
	int rc;

	if ((text = laststate_format(ls)) == NULL)
		return -1;
	rc = file_replace(path, text, strlen(text), 0644, true);
	free(text);
	return rc;
}
