/* row.c: one row of the table as a value: copied, compared, freed.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>

#include "table.h"

static bool
text_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
lists_equal(const struct row *a, const struct row *b)
{
	size_t i;

	if (a->nmacs != b->nmacs || a->ifaces.n != b->ifaces.n)
		return false;
	for (i = 0; i < a->nmacs; i++)
		if (a->macs[i] != b->macs[i])
			return false;
	for (i = 0; i < a->ifaces.n; i++)
		if (strcmp(a->ifaces.v[i], b->ifaces.v[i]) != 0)
			return false;
	return true;
}

bool
row_equal(const struct row *a, const struct row *b)
{
	return a->shelf == b->shelf && a->slot == b->slot &&
	    strcmp(a->alias, b->alias) == 0 && a->ro == b->ro &&
	    a->direct == b->direct && a->shared == b->shared &&
	    a->sync == b->sync &&
	    a->offset == b->offset && a->length == b->length &&
	    a->buffers == b->buffers && a->maxsectors == b->maxsectors &&
	    text_equal(a->file, b->file) && text_equal(a->bad, b->bad) &&
	    lists_equal(a, b);
}

int
row_copy(struct row *to, const struct row *from)
{
	*to = *from;
	to->bad = to->file = NULL;
	to->macs = NULL;
	memset(&to->ifaces, 0, sizeof(to->ifaces));
	if ((from->bad != NULL && (to->bad = strdup(from->bad)) == NULL) ||
	    (from->file != NULL && (to->file = strdup(from->file)) == NULL) ||
	    strv_addall(&to->ifaces, &from->ifaces) == -1)
		goto fail;
	if (from->nmacs > 0) {
		to->macs = calloc(from->nmacs, sizeof(*to->macs));
		if (to->macs == NULL)
			goto fail;
		memcpy(to->macs, from->macs,
		    from->nmacs * sizeof(*to->macs));
	}
	return 0;
fail:
	row_free(to);
	return -1;
}

void
row_free(struct row *r)
{
	free(r->bad);
	free(r->file);
	free(r->macs);
	strv_free(&r->ifaces);
	memset(r, 0, sizeof(*r));
}
