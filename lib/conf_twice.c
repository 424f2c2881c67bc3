/* conf_twice.c: what a configuration sets twice in one place.
 * libconfuse would let the last one win, silently, and of a list that would
 * drop the first.  In: text, as libconfuse reads it; it need not be right.
 * Out: each second one with its place, and the place of the first.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

enum token {
	TOKEN_END,
	TOKEN_WORD,		/* or a quoted text */
	TOKEN_SET,		/* = */
	TOKEN_ADD,		/* += */
	TOKEN_OPEN,		/* { */
	TOKEN_CLOSE,		/* } */
	TOKEN_OTHER
};

struct piece {
	const char	*p;	/* into the text; NULL: none */
	size_t		 len;	/* without quotes */
};

/* A key that is set, or a section that begins. */
struct setting {
	unsigned	 scope;	/* of the section that it stands in; 0: top */
	struct piece	 key;
	struct piece	 title;	/* of a section that has one */
	bool		 adds;	/* += */
};

struct reading {
	const char	*p;		/* what is to be read next */
	struct piece	 word;		/* the last TOKEN_WORD */
	unsigned	*open;		/* scopes, the innermost last */
	size_t		 depth;
	unsigned	 scopes;	/* met so far */
	struct setting	*v;
	size_t		 n, cap;
};

static const char *
quote_end(const char *p)
{
	char quote = *p++;

	for (; *p != '\0' && *p != quote; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return p;
}

static enum token
token_word(struct reading *r)
{
	const char *end;

	if (*r->p == '"' || *r->p == '\'') {
		end = quote_end(r->p);
		r->word = (struct piece){ r->p + 1,
		    (size_t)(end - (r->p + 1)) };
		r->p = *end != '\0' ? end + 1 : end;
		return TOKEN_WORD;
	}
	for (end = r->p; *end != '\0' &&
	    strchr(" \t\r\n={}()+,\"'#", *end) == NULL &&
	    conf_comment_end(end) == NULL; end++)
		;
	r->word = (struct piece){ r->p, (size_t)(end - r->p) };
	r->p = end > r->p ? end : end + 1;
	return end > r->word.p ? TOKEN_WORD : TOKEN_OTHER;
}

static enum token
token_next(struct reading *r)
{
	const char *end;

	for (;;) {
		r->p += strspn(r->p, " \t\r\n");
		if ((end = conf_comment_end(r->p)) == NULL)
			break;
		r->p = end;
	}
	switch (*r->p) {
	case '\0':
		return TOKEN_END;
	case '=':
		r->p++;
		return TOKEN_SET;
	case '{':
		r->p++;
		return TOKEN_OPEN;
	case '}':
		r->p++;
		return TOKEN_CLOSE;
	case '+':
		r->p += r->p[1] == '=' ? 2 : 1;
		return r->p[-1] == '=' ? TOKEN_ADD : TOKEN_OTHER;
	default:
		return token_word(r);
	}
}

/* Memory for one more of each.  0, or -1. */
static int
grow(struct reading *r)
{
	size_t cap = r->cap != 0 ? r->cap * 2 : 64;
	struct setting *v;
	unsigned *open;

	if (r->n < r->cap)
		return 0;
	if ((v = reallocarray(r->v, cap, sizeof(*v))) == NULL)
		return -1;
	r->v = v;
	/* No deeper than there are sections. */
	if ((open = reallocarray(r->open, cap + 1, sizeof(*open))) == NULL)
		return -1;
	r->open = open;
	r->cap = cap;
	return 0;
}

/* After a value's '=': a word, or all up to the end of a list. */
static void
skip_value(struct reading *r)
{
	enum token t = token_next(r);

	if (t == TOKEN_OPEN)
		do
			t = token_next(r);
		while (t != TOKEN_CLOSE && t != TOKEN_END);
}

/* One statement, which begins with the word just read.  What it ended with, if
 * that was not read as a part of it. */
static enum token
statement(struct reading *r)
{
	struct setting s = { .key = r->word };
	enum token t;

	if (grow(r) == -1)
		return TOKEN_END;
	s.scope = r->depth > 0 ? r->open[r->depth - 1] : 0;
	for (t = token_next(r); t == TOKEN_WORD; t = token_next(r))
		s.title = r->word;
	if (t != TOKEN_SET && t != TOKEN_ADD && t != TOKEN_OPEN)
		return t;
	s.adds = t == TOKEN_ADD;
	r->v[r->n++] = s;
	if (t == TOKEN_OPEN)
		r->open[r->depth++] = ++r->scopes;
	else
		skip_value(r);
	return TOKEN_OTHER;
}

static int
piece_cmp(const struct piece *a, const struct piece *b)
{
	size_t len = a->len < b->len ? a->len : b->len;
	int c;

	if (a->p == NULL || b->p == NULL)
		return (a->p != NULL) - (b->p != NULL);
	if ((c = memcmp(a->p, b->p, len)) != 0)
		return c;
	return (a->len > b->len) - (a->len < b->len);
}

/* Is it the same that is set? */
static int
same_cmp(const struct setting *a, const struct setting *b)
{
	int c;

	if (a->scope != b->scope)
		return a->scope < b->scope ? -1 : 1;
	if ((c = piece_cmp(&a->key, &b->key)) != 0)
		return c;
	return piece_cmp(&a->title, &b->title);
}

/* And then in the order of the text. */
static int
setting_cmp(const void *a, const void *b)
{
	const struct setting *x = a, *y = b;
	int c = same_cmp(x, y);

	return c != 0 ? c : (x->key.p > y->key.p) - (x->key.p < y->key.p);
}

static void
place(const char *text, const char *at, unsigned *line, unsigned *col)
{
	const char *start = text;

	*line = 1;
	for (; text < at; text++)
		if (*text == '\n') {
			(*line)++;
			start = text + 1;
		}
	*col = (unsigned)(at - start) + 1;
}

static void
complain(const char *text, const struct setting *first,
    const struct setting *s, struct diags *ds)
{
	unsigned line, col, line1, col1;

	place(text, first->key.p, &line1, &col1);
	place(text, s->key.p, &line, &col);
	if (s->title.p != NULL)
		diags_add(ds, line, col, "%.*s '%.*s' is there twice, first "
		    "in line %u, column %u", (int)s->key.len, s->key.p,
		    (int)s->title.len, s->title.p, line1, col1);
	else
		diags_add(ds, line, col, "'%.*s' is set twice, first in line "
		    "%u, column %u", (int)s->key.len, s->key.p, line1, col1);
}

int
conf_twice(const char *text, struct diags *ds)
{
	struct reading r = { .p = text };
	const struct setting *first;
	enum token t;
	size_t i;
	int rc = -1;

	do {
		t = token_next(&r);
		if (t == TOKEN_WORD)
			t = statement(&r);
		if (t == TOKEN_CLOSE && r.depth > 0)
			r.depth--;
	} while (t != TOKEN_END);
	if (*r.p != '\0') {
		diags_add(ds, 0, 0, "%s", strerror(ENOMEM));
		goto out;
	}
	if (r.n > 0)
		qsort(r.v, r.n, sizeof(*r.v), setting_cmp);
	rc = 0;
	for (first = r.v, i = 1; i < r.n && ds->n < DIAGS_MAX; i++)
		if (same_cmp(first, &r.v[i]) != 0)
			first = &r.v[i];
		else if (!r.v[i].adds) {
			complain(text, first, &r.v[i], ds);
			rc = -1;
		}
	diags_sort(ds);
out:
	free(r.v);
	free(r.open);
	return rc;
}
