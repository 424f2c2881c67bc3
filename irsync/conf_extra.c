/* conf_extra.c: irsync.conf(5): databases, hooks, and who is told.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "conf_int.h"

#define HOOK_TIMEOUT	600	/* seconds */
#define DUMP_TIMEOUT	86400

/* Texts with a default. */
static const struct {
	const char	*text;
	size_t		 offset;
} defaults[] = {
	{ "/usr/bin/curl", offsetof(struct irsync_conf, curl) },
	{ "/usr/sbin/sendmail", offsetof(struct irsync_conf, sendmail) },
	{ "/usr/sbin/tc", offsetof(struct irsync_conf, tc) },
	{ "/usr/sbin/ip", offsetof(struct irsync_conf, ip) },
	{ "/usr/bin/mysql", offsetof(struct irsync_conf, mysql.client) },
	{ "/usr/bin/mysqldump", offsetof(struct irsync_conf, mysql.dump) },
	{ "/usr/bin/psql", offsetof(struct irsync_conf, postgresql.client) },
	{ "/usr/bin/pg_dump", offsetof(struct irsync_conf, postgresql.dump) },
	{ "/usr/bin/pg_dumpall",
	    offsetof(struct irsync_conf, postgresql.dumpall) },
	{ "postgres", offsetof(struct irsync_conf, postgresql.user) },
};

int
extra_defaults(struct irsync_conf *c)
{
	char **to;
	size_t i;

	for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		to = (char **)(void *)((char *)c + defaults[i].offset);
		if ((*to = strdup(defaults[i].text)) == NULL)
			return -1;
	}
	c->hook_timeout = HOOK_TIMEOUT;
	c->mysql.timeout = c->postgresql.timeout = DUMP_TIMEOUT;
	c->mysql.per_table = true;
	return 0;
}

/* One of some words: its index, or -1 after complaining; -2: not set. */
static int
take_word(const struct section *s, const char *key, const char *const *words,
    size_t n)
{
	const char *value;
	size_t i;

	if (!is_set(s, key))
		return -2;
	value = cfg_getstr(s->cfg, key);
	for (i = 0; i < n; i++)
		if (strcmp(value, words[i]) == 0)
			return (int)i;
	complain(s, key, value, "%s: '%s' is not '%s' or '%s'", key, value,
	    words[n - 2], words[n - 1]);
	return -1;
}

static const char *
database_fault(const char *value)
{
	return value[0] == '\0' || value[0] == '-' ||
	    strpbrk(value, "\n\r") != NULL ? "not a database's name" : NULL;
}

/* A program, where it begins with the option that it is. */
static const char *
option_fault(const char *value)
{
	return value[0] != '-' || strpbrk(value, "\n\r") != NULL ?
	    "not an option" : NULL;
}

static void
take_db(const struct section *s, struct db_conf *db)
{
	static const char *const compress[] = { "none", "gzip", "zstd" };
	int i;

	db->on = true;
	take_list(s, "databases", database_fault, &db->databases);
	take_list(s, "skip", database_fault, &db->skip);
	take_seconds(s, "timeout", 1, &db->timeout);
	if ((i = take_word(s, "compress", compress, 3)) >= 0)
		db->compress = (enum compress)i;
}

static void
take_mysql(const struct section *s, struct db_conf *db)
{
	static const char *const per[] = { "database", "table" };
	int i;

	take_db(s, db);
	take_file(s, "option_file", &db->option_file);
	take_file(s, "client", &db->client);
	take_file(s, "dump", &db->dump);
	if ((i = take_word(s, "per", per, 2)) >= 0)
		db->per_table = i == 1;
}

static void
take_postgresql(const struct section *s, struct db_conf *db)
{
	take_db(s, db);
	take_text(s, "user", &db->user);
	take_file(s, "password_file", &db->option_file);
	take_list(s, "options", option_fault, &db->options);
	take_file(s, "psql", &db->client);
	take_file(s, "pg_dump", &db->dump);
	take_file(s, "pg_dumpall", &db->dumpall);
}

/* What curl(1) would take for an option or a file is no URL. */
static void
take_ping(const struct section *s, struct irsync_conf *c)
{
	take_text(s, "ping", &c->ping);
	if (c->ping != NULL && strncmp(c->ping, "http://", 7) != 0 &&
	    strncmp(c->ping, "https://", 8) != 0)
		complain(s, "ping", c->ping, "ping: '%s' is not an http or "
		    "https URL", c->ping);
}

static void
take_ionice(const struct section *s, struct irsync_conf *c)
{
	static const char *const words[] = { "idle", "best-effort",
	    "best-effort:0", "best-effort:1", "best-effort:2", "best-effort:3",
	    "best-effort:4", "best-effort:5", "best-effort:6",
	    "best-effort:7" };

	if (take_word(s, "ionice", words, 2 + 8) >= 0)
		take_text(s, "ionice", &c->ionice);
}

/* A hook is an argument vector, its program named in full. */
static void
take_hook(const struct section *s, const char *key, struct strv *out)
{
	take_list(s, key, NULL, out);
	if (out->n > 0 && out->v[0][0] != '/')
		complain(s, key, out->v[0], "%s: '%s' is not an absolute path",
		    key, out->v[0]);
}

void
take_extra(const struct section *top, struct irsync_conf *c)
{
	struct section s;

	if (cfg_size(top->cfg, "mysql") > 0) {
		s = section_nth(top, "mysql", 0);
		take_mysql(&s, &c->mysql);
	}
	if (cfg_size(top->cfg, "postgresql") > 0) {
		s = section_nth(top, "postgresql", 0);
		take_postgresql(&s, &c->postgresql);
	}
	take_hook(top, "before", &c->before);
	take_hook(top, "after", &c->after);
	take_seconds(top, "hook_timeout", 1, &c->hook_timeout);
	take_number(top, "nice", 0, 19, &c->nice);
	take_ionice(top, c);
	take_file(top, "prometheus", &c->prometheus);
	take_ping(top, c);
	take_text(top, "mail", &c->mail);
	take_file(top, "curl", &c->curl);
	take_file(top, "sendmail", &c->sendmail);
	take_file(top, "tc", &c->tc);
	take_file(top, "ip", &c->ip);
}

static void
db_free(struct db_conf *db)
{
	free(db->option_file);
	free(db->user);
	free(db->client);
	free(db->dump);
	free(db->dumpall);
	strv_free(&db->databases);
	strv_free(&db->skip);
	strv_free(&db->options);
}

void
extra_free(struct irsync_conf *c)
{
	db_free(&c->mysql);
	db_free(&c->postgresql);
	strv_free(&c->before);
	strv_free(&c->after);
	free(c->ionice);
	free(c->prometheus);
	free(c->ping);
	free(c->mail);
	free(c->curl);
	free(c->sendmail);
	free(c->tc);
	free(c->ip);
}
