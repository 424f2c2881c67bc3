/* authkeys.c: one line of authorized_keys(5), into what it meant.  Pure.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../sshguard/keys.h"
#include "authkeys.h"
#include "shword.h"
#include "store.h"
#include "strv.h"
#include "text.h"

/* What becomes of an option. */
enum fate {
	IMPLIED,	/* restrict says it, or the opposite is given up */
	STAYS,
	STAYS_VALUE,
	STOPS		/* somebody must look at it */
};

static const struct {
	const char	*name;
	enum fate	 fate;
} options[] = {
	{ "restrict", IMPLIED },
	{ "no-agent-forwarding", IMPLIED }, { "no-port-forwarding", IMPLIED },
	{ "no-pty", IMPLIED }, { "no-user-rc", IMPLIED },
	{ "no-x11-forwarding", IMPLIED },
	{ "agent-forwarding", IMPLIED }, { "port-forwarding", IMPLIED },
	{ "pty", IMPLIED }, { "user-rc", IMPLIED },
	{ "x11-forwarding", IMPLIED }, { "permitopen", IMPLIED },
	{ "permitlisten", IMPLIED }, { "environment", IMPLIED },
	{ "no-touch-required", STAYS }, { "verify-required", STAYS },
	{ "expiry-time", STAYS_VALUE },
	{ "cert-authority", STOPS }, { "principals", STOPS },
	{ "tunnel", IMPLIED },
};

static int __attribute__((format(printf, 2, 3)))
bad(struct diag *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->msg, sizeof(d->msg), fmt, ap);
	va_end(ap);
	return -1;
}

void
authkey_free(struct authkey *k)
{
	free(k->blob);
	free(k->comment);
	free(k->client);
	free(k->folder);
	free(k->from);
	free(k->more);
	memset(k, 0, sizeof(*k));
}

/* The length of the options: up to a blank that is not between quotes. */
static size_t
options_length(const char *s)
{
	bool quoted = false;
	size_t i;

	for (i = 0; s[i] != '\0'; i++) {
		if (s[i] == '\\' && s[i + 1] == '"')
			i++;
		else if (s[i] == '"')
			quoted = !quoted;
		else if (!quoted && (s[i] == ' ' || s[i] == '\t'))
			break;
	}
	return i;
}

/* The next option of the list, its value without quotes or NULL.  False at the
 * end, or with d->msg. */
static bool
next_option(const char **p, char **name, char **value, struct diag *d)
{
	size_t n = strcspn(*p, "=,");
	char *to;

	*name = *value = NULL;
	if (**p == '\0')
		return false;
	if ((*name = strndup(*p, n)) == NULL)
		return false;
	*p += n;
	if (**p == '=') {
		if (*++*p != '"' ||
		    (to = *value = calloc(1, strlen(*p))) == NULL) {
			(void)bad(d, "%.40s: no value in quotes", *name);
			return false;
		}
		for (++*p; **p != '"'; ++*p) {
			if (**p == '\\' && (*p)[1] == '"')
				++*p;
			if (**p == '\0') {
				(void)bad(d, "%.40s: no end of it", *name);
				return false;
			}
			*to++ = **p;
		}
		++*p;
	}
	if (**p == ',')
		++*p;
	return true;
}

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Is it one of these names? */
static bool
is_of(const char *name, const char *list)
{
	char word[64];

	snprintf(word, sizeof(word), " %.60s ", name);
	return strstr(list, word) != NULL;
}

/* Does it look as if it were our business? */
static bool
is_old(const char *text)
{
	return strstr(text, "rrsync") != NULL ||
	    strstr(text, "validate-ssh.sh") != NULL;
}

static int
words_of(const char *command, struct strv *words)
{
	struct shword w = { .p = command, .len = strlen(command) };
	char *text;

	while (!shword_end(&w)) {
		if ((text = shword_value(&w)) == NULL)
			return -1;
		if (strv_add(words, text) == -1) {
			free(text);
			return -1;
		}
		free(text);
	}
	return 0;
}

/* rrsync's options and folder, from word i on. */
static int
take_rrsync(struct authkey *k, const struct strv *w, size_t i, struct diag *d)
{
	const char *base;
	size_t n;

	k->push = k->pull = true;
	for (; i < w->n && w->v[i][0] == '-'; i++) {
		if (strcmp(w->v[i], "-ro") == 0)
			k->push = false;
		else if (strcmp(w->v[i], "-wo") == 0)
			k->pull = false;
		else if (!is_of(w->v[i], " -munge -no-del -no-lock "
		    "-no-overwrite "))
			return bad(d, "rrsync: %.40s is not known", w->v[i]);
	}
	if (i + 1 != w->n || w->v[i][0] != '/')
		return bad(d, "rrsync: one absolute folder is wanted");
	if ((k->folder = strdup(w->v[i])) == NULL)
		return bad(d, "%s", strerror(errno));
	n = strlen(k->folder);
	while (n > 1 && k->folder[n - 1] == '/')
		k->folder[--n] = '\0';
	base = base_of(k->folder);
	n = strlen(base);
	if (n > 5 && strcmp(base + n - 5, ".full") == 0)
		n -= 5;
	else if (n > 6 && strcmp(base + n - 6, ".snaps") == 0)
		n -= 6;
	k->client = strndup(base, n);
	return 0;
}

static int
take_command(struct authkey *k, const char *command, struct diag *d)
{
	struct strv w = { 0 };
	size_t i = 0;
	int rc = 0;

	if (words_of(command, &w) == -1) {
		/* A shell would do more with it. */
		if (is_old(command))
			rc = bad(d, "the command is not understood: a shell "
			    "would do more than read it");
		strv_free(&w);
		return rc;
	}
	if (w.n > 1 && is_of(base_of(w.v[0]), " sh bash dash perl python3 "))
		i = 1;
	if (w.n > i && strcmp(base_of(w.v[i]), "validate-ssh.sh") == 0) {
		k->kind = AUTHKEY_VALIDATE;
		k->push = true;
		if (w.n > i + 1)
			rc = bad(d, "validate-ssh.sh takes no arguments");
	} else if (w.n > i && is_of(base_of(w.v[i]),
	    " rrsync rrsync.pl rrsync.py ")) {
		k->kind = AUTHKEY_RRSYNC;
		rc = take_rrsync(k, &w, i + 1, d);
	}
	strv_free(&w);
	return rc;
}

static enum fate
fate_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcasecmp(options[i].name, name) == 0)
			return options[i].fate;
	return STOPS;
}

static int
add_more(struct authkey *k, const char *name, const char *value)
{
	char *more;

	if (asprintf(&more, "%s,%s%s%s%s", k->more != NULL ? k->more : "",
	    name, value != NULL ? "=\"" : "", value != NULL ? value : "",
	    value != NULL ? "\"" : "") == -1)
		return -1;
	free(k->more);
	k->more = more;
	return 0;
}

static int
take_option(struct authkey *k, const char *name, char **value, bool *command,
    struct diag *d)
{
	enum fate fate;

	if (strcasecmp(name, "command") == 0 && *value != NULL) {
		if (*command)
			return bad(d, "two commands");
		*command = true;
		return take_command(k, *value, d);
	}
	if (strcasecmp(name, "from") == 0 && *value != NULL &&
	    k->from == NULL) {
		if (strpbrk(*value, "\"\\ ") != NULL)
			return bad(d, "from: not understood");
		k->from = *value;
		*value = NULL;
		return 0;
	}
	fate = fate_of(name);
	if (fate == STOPS || (fate == STAYS_VALUE) != (*value != NULL &&
	    fate != IMPLIED) || (fate == STAYS_VALUE &&
	    !text_is_plain(*value)))
		return bad(d, "option %.40s: nothing like it in the new line",
		    name);
	return fate == IMPLIED ? 0 : add_more(k, name, *value);
}

static int
take_options(struct authkey *k, const char *list, struct diag *d)
{
	char *name, *value;
	bool command = false;
	int rc = 0;

	d->msg[0] = '\0';
	while (rc == 0 && next_option(&list, &name, &value, d)) {
		rc = take_option(k, name, &value, &command, d);
		free(name);
		free(value);
		name = value = NULL;
	}
	if (rc == 0 && d->msg[0] != '\0') {
		free(name);
		free(value);
		rc = -1;
	}
	return rc;
}

/* "irsync@mysql02.example.net" names a client; "irsync@irsync" does not. */
static char *
client_of(const char *comment)
{
	const char *at = strchr(comment, '@');
	size_t n;

	if (at == NULL)
		return NULL;
	n = (size_t)(at - comment);
	if (strncmp(comment, at + 1, n) == 0 && at[1 + n] == '\0')
		return NULL;
	return store_host_valid(at + 1) ? strdup(at + 1) : NULL;
}

static int
take_key(struct authkey *k, const char *text, struct diag *d)
{
	struct pubkey key;

	if (strncmp(text, "ssh-dss", 7) == 0)
		return bad(d, "a DSA key, which sshd takes no more: the "
		    "client needs a new one");
	if (pubkey_parse(text, &key, d) != 1)
		return d->msg[0] != '\0' ? -1 : bad(d, "no key");
	k->blob = key.blob;
	k->comment = key.comment;
	if (k->kind == AUTHKEY_VALIDATE)
		k->client = client_of(k->comment);
	return 0;
}

int
authkey_parse(const char *line, struct authkey *k, struct diag *d)
{
	char *list;
	size_t n;
	int rc;

	memset(k, 0, sizeof(*k));
	line += strspn(line, " \t");
	n = options_length(line);
	if (*line == '#')
		return 0;
	if (line[n] == '\0')
		return is_old(line) ? bad(d, "no key, or a quotation mark that "
		    "does not end") : 0;
	if ((list = strndup(line, n)) == NULL)
		return bad(d, "%s", strerror(errno));
	rc = take_options(k, list, d);
	free(list);
	/* A line of somebody else's may be as odd as it likes. */
	if (k->kind == AUTHKEY_OTHER &&
	    (rc == 0 || strstr(line, "command=") == NULL)) {
		authkey_free(k);
		return 0;
	}
	line += n + strspn(line + n, " \t");
	if (rc == 0)
		rc = take_key(k, line, d);
	if (rc == -1)
		authkey_free(k);
	return rc;
}
