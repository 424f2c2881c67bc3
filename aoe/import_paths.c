/* import_paths.c: aoectl import, and backshelf-migrate's vblade and vbladed: a
 * table made of old configurations.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "exits.h"
#include "import.h"
#include "json.h"
#include "output.h"

struct importer {
	struct table	 table;
	json_t		*findings;	/* with --json, else NULL */
	unsigned	 bad;		/* files that have findings */
};

/* Report what was found in a file, and forget it. */
static void
report(struct importer *im, const char *path, struct diags *ds)
{
	size_t i;

	if (!diags_any(ds))
		return;
	im->bad++;
	diags_print(stderr, path, ds);
	for (i = 0; im->findings != NULL && i < ds->n; i++)
		(void)json_array_append_new(im->findings, json_pack(
		    "{s:s, s:i, s:i, s:s}", "file", path,
		    "line", (int)ds->v[i].line, "column", (int)ds->v[i].col,
		    "message", ds->v[i].msg));
	diags_free(ds);
	memset(ds, 0, sizeof(*ds));
}

/* The file's name without folders and ".conf". */
static char *
instance(const char *path)
{
	const char *base = strrchr(path, '/');
	size_t len;

	base = base != NULL ? base + 1 : path;
	len = strlen(base);
	if (len > 5 && strcmp(base + len - 5, ".conf") == 0)
		len -= 5;
	return strndup(base, len);
}

/* Is it lines of vblade.conf, or a fragment of vblade.conf.d?  The latter
 * assigns before anything else. */
static bool
is_fragment(const char *text)
{
	size_t n;

	for (;;) {
		text += strspn(text, " \t\r\n");
		if (*text != '#')
			break;
		text += strcspn(text, "\n");
	}
	n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
	return n > 0 && text[n] == '=';
}

static bool
is_empty(const char *text)
{
	for (;;) {
		text += strspn(text, " \t\r\n");
		if (*text == '\0')
			return true;
		if (*text != '#')
			return false;
		text += strcspn(text, "\n");
	}
}

/* Is it the table of the vbladed wrapper, our own table's ancestor? */
static bool
is_table(const char *text)
{
	for (;;) {
		text += strspn(text, " \t\r\n");
		if (*text != '#')
			break;
		text += strcspn(text, "\n");
	}
	return strncmp(text, "SHELF", 5) == 0 ||
	    (*text >= '0' && *text <= '9');
}

/* Append the rows of such a table that are without fault. */
static void
import_table(struct importer *im, const char *text, struct diags *ds)
{
	struct table *to = &im->table, t;
	struct row *v;
	size_t i;

	(void)table_parse(text, strlen(text), &t, ds);
	for (i = 0; i < t.n && !t.broken; i++) {
		if (t.rows[i].bad != NULL)
			continue;
		if ((v = reallocarray(to->rows, to->n + 1,
		    sizeof(*v))) == NULL ||
		    row_copy(&v[to->n], &t.rows[i]) == -1)
			err(BS_FAIL, NULL);
		to->rows = v;
		to->n++;
	}
	table_free(&t);
}

static void
import_file(struct importer *im, const char *path)
{
	struct diags ds = { 0 };
	char *text, *name;

	if ((text = conf_read(path, &ds)) != NULL && !is_empty(text)) {
		if ((name = instance(path)) == NULL)
			err(BS_FAIL, NULL);
		if (is_table(text))
			import_table(im, text, &ds);
		else if (is_fragment(text))
			(void)import_fragment(text, strlen(text), name,
			    &im->table, &ds);
		else
			(void)import_lines(text, strlen(text), &im->table,
			    &ds);
		free(name);
	}
	free(text);
	report(im, path, &ds);
}

/* The text of dir/env/NAME, "" if it is not there. */
static char *
env_read(const char *dir, const char *name, struct diags *ds)
{
	char *path, *text;

	if (asprintf(&path, "%s/env/%s", dir, name) == -1)
		err(BS_FAIL, NULL);
	if ((text = conf_read(path, ds)) == NULL &&
	    (text = strdup("")) == NULL)
		err(BS_FAIL, NULL);
	free(path);
	return text;
}

/* The names in dir/macs, with commas between them. */
static char *
macs_read(const char *dir)
{
	struct dirent *de;
	char *path, *list = NULL, *more;
	DIR *d;

	if (asprintf(&path, "%s/macs", dir) == -1 ||
	    (list = strdup("")) == NULL)
		err(BS_FAIL, NULL);
	d = opendir(path);
	free(path);
	while (d != NULL && (de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		if (asprintf(&more, "%s%s%s", list, *list != '\0' ? "," : "",
		    de->d_name) == -1)
			err(BS_FAIL, NULL);
		free(list);
		list = more;
	}
	if (d != NULL)
		closedir(d);
	return list;
}

static void
persist_read(struct importer *im, const char *dir)
{
	struct diags ds = { 0 };
	char *shelf = env_read(dir, "SHELF", &ds);
	char *slot = env_read(dir, "SLOT", &ds);
	char *netif = env_read(dir, "NETIF", &ds);
	char *source = env_read(dir, "SOURCE", &ds);
	char *macs = macs_read(dir);
	char *name = instance(dir);

	if (!diags_any(&ds))
		(void)import_persist(&(struct import_persist){ shelf, slot,
		    netif, source, macs }, name != NULL ? name : "",
		    &im->table, &ds);
	report(im, dir, &ds);
	free(shelf);
	free(slot);
	free(netif);
	free(source);
	free(macs);
	free(name);
}

static bool
is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
is_persist(const char *dir)
{
	char *path;
	bool yes;

	if (asprintf(&path, "%s/env", dir) == -1)
		err(BS_FAIL, NULL);
	yes = is_dir(path);
	free(path);
	return yes;
}

/* Everything in a folder that vblade, or vblade-persist, would look at. */
static void
import_dir(struct importer *im, const char *dir)
{
	struct dirent **v;
	const char *dot;
	char *path;
	int i, n;

	if ((n = scandir(dir, &v, NULL, alphasort)) == -1) {
		warn("%s", dir);
		im->bad++;
		return;
	}
	for (i = 0; i < n; i++) {
		dot = strrchr(v[i]->d_name, '.');
		if (asprintf(&path, "%s/%s", dir, v[i]->d_name) == -1)
			err(BS_FAIL, NULL);
		if (v[i]->d_name[0] != '.' && is_persist(path))
			persist_read(im, path);
		else if (v[i]->d_name[0] != '.' && dot != NULL &&
		    strcmp(dot, ".conf") == 0 && !is_dir(path))
			import_file(im, path);
		free(path);
		free(v[i]);
	}
	free(v);
}

static void
import_path(struct importer *im, const char *path)
{
	if (!is_dir(path))
		import_file(im, path);
	else if (is_persist(path))
		persist_read(im, path);
	else
		import_dir(im, path);
}

static void
import_default(struct importer *im)
{
	static const char *const paths[] = { "/etc/vblade.conf",
	    "/etc/vblade.conf.d", "/var/lib/vblade-persist/vblades" };
	struct stat st;
	size_t i, found = 0;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (stat(paths[i], &st) == 0) {
			import_path(im, paths[i]);
			found++;
		}
	if (found == 0)
		errx(BS_FAIL, "%s, %s, %s: none is there", paths[0],
		    paths[1], paths[2]);
}

/* What cannot stand together in one table: the table's own parser finds it. */
static char *
make_text(struct importer *im)
{
	char *text = NULL, *line;
	struct diags ds = { 0 };
	struct table t;
	size_t i, len;
	FILE *f;

	if (import_aliases(&im->table) == -1 ||
	    (f = open_memstream(&text, &len)) == NULL)
		err(BS_FAIL, NULL);
	fputs("# Writes are answered when they are stable; vblade did so with "
	    "-s alone,\n# and sync=none here is what it did otherwise: "
	    "aoed.conf(5), CAVEATS.\n", f);
	for (i = 0; i < im->table.n; i++) {
		if ((line = import_format(&im->table.rows[i])) == NULL)
			err(BS_FAIL, NULL);
		fprintf(f, "%s\n", line);
		free(line);
	}
	if (fclose(f) == EOF)
		err(BS_FAIL, NULL);
	(void)table_parse(text, len, &t, &ds);
	report(im, "(the table printed)", &ds);
	table_free(&t);
	return text;
}

int
import_print(char **paths, int n, bool json, bool check)
{
	struct importer im = { .findings = json ? json_array() : NULL };
	json_t *o;
	char *text;
	int i;

	for (i = 0; i < n; i++)
		import_path(&im, paths[i]);
	if (n == 0)
		import_default(&im);
	text = make_text(&im);
	if (json) {
		o = json_pack("{s:b, s:s, s:o}", "ok", im.bad == 0, "table",
		    text, "errors", im.findings);
		if (o == NULL)
			errx(BS_FAIL, "what it names is not UTF-8");
		(void)json_print(stdout, o, JSON_INDENT(2));
	} else if (!check)
		fputs(text, stdout);
	free(text);
	table_free(&im.table);
	return output_end(im.bad == 0 ? BS_OK : BS_FAIL);
}
