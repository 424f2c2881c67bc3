/* strv.c: a growing list of strings.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "strv.h"

/* Takes s, which may be NULL (nothing is added then). */
static int
strv_take(struct strv *sv, char *s)
{
	char **v;

	if (s == NULL)
		return -1;
	if ((v = reallocarray(sv->v, sv->n + 2, sizeof(*v))) == NULL) {
		free(s);
		return -1;
	}
	sv->v = v;
	v[sv->n++] = s;
	v[sv->n] = NULL;
	return 0;
}

int
strv_add(struct strv *sv, const char *s)
{
	return strv_take(sv, strdup(s));
}

int
strv_addf(struct strv *sv, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? -1 : strv_take(sv, s);
}

int
strv_addall(struct strv *sv, const struct strv *from)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		if (strv_add(sv, from->v[i]) == -1)
			return -1;
	return 0;
}

int
strv_has(const struct strv *sv, const char *s)
{
	size_t i;

	for (i = 0; i < sv->n; i++)
		if (strcmp(sv->v[i], s) == 0)
			return 1;
	return 0;
}

void
strv_free(struct strv *sv)
{
	size_t i;

	for (i = 0; i < sv->n; i++)
		free(sv->v[i]);
	free(sv->v);
	sv->v = NULL;
	sv->n = 0;
}
