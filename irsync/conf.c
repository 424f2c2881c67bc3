/* conf.c: irsync.conf(5).
 * In: text.  Out: struct irsync_conf, or every error with its place.
 * It opens nothing; only irsync_conf_complete asks the machine.
 * conf_take.c reads single values, conf_storage.c the storages.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <netdb.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_int.h"

#define RETRIES_MAX	1000

static void
take_host(const struct section *s, struct irsync_conf *c)
{
	const char *value = cfg_getstr(s->cfg, "host");

	if (value == NULL)
		return;
	if (!store_host_valid(value))
		complain(s, "host", value, "host: '%s' is not a client's "
		    "name", value);
	else if ((c->host = strdup(value)) == NULL)
		complain_memory(s);
}

static void
take_all(const struct section *s, bool sections, struct irsync_conf *c)
{
	take_storages(s, sections, c);
	take_host(s, c);
	take_paths(s, c);
	take_file(s, "lock", &c->lock);
	take_file(s, "state", &c->state);
	take_file(s, "rsync", &c->rsync);
	take_file(s, "ssh", &c->ssh);
	take_number(s, "retries", 0, RETRIES_MAX, &c->retries);
	take_seconds(s, "retry_pause", 0, &c->retry_pause);
	take_extra(s, c);
}

int
irsync_conf_parse(const char *text, struct irsync_conf *c, struct diags *ds)
{
	bool sections = storages_are_sections(text);
	cfg_opt_t storage[] = {
		CFG_STR("location", NULL, CFGF_NODEFAULT),
		CONNECTION_KEYS,
		CFG_END()
	};
	cfg_opt_t path[] = { PATH_KEYS, CFG_END() };
	cfg_opt_t mysql[] = { MYSQL_KEYS, CFG_END() };
	cfg_opt_t postgresql[] = { POSTGRESQL_KEYS, CFG_END() };
	cfg_opt_t as_list = CFG_STR_LIST("storage", NULL, CFGF_NONE);
	cfg_opt_t as_sections = CFG_SEC("storage", storage,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	cfg_opt_t opts[] = {
		sections ? as_sections : as_list,
		CONNECTION_KEYS,
		CFG_STR("host", NULL, CFGF_NONE),
		PATHS_KEYS,
		CFG_SEC("path", path, CFGF_MULTI | CFGF_TITLE |
		    CFGF_NO_TITLE_DUPES),
		CFG_SEC("mysql", mysql, CFGF_MULTI),
		CFG_SEC("postgresql", postgresql, CFGF_MULTI),
		EXTRA_KEYS,
		CFG_INT("retries", 3, CFGF_NONE),
		CFG_STR("retry_pause", "30s", CFGF_NONE),
		CFG_STR("lock", NULL, CFGF_NODEFAULT),
		CFG_STR("state", NULL, CFGF_NODEFAULT),
		CFG_STR("rsync", "/usr/bin/rsync", CFGF_NONE),
		CFG_STR("ssh", "/usr/bin/ssh", CFGF_NONE),
		CFG_END()
	};
	struct section top = { .text = text, .line = 1, .ds = ds };

	memset(c, 0, sizeof(*c));
	if (extra_defaults(c) == -1)
		diags_add(ds, 0, 0, "%s", strerror(ENOMEM));
	else if ((top.cfg = conf_parse(text, opts, ds)) != NULL) {
		take_all(&top, sections, c);
		cfg_free(top.cfg);
	}
	diags_sort(ds);
	return diags_any(ds) ? -1 : 0;
}

/* The machine's full name; its short one if nobody knows a longer. */
static char *
own_name(void)
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *ai = NULL;
	char name[256];
	char *full = NULL;

	if (gethostname(name, sizeof(name)) == -1)
		return NULL;
	name[sizeof(name) - 1] = '\0';
	if (strchr(name, '.') == NULL &&
	    getaddrinfo(name, NULL, &hints, &ai) == 0) {
		if (ai->ai_canonname != NULL &&
		    strchr(ai->ai_canonname, '.') != NULL)
			full = strdup(ai->ai_canonname);
		freeaddrinfo(ai);
	}
	return full != NULL ? full : strdup(name);
}

/* Where no other account can make it first: /run for root, the user's own
 * run-time folder or home for others. */
static char *
default_lock(const char *host)
{
	const char *dir = "/run", *dot = "";
	char *path;

	if (geteuid() != 0 && (dir = getenv("XDG_RUNTIME_DIR")) == NULL) {
		dir = getenv("HOME");
		dot = ".";
	}
	if (dir == NULL) {
		errno = ENOENT;
		return NULL;
	}
	if (asprintf(&path, "%s/%sirsync-%s.lock", dir, dot, host) == -1)
		return NULL;
	return path;
}

/* What is remembered from run to run. */
static char *
default_state(void)
{
	const char *home = getenv("HOME");
	char *path;

	if (geteuid() == 0)
		return strdup("/var/lib/irsync");
	if (home == NULL || home[0] != '/') {
		errno = ENOENT;
		return NULL;
	}
	return asprintf(&path, "%s/.irsync", home) == -1 ? NULL : path;
}

int
irsync_conf_complete(struct irsync_conf *c, struct diags *ds)
{
	if (c->host == NULL && ((c->host = own_name()) == NULL ||
	    !store_host_valid(c->host))) {
		diags_add(ds, 0, 0, "host is not set, and this machine's "
		    "name '%s' cannot be a client's",
		    c->host != NULL ? c->host : "");
		return -1;
	}
	if (c->lock == NULL && (c->lock = default_lock(c->host)) == NULL) {
		diags_add(ds, 0, 0, "lock is not set, and there is no $HOME "
		    "to put one into");
		return -1;
	}
	if (c->state == NULL && (c->state = default_state()) == NULL) {
		diags_add(ds, 0, 0, "state is not set, and there is no $HOME "
		    "to put it into");
		return -1;
	}
	return 0;
}

const struct storage *
irsync_conf_storage(const struct irsync_conf *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nstorages; i++)
		if (strcmp(c->storages[i].name, name) == 0)
			return &c->storages[i];
	return NULL;
}

char *
irsync_conf_laststate(const struct irsync_conf *c)
{
	char *path;

	return asprintf(&path, "%s/%s.json", c->state, c->host) == -1 ? NULL :
	    path;
}

void
irsync_conf_free(struct irsync_conf *c)
{
	size_t i;

	for (i = 0; i < c->nstorages; i++)
		storage_free(&c->storages[i]);
	free(c->storages);
	free(c->host);
	strv_free(&c->paths);
	for (i = 0; i < c->npath; i++)
		path_conf_free(&c->path[i]);
	free(c->path);
	strv_free(&c->exclude);
	strv_free(&c->exclude_from);
	strv_free(&c->skip_marked);
	extra_free(c);
	free(c->lock);
	free(c->state);
	free(c->rsync);
	free(c->ssh);
	memset(c, 0, sizeof(*c));
}
