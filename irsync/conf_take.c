/* conf_take.c: single values of irsync.conf(5), each within its bounds, each
 * error with its place.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf_int.h"
#include "human.h"

#define SECONDS_MAX	86400		/* what validate-ssh(8) allows */
#define RATE_MIN	1024		/* rsync counts in KiB a second */

static void
value_place(const struct section *s, const char *key, const char *value,
    unsigned *line, unsigned *col)
{
	char quoted[512];
	unsigned kline, kcol;

	conf_place(s->text, s->line, key, &kline, &kcol);
	if (kline == 0 && s->line > 1)
		kline = s->line;
	*line = kline;
	*col = kcol;
	if (kline == 0 || value == NULL || value[0] == '\0' ||
	    (size_t)snprintf(quoted, sizeof(quoted), "\"%s\"", value) >=
	    sizeof(quoted))
		return;
	conf_place(s->text, kline, quoted, line, col);
	if (*line == 0)
		conf_place(s->text, kline, value, line, col);
	if (*line == 0) {
		*line = kline;
		*col = kcol;
	}
}

void
complain(const struct section *s, const char *key, const char *value,
    const char *fmt, ...)
{
	char msg[sizeof(((struct diag *)0)->msg)];
	unsigned line, col;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	value_place(s, key, value, &line, &col);
	diags_add(s->ds, line, col, "%s", msg);
}

void
complain_memory(const struct section *s)
{
	diags_add(s->ds, 0, 0, "%s", strerror(ENOMEM));
}

/* Does the title of a section stand here, quoted or bare? */
static bool
is_title(const char *p, const char *title)
{
	p += strspn(p, " \t");
	if (*p == '"' || *p == '\'')
		p++;
	return strncmp(p, title, strlen(title)) == 0;
}

/* The line where `kind "title"` stands, or that of the first `kind`. */
static unsigned
section_line(const char *text, const char *kind, const char *title)
{
	const char *p = text;
	unsigned at = 1, from, line, col, first = 0;

	for (from = 1;; from = line + 1) {
		conf_place(text, from, kind, &line, &col);
		if (line == 0)
			return first != 0 ? first : 1;
		if (first == 0)
			first = line;
		for (; at < line; at++)
			p = strchr(p, '\n') + 1;
		if (is_title(p + col - 1 + strlen(kind), title))
			return line;
	}
}

struct section
section_nth(const struct section *top, const char *kind, unsigned i)
{
	struct section s = *top;
	const char *title;

	s.cfg = cfg_getnsec(top->cfg, kind, i);
	title = cfg_title(s.cfg);
	s.line = section_line(top->text, kind, title != NULL ? title : "");
	return s;
}

bool
is_set(const struct section *s, const char *key)
{
	return cfg_size(s->cfg, key) > 0;
}

const char *
path_fault(const char *path)
{
	const char *p, *end;

	if (path[0] != '/')
		return "not an absolute path";
	if (strpbrk(path, "\n\r") != NULL)
		return "holds a line break";
	for (p = path; *p != '\0'; p = end) {
		p += strspn(p, "/");
		end = p + strcspn(p, "/");
		if ((end - p == 1 && p[0] == '.') ||
		    (end - p == 2 && p[0] == '.' && p[1] == '.'))
			return "holds '.' or '..'";
	}
	return NULL;
}

char *
path_tidy(const char *path)
{
	char *s, *out;

	if ((s = strdup(path)) == NULL)
		return NULL;
	for (out = s; *path != '\0'; path++)
		if (*path != '/' || (path[1] != '/' && path[1] != '\0'))
			*out++ = *path;
	if (out == s)
		*out++ = '/';
	*out = '\0';
	return s;
}

void
take_file(const struct section *s, const char *key, char **out)
{
	const char *value = cfg_getstr(s->cfg, key);

	if (!is_set(s, key) || value == NULL)
		return;
	if (value[0] != '/' || strpbrk(value, "\n\r") != NULL) {
		complain(s, key, value, "%s: '%s' is not an absolute path",
		    key, value);
		return;
	}
	free(*out);
	if ((*out = strdup(value)) == NULL)
		complain_memory(s);
}

void
take_text(const struct section *s, const char *key, char **out)
{
	const char *value = cfg_getstr(s->cfg, key);

	if (!is_set(s, key) || value == NULL)
		return;
	if (value[0] == '\0' || value[0] == '-' ||
	    strpbrk(value, "\n\r") != NULL) {
		complain(s, key, value, "%s: '%s' cannot be used", key, value);
		return;
	}
	free(*out);
	if ((*out = strdup(value)) == NULL)
		complain_memory(s);
}

void
take_number(const struct section *s, const char *key, long min, long max,
    unsigned *out)
{
	long n;

	if (!is_set(s, key))
		return;
	n = cfg_getint(s->cfg, key);
	if (n < min || n > max)
		complain(s, key, NULL, "%s: %ld is not between %ld and %ld",
		    key, n, min, max);
	else
		*out = (unsigned)n;
}

void
take_seconds(const struct section *s, const char *key, unsigned min,
    unsigned *out)
{
	const char *value;
	uint64_t secs;

	if (!is_set(s, key))
		return;
	value = cfg_getstr(s->cfg, key);
	if (human_parse_duration(value, 1, &secs) == -1 || secs < min ||
	    secs > SECONDS_MAX)
		complain(s, key, value, "%s: '%s' is not a time of %u seconds "
		    "to a day", key, value, min);
	else
		*out = (unsigned)secs;
}

void
take_rate(const struct section *s, const char *key, uint64_t *out)
{
	const char *value;
	uint64_t n;

	if (!is_set(s, key))
		return;
	value = cfg_getstr(s->cfg, key);
	if (human_parse_size(value, &n) == -1 || (n != 0 && n < RATE_MIN) ||
	    n > UINT64_C(1) << 40)
		complain(s, key, value, "%s: '%s' is not 0 or a size of 1K to "
		    "1T, for each second", key, value);
	else
		*out = n;
}

void
take_bool(const struct section *s, const char *key, bool *out)
{
	if (is_set(s, key))
		*out = cfg_getbool(s->cfg, key);
}

void
take_list(const struct section *s, const char *key,
    const char *(*fault)(const char *), struct strv *out)
{
	const char *value, *why;
	unsigned i;

	if (!is_set(s, key))
		return;
	strv_free(out);
	for (i = 0; i < cfg_size(s->cfg, key); i++) {
		value = cfg_getnstr(s->cfg, key, i);
		if (fault != NULL && (why = fault(value)) != NULL)
			complain(s, key, value, "%s: '%s' is %s", key, value,
			    why);
		else if (strv_add(out, value) == -1)
			complain_memory(s);
	}
}
