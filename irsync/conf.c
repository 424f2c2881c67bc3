/* conf.c: irsync.conf(5).
 * In: text.  Out: struct irsync_conf, or every error with its place.
 * It opens nothing; only irsync_conf_complete asks the machine.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <netdb.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "human.h"
#include "irsync.h"

#define RETRIES_MAX	1000
#define SECONDS_MAX	86400		/* what validate-ssh(8) allows */
#define BWLIMIT_MIN	1024		/* rsync counts in KiB a second */

/* Report an error about a value of a key: at the value if it can be found,
 * else at the key. */
#define COMPLAIN(text, key, value, ds, ...) do {			\
	unsigned line, col;						\
									\
	value_place((text), (key), (value), &line, &col);		\
	diags_add((ds), line, col, __VA_ARGS__);			\
} while (0)

static void
value_place(const char *text, const char *key, const char *value,
    unsigned *line, unsigned *col)
{
	char quoted[512];
	unsigned kline, kcol;

	conf_place(text, 1, key, &kline, &kcol);
	*line = kline;
	*col = kcol;
	if (kline == 0 || value == NULL || value[0] == '\0' ||
	    (size_t)snprintf(quoted, sizeof(quoted), "\"%s\"", value) >=
	    sizeof(quoted))
		return;
	conf_place(text, kline, quoted, line, col);
	if (*line == 0)
		conf_place(text, kline, value, line, col);
	if (*line == 0) {
		*line = kline;
		*col = kcol;
	}
}

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

/* An absolute path without "..", "." or control characters. */
static const char *
path_fault(const char *path)
{
	const char *p, *end;

	if (path[0] != '/')
		return "not an absolute path";
	for (p = path; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
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

/* A copy without doubled and trailing slashes. */
static char *
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
			*why = "the root directory cannot be the storage";
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
	if (s->text == NULL || s->root == NULL ||
	    (s->remote && s->login == NULL)) {
		*why = strerror(ENOMEM);
		return -1;
	}
	return 0;
}

void
storage_free(struct storage *s)
{
	free(s->text);
	free(s->login);
	free(s->root);
	memset(s, 0, sizeof(*s));
}

static void
check_storage(const char *text, cfg_t *cfg, struct irsync_conf *c,
    struct diags *ds)
{
	const char *value = cfg_getstr(cfg, "storage"), *why;

	if (value == NULL || value[0] == '\0')
		COMPLAIN(text, "storage", NULL, ds, "storage is not set");
	else if (storage_parse(value, &c->storage, &why) == -1)
		COMPLAIN(text, "storage", value, ds, "storage: %s: %s",
		    value, why);
}

static void
check_paths(const char *text, cfg_t *cfg, struct irsync_conf *c,
    struct diags *ds)
{
	const char *value, *why;
	char *tidy;
	unsigned i, n = cfg_size(cfg, "paths");

	if (n == 0)
		COMPLAIN(text, "paths", NULL, ds, "paths is not set: nothing "
		    "would be backed up");
	for (i = 0; i < n; i++) {
		value = cfg_getnstr(cfg, "paths", i);
		if ((why = path_fault(value)) != NULL) {
			COMPLAIN(text, "paths", value, ds, "paths: %s: %s",
			    value, why);
			continue;
		}
		if ((tidy = path_tidy(value)) == NULL)
			diags_add(ds, 0, 0, "%s", strerror(ENOMEM));
		else if (strv_has(&c->paths, tidy))
			COMPLAIN(text, "paths", value, ds,
			    "paths: %s stands there twice", tidy);
		else if (strv_add(&c->paths, tidy) == -1)
			diags_add(ds, 0, 0, "%s", strerror(ENOMEM));
		free(tidy);
	}
}

/* A pattern "!" would clear the list that our own rules stand in. */
static void
check_exclude(const char *text, cfg_t *cfg, struct irsync_conf *c,
    struct diags *ds)
{
	const char *value;
	unsigned i;

	for (i = 0; i < cfg_size(cfg, "exclude"); i++) {
		value = cfg_getnstr(cfg, "exclude", i);
		if (value[0] == '\0' || strcmp(value, "!") == 0 ||
		    strpbrk(value, "\n\r") != NULL)
			COMPLAIN(text, "exclude", value, ds,
			    "exclude: '%s' is not a pattern", value);
		else if (strv_add(&c->exclude, value) == -1)
			diags_add(ds, 0, 0, "%s", strerror(ENOMEM));
	}
}

/* NAME=VALUE, as ssh -o wants it. */
static void
check_ssh_options(const char *text, cfg_t *cfg, struct irsync_conf *c,
    struct diags *ds)
{
	const char *value;
	unsigned i;

	for (i = 0; i < cfg_size(cfg, "ssh_options"); i++) {
		value = cfg_getnstr(cfg, "ssh_options", i);
		if (strpbrk(value, "= \t") == NULL ||
		    !isalpha((unsigned char)value[0]) ||
		    strpbrk(value, "\n\r") != NULL)
			COMPLAIN(text, "ssh_options", value, ds,
			    "ssh_options: '%s' is not NAME=VALUE", value);
		else if (strv_add(&c->ssh_options, value) == -1)
			diags_add(ds, 0, 0, "%s", strerror(ENOMEM));
	}
}

/* A file of this machine: an absolute path, or NULL if it is not set. */
static void
check_file(const char *text, cfg_t *cfg, const char *key, char **out,
    struct diags *ds)
{
	const char *value = cfg_getstr(cfg, key);

	if (value == NULL)
		return;
	if (value[0] != '/' || strpbrk(value, "\n\r") != NULL)
		COMPLAIN(text, key, value, ds, "%s: '%s' is not an absolute "
		    "path", key, value);
	else if ((*out = strdup(value)) == NULL)
		diags_add(ds, 0, 0, "%s", strerror(ENOMEM));
}

static void
check_number(const char *text, cfg_t *cfg, const char *key, long max,
    unsigned *out, struct diags *ds)
{
	long n = cfg_getint(cfg, key);

	if (n < 0 || n > max)
		COMPLAIN(text, key, NULL, ds, "%s: %ld is not between 0 and "
		    "%ld", key, n, max);
	else
		*out = (unsigned)n;
}

static void
check_seconds(const char *text, cfg_t *cfg, const char *key, unsigned min,
    unsigned *out, struct diags *ds)
{
	const char *value = cfg_getstr(cfg, key);
	uint64_t secs;

	if (human_parse_duration(value, 1, &secs) == -1 || secs < min ||
	    secs > SECONDS_MAX)
		COMPLAIN(text, key, value, ds, "%s: '%s' is not a time of %u "
		    "seconds to a day", key, value, min);
	else
		*out = (unsigned)secs;
}

static void
check_bwlimit(const char *text, cfg_t *cfg, struct irsync_conf *c,
    struct diags *ds)
{
	const char *value = cfg_getstr(cfg, "bwlimit");

	if (human_parse_size(value, &c->bwlimit) == -1 ||
	    (c->bwlimit != 0 && c->bwlimit < BWLIMIT_MIN) ||
	    c->bwlimit > UINT64_C(1) << 40)
		COMPLAIN(text, "bwlimit", value, ds, "bwlimit: '%s' is not 0 "
		    "or a size of 1K to 1T, for each second", value);
}

static void
check_host(const char *text, cfg_t *cfg, struct irsync_conf *c,
    struct diags *ds)
{
	const char *value = cfg_getstr(cfg, "host");

	if (value == NULL)
		return;
	if (!store_host_valid(value))
		COMPLAIN(text, "host", value, ds, "host: '%s' is not a "
		    "client's name", value);
	else if ((c->host = strdup(value)) == NULL)
		diags_add(ds, 0, 0, "%s", strerror(ENOMEM));
}

static void
check(const char *text, cfg_t *cfg, struct irsync_conf *c, struct diags *ds)
{
	check_storage(text, cfg, c, ds);
	check_host(text, cfg, c, ds);
	check_paths(text, cfg, c, ds);
	check_exclude(text, cfg, c, ds);
	check_ssh_options(text, cfg, c, ds);
	check_file(text, cfg, "identity", &c->identity, ds);
	check_file(text, cfg, "ssh_config", &c->ssh_config, ds);
	check_file(text, cfg, "lock", &c->lock, ds);
	check_file(text, cfg, "rsync", &c->rsync, ds);
	check_file(text, cfg, "ssh", &c->ssh, ds);
	check_number(text, cfg, "port", 65535, &c->port, ds);
	check_number(text, cfg, "retries", RETRIES_MAX, &c->retries, ds);
	check_seconds(text, cfg, "retry_pause", 0, &c->retry_pause, ds);
	check_seconds(text, cfg, "timeout", 10, &c->timeout, ds);
	check_bwlimit(text, cfg, c, ds);
	c->one_file_system = cfg_getbool(cfg, "one_file_system");
}

int
irsync_conf_parse(const char *text, struct irsync_conf *c, struct diags *ds)
{
	cfg_opt_t opts[] = {
		CFG_STR("storage", NULL, CFGF_NONE),
		CFG_STR("host", NULL, CFGF_NONE),
		CFG_STR("identity", NULL, CFGF_NONE),
		CFG_INT("port", 0, CFGF_NONE),
		CFG_STR("ssh_config", NULL, CFGF_NONE),
		CFG_STR_LIST("ssh_options", NULL, CFGF_NONE),
		CFG_STR_LIST("paths", NULL, CFGF_NONE),
		CFG_STR_LIST("exclude", NULL, CFGF_NONE),
		CFG_BOOL("one_file_system", cfg_false, CFGF_NONE),
		CFG_STR("bwlimit", "0", CFGF_NONE),
		CFG_INT("retries", 3, CFGF_NONE),
		CFG_STR("retry_pause", "30s", CFGF_NONE),
		CFG_STR("timeout", "10m", CFGF_NONE),
		CFG_STR("lock", NULL, CFGF_NONE),
		CFG_STR("rsync", "/usr/bin/rsync", CFGF_NONE),
		CFG_STR("ssh", "/usr/bin/ssh", CFGF_NONE),
		CFG_END()
	};
	cfg_t *cfg;

	memset(c, 0, sizeof(*c));
	if ((cfg = conf_parse(text, opts, ds)) != NULL) {
		check(text, cfg, c, ds);
		cfg_free(cfg);
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
	return 0;
}

void
irsync_conf_free(struct irsync_conf *c)
{
	storage_free(&c->storage);
	free(c->host);
	free(c->identity);
	free(c->ssh_config);
	strv_free(&c->ssh_options);
	strv_free(&c->paths);
	strv_free(&c->exclude);
	free(c->lock);
	free(c->rsync);
	free(c->ssh);
	memset(c, 0, sizeof(*c));
}
