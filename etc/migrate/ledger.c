/* ledger.c: the plan of a move as a file, from bytes and to bytes.  Pure.
 *
 * The first line is an object that says what is moved where; then two lines
 * for each snapshot: an object with its old name and whose it is, and its
 * record as it will stand in .meta (store_record.c).  Names are written as
 * json_bytes() does.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migrate.h"
#include "store_json.h"

#define LEDGER_VERSION	1

void
moves_free(struct moves *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		free(m->v[i].from);
		free(m->v[i].host);
	}
	free(m->v);
	free(m->source);
	free(m->dir);
	free(m->root);
	free(m->prefix);
	memset(m, 0, sizeof(*m));
}

/* A path below a folder: no empty part, no "." and "..". */
static bool
path_is_below(const char *p)
{
	size_t n;

	do {
		n = strcspn(p, "/");
		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += n;
	} while (*p++ == '/');
	return true;
}

static int
head_parse(const char *p, size_t len, struct moves *m)
{
	json_t *o = json_object_parse(p, len);
	int64_t n, uid, gid;
	char kind[32];
	int rc = -1;

	if (o == NULL ||
	    json_get_int(o, "version", LEDGER_VERSION, LEDGER_VERSION,
	    &n) == -1 ||
	    json_get_text(o, "source", kind, sizeof(kind)) == -1 ||
	    (m->source = strdup(kind)) == NULL ||
	    (m->dir = json_get_bytes(o, "dir")) == NULL ||
	    (m->root = json_get_bytes(o, "root")) == NULL ||
	    (m->prefix = json_get_bytes(o, "prefix")) == NULL ||
	    json_get_bool(o, "owner", &m->owner.given) == -1 ||
	    json_get_int(o, "uid", 0, UINT32_MAX - 1, &uid) == -1 ||
	    json_get_int(o, "gid", 0, UINT32_MAX - 1, &gid) == -1)
		goto out;
	m->owner.uid = (uid_t)uid;
	m->owner.gid = (gid_t)gid;
	if (m->dir[0] == '/' && m->root[0] == '/' &&
	    (m->prefix[0] == '\0' || path_is_below(m->prefix)))
		rc = 0;
out:
	json_decref(o);
	return rc;
}

static int
move_parse(const char *p, size_t len, struct move *mv)
{
	json_t *o = json_object_parse(p, len);
	int rc = -1;

	if (o != NULL && (mv->from = json_get_bytes(o, "from")) != NULL &&
	    (mv->host = json_get_bytes(o, "host")) != NULL &&
	    path_is_below(mv->from) && store_host_valid(mv->host))
		rc = 0;
	json_decref(o);
	return rc;
}

static int
record_parse(const char *p, size_t len, struct move *mv)
{
	json_t *o = json_object_parse(p, len);
	char stamp[STAMP_SIZE];
	int rc = -1;

	if (o != NULL && json_get_stamp(o, "stamp", stamp) == 0 &&
	    stamp[0] != '\0')
		rc = store_record_parse(p, len, stamp, &mv->s);
	json_decref(o);
	return rc;
}

static struct move *
moves_grow(struct moves *m)
{
	struct move *v;

	if ((v = reallocarray(m->v, m->n + 1, sizeof(*v))) == NULL)
		return NULL;
	m->v = v;
	memset(&v[m->n], 0, sizeof(*v));
	return &v[m->n++];
}

int
ledger_parse(const char *buf, size_t len, struct moves *m, struct diag *d)
{
	const char *p = buf, *end = buf + len, *nl;
	struct move *mv = NULL;
	int rc;

	memset(m, 0, sizeof(*m));
	for (d->line = 1; p < end; p = nl + 1, d->line++) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			break;		/* cut off */
		len = (size_t)(nl - p);
		if (d->line == 1)
			rc = head_parse(p, len, m);
		else if (d->line % 2 == 0)
			rc = (mv = moves_grow(m)) == NULL ? -1 :
			    move_parse(p, len, mv);
		else
			rc = record_parse(p, len, mv);
		if (rc == -1)
			goto bad;
	}
	if (p == end && d->line > 1 && d->line % 2 == 0)
		return 0;
bad:
	strlcpy(d->msg, "not what backshelf-migrate has written",
	    sizeof(d->msg));
	moves_free(m);
	errno = EINVAL;
	return -1;
}

/* Write a line that is to be freed, or fail. */
static int
put(FILE *f, char *line)
{
	int rc = line == NULL || fputs(line, f) == EOF ? -1 : 0;

	free(line);
	return rc;
}

char *
ledger_format(const struct moves *m)
{
	char *text = NULL;
	size_t size = 0, i;
	FILE *f;
	int rc;

	if ((f = open_memstream(&text, &size)) == NULL)
		return NULL;
	rc = put(f, json_line(json_pack("{si ss so so so sb sI sI}",
	    "version", LEDGER_VERSION, "source", m->source,
	    "dir", json_bytes(m->dir), "root", json_bytes(m->root),
	    "prefix", json_bytes(m->prefix), "owner", (int)m->owner.given,
	    "uid", (json_int_t)m->owner.uid,
	    "gid", (json_int_t)m->owner.gid)));
	for (i = 0; rc == 0 && i < m->n; i++) {
		rc = put(f, json_line(json_pack("{so ss}",
		    "from", json_bytes(m->v[i].from), "host", m->v[i].host)));
		if (rc == 0)
			rc = put(f, store_record_format(&m->v[i].s));
	}
	if (fclose(f) == EOF || rc == -1) {
		free(text);
		errno = ENOMEM;
		return NULL;
	}
	return text;
}
