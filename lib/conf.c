/* conf.c: libconfuse fed from a buffer, its errors turned into diags.
 * libconfuse knows the line and quotes the word; the column is where that
 * word stands on the line.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "file.h"

/* What the error callback writes to: libconfuse passes it no pointer of
 * ours.  Set for the time of one conf_parse, per thread. */
static _Thread_local struct conf_target {
	const char	*text;
	struct diags	*diags;
} target;

char *
conf_read(const char *path, struct diags *ds)
{
	size_t len;
	char *buf = file_read(path, CONF_MAX, &len);

	if (buf == NULL) {
		diags_add(ds, 0, 0, "%s", errno == EINVAL ?
		    "not a regular file" : strerror(errno));
	} else if (memchr(buf, '\0', len) != NULL) {
		diags_add(ds, 0, 0, "not a text: it holds a NUL byte");
		free(buf);
		buf = NULL;
	}
	return buf;
}

static int
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

const char *
conf_comment_end(const char *p)
{
	const char *end;

	if (p[0] == '#' || (p[0] == '/' && p[1] == '/'))
		return p + strcspn(p, "\n");
	if (p[0] == '/' && p[1] == '*')
		return (end = strstr(p + 2, "*/")) != NULL ? end + 2 :
		    p + strlen(p);
	return NULL;
}

void
conf_place(const char *text, unsigned line, const char *word, unsigned *fline,
    unsigned *fcol)
{
	const char *p, *start = text, *skip = text;
	size_t n = strlen(word);
	unsigned l = 1;
	char quote = '\0';

	*fline = *fcol = 0;
	if (n == 0)
		return;
	for (p = text; *p != '\0'; p++) {
		if (p >= skip && quote == '\0' && conf_comment_end(p) != NULL)
			skip = conf_comment_end(p);
		if (p >= skip && l >= line && strncmp(p, word, n) == 0 &&
		    (p == text || !is_word(p[-1])) && !is_word(p[n])) {
			*fline = l;
			*fcol = (unsigned)(p - start) + 1;
			return;
		}
		if (p >= skip && quote != '\0' && *p == quote)
			quote = '\0';
		else if (p >= skip && quote != '\0' && *p == '\\' &&
		    p[1] != '\0' && p[1] != '\n')
			p++;
		else if (p >= skip && quote == '\0' &&
		    (*p == '"' || *p == '\''))
			quote = *p;
		if (*p == '\n') {
			l++;
			start = p + 1;
		}
	}
}

/* Levenshtein's distance, cut off at MAXWORD bytes. */
static unsigned
distance(const char *a, const char *b)
{
	enum { MAXWORD = 32 };
	unsigned row[MAXWORD + 1], diag, up, best;
	size_t i, j, la = strnlen(a, MAXWORD), lb = strnlen(b, MAXWORD);

	for (j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= la; i++) {
		diag = row[0];
		row[0] = (unsigned)i;
		for (j = 1; j <= lb; j++) {
			up = row[j];
			best = diag + (a[i - 1] != b[j - 1]);
			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diag = up;
			row[j] = best;
		}
	}
	return row[lb];
}

/* The known key that is most like the unknown one, or NULL if none is. */
static const char *
nearest_key(const cfg_t *cfg, const char *word)
{
	const char *best = NULL;
	unsigned d, best_d = 4;
	int i;

	for (i = 0; cfg->opts[i].name != NULL; i++)
		if ((d = distance(word, cfg->opts[i].name)) < best_d &&
		    d < strlen(word)) {
			best = cfg->opts[i].name;
			best_d = d;
		}
	return best;
}

/* The last 'quoted' word of a message of libconfuse. */
static void
quoted_word(const char *msg, char *word, size_t size)
{
	const char *end, *start;

	word[0] = '\0';
	if ((end = strrchr(msg, '\'')) == NULL || end == msg)
		return;
	for (start = end; start > msg && start[-1] != '\''; start--)
		;
	if ((size_t)(end - start) < size && start > msg) {
		memcpy(word, start, (size_t)(end - start));
		word[end - start] = '\0';
	}
}

static void on_error(cfg_t *, const char *, va_list)
    __attribute__((format(printf, 2, 0)));

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char msg[160], word[64];
	const char *near = NULL;
	unsigned line, fline, col;

	vsnprintf(msg, sizeof(msg), fmt, ap);
	quoted_word(msg, word, sizeof(word));
	line = cfg->line > 0 ? (unsigned)cfg->line : 1;
	conf_place(target.text, line, word, &fline, &col);
	if (fline != line)
		col = 0;
	if (strncmp(msg, "no such option", 14) == 0)
		near = nearest_key(cfg, word);
	if (near != NULL)
		diags_add(target.diags, line, col,
		    "unknown key '%s'; did you mean '%s'?", word, near);
	else if (strncmp(msg, "no such option", 14) == 0)
		diags_add(target.diags, line, col, "unknown key '%s'", word);
	else
		diags_add(target.diags, line, col, "%s", msg);
}

/* libconfuse would put the environment into "${NAME}": a configuration must
 * not mean another thing under another environment. */
static int
has_variable(const char *text, struct diags *ds)
{
	const char *p, *end, *start = text;
	unsigned line = 1;
	char quote = '\0';

	for (p = text; *p != '\0'; p++) {
		/* A line comment's end is the newline, which is counted. */
		if (quote == '\0' && (end = conf_comment_end(p)) != NULL)
			for (; p < end; p++)
				if (*p == '\n') {
					line++;
					start = p + 1;
				}
		if (*p == '\0')
			break;
		if (*p == '\n') {
			line++;
			start = p + 1;
		} else if (quote != '\0' && *p == '\\' && p[1] != '\0' &&
		    p[1] != '\n')
			p++;
		else if (quote != '\'' && p[0] == '$' && p[1] == '{') {
			diags_add(ds, line, (unsigned)(p - start) + 1,
			    "variables are not expanded here; write '${' in "
			    "single quotes if it is meant");
			return 1;
		} else if (quote == *p)
			quote = '\0';
		else if (quote == '\0' && (*p == '"' || *p == '\''))
			quote = *p;
	}
	return 0;
}

/* libconfuse takes the end of the text for the end of a section, so that a
 * file that was cut short would pass.  To be asked of a text that it parsed. */
static int
is_cut_short(const char *text, struct diags *ds)
{
	const char *p, *end;
	unsigned line = 1, open_line = 0;
	int depth = 0;
	char quote = '\0';

	for (p = text; *p != '\0'; p++) {
		while (quote == '\0' && (end = conf_comment_end(p)) != NULL)
			for (; p < end; p++)
				line += *p == '\n';
		if (*p == '\0')
			break;
		line += *p == '\n';
		if (quote != '\0') {
			if (*p == '\\' && p[1] != '\0' && p[1] != '\n')
				p++;
			else if (*p == quote)
				quote = '\0';
		} else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '{' && depth++ == 0)
			open_line = line;
		else if (*p == '}')
			depth--;
	}
	if (depth <= 0)
		return 0;
	diags_add(ds, open_line, 0, "a section begins here and does not end");
	return 1;
}

/* A whole number is decimal: 010 is ten, or an error, but never eight. */
static int
parse_decimal(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	long *out = result;
	char *end;

	errno = 0;
	*out = strtol(value, &end, 10);
	if (errno == ERANGE)
		cfg_error(cfg, "integer value for option '%s' is out of range",
		    opt->name);
	else if (end == value || *end != '\0' ||
	    (value[0] == '0' && value[1] != '\0') ||
	    strcspn(value, "0123456789-") != 0)
		cfg_error(cfg, "invalid integer value for option '%s'",
		    opt->name);
	else
		return 0;
	return -1;
}

static void
be_strict(cfg_opt_t *opts)
{
	for (; opts->name != NULL; opts++) {
		if (opts->type == CFGT_SEC)
			be_strict(opts->subopts);
		else if (opts->type == CFGT_INT && opts->parsecb == NULL)
			opts->parsecb = parse_decimal;
	}
}

cfg_t *
conf_parse(const char *text, cfg_opt_t *opts, struct diags *ds)
{
	cfg_t *cfg;
	int rc;

	if (has_variable(text, ds) || conf_twice(text, ds) == -1)
		return NULL;
	be_strict(opts);
	if ((cfg = cfg_init(opts, CFGF_NONE)) == NULL) {
		diags_add(ds, 0, 0, "%s", strerror(ENOMEM));
		return NULL;
	}
	cfg_set_error_function(cfg, on_error);
	target.text = text;
	target.diags = ds;
	rc = cfg_parse_buf(cfg, text);
	target.text = NULL;
	target.diags = NULL;
	if (rc == CFG_SUCCESS && !is_cut_short(text, ds))
		return cfg;
	if (!diags_any(ds))
		diags_add(ds, 0, 0, "cannot be parsed");
	cfg_free(cfg);
	return NULL;
}
