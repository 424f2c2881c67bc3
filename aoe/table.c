/* table.c: the export table, aoed.conf(5).
 * In: bytes.  Out: a table, and each fault with its place.
 * It opens nothing; whether files and interfaces are there, export.c says.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "human.h"
#include "mac.h"
#include "table.h"

/* A piece of the current line. */
struct word {
	const char	*p;
	size_t		 len;
	unsigned	 col;
};

struct parse {
	struct table	*table;
	struct diags	*ds;
	unsigned	 line;
	unsigned	 shelf_line;	/* where SHELF was set, or 0 */
	uint16_t	 shelf;
	bool		 shelf_bad;
	bool		 nomem;
};

#define QUOTE(w)	(int)((w).len > 80 ? 80 : (w).len), (w).p

static bool
word_is(struct word w, const char *s)
{
	return w.len == strlen(s) && memcmp(w.p, s, w.len) == 0;
}

/* A decimal number of [min, max] and nothing else. */
static bool
word_number(struct word w, uint64_t min, uint64_t max, uint64_t *n)
{
	uint64_t v = 0;
	unsigned digit;
	size_t i;

	if (w.len == 0 || w.len > 20)
		return false;
	for (i = 0; i < w.len; i++) {
		if (w.p[i] < '0' || w.p[i] > '9')
			return false;
		digit = (unsigned)(w.p[i] - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*n = v;
	return v >= min && v <= max;
}

/* Cut the part before the first `sep` off `rest`.  False at the end. */
static bool
word_cut(struct word *rest, char sep, struct word *part)
{
	const char *p;

	if (rest->p == NULL)
		return false;
	*part = *rest;
	if ((p = memchr(rest->p, sep, rest->len)) == NULL) {
		rest->p = NULL;
		return true;
	}
	part->len = (size_t)(p - rest->p);
	rest->p += part->len + 1;
	rest->col += (unsigned)part->len + 1;
	rest->len -= part->len + 1;
	return true;
}

/* SLOT, or SHELF.SLOT.  A row without a shelf gets the table's at the end. */
static void
parse_slot(struct parse *ps, struct word w, struct row *r)
{
	struct word shelf, slot = w;
	uint64_t n;

	(void)word_cut(&slot, '.', &shelf);
	if (slot.p == NULL) {
		slot = w;
		r->shelf = UINT16_MAX;
	} else if (word_number(shelf, 0, TABLE_SHELF_MAX, &n))
		r->shelf = (uint16_t)n;
	else
		diags_add(ps->ds, ps->line, shelf.col,
		    "bad shelf '%.*s': a number from 0 to %d", QUOTE(shelf),
		    TABLE_SHELF_MAX);
	if (word_number(slot, 0, TABLE_SLOT_MAX, &n))
		r->slot = (uint8_t)n;
	else
		diags_add(ps->ds, ps->line, slot.col,
		    "bad slot '%.*s': a number from 0 to %d", QUOTE(slot),
		    TABLE_SLOT_MAX);
}

static int
octal(const char *p, size_t len)
{
	int v = 0, i;

	if (len < 4)
		return -1;
	for (i = 1; i < 4; i++) {
		if (p[i] < '0' || p[i] > '7')
			return -1;
		v = v * 8 + p[i] - '0';
	}
	return v < 1 || v > 255 ? -1 : v;
}

/* An absolute path; \ooo is the byte of that octal number, as in fstab(5). */
static void
parse_file(struct parse *ps, struct word w, struct row *r)
{
	size_t i, n = 0;
	int c;

	if (w.p[0] != '/') {
		diags_add(ps->ds, ps->line, w.col,
		    "bad file '%.*s': not an absolute path", QUOTE(w));
		return;
	}
	if ((r->file = malloc(w.len + 1)) == NULL) {
		ps->nomem = true;
		return;
	}
	for (i = 0; i < w.len; i++) {
		r->file[n] = w.p[i];
		if (w.p[i] == '\\') {
			if ((c = octal(w.p + i, w.len - i)) == -1) {
				diags_add(ps->ds, ps->line,
				    w.col + (unsigned)i,
				    "bad escape: '\\' and three octal digits "
				    "make a byte");
				break;
			}
			r->file[n] = (char)c;
			i += 3;
		}
		n++;
	}
	r->file[n] = '\0';
}

static void
add_mac(struct parse *ps, struct word w, struct row *r)
{
	uint64_t mac, *v;
	size_t i;

	if (mac_parse(w.p, w.len, &mac) == -1) {
		diags_add(ps->ds, ps->line, w.col, "bad MAC '%.*s': six pairs "
		    "of hexadecimal digits with colons between", QUOTE(w));
		return;
	}
	if (mac == 0 || (mac_is_group(mac) && mac != MAC_ANY)) {
		diags_add(ps->ds, ps->line, w.col,
		    "bad MAC '%.*s': no client can have it", QUOTE(w));
		return;
	}
	for (i = 0; i < r->nmacs; i++)
		if (r->macs[i] == mac) {
			diags_add(ps->ds, ps->line, w.col,
			    "MAC '%.*s' is twice in this row", QUOTE(w));
			return;
		}
	if ((v = reallocarray(r->macs, r->nmacs + 1, sizeof(*v))) == NULL) {
		ps->nomem = true;
		return;
	}
	r->macs = v;
	v[r->nmacs++] = mac;
}

static void
parse_macs(struct parse *ps, struct word w, struct row *r)
{
	struct word rest = w, one;
	size_t i;

	while (word_cut(&rest, ',', &one))
		add_mac(ps, one, r);
	for (i = 0; i < r->nmacs; i++)
		if (r->macs[i] == MAC_ANY && r->nmacs > 1) {
			diags_add(ps->ds, ps->line, w.col,
			    "FF:FF:FF:FF:FF:FF is every client and stands "
			    "alone");
			break;
		}
}

static void
parse_ifaces(struct parse *ps, struct word w, struct row *r)
{
	struct word one;
	char name[IFNAMSIZ];
	unsigned col;

	while (word_cut(&w, ',', &one)) {
		col = one.col;
		if (one.len == 0 || one.len >= sizeof(name) ||
		    memchr(one.p, '/', one.len) != NULL ||
		    word_is(one, ".") || word_is(one, "..")) {
			diags_add(ps->ds, ps->line, col,
			    "bad interface '%.*s': no name of one",
			    QUOTE(one));
			continue;
		}
		memcpy(name, one.p, one.len);
		name[one.len] = '\0';
		if (strv_has(&r->ifaces, name))
			diags_add(ps->ds, ps->line, col,
			    "interface '%s' is twice in this row", name);
		else if (strv_add(&r->ifaces, name) == -1)
			ps->nomem = true;
	}
}

static bool
alias_byte(char c, bool first)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'))
		return true;
	return !first && (c == '.' || c == '_' || c == '-');
}

static void
parse_alias(struct parse *ps, struct word w, struct row *r)
{
	size_t i;

	for (i = 0; i < w.len && i < TABLE_ALIAS_MAX; i++)
		if (!alias_byte(w.p[i], i == 0))
			break;
	if (i < w.len) {
		diags_add(ps->ds, ps->line, w.col, "bad alias '%.*s': at most "
		    "%d letters, digits and ._-, a letter or digit first",
		    QUOTE(w), TABLE_ALIAS_MAX);
		return;
	}
	memcpy(r->alias, w.p, w.len);
	r->alias[w.len] = '\0';
}

/* Options.  Each is given its value, whose p is NULL if there is none, and
 * says whether it was good. */
static bool
option_ro(struct word v, struct row *r)
{
	r->ro = true;
	return v.p == NULL;
}

static bool
option_direct(struct word v, struct row *r)
{
	r->direct = true;
	return v.p == NULL;
}

static bool
option_shared(struct word v, struct row *r)
{
	r->shared = true;
	return v.p == NULL;
}

static bool
option_sync(struct word v, struct row *r)
{
	if (v.p == NULL)
		return false;
	r->sync = word_is(v, "none") ? SYNC_NONE : SYNC_ALWAYS;
	return word_is(v, "none") || word_is(v, "always");
}

/* Sectors are bounded so that bytes fit into an off_t. */
#define SECTORS_MAX	(INT64_MAX / 512)

/* A bare number is sectors; one with a unit is bytes, of whole sectors. */
static bool
word_sectors(struct word w, uint64_t min, uint64_t *n)
{
	char text[HUMAN_SIZE];
	uint64_t bytes;

	if (w.len == 0 || w.len >= sizeof(text))
		return false;
	if (isdigit((unsigned char)w.p[w.len - 1]))
		return word_number(w, min, SECTORS_MAX, n);
	memcpy(text, w.p, w.len);
	text[w.len] = '\0';
	if (strlen(text) != w.len || human_parse_size(text, &bytes) == -1 ||
	    bytes % 512 != 0)
		return false;
	*n = bytes / 512;
	return *n >= min;
}

static bool
option_offset(struct word v, struct row *r)
{
	return v.p != NULL && word_sectors(v, 0, &r->offset);
}

static bool
option_length(struct word v, struct row *r)
{
	return v.p != NULL && word_sectors(v, 8, &r->length);
}

static bool
option_buffers(struct word v, struct row *r)
{
	uint64_t n = 0;
	bool ok = v.p != NULL && word_number(v, 1, TABLE_BUFFERS_MAX, &n);

	r->buffers = (unsigned)n;
	return ok;
}

static bool
option_maxsectors(struct word v, struct row *r)
{
	uint64_t n = 0;
	bool ok = v.p != NULL && word_number(v, 1, 255, &n);

	r->maxsectors = (unsigned)n;
	return ok;
}

static const struct {
	const char	*name;
	bool		(*set)(struct word, struct row *);
	const char	*want;
} options[] = {
	{ "ro",		option_ro,	"it takes no value" },
	{ "direct",	option_direct,	"it takes no value" },
	{ "shared",	option_shared,	"it takes no value" },
	{ "sync",	option_sync,	"sync=always or sync=none" },
	{ "offset",	option_offset,	"sectors, or a size as 64G" },
	{ "length",	option_length,	"at least 8 sectors, or a size as 64G" },
	{ "buffers",	option_buffers,	"a number from 1 to 1024" },
	{ "maxsectors",	option_maxsectors, "a number from 1 to 255" },
};
#define NOPTIONS	(sizeof(options) / sizeof(options[0]))

static void
parse_option(struct parse *ps, struct word w, struct row *r, unsigned *seen)
{
	struct word value = w, name;
	size_t i;

	(void)word_cut(&value, '=', &name);
	for (i = 0; i < NOPTIONS; i++)
		if (word_is(name, options[i].name))
			break;
	if (i == NOPTIONS)
		diags_add(ps->ds, ps->line, w.col, "unknown option '%.*s'",
		    QUOTE(name));
	else if (*seen & 1U << i)
		diags_add(ps->ds, ps->line, w.col,
		    "option '%s' is twice in this row", options[i].name);
	else if (!options[i].set(value, r))
		diags_add(ps->ds, ps->line, w.col, "bad option '%.*s': %s",
		    QUOTE(w), options[i].want);
	if (i < NOPTIONS)
		*seen |= 1U << i;
}

static void
parse_options(struct parse *ps, struct word w, struct row *r)
{
	struct word one;
	unsigned seen = 0;

	while (word_cut(&w, ',', &one))
		parse_option(ps, one, r, &seen);
}

static void (*const columns[COLUMNS])(struct parse *, struct word,
    struct row *) = {
	[COL_SLOT] = parse_slot,	[COL_FILE] = parse_file,
	[COL_MAC] = parse_macs,		[COL_IFACE] = parse_ifaces,
	[COL_ALIAS] = parse_alias,	[COL_OPTIONS] = parse_options,
};

static const char *const column_names[COLUMNS] = {
	"slot", "file", "MAC", "interface", "alias", "options"
};

static void
parse_row(struct parse *ps, const struct word *words, size_t n, unsigned end)
{
	struct row *r;
	size_t i;

	r = reallocarray(ps->table->rows, ps->table->n + 1, sizeof(*r));
	if (r == NULL) {
		ps->nomem = true;
		return;
	}
	ps->table->rows = r;
	r += ps->table->n++;
	memset(r, 0, sizeof(*r));
	r->line = ps->line;
	r->buffers = TABLE_BUFFERS;
	for (i = 0; i < n && i < COLUMNS; i++) {
		r->col[i] = words[i].col;
		columns[i](ps, words[i], r);
	}
	if (n <= COL_ALIAS)
		diags_add(ps->ds, ps->line, end,
		    "the row ends before its %s", column_names[n]);
	if (n > COLUMNS)
		diags_add(ps->ds, ps->line, words[COLUMNS].col,
		    "a column too many");
}

/* SHELF="3", with double quotes, single ones or none. */
static void
parse_shelf(struct parse *ps, struct word w, const struct word *extra)
{
	struct word v = { w.p + 6, w.len - 6, w.col + 6 };
	uint64_t n;

	if (v.len >= 2 && (v.p[0] == '"' || v.p[0] == '\'') &&
	    v.p[v.len - 1] == v.p[0]) {
		v.p++;
		v.col++;
		v.len -= 2;
	}
	if (ps->shelf_line != 0) {
		diags_add(ps->ds, ps->line, w.col,
		    "SHELF is already set in line %u", ps->shelf_line);
		ps->shelf_bad = true;
	} else if (!word_number(v, 0, TABLE_SHELF_MAX, &n)) {
		diags_add(ps->ds, ps->line, v.col,
		    "bad SHELF '%.*s': a number from 0 to %d", QUOTE(v),
		    TABLE_SHELF_MAX);
		ps->shelf_bad = true;
	} else
		ps->shelf = (uint16_t)n;
	ps->shelf_line = ps->line;
	if (extra != NULL) {
		diags_add(ps->ds, ps->line, extra->col,
		    "text after SHELF's value");
		ps->shelf_bad = true;
	}
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* One line: words up to a '#' that begins one. */
static void
parse_line(struct parse *ps, const char *p, size_t len)
{
	struct word words[COLUMNS + 1];
	size_t i = 0, start, n = 0, end = 0;

	while (n < COLUMNS + 1) {
		while (i < len && is_blank(p[i]))
			i++;
		if (i == len || p[i] == '#')
			break;
		for (start = i; i < len && !is_blank(p[i]); i++)
			;
		words[n++] = (struct word){ p + start, i - start,
		    (unsigned)start + 1 };
		end = i + 1;
	}
	if (n == 0)
		return;
	if (words[0].len >= 6 && memcmp(words[0].p, "SHELF=", 6) == 0)
		parse_shelf(ps, words[0], n > 1 ? &words[1] : NULL);
	else
		parse_row(ps, words, n, (unsigned)end);
}

/* What a frame is answered by: two rows must not have one in common. */
struct claim {
	const struct row	*row;
	const char		*iface;
	uint64_t		 mac;
};

static int
claim_cmp(const void *va, const void *vb)
{
	const struct claim *a = va, *b = vb;
	int c;

	if (a->row->shelf != b->row->shelf)
		return a->row->shelf < b->row->shelf ? -1 : 1;
	if (a->row->slot != b->row->slot)
		return a->row->slot < b->row->slot ? -1 : 1;
	if (a->mac != b->mac)
		return a->mac < b->mac ? -1 : 1;
	if ((c = strcmp(a->iface, b->iface)) != 0)
		return c;
	return a->row->line < b->row->line ? -1 :
	    a->row->line > b->row->line;
}

static bool
claims_clash(const struct claim *a, const struct claim *b)
{
	return a->row != b->row && a->row->shelf == b->row->shelf &&
	    a->row->slot == b->row->slot && a->mac == b->mac &&
	    strcmp(a->iface, b->iface) == 0;
}

static size_t
claims_fill(const struct table *t, struct claim *v)
{
	const struct row *r;
	size_t i, m, f, n = 0;

	for (i = 0; i < t->n; i++) {
		r = &t->rows[i];
		for (m = 0; m < r->nmacs; m++)
			for (f = 0; f < r->ifaces.n; f++) {
				if (v != NULL)
					v[n] = (struct claim){ r,
					    r->ifaces.v[f], r->macs[m] };
				n++;
			}
	}
	return n;
}

static void
find_clashes(struct parse *ps)
{
	const struct row *r, *told = NULL;
	struct claim *v;
	char mac[MAC_TEXT];
	size_t i, first, n;

	n = claims_fill(ps->table, NULL);
	if (n == 0)
		return;
	if ((v = calloc(n, sizeof(*v))) == NULL) {
		ps->nomem = true;
		return;
	}
	(void)claims_fill(ps->table, v);
	qsort(v, n, sizeof(*v), claim_cmp);
	for (first = 0, i = 1; i < n; i++) {
		if (!claims_clash(&v[first], &v[i])) {
			first = i;
			continue;
		}
		r = v[i].row;
		if (r == told)
			continue;
		told = r;
		mac_format(mac, v[i].mac);
		diags_add(ps->ds, r->line, r->col[COL_SLOT],
		    "%u.%u for %s on %s is already in line %u", r->shelf,
		    r->slot, v[i].mac == MAC_ANY ? "every client" : mac,
		    v[i].iface, v[first].row->line);
	}
	free(v);
}

static int
alias_cmp(const void *va, const void *vb)
{
	const struct row *a = *(const struct row *const *)va;
	const struct row *b = *(const struct row *const *)vb;
	int c;

	if ((c = strcmp(a->alias, b->alias)) != 0)
		return c;
	return a->line < b->line ? -1 : a->line > b->line;
}

static void
find_alias_twins(struct parse *ps)
{
	const struct row **v;
	size_t i, first;

	if (ps->table->n < 2)
		return;
	if ((v = calloc(ps->table->n, sizeof(*v))) == NULL) {
		ps->nomem = true;
		return;
	}
	for (i = 0; i < ps->table->n; i++)
		v[i] = &ps->table->rows[i];
	qsort(v, ps->table->n, sizeof(*v), alias_cmp);
	for (first = 0, i = 1; i < ps->table->n; i++) {
		if (v[i]->alias[0] == '\0' ||
		    strcmp(v[first]->alias, v[i]->alias) != 0)
			first = i;
		else
			diags_add(ps->ds, v[i]->line, v[i]->col[COL_ALIAS],
			    "alias '%s' is already in line %u", v[i]->alias,
			    v[first]->line);
	}
	free(v);
}

/* What can only be said of a whole row, once the shelf is known. */
static void
finish_rows(struct parse *ps)
{
	struct row *r;
	size_t i;

	for (i = 0; i < ps->table->n; i++) {
		r = &ps->table->rows[i];
		if (r->shelf == UINT16_MAX)
			r->shelf = ps->shelf;
		if (r->direct && r->offset % 8 != 0)
			diags_add(ps->ds, r->line, r->col[COL_OPTIONS],
			    "direct needs an offset that is a multiple of 8");
	}
	find_clashes(ps);
	find_alias_twins(ps);
	diags_sort(ps->ds);
}

/* Give each row that has a fault its first message as the reason. */
static void
mark_bad(struct parse *ps)
{
	struct row *r;
	size_t i, d = 0, bad = 0;

	for (i = 0; i < ps->table->n; i++) {
		r = &ps->table->rows[i];
		while (d < ps->ds->n && ps->ds->v[d].line < r->line)
			d++;
		if (d == ps->ds->n)
			break;
		if (ps->ds->v[d].line != r->line)
			continue;
		bad++;
		if ((r->bad = strdup(ps->ds->v[d].msg)) == NULL)
			ps->nomem = true;
		if (r->alias[0] == '\0')
			snprintf(r->alias, sizeof(r->alias), "line%u",
			    r->line);
	}
	/* With faults that were only counted, no row is known to be good. */
	ps->table->broken = ps->shelf_bad || ps->nomem ||
	    ps->ds->dropped != 0 || (bad > 0 && bad == ps->table->n);
}

int
table_parse(const char *text, size_t len, struct table *t, struct diags *ds)
{
	struct parse ps = { .table = t, .ds = ds };
	const char *p = text, *end = text + len, *nl;

	memset(t, 0, sizeof(*t));
	while (p < end) {
		ps.line++;
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		parse_line(&ps, p, (size_t)(nl - p));
		p = nl + 1;
	}
	finish_rows(&ps);
	if (diags_any(ds))
		mark_bad(&ps);
	if (ps.nomem) {
		diags_add(ds, 0, 0, "%s", strerror(ENOMEM));
		t->broken = true;
	}
	return diags_any(ds) ? -1 : 0;
}

void
table_free(struct table *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		row_free(&t->rows[i]);
	free(t->rows);
	memset(t, 0, sizeof(*t));
}
