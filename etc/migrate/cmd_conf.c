/* cmd_conf.c: the commands that print a new configuration: of vbladed.conf, and
 * of irsync 1.1's.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../aoe/import.h"
#include "../../irsync/irsync.h"
#include "conf.h"
#include "exits.h"
#include "migrate.h"
#include "rfxn.h"

#define VBLADED_CONF	"/etc/vbladed.conf"
#define CONF_IRSYNC	"/usr/local/irsync/conf.irsync"

int
cmd_vblade(const struct options *o, char **args)
{
	int n = 0;

	while (args[n] != NULL)
		n++;
	return import_print(args, n, o->json, o->dry);
}

int
cmd_vbladed(const struct options *o, char **args)
{
	char fallback[] = VBLADED_CONF, *paths[] = { fallback, NULL };

	return cmd_vblade(o, args[0] != NULL ? args : paths);
}

/* Report what was found in a file.  True if there was nothing. */
static bool
report(const char *path, struct diags *ds)
{
	bool none = !diags_any(ds);

	diags_print(stderr, path, ds);
	diags_free(ds);
	memset(ds, 0, sizeof(*ds));
	return none;
}

/* A list of one a line, read from the file that a variable names. */
static bool
read_list(const struct rfxn *r, enum rfxn_key key, struct strv *list,
    int (*parse)(const char *, struct strv *, struct diags *))
{
	struct diags ds = { 0 };
	char *text;

	if (r->v[key] == NULL || r->v[key][0] == '\0')
		return true;
	if ((text = conf_read(r->v[key], &ds)) != NULL)
		(void)parse(text, list, &ds);
	free(text);
	return report(r->v[key], &ds);
}

/* Our own parser has the last word. */
static bool
reads_back(const char *text)
{
	struct irsync_conf c;
	struct diags ds = { 0 };

	(void)irsync_conf_parse(text, &c, &ds);
	irsync_conf_free(&c);
	return report("(the configuration printed)", &ds);
}

static bool
convert(const struct options *o, const char *path, FILE *f)
{
	struct strv paths = { 0 }, excludes = { 0 };
	struct diags ds = { 0 };
	struct rfxn r = { .v = { NULL } };
	char *text, name[256] = "";
	const char *host = o->host;
	bool ok, lists;

	/* irsync took what hostname(1) says for the name of its store. */
	if (host == NULL && gethostname(name, sizeof(name) - 1) == 0 &&
	    store_host_valid(name))
		host = name;
	if ((text = conf_read(path, &ds)) != NULL)
		(void)rfxn_parse(text, strlen(text), &r, &ds);
	free(text);
	if ((ok = report(path, &ds))) {
		lists = read_list(&r, RFXN_BACKUP_FILE, &paths, rfxn_paths);
		lists &= read_list(&r, RFXN_EXCLUDE_FILE, &excludes,
		    rfxn_excludes);
		(void)rfxn_write(f, &r, host, &paths, &excludes, &ds);
		ok = report(path, &ds) && lists;
	}
	strv_free(&paths);
	strv_free(&excludes);
	rfxn_free(&r);
	return ok;
}

int
cmd_irsync_conf(const struct options *o, char **args)
{
	const char *path = args[0] != NULL ? args[0] : CONF_IRSYNC;
	char *text = NULL;
	size_t size = 0;
	FILE *f;
	bool ok;

	if (o->host != NULL && !store_host_valid(o->host))
		errx(BS_USAGE, "-H: %s: no name that a client can have",
		    o->host);
	if ((f = open_memstream(&text, &size)) == NULL)
		err(BS_FAIL, NULL);
	ok = convert(o, path, f);
	if (fclose(f) == EOF)
		err(BS_FAIL, NULL);
	if (ok && (ok = reads_back(text)) && !o->dry)
		fputs(text, stdout);
	free(text);
	return ok ? BS_OK : BS_FAIL;
}
