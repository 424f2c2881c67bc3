/* policy.c: the text of sshguard.conf(5) to struct policy.
 * In: bytes.  Out: a policy, or each error with its place.
 * Defaults stand at the top level; a client section repeats those keys that
 * differ.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"
#include "conf.h"
#include "human.h"
#include "policy.h"
#include "store.h"

#define TIMEOUT_DEFAULT	3600		/* seconds */
#define TIMEOUT_MAX	86400
#define INTERVAL_MAX	(366 * 86400)
#define SESSIONS_MAX	1000
#define SESSIONS_DEFAULT 10
#define KIB		1024

/* The keys that a client may have of its own.  None has a default here: an
 * unset one must be told from a set one. */
#define CLIENT_KEYS							\
	CFG_BOOL("push", cfg_true, CFGF_NODEFAULT),			\
	CFG_BOOL("pull", cfg_false, CFGF_NODEFAULT),			\
	CFG_STR_LIST("from", NULL, CFGF_NODEFAULT),			\
	CFG_STR("way", NULL, CFGF_NODEFAULT),				\
	CFG_STR("sandbox", NULL, CFGF_NODEFAULT),			\
	CFG_STR("timeout", NULL, CFGF_NODEFAULT),			\
	CFG_STR_LIST("hours", NULL, CFGF_NODEFAULT),			\
	CFG_STR("interval", NULL, CFGF_NODEFAULT),			\
	CFG_STR("quota", NULL, CFGF_NODEFAULT),				\
	CFG_INT("quota-files", 0, CFGF_NODEFAULT),			\
	CFG_STR("bwlimit", NULL, CFGF_NODEFAULT),			\
	CFG_INT("sessions", 0, CFGF_NODEFAULT),				\
	CFG_STR_LIST("commands", NULL, CFGF_NODEFAULT)

/* Where messages about one section's values go. */
struct place {
	const char	*text;
	unsigned	 line;		/* the section begins here */
	struct diags	*ds;
};

static int
bad(const struct place *at, const char *key, const char *msg,
    const char *value)
{
	unsigned line, col;

	conf_place(at->text, at->line, key, &line, &col);
	diags_add(at->ds, line, col, "%s: %s%s%s", key, msg,
	    value != NULL ? ": " : "", value != NULL ? value : "");
	return -1;
}

/* The value of a text key, or NULL if it is not set. */
static const char *
text_of(cfg_t *cfg, const char *key)
{
	return cfg_size(cfg, key) == 0 ? NULL : cfg_getstr(cfg, key);
}

static int
read_from(cfg_t *cfg, struct policy_client *c, const struct place *at)
{
	unsigned i, n;
	int rc = 0;

	if ((n = cfg_size(cfg, "from")) == 0)
		return 0;
	free(c->from);
	c->n_from = 0;
	if ((c->from = calloc(n, sizeof(*c->from))) == NULL)
		return bad(at, "from", "out of memory", NULL);
	for (i = 0; i < n; i++)
		if (network_parse(cfg_getnstr(cfg, "from", i),
		    &c->from[c->n_from]) == 0)
			c->n_from++;
		else
			rc = bad(at, "from", "not an address or network",
			    cfg_getnstr(cfg, "from", i));
	return rc;
}

static int
read_words(cfg_t *cfg, struct policy_client *c, const struct place *at)
{
	enum store_way way;
	const char *s;
	int rc = 0;

	if ((s = text_of(cfg, "way")) != NULL) {
		if (strcmp(s, "auto") == 0)
			c->way = -1;
		else if (store_way_parse(s, &way) == 0)
			c->way = (int)way;
		else
			rc = bad(at, "way", "auto, overlay, linkdest or "
			    "btrfs, not", s);
	}
	if ((s = text_of(cfg, "sandbox")) != NULL) {
		c->sandbox = strcmp(s, "off") != 0;
		if (c->sandbox && strcmp(s, "on") != 0)
			rc = bad(at, "sandbox", "on or off, not", s);
	}
	return rc;
}

/* Text that is a time or a size. */
static int
read_amounts(cfg_t *cfg, struct policy_client *c, const struct place *at)
{
	uint64_t n;
	const char *s;
	int rc = 0;

	if ((s = text_of(cfg, "timeout")) != NULL) {
		if (human_parse_duration(s, 1, &n) == -1 || n > TIMEOUT_MAX)
			rc = bad(at, "timeout", "not a time of at most 24h",
			    s);
		else
			c->timeout = (unsigned)n;
	}
	if ((s = text_of(cfg, "interval")) != NULL) {
		if (human_parse_duration(s, 1, &n) == -1 || n > INTERVAL_MAX)
			rc = bad(at, "interval", "not a time of at most 366d",
			    s);
		else
			c->interval = (unsigned)n;
	}
	if ((s = text_of(cfg, "quota")) != NULL &&
	    human_parse_size(s, &c->quota) == -1)
		rc = bad(at, "quota", "not a size", s);
	if ((s = text_of(cfg, "bwlimit")) != NULL) {
		if (human_parse_size(s, &n) == -1 || n / KIB > INT32_MAX ||
		    (n > 0 && n < KIB))
			rc = bad(at, "bwlimit", "not 0, nor a size of at "
			    "least 1K, for each second", s);
		else
			c->bwlimit = (unsigned)(n / KIB);
	}
	return rc;
}

static int
read_counts(cfg_t *cfg, struct policy_client *c, const struct place *at)
{
	long n;
	int rc = 0;

	if (cfg_size(cfg, "quota-files") != 0) {
		if ((n = cfg_getint(cfg, "quota-files")) < 0)
			rc = bad(at, "quota-files", "less than 0", NULL);
		c->quota_files = n < 0 ? 0 : (uint64_t)n;
	}
	if (cfg_size(cfg, "sessions") != 0) {
		n = cfg_getint(cfg, "sessions");
		if (n < 0 || n > SESSIONS_MAX)
			rc = bad(at, "sessions", "not 0 to 1000", NULL);
		else
			c->sessions = (unsigned)n;
	}
	return rc;
}

static int
read_hours(cfg_t *cfg, struct policy_client *c, const struct place *at)
{
	unsigned i, n;
	int rc = 0;

	if ((n = cfg_size(cfg, "hours")) == 0)
		return 0;
	free(c->hours);
	c->n_hours = 0;
	if ((c->hours = calloc(n, sizeof(*c->hours))) == NULL)
		return bad(at, "hours", "out of memory", NULL);
	for (i = 0; i < n; i++)
		if (hours_parse(cfg_getnstr(cfg, "hours", i),
		    &c->hours[c->n_hours]) == 0)
			c->n_hours++;
		else
			rc = bad(at, "hours", "not as in \"22:00-06:00\"",
			    cfg_getnstr(cfg, "hours", i));
	return rc;
}

/* One of the commands, in words as a client's command is. */
static int
read_command(const char *text, struct strv *words, const struct place *at)
{
	struct diag d = { 0 };

	if (cmdline_split(text, strlen(text), words, &d) == -1)
		return bad(at, "commands", d.msg, text);
	if (words->n == 0 || words->v[0][0] != '/')
		return bad(at, "commands", "no absolute path begins it", text);
	return 0;
}

static int
read_commands(cfg_t *cfg, struct policy_client *c, const struct place *at)
{
	unsigned i, n;
	int rc = 0;

	if ((n = cfg_size(cfg, "commands")) == 0)
		return 0;
	strv_free(&c->commands);
	for (i = 0; i < n; i++) {
		const char *text = cfg_getnstr(cfg, "commands", i);
		struct strv words = { 0 };

		if (read_command(text, &words, at) == -1)
			rc = -1;
		else if (strv_add(&c->commands, text) == -1)
			rc = bad(at, "commands", "out of memory", NULL);
		strv_free(&words);
	}
	return rc;
}

/* What a section says, over what *c holds already. */
static int
read_keys(cfg_t *cfg, struct policy_client *c, const struct place *at)
{
	static int (*const readers[])(cfg_t *, struct policy_client *,
	    const struct place *) = { read_from, read_words, read_amounts,
	    read_counts, read_hours, read_commands };
	size_t i;
	int rc = 0;

	if (cfg_size(cfg, "push") != 0)
		c->push = cfg_getbool(cfg, "push");
	if (cfg_size(cfg, "pull") != 0)
		c->pull = cfg_getbool(cfg, "pull");
	for (i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (readers[i](cfg, c, at) == -1)
			rc = -1;
	return rc;
}

static void
client_free(struct policy_client *c)
{
	free(c->name);
	free(c->from);
	free(c->hours);
	strv_free(&c->commands);
}

/* A copy of n things, or NULL if there are none or too little memory. */
static void *
copy_of(const void *p, size_t n, size_t size)
{
	void *q;

	if (n == 0 || (q = calloc(n, size)) == NULL)
		return NULL;
	memcpy(q, p, n * size);
	return q;
}

static int
copy_defaults(struct policy_client *c, const struct policy_client *def)
{
	*c = *def;
	c->name = NULL;
	c->from = copy_of(def->from, def->n_from, sizeof(*c->from));
	c->hours = copy_of(def->hours, def->n_hours, sizeof(*c->hours));
	memset(&c->commands, 0, sizeof(c->commands));
	if ((c->from == NULL) != (def->n_from == 0) ||
	    (c->hours == NULL) != (def->n_hours == 0))
		return -1;
	return strv_addall(&c->commands, &def->commands);
}

static int
read_client(cfg_t *sec, struct policy *p, const struct policy_client *def,
    const struct place *at)
{
	struct policy_client *c = &p->clients[p->n];
	const char *name = cfg_title(sec);
	struct place here = *at;
	unsigned col;

	conf_place(at->text, 1, name, &here.line, &col);
	if (here.line == 0)
		here.line = 1;
	if (!store_host_valid(name)) {
		diags_add(at->ds, here.line, col,
		    "client \"%s\": not a name for a client: letters, digits, "
		    "'.', '-' and '_', not ending in .full or .snaps", name);
		return -1;
	}
	if (strcmp(name, "keys") == 0) {
		diags_add(at->ds, here.line, col, "client \"keys\": taken by "
		    "the program's own \"validate-ssh keys\"");
		return -1;
	}
	if (copy_defaults(c, def) == -1 || (c->name = strdup(name)) == NULL) {
		client_free(c);
		diags_add(at->ds, 0, 0, "out of memory");
		return -1;
	}
	p->n++;
	return read_keys(sec, c, &here);
}

static int
read_clients(cfg_t *cfg, struct policy *p, const struct policy_client *def,
    const struct place *at)
{
	unsigned i, n = cfg_size(cfg, "client");
	int rc = 0;

	if (n == 0)
		return 0;
	if ((p->clients = calloc(n, sizeof(*p->clients))) == NULL) {
		diags_add(at->ds, 0, 0, "out of memory");
		return -1;
	}
	for (i = 0; i < n; i++)
		if (read_client(cfg_getnsec(cfg, "client", i), p, def,
		    at) == -1)
			rc = -1;
	return rc;
}

/* An absolute path without "..", copied; a slash at its end is left out. */
static int
read_path(cfg_t *cfg, const char *key, char **path, const struct place *at)
{
	const char *s = text_of(cfg, key);
	size_t n;

	if (s == NULL)
		return 0;
	if (s[0] != '/' || strstr(s, "/..") != NULL || strstr(s, "//") != NULL)
		return bad(at, key, "not an absolute path", s);
	free(*path);
	if ((*path = strdup(s)) == NULL)
		return bad(at, key, "out of memory", NULL);
	n = strlen(s);
	if (n > 1 && s[n - 1] == '/')
		(*path)[n - 1] = '\0';
	return 0;
}

static int
read_top(cfg_t *cfg, struct policy *p, struct policy_client *def,
    const struct place *at)
{
	int rc = 0;

	p->root = strdup(STORE_ROOT);
	p->rsync = strdup(POLICY_RSYNC);
	if (p->root == NULL || p->rsync == NULL) {
		diags_add(at->ds, 0, 0, "out of memory");
		return -1;
	}
	if (read_path(cfg, "root", &p->root, at) == -1)
		rc = -1;
	if (read_path(cfg, "rsync", &p->rsync, at) == -1)
		rc = -1;
	if (read_path(cfg, "log", &p->log, at) == -1)
		rc = -1;
	if (read_keys(cfg, def, at) == -1)
		rc = -1;
	return rc;
}

int
policy_parse(const char *text, struct policy *p, struct diags *ds)
{
	cfg_opt_t client[] = { CLIENT_KEYS, CFG_END() };
	cfg_opt_t opts[] = {
		CFG_STR("root", NULL, CFGF_NODEFAULT),
		CFG_STR("rsync", NULL, CFGF_NODEFAULT),
		CFG_STR("log", NULL, CFGF_NODEFAULT),
		CLIENT_KEYS,
		CFG_SEC("client", client,
		    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_END()
	};
	struct policy_client def = { .push = true, .sandbox = true, .way = -1,
	    .timeout = TIMEOUT_DEFAULT, .sessions = SESSIONS_DEFAULT };
	struct place at = { text, 1, ds };
	cfg_t *cfg;
	int rc;

	memset(p, 0, sizeof(*p));
	if ((cfg = conf_parse(text, opts, ds)) == NULL)
		return -1;
	rc = read_top(cfg, p, &def, &at);
	if (read_clients(cfg, p, &def, &at) == -1)
		rc = -1;
	cfg_free(cfg);
	client_free(&def);
	if (rc == -1 || diags_any(ds)) {
		policy_free(p);
		diags_sort(ds);
		return -1;
	}
	return 0;
}

void
policy_free(struct policy *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		client_free(&p->clients[i]);
	free(p->clients);
	free(p->root);
	free(p->rsync);
	free(p->log);
	memset(p, 0, sizeof(*p));
}

const struct policy_client *
policy_find(const struct policy *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (strcmp(p->clients[i].name, name) == 0)
			return &p->clients[i];
	return NULL;
}

bool
policy_from(const struct policy_client *c, const char *address)
{
	size_t i;

	if (c->n_from == 0)
		return true;
	for (i = 0; i < c->n_from; i++)
		if (address != NULL && network_has(&c->from[i], address))
			return true;
	return false;
}

bool
policy_hours(const struct policy_client *c, unsigned minute)
{
	size_t i;

	for (i = 0; i < c->n_hours; i++)
		if (hours_have(&c->hours[i], minute))
			return true;
	return c->n_hours == 0;
}
