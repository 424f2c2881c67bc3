/* sweep_links.c: what removing trees would free: blocks count once every link
 * to them was seen.
 *
 * How many of each inode's links were seen is in a hash table, open addressing.
 * It has a largest size: should the inodes not fit, they are divided into parts
 * by their numbers and the trees gone through once for each part.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sweep_int.h"

#define PLACES		(1U << 21)	/* 32 MiB, of which half is used */
#define PARTS_MAX	(1U << 16)

struct link {
	uint64_t	ino;
	uint64_t	seen;		/* 0: this place is free */
};

bool
links_want(const struct links *l, uint64_t ino)
{
	return (scatter(ino) & (l->parts - 1)) == l->part;
}

static struct link *
place(const struct links *l, uint64_t ino)
{
	size_t i = (size_t)(scatter(ino) >> 16);

	while (l->v[i & (l->size - 1)].seen != 0 &&
	    l->v[i & (l->size - 1)].ino != ino)
		i++;
	return &l->v[i & (l->size - 1)];
}

static int
grow(struct links *l)
{
	struct links bigger = { .n = l->n,
	    .size = l->size == 0 ? 16 : l->size * 2 };
	size_t i;

	if (bigger.size > l->size_max && l->parts < PARTS_MAX) {
		atomic_store(&l->full, true);
		return -1;
	}
	if ((bigger.v = calloc(bigger.size, sizeof(*bigger.v))) == NULL)
		return -1;
	for (i = 0; i < l->size; i++)
		if (l->v[i].seen != 0)
			*place(&bigger, l->v[i].ino) = l->v[i];
	free(l->v);
	l->v = bigger.v;
	l->size = bigger.size;
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
	l->v = NULL;
	l->n = l->size = 0;
}

/* Add what one part found. */
static void
add_part(struct sweep_result *sum, const struct sweep_result *res)
{
	sum->files += res->files;
	sum->dirs = res->dirs;
	sum->problems += res->problems;
	sum->bytes += res->bytes;
	sum->inodes += res->inodes;
	sum->at_least |= res->at_least;
	sum->stopped = res->stopped;
}

int
sweep_measure_within(size_t places, const struct sweep_item *v, size_t n,
    const struct sweep_opts *opts, struct sweep_result *sum)
{
	struct links links = { .parts = 1, .size_max = places };
	struct sweep_opts again = *opts;
	struct sweep_result res;
	int errnum = 0;

	memset(sum, 0, sizeof(*sum));
	while (links.part < links.parts && !sum->stopped) {
		if (sweep_read(v, n, &again, NULL, &links, &res) == -1 &&
		    errnum == 0)
			errnum = errno;
		links_free(&links);
		if (!atomic_exchange(&links.full, false)) {
			add_part(sum, &res);
			links.part++;
			continue;
		}
		/* From the beginning, with less at a time.  What is wrong was
		 * said in good part. */
		again.problem = NULL;
		again.seen = NULL;
		memset(sum, 0, sizeof(*sum));
		errnum = 0;
		links.part = 0;
		links.parts *= 2;
	}
	errno = errnum;
	return errnum == 0 ? 0 : -1;
}

int
sweep_measure(const struct sweep_item *v, size_t n,
    const struct sweep_opts *opts, struct sweep_result *res)
{
	return sweep_measure_within(PLACES, v, n, opts, res);
}
