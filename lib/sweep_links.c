/* sweep_links.c: how many of each file's links were seen: a hash table from
 * inode number to count, open addressing.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>

#include "sweep_int.h"

struct link {
	uint64_t	ino;
	uint64_t	seen;		/* 0: this place is free */
};

static struct link *
place(const struct links *l, uint64_t ino)
{
	/* Fibonacci hashing: inode numbers often are consecutive. */
	size_t i = (size_t)((ino * UINT64_C(0x9e3779b97f4a7c15)) >> 20);

	while (l->v[i & (l->size - 1)].seen != 0 &&
	    l->v[i & (l->size - 1)].ino != ino)
		i++;
	return &l->v[i & (l->size - 1)];
}

static int
grow(struct links *l)
{
	struct links bigger = { NULL, l->n, l->size == 0 ? 1024 : l->size * 2 };
	size_t i;

	if ((bigger.v = calloc(bigger.size, sizeof(*bigger.v))) == NULL)
		return -1;
	for (i = 0; i < l->size; i++)
		if (l->v[i].seen != 0)
			*place(&bigger, l->v[i].ino) = l->v[i];
	free(l->v);
	*l = bigger;
	return 0;
}

int
links_seen(struct links *l, uint64_t ino, uint64_t nlink)
{
	struct link *p;

	if (nlink <= 1)
		return 1;
	if (l->n >= l->size / 2 && grow(l) == -1)
		return -1;
	p = place(l, ino);
	if (p->seen == 0)
		l->n++;
	p->ino = ino;
	return ++p->seen == nlink;
}

void
links_free(struct links *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}
