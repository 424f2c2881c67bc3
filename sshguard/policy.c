/* policy.c: the text of sshguard.conf(5) to struct policy.
 * In: bytes.  Out: a policy, or each error with its place.
 * Defaults stand at the top level; a client section repeats those keys that
 * differ.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "human.h"
#include "policy.h"
#include "store.h"

#define TIMEOUT_DEFAULT	3600		/* seconds */
#define TIMEOUT_MAX	86400

/* The keys that a client may have of its own.  None has a default here: an
 * unset one must be told from a set one. */
#define CLIENT_KEYS							\
	CFG_BOOL("push", cfg_true, CFGF_NODEFAULT),			\
	CFG_BOOL("pull", cfg_false, CFGF_NODEFAULT),			\
	CFG_STR_LIST("from", NULL, CFGF_NODEFAULT),			\
	CFG_STR("way", NULL, CFGF_NODEFAULT),				\
	CFG_STR("sandbox", NULL, CFGF_NODEFAULT),			\
	CFG_STR("timeout", NULL, CFGF_NODEFAULT)

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

/* An address as 16 bytes; IPv4 as ::ffff:a.b.c.d. */
static int
address_parse(const char *s, uint8_t a[16], unsigned *width)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	    0xff, 0xff };

	*width = 128;
	if (inet_pton(AF_INET6, s, a) == 1)
		return 0;
	memcpy(a, mapped, sizeof(mapped));
	*width = 32;
	return inet_pton(AF_INET, s, a + 12) == 1 ? 0 : -1;
}

/* Are the bits of a from `bits` on all zero? */
static bool
tail_is_zero(const uint8_t a[16], unsigned bits)
{
	unsigned i;

	for (i = bits; i < 128; i++)
		if ((a[i / 8] & (0x80 >> (i % 8))) != 0)
			return false;
	return true;
}

int
network_parse(const char *s, struct network *n)
{
	char addr[64];
	const char *slash, *err;
	unsigned width;
	long long bits;

	slash = s + strcspn(s, "/");
	if ((size_t)(slash - s) >= sizeof(addr))
		return -1;
	memcpy(addr, s, (size_t)(slash - s));
	addr[slash - s] = '\0';
	if (address_parse(addr, n->addr, &width) == -1)
		return -1;
	bits = width;
	if (*slash == '/') {
		if (slash[1] < '0' || slash[1] > '9')
			return -1;
		bits = strtonum(slash + 1, 0, width, &err);
		if (err != NULL)
			return -1;
	}
	n->bits = (unsigned)bits + 128 - width;
	return tail_is_zero(n->addr, n->bits) ? 0 : -1;
}

bool
network_has(const struct network *n, const char *address)
{
	uint8_t a[16];
	unsigned width, i;

	if (address_parse(address, a, &width) == -1)
		return false;
	for (i = 0; i < n->bits; i++)
		if (((a[i / 8] ^ n->addr[i / 8]) & (0x80 >> (i % 8))) != 0)
			return false;
	return true;
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
	const char *s;
	uint64_t secs;
	int rc = 0;

	if ((s = text_of(cfg, "way")) != NULL) {
		if (strcmp(s, "auto") == 0)
			c->way = -1;
		else if (strcmp(s, "overlay") == 0)
			c->way = STORE_WAY_OVERLAY;
		else if (strcmp(s, "linkdest") == 0)
			c->way = STORE_WAY_LINKDEST;
		else
			rc = bad(at, "way", "auto, overlay or linkdest, not",
			    s);
	}
	if ((s = text_of(cfg, "sandbox")) != NULL) {
		c->sandbox = strcmp(s, "off") != 0;
		if (c->sandbox && strcmp(s, "on") != 0)
			rc = bad(at, "sandbox", "on or off, not", s);
	}
	if ((s = text_of(cfg, "timeout")) != NULL) {
		if (human_parse_duration(s, 1, &secs) == -1 ||
		    secs > TIMEOUT_MAX)
			rc = bad(at, "timeout", "not a time of at most 24h",
			    s);
		else
			c->timeout = (unsigned)secs;
	}
	return rc;
}

/* What a section says, over what *c holds already. */
static int
read_keys(cfg_t *cfg, struct policy_client *c, const struct place *at)
{
	int rc;

	if (cfg_size(cfg, "push") != 0)
		c->push = cfg_getbool(cfg, "push");
	if (cfg_size(cfg, "pull") != 0)
		c->pull = cfg_getbool(cfg, "pull");
	rc = read_from(cfg, c, at);
	return read_words(cfg, c, at) == -1 ? -1 : rc;
}

static int
copy_defaults(struct policy_client *c, const struct policy_client *def)
{
	*c = *def;
	c->name = NULL;
	c->from = NULL;
	c->n_from = 0;
	if (def->n_from == 0)
		return 0;
	if ((c->from = calloc(def->n_from, sizeof(*c->from))) == NULL)
		return -1;
	memcpy(c->from, def->from, def->n_from * sizeof(*c->from));
	c->n_from = def->n_from;
	return 0;
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
	if (copy_defaults(c, def) == -1 || (c->name = strdup(name)) == NULL) {
		free(c->from);
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
	    .timeout = TIMEOUT_DEFAULT };
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
	free(def.from);
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

	for (i = 0; i < p->n; i++) {
		free(p->clients[i].name);
		free(p->clients[i].from);
	}
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
