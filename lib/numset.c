/* numset.c: a growing set of numbers, by open addressing, never more than half
 * full.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>

#include "numset.h"

/* Where a number is, or would be. */
static size_t
place(const struct numset *s, uint64_t n)
{
	size_t i = n * UINT64_C(0x9E3779B97F4A7C15) >> 32 & (s->cap - 1);

	while (s->v[i] != 0 && s->v[i] != n)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static int
grow(struct numset *s)
{
	struct numset more = { .n = s->n, .zero = s->zero };
	size_t i;

	more.cap = s->cap == 0 ? 1024 : 2 * s->cap;
	if ((more.v = calloc(more.cap, sizeof(*more.v))) == NULL)
		return -1;
	for (i = 0; i < s->cap; i++)
		if (s->v[i] != 0)
			more.v[place(&more, s->v[i])] = s->v[i];
	free(s->v);
	*s = more;
	return 0;
}

int
numset_add(struct numset *s, uint64_t n)
{
	size_t i;

	if (n == 0) {
		i = (size_t)s->zero;
		s->zero = 1;
		return i == 0;
	}
	if (2 * s->n >= s->cap && grow(s) == -1)
		return -1;
	i = place(s, n);
	if (s->v[i] == n)
		return 0;
	s->v[i] = n;
	s->n++;
	return 1;
}

void
numset_free(struct numset *s)
{
	free(s->v);
	memset(s, 0, sizeof(*s));
}
