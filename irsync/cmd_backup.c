/* cmd_backup.c: irsync backup.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exits.h"
#include "irsync.h"
#include "log.h"

/* One run at a time for each lock file.  The descriptor that holds it, or -1
 * with *status. */
static int
take_lock(const char *path, int *status)
{
	int fd;

	if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK, 0600)) == -1) {
		log_warn("%s", path);
		*status = BS_FAIL;
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	*status = errno == EWOULDBLOCK ? BS_BUSY : BS_FAIL;
	if (errno == EWOULDBLOCK)
		log_warnx("%s: another backup is running", path);
	else
		log_warn("%s", path);
	close(fd);
	return -1;
}

/* A folder above a path that is a symbolic link would be sent as one, and what
 * is behind it not at all.  0, or -1. */
static int
check_above(const char *path)
{
	struct stat st;
	char *copy, *p;
	int rc = 0;

	if ((copy = strdup(path)) == NULL) {
		log_warn("%s", path);
		return -1;
	}
	for (p = strchr(copy + 1, '/'); p != NULL && rc == 0;
	    p = strchr(p + 1, '/')) {
		*p = '\0';
		if (lstat(copy, &st) == 0 && S_ISLNK(st.st_mode)) {
			log_warnx("paths: %s: %s is a symbolic link; name the "
			    "folder that it leads to", path, copy);
			rc = -1;
		}
		*p = '/';
	}
	free(copy);
	return rc;
}

/* Look at the configured paths.  The status: BS_OK, or BS_CONFIG. */
static int
check_paths(const struct irsync_conf *c, struct push_options *o)
{
	struct strv above = { 0 };
	struct stat st;
	size_t i;
	int rc = 0;

	for (i = 0; i < c->paths.n; i++) {
		if (check_above(c->paths.v[i]) == -1)
			rc = -1;
		/* rsync reports what is not there, and the snapshot is
		 * partial; what the store has of it stays. */
		else if (lstat(c->paths.v[i], &st) == -1 &&
		    strv_add(&o->missing, c->paths.v[i]) == -1)
			rc = -1;
	}
	if (paths_above(c, &above) == -1)
		rc = -1;
	/* Root lists everything; a user may not be allowed to list /home. */
	for (i = 0; i < above.n; i++)
		if (access(above.v[i], R_OK) == -1 && errno == EACCES)
			o->closed = true;
	strv_free(&above);
	return rc == 0 ? BS_OK : BS_CONFIG;
}

static void
push_with_retries(struct irsync *ir, const struct push_options *po,
    struct outcome *o)
{
	unsigned pause;

	for (o->attempts = 1;; o->attempts++) {
		run_forget(o->run);
		o->status = storage_push(ir, po, o->run);
		if (signal_caught() != 0 || o->attempts > ir->conf.retries ||
		    !retry_wanted(o->status, o->attempts))
			return;
		pause = retry_pause(&ir->conf, o->attempts);
		log_warnx("%s; trying again in %u s (%u of %u)",
		    status_text(o->status), pause, o->attempts,
		    ir->conf.retries);
		pause_for(pause);
		if (signal_caught() != 0)
			return;
	}
}

static double
seconds_since(const struct timespec *start)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) +
	    (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Back up to the storage in use, and tell what came of it. */
static int
backup_storage(struct irsync *ir, const struct push_options *po,
    struct memory *mem)
{
	struct run r = { .path = ir->conf.rsync, .in = -1,
	    .items = (ir->dry_run || ir->verbose) && !ir->json,
	    .progress = ir->progress };
	struct outcome o = { .run = &r, .dry_run = ir->dry_run };
	struct timespec start;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	if (!ir->dry_run)
		memory_begin(mem, &ir->conf, time(NULL));
	push_with_retries(ir, po, &o);
	o.seconds = seconds_since(&start);
	if (!ir->dry_run)
		memory_end(mem, &ir->conf, &o);
	if (signal_caught() == 0)
		report_backup(&ir->conf, &o, ir->json);
	return o.status;
}

/* Each storage in turn; one that is down does not stop the others. */
static int
backup_storages(struct irsync *ir, const struct push_options *po)
{
	struct memory mem = { 0 };
	const struct storage *only = ir->storage_name != NULL ?
	    ir->conf.storage : NULL;
	int status = BS_OK;
	size_t i;

	if (!ir->dry_run)
		memory_open(&mem, &ir->conf);
	for (i = 0; i < ir->conf.nstorages && signal_caught() == 0; i++) {
		if (only != NULL && &ir->conf.storages[i] != only)
			continue;
		ir->conf.storage = &ir->conf.storages[i];
		status = status_worse(status, backup_storage(ir, po, &mem));
	}
	memory_close(&mem);
	return status;
}

int
cmd_backup(struct irsync *ir, const struct strv *args)
{
	struct push_options po = { .dry_run = ir->dry_run,
	    .progress = ir->progress, .as_root = geteuid() == 0 };
	struct run none = { .code = 0 };
	struct outcome o = { .run = &none, .dry_run = ir->dry_run };
	int lock = -1;

	(void)args;
	if ((o.status = check_paths(&ir->conf, &po)) != BS_OK) {
		report_backup(&ir->conf, &o, ir->json);
		goto out;
	}
	/* A dry run changes nothing, so it keeps nobody waiting. */
	if (!ir->dry_run &&
	    (lock = take_lock(ir->conf.lock, &o.status)) == -1) {
		snprintf(none.why, sizeof(none.why), "%s", ir->conf.lock);
		report_backup(&ir->conf, &o, ir->json);
		goto out;
	}
	o.status = backup_storages(ir, &po);
out:
	if (lock != -1)
		close(lock);
	strv_free(&po.missing);
	return o.status;
}
