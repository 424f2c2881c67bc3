/* cmd_usage.c: irsync-rotate usage: what the stores take, for people, programs
 * and browsers.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "exits.h"
#include "file.h"
#include "progress.h"
#include "term.h"
#include "usage.h"

#define TABLE	84	/* columns of the table without its bars */

/* How many columns are left for bars on this terminal. */
static unsigned
bars_of(FILE *f)
{
	unsigned cols = term_columns(f);

	if (cols == 0)
		return 0;
	/* Narrow terminals wrap anyway; a short bar still helps. */
	return cols > TABLE + 30 ? 30 : cols > TABLE + 8 ? cols - TABLE : 8;
}

/* Write the page into a file that is replaced whole. */
static int
write_page(const char *path, const struct usage *u)
{
	char *page = NULL;
	size_t len = 0;
	FILE *f;
	int rc;

	if ((f = open_memstream(&page, &len)) == NULL)
		return -1;
	rc = usage_html(f, u);
	if (fclose(f) == EOF)
		rc = -1;
	if (rc == 0)
		rc = file_replace(path, page, len, 0644, false);
	free(page);
	return rc;
}

static int
show(const struct options *o, struct usage *u)
{
	const char *where = o->html != NULL ? o->html : "stdout";
	int rc;

	if (o->html != NULL)
		usage_ask_aoe(u);
	if (o->html == NULL)
		rc = o->json ? usage_json(stdout, u) :
		    usage_text(stdout, u, bars_of(stdout));
	else if (strcmp(o->html, "-") == 0)
		rc = usage_html(stdout, u);
	else
		rc = write_page(o->html, u);
	if (rc == -1)
		warn("%s", where);
	return rc;
}

int
cmd_usage(const struct options *o, const struct retention_conf *conf,
    int argc, char **argv)
{
	struct progress progress = { 0 };
	struct usage u = { .conf = conf, .jobs = o->jobs, .walk = o->walk,
	    .stop = o->stop };
	int status = BS_OK, rc;
	size_t i;

	if (o->html != NULL && o->json)
		return BS_USAGE;
	u.root = argc == 1 ? argv[0] : conf->root;
	u.now = time(NULL);
	u.progress = &progress;
	progress_open(&progress, stderr);
	rc = usage_gather(&u);
	progress_close(&progress);
	if (rc == -1)
		err(BS_FAIL, "%s", u.root);
	if (*o->stop != 0)
		status = BS_BUSY;
	else if (show(o, &u) == -1)
		status = BS_FAIL;
	for (i = 0; i < u.n && status == BS_OK; i++)
		if (u.v[i].failed)
			status = BS_PARTIAL;
	usage_free(&u);
	return status;
}
