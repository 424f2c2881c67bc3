/* metrics.c: a run as a textfile for Prometheus' node_exporter.
 * The names are in irsync-rotate(8).  Clients' names hold nothing that would
 * have to be escaped in a label.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>

#include "file.h"
#include "metrics.h"

#define P	"backshelf_rotate_"

/* What is said of each client. */
struct figure {
	const char	*name;
	const char	*help;
	double		(*of)(const struct client *);
};

static double
snapshots_of(const struct client *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->n; i++)
		n += c->outcome[i] != OUTCOME_REMOVED &&
		    c->outcome[i] != OUTCOME_LEFT;
	return (double)n;
}

static double
removed_of(const struct client *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->n; i++)
		n += c->outcome[i] == OUTCOME_REMOVED;
	return (double)n;
}

static double
newest_of(const struct client *c)
{
	return c->plan.v == NULL || c->plan.newest == PLAN_NONE ? 0 :
	    (double)plan_clock(&c->snaps[c->plan.newest]);
}

static double
pinned_of(const struct client *c)
{
	return (double)c->pins.stamps.n;
}

static double
silent_of(const struct client *c)
{
	return c->plan.silent != 0;
}

static double
problems_of(const struct client *c)
{
	return (double)c->swept.problems;
}

static double
failed_of(const struct client *c)
{
	return c->failed;
}

static double
busy_of(const struct client *c)
{
	return c->busy;
}

static const struct figure figures[] = {
	{ "snapshots", "snapshots that the client has", snapshots_of },
	{ "removed", "snapshots that this run removed", removed_of },
	{ "newest_seconds", "when its newest complete snapshot was made, or 0",
	    newest_of },
	{ "pinned", "snapshots that are pinned", pinned_of },
	{ "silent", "1: it has made no snapshot for too long", silent_of },
	{ "problems", "files that could not be removed", problems_of },
	{ "failed", "1: it could not be looked at", failed_of },
	{ "busy", "1: a push was running, it was left alone", busy_of },
};

static void
print_one(FILE *f, const char *name, const char *help, double value)
{
	fprintf(f, "# HELP " P "%s %s\n# TYPE " P "%s gauge\n" P "%s %.0f\n",
	    name, help, name, name, value);
}

/* 0, or -1 with errno. */
static int
metrics_print(FILE *f, const struct run *run, int status)
{
	size_t i, k;

	print_one(f, "last_run_seconds", "when this run began",
	    (double)run->began);
	print_one(f, "exit_status", "its exit status", status);
	print_one(f, "free_bytes", "free on the file system afterwards",
	    (double)run->after.bytes);
	print_one(f, "size_bytes", "size of the file system",
	    (double)run->after.all_bytes);
	for (k = 0; k < sizeof(figures) / sizeof(figures[0]); k++) {
		fprintf(f, "# HELP " P "%s %s\n# TYPE " P "%s gauge\n",
		    figures[k].name, figures[k].help, figures[k].name);
		for (i = 0; i < run->n; i++)
			fprintf(f, P "%s{client=\"%s\"} %.0f\n",
			    figures[k].name, run->v[i].host,
			    figures[k].of(&run->v[i]));
	}
	return ferror(f) ? -1 : 0;
}

int
metrics_write(const char *path, const struct run *run, int status)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f;
	int rc = -1;

	if ((f = open_memstream(&text, &len)) == NULL)
		return -1;
	rc = metrics_print(f, run, status);
	if (fclose(f) == EOF)
		rc = -1;
	if (rc == 0)
		rc = file_replace(path, text, len, 0644, false);
	free(text);
	return rc;
}
