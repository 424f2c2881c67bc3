/* compare.c: what changed between two snapshots of one listing.  Pure.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>

#include "look.h"

/* The range of entries below a folder of the top, "STAMP/...". */
static void
range(const struct listing *l, const char *top, size_t *from, size_t *to)
{
	size_t i, len = strlen(top);

	*from = *to = 0;
	for (i = 0; i < l->n; i++)
		if (strncmp(l->v[i].path, top, len) == 0 &&
		    l->v[i].path[len] == '/') {
			if (*to == 0)
				*from = i;
			*to = i + 1;
		}
}

static unsigned
what_differs(const struct listing *l, const struct entry *a,
    const struct entry *b, bool linked)
{
	unsigned what = 0;

	if (&l->v[a->same] == &l->v[b->same])
		return 0;
	if (a->type != b->type)
		return DIFF_TYPE;
	if (a->size != b->size && a->type == 'f')
		what |= DIFF_SIZE;
	if (a->mtime != b->mtime)
		what |= DIFF_TIME;
	if (a->mode != b->mode)
		what |= DIFF_MODE;
	if (a->uid != b->uid || a->gid != b->gid)
		what |= DIFF_OWNER;
	if (a->target != NULL && b->target != NULL &&
	    strcmp(a->target, b->target) != 0)
		what |= DIFF_TARGET;
	if (what == 0 && linked && a->type != 'd')
		what = DIFF_OTHER;
	return what;
}

struct difference *
compare_make(const struct listing *l, const char *a, const char *b,
    bool linked, size_t *n)
{
	struct difference *d;
	size_t i, iend, j, jend, have = 0, la = strlen(a), lb = strlen(b);
	unsigned what;
	int c;

	range(l, a, &i, &iend);
	range(l, b, &j, &jend);
	*n = 0;
	if ((d = calloc(iend - i + jend - j + 1, sizeof(*d))) == NULL)
		return NULL;
	while (i < iend || j < jend) {
		c = i == iend ? 1 : j == jend ? -1 :
		    strcmp(l->v[i].path + la, l->v[j].path + lb);
		if (c < 0) {
			d[have++].a = &l->v[i++];
		} else if (c > 0) {
			d[have++].b = &l->v[j++];
		} else {
			what = what_differs(l, &l->v[i], &l->v[j], linked);
			if (what != 0) {
				d[have].a = &l->v[i];
				d[have].b = &l->v[j];
				d[have++].what = what;
			}
			i++;
			j++;
		}
	}
	*n = have;
	return d;
}

void
compare_text(char *buf, size_t size, unsigned what)
{
	static const struct {
		unsigned	 bit;
		const char	*text;
	} rows[] = {
		{ DIFF_TYPE, "type" }, { DIFF_SIZE, "size" },
		{ DIFF_TARGET, "target" }, { DIFF_TIME, "time" },
		{ DIFF_MODE, "mode" }, { DIFF_OWNER, "owner" },
		{ DIFF_OTHER, "attributes" },
	};
	size_t i;

	buf[0] = '\0';
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((what & rows[i].bit) != 0) {
			if (buf[0] != '\0')
				(void)strlcat(buf, ", ", size);
			(void)strlcat(buf, rows[i].text, size);
		}
}
