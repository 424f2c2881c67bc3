/* store_names.c: the names pushed into one folder, sorted, for the walk over
 * the base's to look up.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store_merge.h"

int
names_add(struct names *l, const struct dirent_at *e, bool moved)
{
	size_t len = strlen(e->name) + 1, size, cap, at;
	struct pushed *v;
	char *text;

	if (l->n == l->cap) {
		cap = l->cap == 0 ? 64 : l->cap * 2;
		if ((v = reallocarray(l->v, cap, sizeof(*v))) == NULL)
			return -1;
		l->v = v;
		l->cap = cap;
	}
	if (l->size - l->len < len) {
		size = (l->size + len) * 2;
		if ((text = realloc(l->text, size)) == NULL)
			return -1;
		l->text = text;
		l->size = size;
	}
	at = l->len;
	memcpy(l->text + at, e->name, len);
	l->len += len;
	l->v[l->n++] = (struct pushed){ .ino = e->ino,
	    .type = e->type, .moved = moved, .at = at };
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct pushed *x = a, *y = b;
	int c;

	return (c = strcmp(x->name, y->name)) != 0 ? c : x->moved - y->moved;
}

void
names_sort(struct names *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		l->v[i].name = l->text + l->v[i].at;
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_name);
}

/* Of two of the same name, keep the one that was not moved. */
void
names_unique(struct names *l)
{
	size_t i, n;

	for (n = i = 0; i < l->n; i++)
		if (n == 0 || strcmp(l->v[n - 1].name, l->v[i].name) != 0)
			l->v[n++] = l->v[i];
	l->n = n;
}

static int
by_name_only(const void *a, const void *b)
{
	return strcmp(((const struct pushed *)a)->name,
	    ((const struct pushed *)b)->name);
}

struct pushed *
names_find(const struct names *l, const char *name)
{
	struct pushed key = { .name = name };

	return l->n == 0 ? NULL :
	    bsearch(&key, l->v, l->n, sizeof(*l->v), by_name_only);
}

void
names_clear(struct names *l)
{
	l->n = l->len = 0;
}

void
names_free(struct names *l)
{
	free(l->v);
	free(l->text);
}
