/* conf_storage.c: irsync.conf(5): where the snapshots are, and how to get
 * there.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf_int.h"

#define STORAGES_MAX	64

/* May ssh(1) be given this as a user, or as a host?  Never an option. */
static bool
is_name(const char *s, size_t len, const char *also)
{
	size_t i;

	if (len == 0 || len > 255 || s[0] == '-')
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) &&
		    strchr("._-", s[i]) == NULL && strchr(also, s[i]) == NULL)
			return false;
	return true;
}

static bool
is_server(const char *s, size_t len)
{
	if (len > 2 && s[0] == '[' && s[len - 1] == ']')
		return is_name(s + 1, len - 2, ":%");
	return is_name(s, len, "");
}

static int
storage_remote(const char *text, const char *colon, struct storage *s,
    const char **why)
{
	const char *at, *server = text;

	s->remote = true;
	if ((at = memchr(text, '@', (size_t)(colon - text))) != NULL) {
		server = at + 1;
		if (!is_name(text, (size_t)(at - text), "")) {
			*why = "not a user's name before the '@'";
			return -1;
		}
	}
	if (!is_server(server, (size_t)(colon - server))) {
		*why = "not a server's name before the ':'";
		return -1;
	}
	if (colon[1] == ':' || strncmp(colon, "://", 3) == 0) {
		*why = "rsync daemons are not supported, only ssh";
		return -1;
	}
	if (colon[1] != '\0' && (*why = path_fault(colon + 1)) != NULL)
		return -1;
	s->login = strndup(text, (size_t)(colon - text));
	s->root = colon[1] == '\0' ? strdup("") : path_tidy(colon + 1);
	return 0;
}

size_t
label_len(const char *name)
{
	size_t len = strlen(name);

	return len > 1 && name[len - 1] == ':' ? len - 1 : len;
}

int
storage_parse(const char *text, struct storage *s, const char **why)
{
	const char *colon, *end;

	memset(s, 0, sizeof(*s));
	*why = NULL;
	if (text[0] == '/') {
		if ((*why = path_fault(text)) != NULL)
			return -1;
		if (strspn(text, "/") == strlen(text)) {
			*why = "/ itself cannot be the storage";
			return -1;
		}
		s->root = path_tidy(text);
	} else {
		/* The colons of an IPv6 address stand in brackets. */
		end = strchr(text, ']');
		colon = strchr(end != NULL ? end : text, ':');
		if (colon == NULL) {
			*why = "neither user@host:/root nor an absolute path";
			return -1;
		}
		if (storage_remote(text, colon, s, why) == -1)
			return -1;
	}
	s->text = strdup(text);
	s->name = strdup(text);
	s->label = strndup(text, label_len(text));
	if (s->text == NULL || s->name == NULL || s->label == NULL ||
	    s->root == NULL ||
	    (s->remote && s->login == NULL)) {
		*why = strerror(ENOMEM);
		return -1;
	}
	return 0;
}

const char *
storage_shown(const struct storage *s)
{
	return strcmp(s->name, s->text) == 0 ? s->label : s->name;
}

bool
storage_keeps_fake(const struct storage *s)
{
	return s->remote && s->unmanaged &&
	    strncmp(s->login, "root@", 5) != 0;
}

void
storage_free(struct storage *s)
{
	free(s->name);
	free(s->text);
	free(s->label);
	free(s->login);
	free(s->root);
	free(s->identity);
	free(s->ssh_config);
	strv_free(&s->ssh_options);
	memset(s, 0, sizeof(*s));
}

/* NAME=VALUE, as ssh -o wants it. */
static const char *
ssh_option_fault(const char *value)
{
	if (strpbrk(value, "= \t") == NULL ||
	    !isalpha((unsigned char)value[0]) ||
	    strpbrk(value, "\n\r") != NULL)
		return "not NAME=VALUE";
	return NULL;
}

static void
take_connection(const struct section *s, struct storage *st)
{
	take_file(s, "identity", &st->identity);
	if (st->identity != NULL && strstr(st->identity, "${") != NULL)
		complain(s, "identity", st->identity, "identity: ssh(1) would "
		    "put the environment in the place of \"${\"");
	take_number(s, "port", 0, 65535, &st->port);
	take_file(s, "ssh_config", &st->ssh_config);
	take_list(s, "ssh_options", ssh_option_fault, &st->ssh_options);
	take_rate(s, "bwlimit", &st->bwlimit);
	take_rate(s, "rate", &st->rate);
	take_bool(s, "unmanaged", &st->unmanaged);
	take_seconds(s, "timeout", 10, &st->timeout);
}

/* Copy what the top says of connections. */
static int
inherit(struct storage *st, const struct storage *from)
{
	st->port = from->port;
	st->bwlimit = from->bwlimit;
	st->rate = from->rate;
	st->timeout = from->timeout;
	st->unmanaged = from->unmanaged;
	if (from->identity != NULL &&
	    (st->identity = strdup(from->identity)) == NULL)
		return -1;
	if (from->ssh_config != NULL &&
	    (st->ssh_config = strdup(from->ssh_config)) == NULL)
		return -1;
	return strv_addall(&st->ssh_options, &from->ssh_options);
}

/* Add the storage at `text`; NULL after saying what is wrong with it. */
static struct storage *
storage_add(const struct section *s, const char *key, const char *text,
    const struct storage *from, struct irsync_conf *c)
{
	struct storage *v, *st;
	const char *why;
	size_t i;

	if (c->nstorages >= STORAGES_MAX) {
		complain(s, key, text, "more than %d storages", STORAGES_MAX);
		return NULL;
	}
	if ((v = reallocarray(c->storages, c->nstorages + 1,
	    sizeof(*v))) == NULL) {
		complain_memory(s);
		return NULL;
	}
	c->storages = v;
	st = &v[c->nstorages++];
	if (storage_parse(text, st, &why) == -1) {
		complain(s, key, text, "storage: %s: %s", text, why);
		return NULL;
	}
	for (i = 0; i + 1 < c->nstorages; i++)
		if (v[i].text != NULL && strcmp(v[i].text, text) == 0) {
			complain(s, key, text, "storage: %s stands there "
			    "twice", text);
			return NULL;
		}
	if (inherit(st, from) == -1) {
		complain_memory(s);
		return NULL;
	}
	return st;
}

static void
take_section(const struct section *s, const struct storage *from,
    struct irsync_conf *c)
{
	const char *title = cfg_title(s->cfg);
	struct storage *st;

	if (!is_set(s, "location")) {
		complain(s, "storage", title, "storage \"%s\": location is "
		    "not set", title);
		return;
	}
	if ((st = storage_add(s, "location", cfg_getstr(s->cfg, "location"),
	    from, c)) == NULL)
		return;
	free(st->name);
	if ((st->name = strdup(title)) == NULL)
		complain_memory(s);
	if (title[0] == '\0')
		complain(s, "storage", NULL, "a storage has no name");
	take_connection(s, st);
}

void
take_storages(const struct section *top, bool sections, struct irsync_conf *c)
{
	struct storage from = { .timeout = 600 };
	struct section s;
	unsigned i;

	take_connection(top, &from);
	for (i = 0; i < cfg_size(top->cfg, "storage"); i++) {
		if (sections) {
			s = section_nth(top, "storage", i);
			take_section(&s, &from, c);
		} else
			(void)storage_add(top, "storage",
			    cfg_getnstr(top->cfg, "storage", i), &from, c);
	}
	if (i == 0)
		complain(top, "storage", NULL, "storage is not set");
	for (i = 0; i < c->nstorages; i++)
		if (c->storages[i].unmanaged && c->storages[i].remote &&
		    c->storages[i].root[0] == '\0')
			complain(top, "storage", c->storages[i].text,
			    "storage: %s: an unmanaged server needs a folder "
			    "behind the ':'", c->storages[i].text);
	c->storage = c->storages;
	storage_free(&from);
}

bool
storages_are_sections(const char *text)
{
	unsigned line, col;
	const char *p = text;

	conf_place(text, 1, "storage", &line, &col);
	if (line == 0)
		return false;
	for (; line > 1; line--)
		p = strchr(p, '\n') + 1;
	p += col - 1 + strlen("storage");
	p += strspn(p, " \t\r\n");
	return *p != '\0' && *p != '=' && *p != '+' && *p != '#' && *p != '/';
}
