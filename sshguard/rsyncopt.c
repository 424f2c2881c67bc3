/* rsyncopt.c: the words of "rsync --server …" to struct rsync_request, by an
 * allow list.
 * In: words of a client's choosing.  Out: what was understood, ready to be
 * written anew, or the name of the first thing that is not allowed and why.
 * It judges options by themselves; decide.c judges paths and the policy.
 *
 * The grammar is that of rsync's server_options(), 3.0 to 3.5, and the
 * spellings of openrsync, which sends each letter as a word of its own.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vis.h>

#include "rsyncopt.h"

enum kind {
	FLAG,		/* no value */
	NUM,		/* a whole number, min to max */
	SIZE,		/* a size as rsync's --max-size takes it */
	WORD,		/* letters, digits and what `more` lists */
	RELPATH,	/* a path below the destination; pull: left out */
	DROP,		/* no value; left out: ours takes its place */
	DROPVAL,	/* the same, with a value */
	FORMAT,		/* --log-format: one of the stock client's four */
	STDIN,		/* --files-from: only "-" */
	NEVER		/* refused; `more` says why */
};

enum { PUSH = 1, PULL = 2, BOTH = 3 };

struct opt {
	const char	*name;
	enum kind	 kind;
	int		 dirs;		/* in which directions */
	unsigned	 effects;
	const char	*more;		/* WORD: further bytes; NEVER: why */
	long long	 min, max;	/* NUM; WORD: its length, 0: any */
};

#define SNAPS	"every push is a snapshot here, and what did not change is " \
		"linked by the server"
#define OURS	"the server sets this itself; leave it out"
#define FILES	"it would read or write a file outside the store"
#define SYMS	"the server follows no symbolic links"
#define DEVS	"the server opens no devices"
#define DAEMON	"no daemon can be started here"

static const struct opt table[] = {
	{ "append", FLAG, BOTH, RSYNC_INPLACE, NULL, 0, 0 },
	{ "backup", FLAG, PUSH, RSYNC_LOOKS_BACK, NULL, 0, 0 },
	{ "backup-dir", RELPATH, BOTH, RSYNC_LOOKS_BACK, NULL, 0, 0 },
	{ "bwlimit", NUM, BOTH, 0, NULL, 0, INT32_MAX },
	{ "checksum-choice", WORD, BOTH, 0, ",", 0, 64 },
	{ "checksum-seed", NUM, BOTH, 0, NULL, INT32_MIN, INT32_MAX },
	{ "compress-choice", WORD, BOTH, 0, "", 0, 32 },
	{ "compress-level", NUM, BOTH, 0, NULL, -131072, 22 },
	{ "delay-updates", FLAG, PUSH, 0, NULL, 0, 0 },
	{ "delete", FLAG, PUSH, RSYNC_DELETE, NULL, 0, 0 },
	{ "delete-after", FLAG, PUSH, RSYNC_DELETE, NULL, 0, 0 },
	{ "delete-before", FLAG, PUSH, RSYNC_DELETE, NULL, 0, 0 },
	{ "delete-delay", FLAG, PUSH, RSYNC_DELETE, NULL, 0, 0 },
	{ "delete-during", FLAG, PUSH, RSYNC_DELETE, NULL, 0, 0 },
	{ "delete-excluded", FLAG, PUSH, RSYNC_DELETE, NULL, 0, 0 },
	{ "delete-missing-args", FLAG, BOTH, RSYNC_DELETE, NULL, 0, 0 },
	{ "devices", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "existing", FLAG, PUSH, RSYNC_LOOKS_BACK, NULL, 0, 0 },
	{ "files-from", STDIN, PULL, RSYNC_FILES_FROM, NULL, 0, 0 },
	{ "force", FLAG, PUSH, 0, NULL, 0, 0 },
	{ "from0", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "fsync", FLAG, PUSH, 0, NULL, 0, 0 },
	{ "fuzzy", FLAG, PUSH, 0, NULL, 0, 0 },
	{ "groupmap", WORD, PUSH, 0, ":*,_.-$@", 0, 0 },
	{ "ignore-errors", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "ignore-existing", FLAG, PUSH, RSYNC_LOOKS_BACK, NULL, 0, 0 },
	{ "ignore-missing-args", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "ignore-non-existing", FLAG, PUSH, RSYNC_LOOKS_BACK, NULL, 0, 0 },
	{ "info", WORD, BOTH, 0, ",", 0, 256 },
	{ "inplace", FLAG, BOTH, RSYNC_INPLACE, NULL, 0, 0 },
	{ "list-only", FLAG, PULL, 0, NULL, 0, 0 },
	{ "log-format", FORMAT, BOTH, 0, NULL, 0, 0 },
	{ "max-delete", NUM, PUSH, RSYNC_LOOKS_BACK, NULL, -1, INT32_MAX },
	{ "max-size", SIZE, BOTH, RSYNC_LOOKS_BACK, NULL, 0, 0 },
	{ "min-size", SIZE, BOTH, RSYNC_LOOKS_BACK, NULL, 0, 0 },
	{ "mkpath", FLAG, PUSH, 0, NULL, 0, 0 },
	{ "modify-window", NUM, BOTH, 0, NULL, -1, INT32_MAX },
	{ "msgs2stderr", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "new-compress", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "no-W", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "no-implied-dirs", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "no-msgs2stderr", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "no-r", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "no-relative", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "no-specials", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "numeric-ids", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "old-compress", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "open-noatime", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "partial", DROP, BOTH, 0, NULL, 0, 0 },
	{ "partial-dir", DROPVAL, BOTH, 0, NULL, 0, 0 },
	{ "preallocate", FLAG, PUSH, 0, NULL, 0, 0 },
	{ "relative", FLAG, BOTH, RSYNC_RELATIVE, NULL, 0, 0 },
	{ "safe-links", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "size-only", FLAG, PUSH, 0, NULL, 0, 0 },
	{ "skip-compress", WORD, BOTH, 0, "/[]", 0, 0 },
	{ "specials", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "stats", FLAG, BOTH, RSYNC_VERBOSE, NULL, 0, 0 },
	{ "suffix", WORD, BOTH, 0, "._~+-=@,:%", 0, 64 },
	/* A day: longer would keep a dead client's lock for longer. */
	{ "timeout", NUM, BOTH, 0, NULL, 0, 86400 },
	{ "use-qsort", FLAG, BOTH, 0, NULL, 0, 0 },
	{ "usermap", WORD, PUSH, 0, ":*,_.-$@", 0, 0 },

	{ "address", NEVER, BOTH, 0, DAEMON, 0, 0 },
	{ "compare-dest", NEVER, BOTH, 0, SNAPS, 0, 0 },
	{ "compress-threads", NEVER, BOTH, 0, OURS, 0, 0 },
	{ "config", NEVER, BOTH, 0, DAEMON, 0, 0 },
	{ "confine-root", NEVER, BOTH, 0, OURS, 0, 0 },
	{ "copy-as", NEVER, BOTH, 0, OURS, 0, 0 },
	{ "copy-dest", NEVER, BOTH, 0, SNAPS, 0, 0 },
	{ "copy-devices", NEVER, BOTH, 0, DEVS, 0, 0 },
	{ "copy-dirlinks", NEVER, BOTH, 0, SYMS, 0, 0 },
	{ "copy-links", NEVER, BOTH, 0, SYMS, 0, 0 },
	{ "copy-unsafe-links", NEVER, BOTH, 0, SYMS, 0, 0 },
	{ "daemon", NEVER, BOTH, 0, DAEMON, 0, 0 },
	{ "debug", NEVER, BOTH, 0, "traces are not shown to clients", 0, 0 },
	{ "dparam", NEVER, BOTH, 0, DAEMON, 0, 0 },
	{ "drop-D", NEVER, BOTH, 0, OURS, 0, 0 },
	{ "early-input", NEVER, BOTH, 0, FILES, 0, 0 },
	{ "exclude-from", NEVER, BOTH, 0, FILES, 0, 0 },
	{ "fake-super", NEVER, BOTH, 0, OURS, 0, 0 },
	{ "filter", NEVER, BOTH, 0, "filters come over the wire", 0, 0 },
	{ "iconv", NEVER, BOTH, 0, "names are kept as the client has them",
	    0, 0 },
	{ "include-from", NEVER, BOTH, 0, FILES, 0, 0 },
	{ "insecure-links", NEVER, BOTH, 0, OURS, 0, 0 },
	{ "keep-dirlinks", NEVER, BOTH, 0, SYMS, 0, 0 },
	{ "link-dest", NEVER, BOTH, 0, SNAPS, 0, 0 },
	{ "log-file", NEVER, BOTH, 0, FILES, 0, 0 },
	{ "log-file-format", NEVER, BOTH, 0, FILES, 0, 0 },
	{ "max-alloc", NEVER, BOTH, 0, OURS, 0, 0 },
	{ "munge-links", NEVER, BOTH, 0, OURS, 0, 0 },
	{ "no-detach", NEVER, BOTH, 0, DAEMON, 0, 0 },
	{ "no-munge-links", NEVER, BOTH, 0, OURS, 0, 0 },
	{ "only-write-batch", NEVER, BOTH, 0, FILES, 0, 0 },
	{ "password-file", NEVER, BOTH, 0, FILES, 0, 0 },
	{ "port", NEVER, BOTH, 0, DAEMON, 0, 0 },
	{ "read-batch", NEVER, BOTH, 0, FILES, 0, 0 },
	{ "remote-option", NEVER, BOTH, 0, "-M is not for here", 0, 0 },
	{ "remove-sent-files", NEVER, BOTH, 0, "it is not for backups", 0, 0 },
	{ "remove-source-files", NEVER, BOTH, 0, "it is not for backups",
	    0, 0 },
	{ "rsh", NEVER, BOTH, 0, "no other program is started here", 0, 0 },
	{ "rsync-path", NEVER, BOTH, 0, "no other program is started here",
	    0, 0 },
	{ "secluded-args", NEVER, BOTH, 0, "stock clients say it by -s", 0, 0 },
	{ "protect-args", NEVER, BOTH, 0, "stock clients say it by -s", 0, 0 },
	{ "sender", NEVER, BOTH, 0, "it must be the second word", 0, 0 },
	{ "server", NEVER, BOTH, 0, "it must be the first word", 0, 0 },
	{ "sockopts", NEVER, BOTH, 0, DAEMON, 0, 0 },
	{ "stop-after", NEVER, BOTH, 0, "stop the client instead", 0, 0 },
	{ "stop-at", NEVER, BOTH, 0, "stop the client instead", 0, 0 },
	{ "super", NEVER, BOTH, 0, OURS, 0, 0 },
	{ "temp-dir", NEVER, BOTH, 0, "files are received beside their places "
	    "here", 0, 0 },
	{ "trust-sender", NEVER, BOTH, 0, OURS, 0, 0 },
	{ "write-batch", NEVER, BOTH, 0, FILES, 0, 0 },
	{ "write-devices", NEVER, BOTH, 0, DEVS, 0, 0 },
};

/* The letters of a cluster.  'e' is apart: it begins the capabilities. */
static const char letters_ok[] = "8ACDEHIJNORSUWXbcdglmnopqrtuvxyz";

static const struct letter {
	char		 c;
	const char	*why;
} letters_never[] = {
	{ 'K', SYMS },
	{ 'L', SYMS },
	{ 'k', SYMS },
	{ 'M', "-M is not for here" },
	{ 'T', "files are received beside their places here" },
	{ 'f', "filters come over the wire" },
	{ 'F', "filters come over the wire" },
};

static int bad(struct diag *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

/* Fill *d; bytes that are not printable are escaped.  -1. */
static int
bad(struct diag *d, const char *fmt, ...)
{
	char raw[sizeof(d->msg)], safe[4 * sizeof(raw) + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	strvis(safe, raw, VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
	d->line = d->col = 0;
	(void)strlcpy(d->msg, safe, sizeof(d->msg));
	return -1;
}

/* The row of an option whose name is the n bytes at s, or NULL. */
static const struct opt *
opt_find(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strlen(table[i].name) == n &&
		    memcmp(table[i].name, s, n) == 0)
			return &table[i];
	return NULL;
}

/* Write an option anew. */
static int
keep(struct rsync_request *rq, struct diag *d, const char *name,
    const char *value)
{
	int rc;

	if (value == NULL)
		rc = strv_addf(&rq->opts, "--%s", name);
	else
		rc = strv_addf(&rq->opts, "--%s=%s", name, value);
	return rc == -1 ? bad(d, "out of memory") : 0;
}

static int
keep_number(struct rsync_request *rq, const struct opt *o, const char *value,
    struct diag *d)
{
	char text[24];
	const char *err;
	long long n;

	/* strtonum skips blanks and takes a '+'; rsync's clients send none. */
	if (!isdigit((unsigned char)value[value[0] == '-']))
		return bad(d, "--%s: not a number", o->name);
	n = strtonum(value, o->min, o->max, &err);
	if (err != NULL)
		return bad(d, "--%s: the number is %s", o->name, err);
	if (strcmp(o->name, "timeout") == 0) {
		rq->timeout = (unsigned)n;	/* decide.c puts one on */
		return 0;
	}
	if (strcmp(o->name, "bwlimit") == 0) {
		rq->bwlimit = (unsigned)n;
		return 0;
	}
	snprintf(text, sizeof(text), "%lld", n);
	return keep(rq, d, o->name, text);
}

/* A relative path that stays below where it starts. */
static int
relpath_ok(const char *s)
{
	const char *p;
	size_t n;

	if (s[0] == '/' || s[0] == '-')
		return 0;
	for (p = s; *p != '\0'; p += n + (p[n] == '/')) {
		n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return 0;
	}
	return 1;
}

/* "123", "1.5G", "64KiB", "10M-1": what rsync's parse_size_arg() reads, in a
 * bounded length. */
static int
size_ok(const char *s)
{
	const char *p = s;

	p += strspn(p, "0123456789");
	if (*p == '.')
		p += 1 + strspn(p + 1, "0123456789");
	if (!isdigit((unsigned char)s[0]) || p - s > 24)
		return 0;
	if (*p != '\0' && strchr("bBkKmMgGtTpP", *p) != NULL) {
		p++;
		if (strncasecmp(p, "ib", 2) == 0)
			p += 2;
		else if (*p == 'b' || *p == 'B')
			p++;
	}
	if ((*p == '+' || *p == '-') && p[1] == '1')
		p += 2;
	return *p == '\0';
}

static int
word_ok(const char *s, const char *more)
{
	for (; *s != '\0'; s++)
		if (!isascii((unsigned char)*s) ||
		    (!isalnum((unsigned char)*s) && strchr(more, *s) == NULL))
			return 0;
	return 1;
}

/* --info=help, or any beginning of it, prints a list and ends with status 0: a
 * snapshot would be made of nothing. */
static int
asks_help(const char *s)
{
	while (*s != 'h' && *s != 'H') {
		s += strcspn(s, ",");
		if (*s++ == '\0')
			return 0;
	}
	return 1;
}

static int
keep_value(struct rsync_request *rq, const struct opt *o, const char *value,
    struct diag *d)
{
	static const char *const formats[] = { "%i", "%i%I", "%o", "X" };
	size_t i;

	switch (o->kind) {
	case NUM:
		return keep_number(rq, o, value, d);
	case SIZE:
		if (!size_ok(value))
			return bad(d, "--%s=%.40s: not a size", o->name,
			    value);
		return keep(rq, d, o->name, value);
	case WORD:
		if (o->max != 0 && strlen(value) > (size_t)o->max)
			return bad(d, "--%s: its value is too long", o->name);
		if (value[0] == '\0' && strcmp(o->name, "suffix") != 0)
			return bad(d, "--%s: empty value", o->name);
		if (strcmp(o->name, "info") == 0 && asks_help(value))
			return bad(d, "--info=help: ask the client's rsync");
		if (!word_ok(value, o->more))
			return bad(d, "--%s=%s: not allowed in its value",
			    o->name, value + strspn(value,
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz0123456789"));
		return keep(rq, d, o->name, value);
	case RELPATH:
		/* Of a pull it is a folder of the client's. */
		if (rq->sender)
			return 0;
		if (value[0] == '\0' || !relpath_ok(value))
			return bad(d, "--%s: only a folder below the "
			    "destination", o->name);
		return keep(rq, d, o->name, value);
	case FORMAT:
		for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
			if (strcmp(value, formats[i]) == 0)
				break;
		if (i == sizeof(formats) / sizeof(formats[0]))
			return bad(d, "--%s=%s: no stock client sends that",
			    o->name, value);
		if (value[1] == 'i')
			rq->effects |= RSYNC_VERBOSE;
		return keep(rq, d, o->name, value);
	case STDIN:
		if (strcmp(value, "-") != 0)
			return bad(d, "--%s=%s: the list must be a file of "
			    "the client's own", o->name, value);
		return keep(rq, d, o->name, value);
	case DROPVAL:
		return 0;
	case FLAG:
	case DROP:
	case NEVER:
		break;
	}
	return bad(d, "--%s: takes no value", o->name);
}

/* One long option; `next` is the word behind it (NULL at the end) and *used
 * says whether it was its value. */
static int
take_long(struct rsync_request *rq, const char *word, const char *next,
    int *used, struct diag *d)
{
	const struct opt *o;
	const char *eq, *value;
	size_t n;

	*used = 0;
	n = strcspn(word + 2, "=");
	eq = word[2 + n] == '=' ? word + 2 + n + 1 : NULL;
	if ((o = opt_find(word + 2, n)) == NULL)
		return bad(d, "%.*s: unknown option",
		    (int)(n < 64 ? n + 2 : 64), word);
	if (o->kind == NEVER)
		return bad(d, "--%s is not allowed: %s", o->name, o->more);
	if ((o->dirs & (rq->sender ? PULL : PUSH)) == 0)
		return bad(d, "--%s has no meaning %s", o->name,
		    rq->sender ? "when the server sends" :
		    "when the server receives");
	rq->effects |= o->effects;
	if (o->kind == FLAG || o->kind == DROP) {
		if (eq != NULL)
			return bad(d, "--%s: takes no value", o->name);
		return o->kind == DROP ? 0 : keep(rq, d, o->name, NULL);
	}
	if ((value = eq) == NULL) {
		if ((value = next) == NULL)
			return bad(d, "--%s: lacks its value", o->name);
		*used = 1;
	}
	if (strlen(value) > RSYNC_VALUE_MAX)
		return bad(d, "--%s: its value is too long", o->name);
	return keep_value(rq, o, value, d);
}

/* The capability string: digits, a dot, digits, letters. */
static int
take_caps(struct rsync_request *rq, const char *s, struct diag *d)
{
	const char *p = s;

	p += strspn(p, "0123456789");
	if (*p == '.') {
		p++;
		p += strspn(p, "0123456789");
		while (isascii((unsigned char)*p) &&
		    isalpha((unsigned char)*p))
			p++;
		if (*p == '\0' && rq->caps[0] == '\0' &&
		    strlcpy(rq->caps, s, sizeof(rq->caps)) < sizeof(rq->caps))
			return 0;
	}
	return bad(d, "-e%s: only a capability string may follow -e", s);
}

static int
take_letter(struct rsync_request *rq, char c, struct diag *d)
{
	size_t i, n = strlen(rq->letters);

	if (c == 's') {
		rq->secluded = true;
		return 0;
	}
	for (i = 0; i < sizeof(letters_never) / sizeof(letters_never[0]); i++)
		if (letters_never[i].c == c)
			return bad(d, "-%c is not allowed: %s", c,
			    letters_never[i].why);
	if (strchr(letters_ok, c) == NULL)
		return bad(d, "-%c: unknown option", c);
	if (c == 'X' && strchr(rq->letters, 'X') != NULL)
		return bad(d, "-XX is not allowed: under those names the "
		    "server keeps what --fake-super keeps");
	if (n + 1 >= sizeof(rq->letters))
		return bad(d, "too many option letters");
	rq->letters[n] = c;
	rq->letters[n + 1] = '\0';
	switch (c) {
	case 'b':
		rq->effects |= RSYNC_LOOKS_BACK;
		break;
	case 'v':
		rq->effects |= RSYNC_VERBOSE;
		break;
	case 'n':
		rq->effects |= RSYNC_DRY_RUN;
		break;
	case 'r':
		rq->effects |= RSYNC_RECURSE;
		break;
	case 'R':
		rq->effects |= RSYNC_RELATIVE;
		break;
	}
	return 0;
}

/* A word that begins with one dash: -@N, -BN or a cluster. */
static int
take_cluster(struct rsync_request *rq, const char *word, struct diag *d)
{
	static const struct opt window = { "modify-window", NUM, BOTH, 0, NULL,
	    -1, INT32_MAX };
	static const struct opt block = { "block-size", NUM, BOTH, 0, NULL,
	    0, 1 << 29 };
	const char *p;

	if (word[1] == '\0')
		return bad(d, "-: unknown option");
	if (word[1] == '@')
		return keep_number(rq, &window, word + 2, d);
	if (word[1] == 'B')
		return keep_number(rq, &block, word + 2, d);
	for (p = word + 1; *p != '\0'; p++) {
		if (*p == 'e')
			return take_caps(rq, p + 1, d);
		if (take_letter(rq, *p, d) == -1)
			return -1;
	}
	return 0;
}

/* What follows the ".": names, and names only. */
static int
take_args(struct rsync_request *rq, const struct strv *w, size_t i,
    struct diag *d)
{
	for (; i < w->n; i++) {
		if (w->v[i][0] == '-')
			return bad(d, "%s: an option behind the \".\"",
			    w->v[i]);
		if (strv_add(&rq->args, w->v[i]) == -1)
			return bad(d, "out of memory");
	}
	return 0;
}

static int
is_rsync(const char *s)
{
	const char *base = strrchr(s, '/');

	/* --rsync-path=/usr/local/bin/rsync: ours is run all the same. */
	return strcmp(base != NULL && s[0] == '/' ? base + 1 : s,
	    "rsync") == 0;
}

/* The options from w->v[*i] on.  0 with *i at the "." or at the end. */
static int
take_options(struct rsync_request *rq, const struct strv *w, size_t *i,
    struct diag *d)
{
	const char *next;
	int used;

	for (; *i < w->n && strcmp(w->v[*i], ".") != 0; ++*i) {
		if (w->v[*i][0] != '-')
			return bad(d, "%s: a name before the \".\"",
			    w->v[*i]);
		next = *i + 1 < w->n ? w->v[*i + 1] : NULL;
		if (w->v[*i][1] != '-') {
			if (take_cluster(rq, w->v[*i], d) == -1)
				return -1;
		} else if (take_long(rq, w->v[*i], next, &used, d) == -1)
			return -1;
		else
			*i += (size_t)used;
	}
	return 0;
}

/* What came on the stream, in the place of the rest of a command. */
static int
take_rest(struct rsync_request *rq, const struct strv *rest, struct diag *d)
{
	size_t i = 1;

	if (rest->n == 0 || strcmp(rest->v[0], "rsync") != 0)
		return bad(d, "--secluded-args: not what an rsync sends");
	rq->secluded = false;
	if (take_options(rq, rest, &i, d) == -1)
		return -1;
	if (rq->secluded)
		return bad(d, "-s: a second time");
	rq->secluded = true;
	if (i == rest->n)
		return bad(d, "no \".\" ends the options");
	return take_args(rq, rest, i + 1, d);
}

int
rsync_request_parse(const struct strv *w, const struct strv *rest,
    struct rsync_request *rq, struct diag *d)
{
	size_t i = 2;

	if (w->n < 2 || !is_rsync(w->v[0]) || strcmp(w->v[1], "--server") != 0)
		return bad(d, "not an rsync server command");
	if (i < w->n && strcmp(w->v[i], "--sender") == 0) {
		rq->sender = true;
		i++;
	}
	if (take_options(rq, w, &i, d) == -1)
		return -1;
	if (rq->secluded && i < w->n)
		return bad(d, "-s: names in the command all the same");
	if (rq->secluded)
		return rest == NULL ? 0 : take_rest(rq, rest, d);
	if (i == w->n)
		return bad(d, "no \".\" ends the options");
	return take_args(rq, w, i + 1, d);
}

void
rsync_request_free(struct rsync_request *rq)
{
	strv_free(&rq->opts);
	strv_free(&rq->args);
	memset(rq, 0, sizeof(*rq));
}
