/* import_format.c: rows as text of the table, aoed.conf(5).
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "mac.h"

static bool
alias_is_taken(const struct table *t, size_t but, const char *alias)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (i != but && strcmp(t->rows[i].alias, alias) == 0)
			return true;
	return false;
}

static bool
alias_is_valid(const char *s)
{
	static const char first[] = "0123456789abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = strspn(s, first);

	return n > 0 && s[n + strspn(s + n, "0123456789abcdefghijklmnopqrst"
	    "uvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-")] == '\0';
}

int
import_aliases(struct table *t)
{
	char base[32], name[TABLE_ALIAS_MAX + 1];
	struct row *r;
	unsigned k;
	size_t i;

	for (i = 0; i < t->n; i++) {
		r = &t->rows[i];
		if (alias_is_valid(r->alias) &&
		    !alias_is_taken(t, i, r->alias))
			continue;
		snprintf(base, sizeof(base), "e%u.%u", r->shelf, r->slot);
		(void)strlcpy(name, base, sizeof(name));
		for (k = 2; alias_is_taken(t, i, name); k++)
			snprintf(name, sizeof(name), "%s-%u", base, k);
		(void)strlcpy(r->alias, name, sizeof(r->alias));
	}
	return 0;
}

/* A path in the table's own spelling. */
static void
put_path(FILE *f, const char *path)
{
	const unsigned char *p;

	for (p = (const unsigned char *)path; *p != '\0'; p++)
		if (*p <= ' ' || *p == '\\' || *p == 127)
			fprintf(f, "\\%03o", *p);
		else
			putc(*p, f);
}

static void
put_options(FILE *f, const struct row *r)
{
	const char *between = "  ";

	if (r->ro) {
		fprintf(f, "%sro", between);
		between = ",";
	}
	if (r->direct) {
		fprintf(f, "%sdirect", between);
		between = ",";
	}
	if (r->offset != 0) {
		fprintf(f, "%soffset=%" PRIu64, between, r->offset);
		between = ",";
	}
	if (r->length != 0) {
		fprintf(f, "%slength=%" PRIu64, between, r->length);
		between = ",";
	}
	if (r->buffers != TABLE_BUFFERS)
		fprintf(f, "%sbuffers=%u", between, r->buffers);
}

char *
import_format(const struct row *r)
{
	char *text = NULL, mac[MAC_TEXT];
	size_t i, len;
	FILE *f;

	if ((f = open_memstream(&text, &len)) == NULL)
		return NULL;
	fprintf(f, "%u.%u  ", r->shelf, r->slot);
	put_path(f, r->file);
	for (i = 0; i < r->nmacs; i++) {
		mac_format(mac, r->macs[i]);
		fprintf(f, "%s%s", i == 0 ? "  " : ",", mac);
	}
	fprintf(f, "  %s  %s", r->ifaces.v[0], r->alias);
	put_options(f, r);
	if (fclose(f) == EOF) {
		free(text);
		return NULL;
	}
	return text;
}
