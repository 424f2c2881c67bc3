/* rfxn.c: conf.irsync into irsync.conf(5).  Pure; cmd_conf.c reads the files.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rfxn.h"
#include "shword.h"
#include "text.h"

static const char *const names[RFXN_KEYS] = {
	[RFXN_INSTALL_PATH] = "install_path",
	[RFXN_BACKUP_HOST] = "backup_host",
	[RFXN_BACKUP_STORAGE] = "backup_storage",
	[RFXN_BACKUP_FILE] = "backup_file",
	[RFXN_EXCLUDE_FILE] = "exclude_file",
	[RFXN_SNAPDAYS] = "backup_snapdays",
	[RFXN_SSH_USER] = "ssh_user",
	[RFXN_SSH_PORT] = "ssh_port",
	[RFXN_SSH_KEY] = "ssh_key",
	[RFXN_TIMEOUT] = "timeout",
	[RFXN_MYSQL_HOTCOPY] = "mysql_hotcopy",
	[RFXN_MYSQL_DUMP] = "mysql_dump",
	[RFXN_MYSQL_DUMP_GZ] = "mysql_dump_gz",
	[RFXN_MYSQL_FLUSH] = "mysql_flush",
	[RFXN_MYSQL_PASS] = "mysql_pass",
	[RFXN_MYSQL_TMPDIR] = "mysql_tmpdir",
	[RFXN_RATE_BEFORE] = "rate_before_rsync",
	[RFXN_RATE_DEV] = "rate_dev",
	[RFXN_RATE_HOST] = "rate_host",
	[RFXN_RATE_LIMIT] = "rate_limit",
};

void
rfxn_free(struct rfxn *r)
{
	size_t i;

	for (i = 0; i < RFXN_KEYS; i++)
		free(r->v[i]);
	memset(r, 0, sizeof(*r));
}

static int
key_find(const char *p, size_t len)
{
	int i;

	for (i = 0; i < RFXN_KEYS; i++)
		if (strlen(names[i]) == len && memcmp(names[i], p, len) == 0)
			return i;
	return -1;
}

static const char *
value_of(void *arg, const char *name, size_t len)
{
	const struct rfxn *r = arg;
	int i = key_find(name, len);

	return i == -1 ? NULL : r->v[i] == NULL ? "" : r->v[i];
}

static void
take_line(struct rfxn *r, const char *p, size_t len, unsigned line,
    struct diags *ds)
{
	struct shword w = { .p = p, .len = len, .lookup = value_of,
	    .arg = r };
	size_t from, n = 0;
	char *text;
	int key;

	if (shword_end(&w))
		return;
	from = w.i;
	while (from + n < len && (isalnum((unsigned char)p[from + n]) ||
	    p[from + n] == '_'))
		n++;
	if (n == 0 || from + n == len || p[from + n] != '=') {
		diags_add(ds, line, (unsigned)from + 1, "not understood: "
		    "only NAME=VALUE is, and nothing is run");
		return;
	}
	if ((key = key_find(p + from, n)) == -1) {
		diags_add(ds, line, (unsigned)from + 1,
		    "irsync knows no variable '%.*s'", (int)(n > 40 ? 40 : n),
		    p + from);
		return;
	}
	w.i = from + n + 1;
	if ((text = shword_value(&w)) == NULL || !shword_end(&w)) {
		diags_add(ds, line, (unsigned)(from + n) + 2,
		    "not understood: a shell would do more than read it");
		free(text);
		return;
	}
	free(r->v[key]);
	r->v[key] = text;
	r->line[key] = line;
}

/* Each line of a text: where it is, how long, and behind it.  False at the
 * end. */
static bool
next_line(const char **p, const char *end, const char **line, size_t *len)
{
	const char *nl;

	if (*p >= end)
		return false;
	if ((nl = memchr(*p, '\n', (size_t)(end - *p))) == NULL)
		nl = end;
	*line = *p;
	*len = (size_t)(nl - *p);
	*p = nl + 1;
	return true;
}

int
rfxn_parse(const char *text, size_t len, struct rfxn *r, struct diags *ds)
{
	const char *p = text, *line;
	unsigned no = 0;
	size_t n;

	memset(r, 0, sizeof(*r));
	while (next_line(&p, text + len, &line, &n))
		take_line(r, line, n, ++no, ds);
	if (!diags_any(ds) && (r->v[RFXN_BACKUP_STORAGE] == NULL ||
	    r->v[RFXN_BACKUP_STORAGE][0] != '/'))
		diags_add(ds, r->line[RFXN_BACKUP_STORAGE], 0,
		    "backup_storage is no absolute path");
	return diags_any(ds) ? -1 : 0;
}

int
rfxn_paths(const char *text, struct strv *paths, struct diags *ds)
{
	const char *p = text, *line, *end = text + strlen(text);
	unsigned no = 0;
	size_t n;

	while (next_line(&p, end, &line, &n)) {
		no++;
		while (n > 0 && isspace((unsigned char)line[n - 1]))
			n--;
		if (n == 0)
			continue;
		if (memchr(line, ' ', n) != NULL ||
		    memchr(line, '\t', n) != NULL)
			diags_add(ds, no, 0, "a blank: irsync took this for "
			    "several paths; write one a line");
		else if (line[0] != '/' || memchr(line, '*', n) != NULL ||
		    memchr(line, '?', n) != NULL || memchr(line, '[', n))
			diags_add(ds, no, 0, "not a plain absolute path");
		else if (strv_addf(paths, "%.*s", n > 1 && line[n - 1] == '/' ?
		    (int)n - 1 : (int)n, line) == -1)
			diags_add(ds, no, 0, "%s", strerror(errno));
	}
	if (paths->n == 0 && !diags_any(ds))
		diags_add(ds, 0, 0, "no path in it");
	return diags_any(ds) ? -1 : 0;
}

/* A file of rsync's --exclude-from. */
int
rfxn_excludes(const char *text, struct strv *excludes, struct diags *ds)
{
	const char *p = text, *line, *end = text + strlen(text);
	unsigned no = 0;
	size_t n;

	while (next_line(&p, end, &line, &n)) {
		no++;
		if (n > 0 && line[n - 1] == '\r')
			n--;
		if (n == 0 || line[0] == '#' || line[0] == ';')
			continue;
		if (line[0] == '!' && n == 1) {
			diags_add(ds, no, 0, "'!' has no counterpart; delete "
			    "what stands before it, and it");
			continue;
		}
		if (n > 2 && line[0] == '-' && line[1] == ' ') {
			line += 2;
			n -= 2;
		}
		if (strv_addf(excludes, "%.*s", (int)n, line) == -1)
			diags_add(ds, no, 0, "%s", strerror(errno));
	}
	return diags_any(ds) ? -1 : 0;
}

static bool
is_on(const struct rfxn *r, enum rfxn_key k)
{
	return r->v[k] != NULL && strcmp(r->v[k], "1") == 0;
}

static bool
is_set(const struct rfxn *r, enum rfxn_key k)
{
	return r->v[k] != NULL && r->v[k][0] != '\0';
}

static void
write_text(FILE *f, const char *key, const char *value)
{
	fprintf(f, "%s = ", key);
	text_quote(f, value);
	fputc('\n', f);
}

static void
write_list(FILE *f, const char *key, const struct strv *l)
{
	size_t i;

	if (l->n == 0)
		return;
	fprintf(f, "%s = {", key);
	for (i = 0; i < l->n; i++) {
		fputs(i == 0 ? "\n\t" : ",\n\t", f);
		text_quote(f, l->v[i]);
	}
	fputs("\n}\n", f);
}

static void
write_port(FILE *f, const struct rfxn *r, struct diags *ds)
{
	const char *wrong;
	int port;

	if (!is_set(r, RFXN_SSH_PORT))
		return;
	port = (int)strtonum(r->v[RFXN_SSH_PORT], 1, 65535, &wrong);
	if (wrong != NULL)
		diags_add(ds, r->line[RFXN_SSH_PORT], 0, "ssh_port: no port");
	else if (port != 22)
		fprintf(f, "port = %d\n", port);
}

static void
write_storage(FILE *f, const struct rfxn *r, struct diags *ds)
{
	char *text = NULL;

	if (!is_set(r, RFXN_BACKUP_HOST)) {
		write_text(f, "storage", r->v[RFXN_BACKUP_STORAGE]);
		return;
	}
	if (asprintf(&text, "%s%s%s:%s", is_set(r, RFXN_SSH_USER) ?
	    r->v[RFXN_SSH_USER] : "", is_set(r, RFXN_SSH_USER) ? "@" : "",
	    r->v[RFXN_BACKUP_HOST], r->v[RFXN_BACKUP_STORAGE]) == -1)
		return;
	write_text(f, "storage", text);
	free(text);
	write_port(f, r, ds);
	if (is_set(r, RFXN_SSH_KEY)) {
		if (strstr(r->v[RFXN_SSH_KEY], "id_dsa") != NULL)
			fputs("# sshd takes no DSA keys any more: if this is "
			    "one, make another by irsync init\n", f);
		write_text(f, "identity", r->v[RFXN_SSH_KEY]);
	}
}

/* tc's "512kbit", "5Mbit", in bytes a second. */
static int
rate_parse(const char *text, uint64_t *bytes)
{
	static const struct {
		const char	*unit;
		uint64_t	 bits;
	} units[] = {
		{ "bit", 1 }, { "kbit", 1000 }, { "mbit", 1000000 },
		{ "gbit", 1000000000 },
		{ "bps", 8 }, { "kbps", 8000 }, { "mbps", 8000000 },
	};
	uint64_t n = 0;
	size_t i;

	if (!isdigit((unsigned char)*text))
		return -1;
	for (; isdigit((unsigned char)*text); text++)
		if ((n = n * 10 + (uint64_t)(*text - '0')) > 1000000000)
			return -1;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcasecmp(text, units[i].unit) == 0) {
			*bytes = n * units[i].bits / 8;
			return *bytes < 1024 ? -1 : 0;
		}
	return -1;
}

static void
write_rate(FILE *f, const struct rfxn *r, struct diags *ds)
{
	uint64_t bytes;

	if (!is_on(r, RFXN_RATE_BEFORE) || !is_set(r, RFXN_BACKUP_HOST))
		return;
	if (!is_set(r, RFXN_RATE_LIMIT) ||
	    rate_parse(r->v[RFXN_RATE_LIMIT], &bytes) == -1)
		diags_add(ds, r->line[RFXN_RATE_LIMIT], 0, "rate_limit: no "
		    "rate such as 512kbit, 8kbit at least");
	else
		fprintf(f, "rate = \"%" PRIu64 "\"\n", bytes);
}

static void
write_mysql(FILE *f, const struct rfxn *r, struct diags *ds)
{
	if (is_on(r, RFXN_MYSQL_HOTCOPY))
		diags_add(ds, r->line[RFXN_MYSQL_HOTCOPY], 0, "mysqlhotcopy "
		    "has no counterpart: set mysql_dump=1 in its place");
	if (!is_on(r, RFXN_MYSQL_DUMP))
		return;
	if (is_set(r, RFXN_MYSQL_PASS))
		diags_add(ds, r->line[RFXN_MYSQL_PASS], 0, "a password "
		    "belongs into [client] of /root/.my.cnf; put it there, "
		    "and delete it here");
	fprintf(f, "mysql {\n\toption_file = \"/root/.my.cnf\"\n"
	    "\tper = \"database\"\n");
	if (is_on(r, RFXN_MYSQL_DUMP_GZ))
		fprintf(f, "\tcompress = \"gzip\"\n");
	fprintf(f, "}\n");
}

/* Where rsync put what has now its full name. */
static void
write_deep(FILE *f, const struct strv *paths)
{
	const char *base;
	size_t i;

	for (i = 0; i < paths->n; i++) {
		base = strrchr(paths->v[i], '/');
		if (base == paths->v[i])
			continue;
		fputs("# HOST.full/", f);
		text_print(f, base + 1);
		fputs(" is HOST.full", f);
		text_print(f, paths->v[i]);
		fputs(" from now on, and comes anew once.\n", f);
	}
}

int
rfxn_write(FILE *f, const struct rfxn *r, const char *host,
    const struct strv *paths, const struct strv *excludes, struct diags *ds)
{
	fputs("# Made of conf.irsync by backshelf-migrate.\n", f);
	if (is_set(r, RFXN_SNAPDAYS))
		fprintf(f, "# backup_snapdays: for the server's rotate.conf: "
		    "age = %.20s\n", r->v[RFXN_SNAPDAYS][strspn(
		    r->v[RFXN_SNAPDAYS], "0123456789")] == '\0' ?
		    r->v[RFXN_SNAPDAYS] : "?");
	write_storage(f, r, ds);
	if (host != NULL)
		write_text(f, "host", host);
	write_deep(f, paths);
	write_list(f, "paths", paths);
	write_list(f, "exclude", excludes);
	fputs("one_file_system = true\nnice = 19\n", f);
	write_rate(f, r, ds);
	write_mysql(f, r, ds);
	return diags_any(ds) ? -1 : 0;
}
