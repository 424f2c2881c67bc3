/* import.c: vblade's configurations into rows of our table.
 * In: text that a shell was meant to read.  Out: rows, or what is not
 * understood and where.  No shell sees any of it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "mac.h"
#include "shword.h"

/* What vblade is started with, as text with its place. */
enum field { SHELF, SLOT, NETIF, FILENAME, OPTIONS, IONICE, FIELDS };

struct value {
	char		*text;		/* NULL: not set */
	unsigned	 line;
	unsigned	 col;
};

struct vblade {
	struct value	 v[FIELDS];
	const char	*macs;		/* beside those of the options, or NULL */
};

static const char *const names[FIELDS] = {
	[SHELF] = "shelf", [SLOT] = "slot", [NETIF] = "netif",
	[FILENAME] = "filename", [OPTIONS] = "options", [IONICE] = "ionice",
};

static void
vblade_free(struct vblade *b)
{
	size_t i;

	for (i = 0; i < FIELDS; i++)
		free(b->v[i].text);
}

static void
complain(struct diags *ds, const struct value *v, const char *what)
{
	diags_add(ds, v->line, v->col, "%s: '%.100s'", what, v->text);
}

static bool
parse_number(const char *text, uint64_t max, uint64_t *n)
{
	uint64_t v = 0;

	if (*text == '\0' || strlen(text) > 19)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
	}
	*n = v;
	return v <= max;
}

/* With colons or, as vblade has them too, without. */
static bool
parse_mac(const char *p, size_t len, uint64_t *mac)
{
	char text[MAC_TEXT];
	size_t i, n = 0;

	if (len == 12) {
		for (i = 0; i < 12; i++) {
			if (i > 0 && i % 2 == 0)
				text[n++] = ':';
			text[n++] = p[i];
		}
		return mac_parse(text, n, mac) == 0;
	}
	return mac_parse(p, len, mac) == 0;
}

static bool
row_has_mac(const struct row *r, uint64_t mac)
{
	size_t i;

	for (i = 0; i < r->nmacs; i++)
		if (r->macs[i] == mac)
			return true;
	return false;
}

/* Add a list of addresses to a row.  False if one is none. */
static bool
add_macs(struct row *r, const char *list)
{
	uint64_t mac, *v;
	size_t len;

	for (;; list += len + 1) {
		len = strcspn(list, ",");
		if (!parse_mac(list, len, &mac) || mac == 0 ||
		    mac_is_group(mac))
			return false;
		if (!row_has_mac(r, mac)) {
			v = reallocarray(r->macs, r->nmacs + 1, sizeof(*v));
			if (v == NULL)
				return false;
			r->macs = v;
			v[r->nmacs++] = mac;
		}
		if (list[len] == '\0')
			return true;
	}
}

/* One of vblade's options.  False if its argument is none. */
static bool
take_option(struct row *r, char option, const char *arg)
{
	uint64_t n;

	switch (option) {
	case 'd':
		r->direct = true;
		return true;
	case 'r':
		r->ro = true;
		return true;
	case 's':
		return true;	/* a write is answered when it is stable */
	case 'm':
		return add_macs(r, arg);
	case 'o':
		return parse_number(arg, INT64_MAX / 512, &r->offset);
	case 'l':
		return parse_number(arg, INT64_MAX / 512, &r->length);
	case 'b':
		if (!parse_number(arg, TABLE_BUFFERS_MAX, &n) || n == 0)
			return false;
		r->buffers = (unsigned)n;
		return true;
	}
	return false;
}

/* One word of the options, and what follows it if it takes that, too.  False
 * if it is not understood. */
static bool
take_word(struct row *r, const char *word, char **rest)
{
	const char *arg;

	if (*word++ != '-' || *word == '\0')
		return false;
	for (; *word != '\0'; word++) {
		if (strchr("drs", *word) != NULL) {
			(void)take_option(r, *word, NULL);
			continue;
		}
		arg = word[1] != '\0' ? word + 1 : strsep(rest, " \t");
		return arg != NULL && take_option(r, *word, arg);
	}
	return true;
}

static void
take_options(struct row *r, const struct value *v, struct diags *ds)
{
	char *copy, *rest, *word;

	if (v->text == NULL)
		return;
	if ((copy = strdup(v->text)) == NULL) {
		diags_add(ds, 0, 0, "%s", strerror(errno));
		return;
	}
	for (rest = copy; (word = strsep(&rest, " \t")) != NULL; )
		if (*word != '\0' && !take_word(r, word, &rest)) {
			complain(ds, v, "options not understood");
			break;
		}
	free(copy);
}

static void
take_address(struct row *r, const struct vblade *b, struct diags *ds)
{
	uint64_t n;

	if (parse_number(b->v[SHELF].text, TABLE_SHELF_MAX, &n))
		r->shelf = (uint16_t)n;
	else
		complain(ds, &b->v[SHELF], "no shelf from 0 to 65534");
	if (parse_number(b->v[SLOT].text, TABLE_SLOT_MAX, &n))
		r->slot = (uint8_t)n;
	else
		complain(ds, &b->v[SLOT], "no slot from 0 to 254");
}

static bool
is_iface(const char *s)
{
	const char *p;

	if (*s == '\0' || strlen(s) >= IFNAMSIZ || strcmp(s, ".") == 0 ||
	    strcmp(s, "..") == 0)
		return false;
	for (p = s; *p != '\0'; p++)
		if (isspace((unsigned char)*p) || strchr("/,", *p) != NULL)
			return false;
	return *s != '#';
}

static void
take_names(struct row *r, const struct vblade *b, struct diags *ds)
{
	if (!is_iface(b->v[NETIF].text))
		complain(ds, &b->v[NETIF], "no name of an interface");
	else if (strv_add(&r->ifaces, b->v[NETIF].text) == -1)
		diags_add(ds, 0, 0, "%s", strerror(errno));
	if (b->v[FILENAME].text[0] != '/')
		complain(ds, &b->v[FILENAME], "not an absolute path");
	else if ((r->file = strdup(b->v[FILENAME].text)) == NULL)
		diags_add(ds, 0, 0, "%s", strerror(errno));
}

/* The row that serves what that vblade would. */
static void
make_row(struct row *r, const struct vblade *b, struct diags *ds)
{
	static uint64_t any = MAC_ANY;
	unsigned i;

	for (i = SHELF; i <= FILENAME; i++)
		if (b->v[i].text == NULL || b->v[i].text[0] == '\0')
			diags_add(ds, b->v[i].line, 0, "%s is not set",
			    names[i]);
	if (diags_any(ds))
		return;
	take_address(r, b, ds);
	take_names(r, b, ds);
	r->buffers = TABLE_BUFFERS;
	take_options(r, &b->v[OPTIONS], ds);
	if (b->macs != NULL && b->macs[0] != '\0' && !add_macs(r, b->macs))
		diags_add(ds, b->v[SHELF].line, 0, "bad MACs '%.100s'",
		    b->macs);
	if (r->direct && r->offset % 8 != 0)
		diags_add(ds, b->v[OPTIONS].line, b->v[OPTIONS].col,
		    "-d needs an offset that is a multiple of 8");
	if (r->length > 0 && r->length < 8)
		diags_add(ds, b->v[OPTIONS].line, b->v[OPTIONS].col,
		    "less than 8 sectors cannot be served");
	if (r->nmacs == 0 && (r->macs = malloc(sizeof(any))) != NULL) {
		r->macs[0] = any;
		r->nmacs = 1;
	} else if (r->nmacs == 0)
		diags_add(ds, 0, 0, "%s", strerror(errno));
}

/* Append the row if nothing is wrong with it. */
static int
add_row(struct table *t, const struct vblade *b, const char *alias,
    struct diags *all)
{
	struct diags ds = { 0 };
	struct row row = { 0 }, *v;
	size_t i;
	int rc = -1;

	make_row(&row, b, &ds);
	row.line = b->v[SHELF].line;
	if (strlcpy(row.alias, alias, sizeof(row.alias)) >=
	    sizeof(row.alias))
		row.alias[0] = '\0';	/* it gets another one */
	if (!diags_any(&ds)) {
		v = reallocarray(t->rows, t->n + 1, sizeof(*v));
		if (v != NULL) {
			t->rows = v;
			v[t->n++] = row;
			return 0;
		}
		diags_add(&ds, 0, 0, "%s", strerror(errno));
	}
	for (i = 0; i < ds.n; i++)
		diags_add(all, ds.v[i].line, ds.v[i].col, "%s", ds.v[i].msg);
	diags_free(&ds);
	row_free(&row);
	return rc;
}

static size_t
name_length(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && (p[n] == '_' || isalnum((unsigned char)p[n])))
		n++;
	return n;
}

/* In capitals too, as Debian's vblade-persist-convert writes some of them. */
static int
field_find(const char *p, size_t len)
{
	int i;

	for (i = 0; i < FIELDS; i++)
		if (strlen(names[i]) == len && strncasecmp(names[i], p, len) == 0)
			return i;
	return -1;
}

/* One line of a fragment. */
static void
take_line(struct vblade *b, const char *p, size_t len, unsigned line,
    struct diags *ds)
{
	struct shword w = { .p = p, .len = len };
	size_t start, name;
	char *text;
	int f;

	if (shword_end(&w))
		return;
	start = w.i;
	name = name_length(p + start, len - start);
	w.i = start + name + 1;
	if (name == 0 || start + name == len || p[start + name] != '=') {
		diags_add(ds, line, (unsigned)start + 1, "not understood: "
		    "only NAME=VALUE is, and nothing is run");
		return;
	}
	if ((f = field_find(p + start, name)) == -1) {
		diags_add(ds, line, (unsigned)start + 1,
		    "vblade knows no variable '%.*s'",
		    (int)(name > 40 ? 40 : name), p + start);
		return;
	}
	if ((text = shword_value(&w)) == NULL || !shword_end(&w)) {
		diags_add(ds, line, (unsigned)(start + name) + 2,
		    "not understood: a shell would do more than read it");
		free(text);
		return;
	}
	free(b->v[f].text);
	b->v[f] = (struct value){ text, line, (unsigned)(start + name) + 2 };
}

int
import_fragment(const char *text, size_t len, const char *alias,
    struct table *t, struct diags *ds)
{
	struct vblade b = { 0 };
	const char *p = text, *end = text + len, *nl;
	size_t before = ds->n + ds->dropped;
	unsigned line = 0;
	int rc = -1;

	while (p < end) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		take_line(&b, p, (size_t)(nl - p), ++line, ds);
		p = nl + 1;
	}
	if (ds->n + ds->dropped == before)
		rc = add_row(t, &b, alias, ds);
	vblade_free(&b);
	return rc;
}

/* The next word of a line, NUL-terminated in a copy.  NULL at the end. */
static char *
next_word(const char *p, size_t len, size_t *i, unsigned *col)
{
	size_t start;

	while (*i < len && isspace((unsigned char)p[*i]))
		(*i)++;
	if (*i == len || p[*i] == '#')
		return NULL;
	start = *i;
	while (*i < len && !isspace((unsigned char)p[*i]))
		(*i)++;
	*col = (unsigned)start + 1;
	return strndup(p + start, *i - start);
}

static void
take_words(struct table *t, const char *p, size_t len, unsigned line,
    struct diags *ds)
{
	static const enum field order[] = { NETIF, SHELF, SLOT, FILENAME };
	struct vblade b = { 0 };
	char *macs = NULL, *more = NULL;
	unsigned col = 0;
	size_t i = 0, n;

	for (n = 0; n < 4; n++) {
		b.v[order[n]].text = next_word(p, len, &i, &col);
		b.v[order[n]].line = line;
		b.v[order[n]].col = col;
	}
	if (b.v[NETIF].text == NULL)
		return;
	macs = next_word(p, len, &i, &col);
	more = next_word(p, len, &i, &col);
	b.macs = macs;
	if (more != NULL)
		diags_add(ds, line, col, "a column too many");
	else
		(void)add_row(t, &b, "", ds);
	free(macs);
	free(more);
	vblade_free(&b);
}

int
import_lines(const char *text, size_t len, struct table *t, struct diags *ds)
{
	const char *p = text, *end = text + len, *nl;
	size_t before = ds->n + ds->dropped;
	unsigned line = 0;

	while (p < end) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		line++;
		if (memchr(p, '\0', (size_t)(nl - p)) != NULL)
			diags_add(ds, line, 0, "not text");
		else
			take_words(t, p, (size_t)(nl - p), line, ds);
		p = nl + 1;
	}
	return ds->n + ds->dropped == before ? 0 : -1;
}

int
import_persist(const struct import_persist *ip, const char *alias,
    struct table *t, struct diags *ds)
{
	const char *text[FIELDS] = { [SHELF] = ip->shelf, [SLOT] = ip->slot,
	    [NETIF] = ip->netif, [FILENAME] = ip->source };
	struct vblade b = { .macs = ip->macs };
	unsigned i;
	int rc;

	/* The shell that wrote them, and vblade-persist's, take off what
	 * newlines end them. */
	for (i = SHELF; i <= FILENAME; i++)
		if (text[i] != NULL)
			b.v[i].text = strndup(text[i],
			    strcspn(text[i], "\n"));
	rc = add_row(t, &b, alias, ds);
	vblade_free(&b);
	return rc;
}
