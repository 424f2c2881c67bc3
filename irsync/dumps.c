/* dumps.c: all databases that are configured, dumped before a backup.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dumps.h"
#include "file.h"
#include "log.h"
#include "store_tree.h"

char *
dumps_path(const struct irsync_conf *c)
{
	char *path;

	return asprintf(&path, "%s/%s.dumps", c->state, c->host) == -1 ? NULL :
	    path;
}

/* The list for who restores. */
static int
write_missing(const struct dumps *d)
{
	char *path, *text = NULL;
	size_t i, len = 0;
	FILE *f;
	int rc = -1;

	if (asprintf(&path, "%s/MISSING", d->path) == -1)
		return -1;
	if (d->missing.n == 0)
		rc = unlink(path) == -1 && errno != ENOENT ? -1 : 0;
	else if ((f = open_memstream(&text, &len)) != NULL) {
		for (i = 0; i < d->missing.n; i++)
			fprintf(f, "%s\n", d->missing.v[i]);
		if (fclose(f) == 0)
			rc = file_replace(path, text, len, 0600, true);
	}
	if (rc == -1)
		log_warn("%s", path);
	free(text);
	free(path);
	return rc;
}

/* A server that is no longer configured leaves nothing. */
static void
forget_servers(struct dumps *d)
{
	if (!d->c->mysql.on && tree_remove(d->dir, "mysql") == -1)
		log_warn("%s/mysql", d->path);
	if (!d->c->postgresql.on && tree_remove(d->dir, "postgresql") == -1)
		log_warn("%s/postgresql", d->path);
}

static int
dumps_open(struct dumps *d)
{
	if ((d->path = dumps_path(d->c)) == NULL)
		return -1;
	if ((mkdir(d->c->state, 0755) == -1 && errno != EEXIST) ||
	    (mkdir(d->path, 0700) == -1 && errno != EEXIST))
		return -1;
	d->dir = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	return d->dir == -1 ? -1 : 0;
}

int
dumps_run(const struct irsync_conf *c, struct strv *missing)
{
	struct dumps d = { .c = c, .dir = -1 };
	int rc = 0;

	memset(missing, 0, sizeof(*missing));
	if (dumps_open(&d) == -1) {
		log_warn("%s", d.path != NULL ? d.path : c->state);
		(void)strv_addf(missing, "all databases: %s", strerror(errno));
		free(d.path);
		return -1;
	}
	/* A run that was killed may have left it. */
	if (tree_remove(d.dir, ".new") == -1)
		log_warn("%s/.new", d.path);
	forget_servers(&d);
	if (c->mysql.on && signal_caught() == 0)
		mysql_dump_all(&d);
	if (c->postgresql.on && signal_caught() == 0)
		pg_dump_all(&d);
	if (write_missing(&d) == -1 || d.missing.n > 0)
		rc = -1;
	log_debug("%u databases dumped, %zu missing", d.made, d.missing.n);
	*missing = d.missing;
	close(d.dir);
	free(d.path);
	return rc;
}
