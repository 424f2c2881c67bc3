/* versions.c: the versions of one file over all snapshots.  Pure.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>

#include "look.h"

bool
snapshots_link(const struct snapshot *v, size_t a, size_t b)
{
	size_t i;

	for (i = a + 1; i <= b; i++)
		if (!v[i].recorded || v[i].copied > 0 ||
		    (v[i].way != STORE_WAY_OVERLAY &&
		    v[i].way != STORE_WAY_LINKDEST))
			return false;
	return true;
}

/* Are two entries of different snapshots one version?  The same file on disk
 * is; so is what looks alike where no files are shared. */
static bool
is_same(const struct listing *l, const struct entry *a, const struct entry *b,
    bool linked)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (&l->v[a->same] == &l->v[b->same])
		return true;
	if (linked && a->type != 'd' && b->type != 'd')
		return false;
	return a->type == b->type && a->mode == b->mode && a->uid == b->uid &&
	    a->gid == b->gid && a->mtime == b->mtime &&
	    (a->type == 'd' || a->size == b->size) &&
	    (a->target == NULL) == (b->target == NULL) &&
	    (a->target == NULL || strcmp(a->target, b->target) == 0);
}

struct version *
versions_make(const struct snapshot *v, size_t nsnaps,
    const struct listing *l, const char *path, size_t *n)
{
	const struct entry *e;
	struct version *list;
	char *name;
	size_t i, have = 0;

	*n = 0;
	if ((list = calloc(nsnaps + 1, sizeof(*list))) == NULL)
		return NULL;
	for (i = 0; i < nsnaps; i++) {
		if (asprintf(&name, "%s%s", v[i].stamp, path) == -1) {
			free(list);
			return NULL;
		}
		e = listing_find(l, name);
		free(name);
		if (have > 0 && is_same(l, list[have - 1].e, e,
		    snapshots_link(v, list[have - 1].last, i))) {
			list[have - 1].last = i;
			continue;
		}
		if (have == 0 && e == NULL)
			continue;
		list[have].e = e;
		list[have].first = list[have].last = i;
		have++;
	}
	*n = have;
	return list;
}
