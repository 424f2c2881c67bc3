/* find.c: what the searches of old trees share: gathering what they find, and
 * reading names and dates.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "migrate.h"
#include "store_dir.h"

void
find_add(struct find *f, const char *from, const char *host, time_t t)
{
	struct moves *m = &f->m;
	struct move *mv;

	if ((m->v = reallocarray(m->v, m->n + 1, sizeof(*m->v))) == NULL)
		err(BS_FAIL, NULL);
	mv = &m->v[m->n++];
	memset(mv, 0, sizeof(*mv));
	if ((mv->from = strdup(from)) == NULL ||
	    (mv->host = strdup(host)) == NULL)
		err(BS_FAIL, NULL);
	mv->s.time = mv->s.started = mv->s.ended = t;
	mv->s.status = SNAPSHOT_COMPLETE;
}

static void __attribute__((format(printf, 2, 0)))
add_text(struct strv *to, const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) == -1 || strv_add(to, text) == -1)
		err(BS_FAIL, NULL);
	free(text);
}

void
find_left(struct find *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_text(&f->left, fmt, ap);
	va_end(ap);
}

void
find_refused(struct find *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_text(&f->refused, fmt, ap);
	va_end(ap);
}

void
find_free(struct find *f)
{
	moves_free(&f->m);
	strv_free(&f->left);
	strv_free(&f->refused);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
names_in(int dirfd, const char *what, struct strv *names)
{
	struct dirents d = { .buf = NULL };
	struct dirent_at e;
	int fd, r = -1;

	memset(names, 0, sizeof(*names));
	if ((fd = dir_open_at(dirfd, ".")) == -1 || dirents_init(&d) == -1 ||
	    dirents_start(&d, fd) == -1)
		err(BS_FAIL, "%s", what);
	while ((r = dirents_next(&d, &e)) == 1)
		if (strv_add(names, e.name) == -1)
			err(BS_FAIL, NULL);
	if (r == -1)
		err(BS_FAIL, "%s", what);
	dirents_fini(&d);
	close(fd);
	if (names->n > 0)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
}

/* n digits.  -1 if they are none. */
static int
digits(const char **p, int n)
{
	int v = 0;

	for (; n > 0; n--, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return -1;
		v = v * 10 + (**p - '0');
	}
	return v;
}

int
date_parse(const char *name, char sep, time_t *t)
{
	static const struct {
		char	before;		/* what stands before it */
		int	n, min, max;
	} part[6] = {
		{ 0, 4, 1970, 9999 }, { '-', 2, 1, 12 }, { '-', 2, 1, 31 },
		{ 1, 2, 0, 23 }, { 0, 2, 0, 59 }, { 0, 2, 0, 59 }
	};
	struct tm tm = { .tm_isdst = -1 }, back;
	int v[6], i;
	char want;

	for (i = 0; i < 6; i++) {
		want = part[i].before == 1 ? sep : part[i].before;
		if (want != 0 && *name++ != want)
			return -1;
		v[i] = digits(&name, part[i].n);
		if (v[i] < part[i].min || v[i] > part[i].max)
			return -1;
	}
	tm.tm_year = v[0] - 1900;
	tm.tm_mon = v[1] - 1;
	tm.tm_mday = v[2];
	tm.tm_hour = v[3];
	tm.tm_min = v[4];
	tm.tm_sec = v[5];
	*t = mktime(&tm);
	/* 31 June, or an hour that a change of clocks has left out. */
	if (*name != '\0' || *t < 0 || localtime_r(t, &back) == NULL ||
	    back.tm_mday != v[2] || back.tm_hour != v[3])
		return -1;
	return 0;
}

int
level_parse(const char *name, size_t *len, unsigned *number)
{
	const char *dot = strrchr(name, '.'), *wrong;

	if (dot == NULL || dot == name || name[0] == '_' || name[0] == '.' ||
	    !isdigit((unsigned char)dot[1]) ||
	    (dot[1] == '0' && dot[2] != '\0'))
		return -1;
	*number = (unsigned)strtonum(dot + 1, 0, 1000000, &wrong);
	*len = (size_t)(dot - name);
	return wrong == NULL ? 0 : -1;
}
