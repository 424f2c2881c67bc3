/* listing.c: what rsync prints of entries of snapshots.
 * In: lines of LISTING_FORMAT, from a server, so any bytes.  Out: entries.
 * Pure.
 *
 * With --hard-links one transfer of several snapshots tells which of their
 * entries are one file on the storage's disk: rsync shows all but one of them
 * as hard links to that one.  So the versions of a file, and what changed
 * between two snapshots, are known exactly, by nothing but rsync.
 *
 * A name never holds "//", so the first one ends it; behind it " -> TARGET"
 * or " => NAME" may stand (rsyncd.conf(5), "log format").
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "look.h"

#define CHUNK	(256 * 1024)	/* bytes of text allocated at once */
#define ITEM	11		/* width of %i */

struct chunk {
	struct chunk	*next;
	char		 text[];
};

void
rsync_unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++, to++) {
		if (s[0] == '\\' && s[1] == '#' && s[2] >= '0' &&
		    s[2] <= '3' && s[3] >= '0' && s[3] <= '7' &&
		    s[4] >= '0' && s[4] <= '7' &&
		    (s[2] != '0' || s[3] != '0' || s[4] != '0')) {
			*to = (char)((s[2] - '0') * 64 + (s[3] - '0') * 8 +
			    s[4] - '0');
			s += 4;
		} else
			*to = *s;
	}
	*to = '\0';
}

/* Keep n bytes as a string. */
static char *
keep(struct listing *l, const char *s, size_t n)
{
	struct chunk *c;
	char *text;

	if (n >= l->room) {
		l->room = n + 1 > CHUNK ? n + 1 : CHUNK;
		if ((c = malloc(sizeof(*c) + l->room)) == NULL) {
			l->room = 0;
			l->failed = true;
			return NULL;
		}
		c->next = l->chunks;
		l->chunks = c;
		l->left = c->text;
	}
	text = l->left;
	memcpy(text, s, n);
	text[n] = '\0';
	l->left += n + 1;
	l->room -= n + 1;
	return text;
}

/* Digits, then `end`; moved past. */
static int
number(const char **sp, char end, uint64_t max, uint64_t *n)
{
	const char *s = *sp;

	*n = 0;
	if (!isdigit((unsigned char)*s))
		return -1;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, (uint64_t)(*s - '0'), n) ||
		    *n > max)
			return -1;
	if (*s++ != end)
		return -1;
	*sp = s;
	return 0;
}

/* "rwxr-sr-t" and a blank. */
static int
permissions(const char **sp, mode_t *mode)
{
	static const char letters[] = "rwxrwxrwx";
	const char *s = *sp;
	mode_t special;
	int i;

	*mode = 0;
	for (i = 0; i < 9; i++) {
		special = i % 3 != 2 ? 0 : (mode_t)04000 >> (i / 3);
		if (s[i] == letters[i])
			*mode |= (mode_t)0400 >> i;
		else if (special != 0 && s[i] == (i == 8 ? 't' : 's'))
			*mode |= special | (mode_t)0400 >> i;
		else if (special != 0 && s[i] == (i == 8 ? 'T' : 'S'))
			*mode |= special;
		else if (s[i] != '-')
			return -1;
	}
	if (s[9] != ' ')
		return -1;
	*sp = s + 10;
	return 0;
}

/* "2026/11/23-04:05:06" and a blank. */
static int
moment(const char **sp, time_t *t)
{
	struct tm tm = { .tm_isdst = 0 };
	uint64_t year, month, day, hour, min, sec;

	if (number(sp, '/', 9999999, &year) == -1 ||
	    number(sp, '/', 12, &month) == -1 ||
	    number(sp, '-', 31, &day) == -1 ||
	    number(sp, ':', 23, &hour) == -1 ||
	    number(sp, ':', 59, &min) == -1 ||
	    number(sp, ' ', 60, &sec) == -1 || month < 1 || day < 1)
		return -1;
	tm.tm_year = (int)year - 1900;
	tm.tm_mon = (int)month - 1;
	tm.tm_mday = (int)day;
	tm.tm_hour = (int)hour;
	tm.tm_min = (int)min;
	tm.tm_sec = (int)sec;
	*t = timegm(&tm);
	return 0;
}

/* The name and what follows it. */
static int
names(struct listing *l, const char *s, struct entry *e, const char **leader)
{
	const char *end = strstr(s, "//"), *rest;
	size_t n;
	char *path, *text;

	*leader = NULL;
	if (end == NULL || end == s) {
		l->skipped++;
		return -1;
	}
	rest = end + 2;
	n = (size_t)(end - s);
	if (e->type == 'd' && *rest == '/')
		rest++;
	if ((path = keep(l, s, n)) == NULL)
		return -1;
	rsync_unescape(path);
	e->path = path;
	if (strncmp(rest, " -> ", 4) != 0 && strncmp(rest, " => ", 4) != 0)
		return 0;
	if ((text = keep(l, rest + 4, strlen(rest + 4))) == NULL)
		return -1;
	rsync_unescape(text);
	if (rest[1] == '-')
		e->target = text;
	else
		*leader = text;
	return 0;
}

static int
entry_parse(struct listing *l, const char *line, struct entry *e,
    const char **leader)
{
	const char *p = line;
	uint64_t uid, gid;

	if (strnlen(p, ITEM + 1) <= ITEM || p[ITEM] != ' ' ||
	    strchr("<>ch.", p[0]) == NULL || strchr("fdLDS", p[1]) == NULL)
		return -1;
	e->type = p[1];
	p += ITEM + 1;
	/* rsync calls a group that it does not know DEFAULT. */
	if (number(&p, ' ', INT64_MAX, &e->size) == -1 ||
	    number(&p, ':', UINT32_MAX, &uid) == -1)
		return -1;
	if (strncmp(p, "DEFAULT ", 8) == 0) {
		gid = 0;
		p += 8;
	} else if (number(&p, ' ', UINT32_MAX, &gid) == -1)
		return -1;
	e->uid = (uint32_t)uid;
	e->gid = (uint32_t)gid;
	if (permissions(&p, &e->mode) == -1 || moment(&p, &e->mtime) == -1)
		return -1;
	return names(l, p, e, leader);
}

void
listing_line(struct listing *l, const char *line)
{
	struct entry e = { .path = NULL }, *more;
	const char *leader;
	size_t cap;

	if (l->failed || entry_parse(l, line, &e, &leader) == -1)
		return;
	if (l->n == l->cap) {
		cap = l->cap == 0 ? 1024 : 2 * l->cap;
		if ((more = reallocarray(l->v, cap, sizeof(*more))) == NULL) {
			l->failed = true;
			return;
		}
		l->v = more;
		l->cap = cap;
	}
	/* Until all are known, the target of a hard link is its leader. */
	e.same = leader != NULL;
	if (leader != NULL)
		e.target = leader;
	l->v[l->n++] = e;
}

static int
by_path(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

const struct entry *
listing_find(const struct listing *l, const char *path)
{
	struct entry key = { .path = path };

	return l->n == 0 ? NULL :
	    bsearch(&key, l->v, l->n, sizeof(key), by_path);
}

/* The number of the entry that one is a hard link to; its own if that is not
 * there, or is a link itself, or another kind of file. */
static size_t
leader_of(const struct listing *l, size_t i)
{
	const struct entry *e = &l->v[i], *to;

	if (!e->same || (to = listing_find(l, e->target)) == NULL ||
	    to->same || to->type != e->type)
		return i;
	return (size_t)(to - l->v);
}

/* A name that came twice counts once. */
static void
unique(struct listing *l)
{
	size_t i, n = 0;

	for (i = 0; i < l->n; i++)
		if (n == 0 || strcmp(l->v[n - 1].path, l->v[i].path) != 0)
			l->v[n++] = l->v[i];
	l->n = n;
}

int
listing_end(struct listing *l)
{
	size_t *lead, i;

	if (l->failed ||
	    (lead = calloc(l->n + 1, sizeof(*lead))) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_path);
	unique(l);
	for (i = 0; i < l->n; i++)
		lead[i] = leader_of(l, i);
	for (i = 0; i < l->n; i++) {
		if (l->v[i].same)
			l->v[i].target = l->v[lead[i]].same ? NULL :
			    l->v[lead[i]].target;
	}
	for (i = 0; i < l->n; i++)
		l->v[i].same = lead[i];
	free(lead);
	return 0;
}

void
listing_forget(struct listing *l)
{
	struct chunk *c = l->chunks;

	l->n = 0;
	/* The newest one is used again; few lines need more than it. */
	if (c != NULL) {
		l->room += (size_t)(l->left - c->text);
		l->left = c->text;
	}
}

void
listing_free(struct listing *l)
{
	struct chunk *c;

	while ((c = l->chunks) != NULL) {
		l->chunks = c->next;
		free(c);
	}
	free(l->v);
	memset(l, 0, sizeof(*l));
}
