/* run.c: one rotation of all stores below a root: one client after the other by
 * its rules (client.c), then whatever room is still wanted (squeeze.c).  What
 * goes wrong with one client is noted and the next one follows.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/file.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "exits.h"
#include "log.h"
#include "squeeze.h"

bool
run_is_stopped(const struct run *run)
{
	return run->stop != NULL && *run->stop != 0;
}

void
run_warn(struct run *run, const char *fmt, ...)
{
	char text[LOG_SAFE];
	va_list ap;

	va_start(ap, fmt);
	log_escape(text, fmt, ap);
	va_end(ap);
	fprintf(stderr, "irsync-rotate: %s\n", text);
	if (!run->dry)
		log_warnx("%s", text);
	(void)strv_add(&run->warnings, text);
}

struct space
space_of(int fd)
{
	struct statvfs vfs;

	if (fstatvfs(fd, &vfs) == -1)
		return (struct space){ 0 };
	return (struct space){
	    .bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize,
	    .inodes = vfs.f_favail,
	    .all_bytes = (uint64_t)vfs.f_blocks * vfs.f_frsize,
	    .all_inodes = vfs.f_files };
}

static int
find_clients(struct run *run)
{
	struct strv hosts = { 0 };
	size_t i;

	if (store_hosts(run->root, &hosts) == -1)
		return -1;
	if ((run->v = calloc(hosts.n + 1, sizeof(*run->v))) == NULL) {
		strv_free(&hosts);
		return -1;
	}
	for (i = 0; i < hosts.n; i++) {
		if ((run->v[i].host = strdup(hosts.v[i])) == NULL) {
			strv_free(&hosts);
			return -1;
		}
		run->v[i].r = retention_for(run->conf, hosts.v[i]);
		run->n++;
	}
	strv_free(&hosts);
	return 0;
}

static void
rotate_clients(struct run *run)
{
	size_t i;

	for (i = 0; i < run->n && !run_is_stopped(run); i++)
		client_rotate(run, &run->v[i]);
	/* Whoever was being pushed then may be done by now. */
	for (i = 0; i < run->n && !run_is_stopped(run); i++)
		if (run->v[i].busy)
			client_rotate(run, &run->v[i]);
	for (i = 0; i < run->n; i++)
		if (run->v[i].busy)
			client_warn(run, &run->v[i],
			    "a push is running: left to the next run");
}

/* A section that is for nobody may have been meant for somebody, whose rules are
 * others then.  Said before anything is lost by it. */
static void
look_for_misprints(struct run *run)
{
	const struct retention_client *rc;
	size_t i, k;

	for (i = 0; i < run->conf->n; i++) {
		rc = &run->conf->v[i];
		for (k = 0; k < run->n; k++)
			if (retention_fits(rc, run->v[k].host))
				break;
		if (k == run->n)
			run_warn(run, "section '%s': no such client in %s",
			    rc->pattern, run->root);
	}
}

int
run_all(struct run *run)
{
	int fd, rc = -1, saved;

	if ((fd = open(run->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	if (!run->dry && flock(fd, LOCK_EX | LOCK_NB) == -1)
		goto out;
	if (find_clients(run) == -1)
		goto out;
	if (run->dry)
		look_for_misprints(run);
	run->before = space_of(fd);
	rotate_clients(run);
	if (!run_is_stopped(run))
		squeeze(run, fd);
	run->after = space_of(fd);
	run->stopped = run_is_stopped(run);
	rc = 0;
out:
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

static bool
client_is_done(const struct client *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->outcome[i] == OUTCOME_LEFT ||
		    c->outcome[i] == OUTCOME_FAILED)
			return false;
	return !c->failed && c->push != PUSH_FAILED && c->swept.problems == 0;
}

/* What was busy is no reason to wake anybody: the next run takes it. */
static bool
client_is_quiet(const struct client *c)
{
	return c->warnings.n == (c->busy ? 1 : 0);
}

int
run_status(const struct run *run)
{
	bool quiet = run->warnings.n == 0;
	size_t i;

	if (run->stopped)
		return BS_BUSY;
	for (i = 0; i < run->n; i++) {
		if (!client_is_done(&run->v[i]))
			return RUN_CRITICAL;
		quiet = quiet && client_is_quiet(&run->v[i]);
	}
	return quiet ? RUN_OK : RUN_WARNING;
}

void
run_free(struct run *run)
{
	struct client *c;
	size_t i;

	for (i = 0; i < run->n; i++) {
		c = &run->v[i];
		free(c->host);
		free(c->snaps);
		free(c->outcome);
		plan_free(&c->plan);
		pins_free(&c->pins);
		strv_free(&c->warnings);
	}
	strv_free(&run->warnings);
	free(run->v);
	run->v = NULL;
	run->n = 0;
}
