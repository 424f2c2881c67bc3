/* retention.c: rotate.conf(5), from text to the rules of each client.
 * In: a text.  Out: a struct retention_conf, or every unsound value with its
 * place.  It opens nothing and knows no client's store.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "human.h"
#include "retention.h"
#include "store.h"

#define DAY	UINT64_C(86400)

static const char *const count_names[RETENTION_NCOUNTS] = {
	"keep-last", "keep-hourly", "keep-daily", "keep-weekly",
	"keep-monthly", "keep-yearly"
};

const char *
retention_count_name(enum retention_count c)
{
	return count_names[c];
}

bool
retention_keeps(const struct retention *r)
{
	size_t i;

	if (r->age != 0 || r->within != 0)
		return true;
	for (i = 0; i < RETENTION_NCOUNTS; i++)
		if (r->count[i] != 0)
			return true;
	return false;
}

uint64_t
retention_reserve(const struct retention_free *f, uint64_t all)
{
	if (f->percent == 0)
		return f->n;
	/* Rounded up, and without overflow. */
	return all / 100 * f->percent + (all % 100 * f->percent + 99) / 100;
}

/* What one section's values are read with. */
struct reader {
	const char	*text;
	unsigned	 line;		/* where the section begins */
	cfg_t		*cfg;
	struct diags	*ds;
};

static void
bad_value(const struct reader *rd, const char *key, const char *why)
{
	unsigned line, col;

	conf_place(rd->text, rd->line, key, &line, &col);
	diags_add(rd->ds, line, col, "%s: %s", key, why);
}

/* A whole number from 0 to max, if the section has the key. */
static void
read_count(const struct reader *rd, const char *key, unsigned max,
    uint64_t *out)
{
	char why[64];
	long n;

	if (cfg_size(rd->cfg, key) == 0)
		return;
	n = cfg_getint(rd->cfg, key);
	if (n < 0 || n > (long)max) {
		snprintf(why, sizeof(why), "%ld is not from 0 to %u", n, max);
		bad_value(rd, key, why);
		return;
	}
	*out = (uint64_t)n;
}

/* A duration, a bare number being days, if the section has the key. */
static void
read_duration(const struct reader *rd, const char *key, uint64_t *out)
{
	uint64_t secs;

	if (cfg_size(rd->cfg, key) == 0)
		return;
	if (human_parse_duration(cfg_getstr(rd->cfg, key), DAY, &secs) == -1 ||
	    secs > RETENTION_DAYS_MAX * DAY)
		bad_value(rd, key, "not a duration such as \"36h\" or \"7d\""
		    " of at most 100 years");
	else
		*out = secs;
}

/* A size in bytes, if the section has the key. */
static void
read_size(const struct reader *rd, const char *key, uint64_t *out)
{
	uint64_t n;

	if (cfg_size(rd->cfg, key) == 0)
		return;
	if (human_parse_size(cfg_getstr(rd->cfg, key), &n) == -1)
		bad_value(rd, key, "not a size such as \"500G\"");
	else
		*out = n;
}

/* "10%" of everything, or a number. */
static void
read_free(const struct reader *rd, const char *key,
    struct retention_free *out)
{
	const char *text, *wrong = NULL;
	char digits[8];
	size_t len;

	if (cfg_size(rd->cfg, key) == 0)
		return;
	text = cfg_getstr(rd->cfg, key);
	len = strlen(text);
	if (len == 0 || text[len - 1] != '%') {
		read_size(rd, key, &out->n);
		return;
	}
	if (len > sizeof(digits) || !isdigit((unsigned char)text[0])) {
		bad_value(rd, key, "not a share such as \"10%\"");
		return;
	}
	memcpy(digits, text, len - 1);
	digits[len - 1] = '\0';
	out->percent = (unsigned)strtonum(digits, 0, 99, &wrong);
	if (wrong != NULL)
		bad_value(rd, key, "not a share from \"0%\" to \"99%\"");
}

/* Read a section's rules over what r holds.  Rules that keep nothing are an
 * error, unless one of them is unsound anyway: -1 if there is such an error,
 * which is left for the caller to place. */
static int
read_rules(const struct reader *rd, struct retention *r)
{
	uint64_t n, days = r->age / DAY;
	size_t i, before = rd->ds->n + rd->ds->dropped;

	read_count(rd, "age", RETENTION_DAYS_MAX, &days);
	r->age = days * DAY;
	for (i = 0; i < RETENTION_NCOUNTS; i++) {
		n = r->count[i];
		read_count(rd, count_names[i], RETENTION_COUNT_MAX, &n);
		r->count[i] = (unsigned)n;
	}
	read_duration(rd, "keep-within", &r->within);
	read_duration(rd, "push-age", &r->push_age);
	read_size(rd, "max-size", &r->max_size);
	n = r->floor;
	read_count(rd, "floor", RETENTION_COUNT_MAX, &n);
	if (n == 0)
		bad_value(rd, "floor", "at least 1 day stays");
	r->floor = (unsigned)n;
	if (rd->ds->n + rd->ds->dropped != before || retention_keeps(r))
		return 0;
	return -1;
}

/* A title is a client's name, or one with shell wildcards in it. */
static bool
pattern_valid(const char *s, bool *glob)
{
	const char *p;

	*glob = strpbrk(s, "*?[") != NULL;
	if (!*glob)
		return store_host_valid(s);
	for (p = s; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) &&
		    strchr("._-*?[]!^", *p) == NULL)
			return false;
	return strlen(s) <= STORE_HOST_MAX;
}

static int
read_client(struct reader *rd, const struct retention_conf *conf,
    struct retention_client *c)
{
	const char *title = cfg_title(rd->cfg);
	unsigned line, col;

	conf_place(rd->text, rd->line, title, &line, &col);
	if (line != 0)
		rd->line = line;
	if (!pattern_valid(title, &c->glob))
		diags_add(rd->ds, line, col,
		    "'%s' is neither a client's name nor a pattern", title);
	c->r = conf->defaults;
	if (read_rules(rd, &c->r) == -1)
		diags_add(rd->ds, line, col,
		    "client '%s': no rule would keep anything", title);
	if ((c->pattern = strdup(title)) == NULL) {
		diags_add(rd->ds, 0, 0, "%s", strerror(errno));
		return -1;
	}
	return 0;
}

/* The file for Prometheus.  0, or -1 if memory is short. */
static int
read_metrics(const struct reader *rd, struct retention_conf *conf)
{
	const char *path;

	if (cfg_size(rd->cfg, "metrics") == 0)
		return 0;
	path = cfg_getstr(rd->cfg, "metrics");
	if (*path != '/')
		bad_value(rd, "metrics", "not an absolute path");
	if ((conf->metrics = strdup(path)) != NULL)
		return 0;
	diags_add(rd->ds, 0, 0, "%s", strerror(errno));
	return -1;
}

static void
read_conf(const char *text, cfg_t *cfg, struct retention_conf *conf,
    struct diags *ds)
{
	struct reader rd = { text, 1, cfg, ds };
	unsigned i, n = cfg_size(cfg, "client");

	conf->defaults.push_age = RETENTION_PUSH_AGE;
	conf->defaults.floor = RETENTION_FLOOR;
	if (read_rules(&rd, &conf->defaults) == -1)
		diags_add(ds, 0, 0, "no rule would keep anything: "
		    "set age, keep-daily or another keep- rule");
	if (*cfg_getstr(cfg, "root") != '/')
		bad_value(&rd, "root", "not an absolute path");
	read_free(&rd, "min-free", &conf->min_free);
	read_free(&rd, "min-free-inodes", &conf->min_inodes);
	if (read_metrics(&rd, conf) == -1)
		return;
	if ((conf->root = strdup(cfg_getstr(cfg, "root"))) == NULL ||
	    (conf->v = calloc(n + 1, sizeof(*conf->v))) == NULL) {
		diags_add(ds, 0, 0, "%s", strerror(errno));
		return;
	}
	for (i = 0; i < n; i++) {
		rd.cfg = cfg_getnsec(cfg, "client", i);
		if (read_client(&rd, conf, &conf->v[i]) == -1)
			return;
		conf->n++;
		/* libconfuse leaves a section with the line it ends on. */
		rd.line = rd.cfg->line > 0 ? (unsigned)rd.cfg->line : rd.line;
	}
}

#define RULES								\
	CFG_INT("age", 0, CFGF_NODEFAULT),				\
	CFG_INT("keep-last", 0, CFGF_NODEFAULT),			\
	CFG_INT("keep-hourly", 0, CFGF_NODEFAULT),			\
	CFG_INT("keep-daily", 0, CFGF_NODEFAULT),			\
	CFG_INT("keep-weekly", 0, CFGF_NODEFAULT),			\
	CFG_INT("keep-monthly", 0, CFGF_NODEFAULT),			\
	CFG_INT("keep-yearly", 0, CFGF_NODEFAULT),			\
	CFG_STR("keep-within", NULL, CFGF_NODEFAULT),			\
	CFG_STR("push-age", NULL, CFGF_NODEFAULT),			\
	CFG_STR("max-size", NULL, CFGF_NODEFAULT),			\
	CFG_INT("floor", 0, CFGF_NODEFAULT)

int
retention_parse(const char *text, struct retention_conf *conf,
    struct diags *ds)
{
	cfg_opt_t client[] = { RULES, CFG_END() };
	cfg_opt_t opts[] = {
		CFG_STR("root", STORE_ROOT, CFGF_NONE),
		RULES,
		CFG_STR("min-free", NULL, CFGF_NODEFAULT),
		CFG_STR("min-free-inodes", NULL, CFGF_NODEFAULT),
		CFG_STR("metrics", NULL, CFGF_NODEFAULT),
		CFG_SEC("client", client, CFGF_MULTI | CFGF_TITLE |
		    CFGF_NO_TITLE_DUPES),
		CFG_END()
	};
	cfg_t *cfg;

	memset(conf, 0, sizeof(*conf));
	if ((cfg = conf_parse(text, opts, ds)) == NULL)
		return -1;
	read_conf(text, cfg, conf, ds);
	cfg_free(cfg);
	if (!diags_any(ds))
		return 0;
	diags_sort(ds);
	retention_free(conf);
	return -1;
}

bool
retention_fits(const struct retention_client *c, const char *host)
{
	return c->glob ? fnmatch(c->pattern, host, FNM_NOESCAPE) == 0 :
	    strcmp(c->pattern, host) == 0;
}

const struct retention *
retention_for(const struct retention_conf *conf, const char *host)
{
	size_t i;

	for (i = 0; i < conf->n; i++)
		if (!conf->v[i].glob && retention_fits(&conf->v[i], host))
			return &conf->v[i].r;
	for (i = 0; i < conf->n; i++)
		if (conf->v[i].glob && retention_fits(&conf->v[i], host))
			return &conf->v[i].r;
	return &conf->defaults;
}

void
retention_free(struct retention_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->n; i++)
		free(conf->v[i].pattern);
	free(conf->v);
	free(conf->root);
	free(conf->metrics);
	memset(conf, 0, sizeof(*conf));
}
