/* shword.c: words as a shell would read them.  Pure.
 * In: a line that a shell was meant to read.  Out: the words of it, or that it
 * is not understood, which is what everything is that a shell would do more
 * with than take quotes off.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shword.h"

static bool
is_special(char c)
{
	return c == '\0' || strchr("$`\\&|;<>(){}*?[]~!#", c) != NULL;
}

static bool
is_name(char c)
{
	return c == '_' || isalnum((unsigned char)c);
}

/* $NAME or ${NAME}; w->i stands behind the dollar. */
static bool
put_variable(struct shword *w, FILE *f)
{
	bool brace = w->i < w->len && w->p[w->i] == '{';
	const char *value;
	size_t from;

	from = w->i += brace;
	while (w->i < w->len && is_name(w->p[w->i]))
		w->i++;
	if (w->lookup == NULL || w->i == from ||
	    isdigit((unsigned char)w->p[from]) ||
	    (value = w->lookup(w->arg, w->p + from, w->i - from)) == NULL)
		return false;
	if (brace && (w->i == w->len || w->p[w->i++] != '}'))
		return false;
	fputs(value, f);
	return true;
}

/* What is between quotes; w->i stands behind the first. */
static bool
put_quoted(struct shword *w, char quote, FILE *f)
{
	char c;

	while (w->i < w->len) {
		c = w->p[w->i++];
		if (c == quote)
			return true;
		if (c == '$' && quote == '"') {
			if (!put_variable(w, f))
				return false;
		} else if (c == '\0' || (quote == '"' &&
		    strchr("`\\", c) != NULL))
			return false;
		else
			fputc(c, f);
	}
	return false;
}

static bool
put_word(struct shword *w, FILE *f)
{
	char c;

	while (w->i < w->len && !isspace((unsigned char)w->p[w->i])) {
		c = w->p[w->i++];
		if (c == '\'' || c == '"') {
			if (!put_quoted(w, c, f))
				return false;
		} else if (c == '$') {
			if (!put_variable(w, f))
				return false;
		} else if (is_special(c))
			return false;
		else
			fputc(c, f);
	}
	return true;
}

char *
shword_value(struct shword *w)
{
	char *text = NULL;
	size_t size;
	FILE *f;
	bool ok;

	if ((f = open_memstream(&text, &size)) == NULL)
		return NULL;
	ok = put_word(w, f);
	if (fclose(f) == EOF) {
		free(text);
		return NULL;
	}
	if (ok)
		return text;
	free(text);
	errno = EINVAL;
	return NULL;
}

bool
shword_end(struct shword *w)
{
	size_t from = w->i;

	while (w->i < w->len && isspace((unsigned char)w->p[w->i]))
		w->i++;
	return w->i == w->len || (w->p[w->i] == '#' &&
	    (w->i > from || w->i == 0));
}
