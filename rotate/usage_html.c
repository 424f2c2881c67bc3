/* usage_html.c: what the stores take, as one page that needs nothing else: no
 * script, no other file, pictures as SVG in it.
 *
 * Everything that may come from outside goes through put().  What colour says
 * is also said by a shape or a word.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdarg.h>
#include <string.h>

#include "human.h"
#include "usage.h"
#include "version.h"

#define DAY	86400
#define WEEKS	26		/* of the calendar */
#define CELL	11		/* pixels of a day, with the gap */
#define CHART_W	286
#define CHART_H	56
#define POINTS	200		/* of a chart's line */

static const char style[] =
    ":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b1f24;"
    "--dim:#5a6370;--line:#d5dae1;--cell:#e9ecf0;--good:#0067a5;"
    "--warn:#b45309;--bad:#b3133b;--fill:#0072b2}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#12161b;--card:#1b2128;"
    "--ink:#e8ecf1;--dim:#a0aab6;--line:#343c46;--cell:#29313a;"
    "--good:#6cb8ee;--warn:#f2b04c;--bad:#ff8fa3;--fill:#56a9e0}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;padding:1rem;background:var(--bg);color:var(--ink);"
    "font:15px/1.45 system-ui,sans-serif}\n"
    "main{max-width:76rem;margin:0 auto}\n"
    "h1{font-size:1.4rem;margin:0 0 .2rem}"
    "h2{font-size:1.1rem;margin:1.6rem 0 .6rem}"
    "h3{font-size:1rem;margin:0}h1,h3{overflow-wrap:anywhere}\n"
    "p{margin:.2rem 0}.dim{color:var(--dim)}\n"
    "section,.box{background:var(--card);border:1px solid var(--line);"
    "border-radius:.5rem;padding:.8rem 1rem}\n"
    ".box{margin:.8rem 0;overflow-x:auto}\n"
    ".grid{display:grid;gap:.8rem;"
    "grid-template-columns:repeat(auto-fill,minmax(min(20rem,100%),1fr))}\n"
    ".head{display:flex;gap:.6rem;justify-content:space-between;"
    "align-items:baseline}\n"
    ".tag{font-weight:600;white-space:nowrap}.good{color:var(--good)}"
    ".warn{color:var(--warn)}.bad{color:var(--bad)}\n"
    "dl{display:grid;grid-template-columns:auto 1fr auto 1fr;"
    "gap:.1rem .6rem;margin:.5rem 0 0}dt{color:var(--dim)}"
    "dd{margin:0;text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}\n"
    "ul{margin:.4rem 0 0;padding-left:1.1rem}li{overflow-wrap:anywhere}\n"
    "svg{display:block;max-width:100%;height:auto;margin:.5rem 0 0}"
    "section>svg{width:100%}\n"
    "svg text{fill:var(--dim);font:9px system-ui,sans-serif}\n"
    ".c{fill:var(--fill)}.p{fill:var(--warn)}"
    ".k{fill:none;stroke:var(--ink);stroke-width:1.5}"
    ".area{fill:var(--fill);opacity:.18}.stroke{fill:none;"
    "stroke:var(--fill);stroke-width:1.8}.dash{fill:none;"
    "stroke:var(--ink);stroke-width:1.4;stroke-dasharray:4 3}"
    ".back{fill:var(--cell)}\n"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;"
    "padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line);"
    "vertical-align:top}th{color:var(--dim);font-weight:500}"
    "tr:last-child td{border:0}td{overflow-wrap:anywhere}"
    "td:first-child,.tag{white-space:nowrap}\n"
    /* On a phone: a block for each row, the heads within it. */
    "@media(max-width:40rem){tr:first-child{display:none}"
    "tr{display:block;padding:.4rem 0;border-bottom:1px solid var(--line)}"
    "tr:last-child{border:0}td{display:block;border:0;padding:.05rem 0}"
    "td::before{content:attr(data-head) \" \";color:var(--dim)}}\n"
    ".legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;"
    "align-items:center;margin-bottom:.5rem}"
    ".legend span{display:inline-flex;gap:.35rem;align-items:center}"
    ".legend svg{margin:0}\n";

/* Text as text, whatever is in it. */
static void
put(FILE *f, const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		switch (*s) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		case '\'':
			fputs("&#39;", f);
			break;
		default:
			/* Control characters have no place in HTML. */
			fputc((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s,
			    f);
		}
}

static void
put_size(FILE *f, uint64_t bytes)
{
	char buf[HUMAN_SIZE];

	human_size(buf, bytes);
	put(f, buf);
}

static void
put_signed(FILE *f, int64_t bytes)
{
	fputs(bytes < 0 ? "&minus;" : bytes > 0 ? "+" : "", f);
	put_size(f, (uint64_t)(bytes < 0 ? -bytes : bytes));
}

static void
put_age(FILE *f, uint64_t secs)
{
	char buf[HUMAN_SIZE];

	if (secs == UINT64_MAX) {
		fputs("never", f);
		return;
	}
	human_duration(buf, secs);
	put(f, buf);
}

/* Is it well?  A word, a sign and a colour. */
static void
put_state(FILE *f, const struct usage_client *c)
{
	if (c->failed || c->plan.silent != 0 || c->plan.newest == PLAN_NONE)
		fputs("<span class=\"tag bad\">&#10007; look at it</span>",
		    f);
	else if (c->problems.n != 0)
		fputs("<span class=\"tag warn\">! warning</span>", f);
	else
		fputs("<span class=\"tag good\">&#10003; fresh</span>", f);
}

/* The days of the last half year, a week in each column, Monday on top. */
static void
put_calendar(FILE *f, const struct usage_client *c, time_t now)
{
	/* The first day of the epoch was a Thursday. */
	long long today = now / DAY, week = (today + 3) / 7, day, col;
	size_t i, before = 0;
	int x, y;

	fprintf(f, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
	    "role=\"img\"><title>", WEEKS * CELL, 7 * CELL + 12, WEEKS * CELL,
	    7 * CELL + 12);
	fprintf(f, "snapshots of the last %d weeks</title>", WEEKS);
	fputs("<path class=\"back\" d=\"", f);
	for (x = 0; x < WEEKS; x++)
		for (y = 0; y < 7; y++)
			if ((week - WEEKS + 1 + x) * 7 - 3 + y <= today)
				fprintf(f, "M%d %dh9v9h-9z", x * CELL,
				    y * CELL);
	fputs("\"/>", f);
	for (i = 0; i < c->n; i++) {
		day = plan_clock(&c->snaps[i]) / DAY;
		col = (day + 3) / 7 - (week - WEEKS + 1);
		if (col < 0)
			before++;
		if (col < 0 || day > today)
			continue;
		x = (int)col * CELL;
		y = (int)((day + 3) % 7) * CELL;
		if (c->snaps[i].recorded &&
		    c->snaps[i].status == SNAPSHOT_PARTIAL)
			fprintf(f, "<path class=\"p\" d=\"M%d %dl4.5 -9l4.5 9"
			    "z\"/>", x, y + 9);
		else
			fprintf(f, "<path class=\"c\" d=\"M%d %dh9v9h-9z\"/>",
			    x, y);
		if ((c->plan.v[i].why & PLAN_PINNED) != 0)
			fprintf(f, "<circle class=\"k\" cx=\"%g\" cy=\"%g\" "
			    "r=\"3\" style=\"stroke:var(--card)\"/>",
			    x + 4.5, y + 4.5);
	}
	fprintf(f, "<text x=\"0\" y=\"%d\">%d weeks", 7 * CELL + 9, WEEKS);
	if (before != 0)
		fprintf(f, "; %zu older", before);
	fprintf(f, "</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">today"
	    "</text></svg>\n", WEEKS * CELL, 7 * CELL + 9);
}

/* A line of a chart over time. */
struct line {
	const char	*class;
	time_t		 from, to;
	uint64_t	 top;
};

static void
put_point(FILE *f, const struct line *l, bool first, time_t t, uint64_t bytes)
{
	double x, y;

	x = l->to == l->from ? CHART_W : (double)(t - l->from) /
	    (double)(l->to - l->from) * (CHART_W - 4) + 2;
	y = CHART_H - 2 - (l->top == 0 ? 0 : (double)bytes / (double)l->top *
	    (CHART_H - 14));
	fprintf(f, "%c%.1f %.1f", first ? 'M' : 'L', x, y);
}

/* Sizes over time: what a restore would bring, and what it takes here. */
static void
put_chart(FILE *f, const struct usage_client *c, time_t now)
{
	struct line l = { .to = now, .from = now };
	size_t i, step, n = 0;
	bool first = true;

	for (i = 0; i < c->n; i++) {
		if (!c->snaps[i].recorded ||
		    (c->plan.v[i].why & PLAN_FUTURE) != 0)
			continue;
		n++;
		if (plan_clock(&c->snaps[i]) < l.from)
			l.from = plan_clock(&c->snaps[i]);
		if (c->snaps[i].bytes > l.top)
			l.top = c->snaps[i].bytes;
	}
	for (i = 0; i < c->cache.points; i++)
		if (c->cache.history[i].bytes > l.top)
			l.top = c->cache.history[i].bytes;
	if (n == 0)
		return;
	step = c->n / POINTS + 1;
	fprintf(f, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
	    "role=\"img\"><title>sizes over time</title><path class=\"back\""
	    " d=\"M0 %dh%dv1h-%dz\"/><path class=\"stroke\" d=\"",
	    CHART_W, CHART_H, CHART_W, CHART_H, CHART_H - 1, CHART_W,
	    CHART_W);
	for (i = 0; i < c->n; i++)
		if (c->snaps[i].recorded && (i % step == 0 || i + 1 == c->n) &&
		    (c->plan.v[i].why & PLAN_FUTURE) == 0) {
			put_point(f, &l, first, plan_clock(&c->snaps[i]),
			    c->snaps[i].bytes);
			first = false;
		}
	put_point(f, &l, first, now, c->logical);
	fputs("\"/><path class=\"dash\" d=\"", f);
	for (first = true, i = 0; i < c->cache.points; i++)
		if (c->cache.history[i].time >= l.from &&
		    c->cache.history[i].time <= now) {
			put_point(f, &l, first, c->cache.history[i].time,
			    c->cache.history[i].bytes);
			first = false;
		}
	if (!first && c->measured != 0)
		put_point(f, &l, false, now, c->real);
	fputs("\"/><text x=\"2\" y=\"9\">", f);
	put_size(f, l.top);
	fputs("</text></svg>\n", f);
}

static void
put_figure(FILE *f, const char *name, uint64_t bytes, bool known, bool exact)
{
	fprintf(f, "<dt>%s</dt><dd>", name);
	if (!known)
		fputs("?", f);
	else {
		fputs(exact ? "" : "~", f);
		put_size(f, bytes);
	}
	fputs("</dd>", f);
}

static void
put_client(FILE *f, const struct usage *u, const struct usage_client *c)
{
	uint64_t oldest = usage_oldest(c);
	size_t i;

	fputs("<section><div class=\"head\"><h3>", f);
	put(f, c->host);
	fputs("</h3>", f);
	put_state(f, c);
	fputs("</div>", f);
	if (!c->failed) {
		put_calendar(f, c, u->now);
		put_chart(f, c, u->now);
	}
	fprintf(f, "<dl><dt>snapshots</dt><dd>%zu</dd><dt>newest</dt><dd>",
	    c->n);
	put_age(f, usage_age(c, u->now));
	fputs("</dd>", f);
	put_figure(f, "logical", c->logical, c->n != 0, true);
	put_figure(f, "real", c->real, c->measured != 0 || c->n == 0,
	    c->exact || c->n == 0);
	fputs("<dt>a day</dt><dd>", f);
	put_signed(f, c->per_day);
	fputs("</dd>", f);
	put_figure(f, "oldest frees", oldest, oldest != UINT64_MAX, true);
	fputs("</dl>", f);
	if (c->problems.n != 0)
		fputs("<ul>", f);
	for (i = 0; i < c->problems.n; i++) {
		fputs("<li>", f);
		put(f, c->problems.v[i]);
		fputs("</li>", f);
	}
	if (c->problems.n != 0)
		fputs("</ul>", f);
	fputs("</section>\n", f);
}

static void
put_disk(FILE *f, const struct usage *u)
{
	uint64_t used = u->space.all_bytes - u->space.bytes;
	double part = u->space.all_bytes == 0 ? 0 : (double)used /
	    (double)u->space.all_bytes;
	char full[USAGE_FULL];

	usage_full(full, u);
	fputs("<div class=\"box\"><div class=\"head\"><strong>The disk"
	    "</strong>", f);
	if (u->days_left >= 0 && u->days_left < 30)
		fprintf(f, "<span class=\"tag bad\">&#10007; %s</span>", full);
	else if (part > 0.9)
		fputs("<span class=\"tag warn\">! nearly full</span>", f);
	else
		fputs("<span class=\"tag good\">&#10003; room</span>", f);
	fputs("</div><svg viewBox=\"0 0 600 14\" width=\"600\" height=\"14\" "
	    "preserveAspectRatio=\"none\" style=\"width:100%;height:14px\" "
	    "role=\"img\"><title>used part of the disk</title>"
	    "<path class=\"back\" d=\"M0 0h600v14h-600z\"/>", f);
	fprintf(f, "<path class=\"c\" d=\"M0 0h%.1fv14h-%.1fz\"/></svg><p>",
	    part * 600, part * 600);
	put_size(f, u->space.bytes);
	fputs(" of ", f);
	put_size(f, u->space.all_bytes);
	fprintf(f, " free (%.0f %% used); ", part * 100);
	put_signed(f, u->per_day);
	fputs(" a day", f);
	if (u->days_left >= 0)
		fprintf(f, ", %s at this rate", full);
	fputs("</p></div>\n", f);
}

static void
put_legend(FILE *f)
{
	fputs("<p class=\"legend dim\"><span><svg width=\"9\" height=\"9\">"
	    "<path class=\"c\" d=\"M0 0h9v9h-9z\"/></svg>complete</span>"
	    "<span><svg width=\"9\" height=\"9\"><path class=\"back\" "
	    "d=\"M0 0h9v9h-9z\"/><path class=\"p\" d=\"M0 9l4.5 -9l4.5 9z\"/></svg>"
	    "partial</span><span><svg width=\"9\" height=\"9\"><path "
	    "class=\"c\" d=\"M0 0h9v9h-9z\"/><circle class=\"k\" cx=\"4.5\" "
	    "cy=\"4.5\" r=\"3\" style=\"stroke:var(--card)\"/></svg>pinned"
	    "</span><span><svg width=\"22\" height=\"9\"><path class=\""
	    "stroke\" d=\"M0 5h22\"/></svg>size of each snapshot</span><span>"
	    "<svg width=\"22\" height=\"9\"><path class=\"dash\" d=\"M0 5h22\""
	    "/></svg>what all of them take</span></p>\n", f);
}

static const char *
member(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s == NULL ? "" : s;
}

static void
put_exports(FILE *f, const struct usage *u)
{
	const char *state;
	const json_t *o;
	size_t i;

	fputs("<h2>AoE exports</h2>\n<div class=\"box\">", f);
	if (json_array_size(u->exports) == 0) {
		fputs("<p class=\"dim\">None: ", f);
		put(f, u->exports != NULL ? "the table is empty" :
		    u->exports_why);
		fputs(".</p></div>\n", f);
		return;
	}
	fputs("<table><tr><th>alias</th><th>state</th><th>address</th>"
	    "<th>size</th><th>file</th></tr>\n", f);
	json_array_foreach(u->exports, i, o) {
		state = member(o, "state");
		fputs("<tr><td data-head=\"alias\">", f);
		put(f, member(o, "alias"));
		fprintf(f, "</td><td data-head=\"state\"><span class=\"tag %s\">%s ",
		    strcmp(state, "serving") == 0 ? "good" :
		    strcmp(state, "failed") == 0 ? "bad" : "warn",
		    strcmp(state, "serving") == 0 ? "&#10003;" :
		    strcmp(state, "failed") == 0 ? "&#10007;" : "!");
		put(f, state);
		fputs("</span>", f);
		if (*member(o, "why") != '\0') {
			fputs("<br><span class=\"dim\">", f);
			put(f, member(o, "why"));
			fputs("</span>", f);
		}
		fputs("</td><td data-head=\"address\">", f);
		put(f, member(o, "address"));
		fputs("</td><td data-head=\"size\">", f);
		if (json_is_integer(json_object_get(o, "sectors")))
			put_size(f, (uint64_t)json_integer_value(
			    json_object_get(o, "sectors")) * 512);
		fputs("</td><td data-head=\"file\">", f);
		put(f, member(o, "file"));
		fputs("</td></tr>\n", f);
	}
	fputs("</table></div>\n", f);
}

/* The gravest first, then as they come. */
static int
gravity(const struct usage_client *c)
{
	if (c->failed || c->plan.silent != 0 || c->plan.newest == PLAN_NONE)
		return 0;
	return c->problems.n != 0 ? 1 : 2;
}

int
usage_html(FILE *f, const struct usage *u)
{
	char stamp[STAMP_SIZE] = "";
	size_t i, of[3] = { 0, 0, 0 };
	int g;

	(void)stamp_format(stamp, u->now);
	for (i = 0; i < u->n; i++)
		of[gravity(&u->v[i])]++;
	fprintf(f, "<!DOCTYPE html>\n<html lang=\"en\"><head>"
	    "<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\""
	    "width=device-width,initial-scale=1\">\n<meta http-equiv=\""
	    "Content-Security-Policy\" content=\"default-src 'none'; "
	    "style-src 'unsafe-inline'\">\n<title>backups</title>\n"
	    "<style>\n%s</style></head>\n<body><main><h1>Backups in ", style);
	put(f, u->root);
	fprintf(f, "</h1>\n<p class=\"dim\">%s, " BACKSHELF_VERSION ": %zu "
	    "client%s, <span class=\"good\">&#10003; %zu fresh</span>, <span "
	    "class=\"warn\">! %zu with a warning</span>, <span class=\"bad\">"
	    "&#10007; %zu to look at</span></p>\n", stamp, u->n,
	    u->n == 1 ? "" : "s", of[2], of[1], of[0]);
	put_disk(f, u);
	fputs("<h2>Clients</h2>\n", f);
	if (u->n == 0)
		fputs("<div class=\"box\"><p class=\"dim\">No client has "
		    "pushed anything yet.</p></div>\n", f);
	else
		put_legend(f);
	fputs("<div class=\"grid\">\n", f);
	for (g = 0; g < 3; g++)
		for (i = 0; i < u->n; i++)
			if (gravity(&u->v[i]) == g)
				put_client(f, u, &u->v[i]);
	fputs("</div>\n", f);
	put_exports(f, u);
	fputs("</main></body></html>\n", f);
	return fflush(f) == 0 && !ferror(f) ? 0 : -1;
}
