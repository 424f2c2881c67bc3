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

#include "dumps.h"
#include "exits.h"
#include "irsync.h"
#include "log.h"

/* One run at a time for each lock file.  The descriptor that holds it, or -1
 * with *status and errno. */
static int
take_lock(const char *path, int *status)
{
	int fd, saved;

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
	saved = errno;
	close(fd);
	errno = saved;
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
	size_t i;
	int rc = 0;

	for (i = 0; i < c->paths.n; i++)
		if (check_above(c->paths.v[i]) == -1)
			rc = -1;
	if (paths_above(c, &above) == -1)
		rc = -1;
	/* Root lists everything; a user may not be allowed to list /home. */
	for (i = 0; i < above.n; i++)
		if (access(above.v[i], R_OK) == -1 && errno == EACCES)
			o->closed = true;
	strv_free(&above);
	return rc == 0 ? BS_OK : BS_CONFIG;
}

/* What one backup has at hand. */
struct backup {
	struct irsync		*ir;
	struct push_options	 po;
	struct memory		 mem;
	struct facts		 now;
	struct strv		 missing;	/* databases */
	char			*dumps;		/* their folder, or NULL */
	char			 why[512];	/* the first cause */
	char			 said[SAID];	/* as in tell.c */
};

/* After more than `max` names were deleted, or fewer than half are left.  A push
 * that takes a moment only may have ended before it could be stopped. */
static void
refuse_shrunk(struct outcome *o, uint64_t entries)
{
	if (o->run->snapshot.stamp[0] != '\0') {
		log_warnx("more than half of the %llu entries of the snapshot "
		    "before are gone, and snapshot %s is made",
		    (unsigned long long)entries, o->run->snapshot.stamp);
		return;
	}
	snprintf(o->run->why, sizeof(o->run->why), "more than half of the %llu "
	    "entries of the snapshot before would be gone; --allow-shrink",
	    (unsigned long long)entries);
	o->status = BS_REFUSED;
}

/* An earlier push that came to nothing has deleted names already: only a dry
 * run, which compares with the snapshot, can tell how many there are in all.
 * True: go on. */
static bool
shrinks_little(struct backup *b, uint64_t entries, struct outcome *o)
{
	struct push_options po = b->po;
	struct run r = { .path = b->ir->conf.rsync, .in = o->run->in,
	    .gone_max = guards_gone_max(entries) };
	int status;

	po.dry_run = true;
	po.progress = false;
	status = storage_push(b->ir, &po, &r);
	if (r.in != -1)
		(void)lseek(r.in, 0, SEEK_SET);
	if (r.shrunk) {
		refuse_shrunk(o, entries);
		return false;
	}
	if (status == BS_OK || status == BS_PARTIAL || status == BS_VANISHED)
		return true;
	o->status = status;
	o->run->code = r.code;
	memcpy(o->run->why, r.why, sizeof(o->run->why));
	return false;
}

/* How much of it may go?  False: it is refused, *o says why. */
static bool
limit_shrinking(struct backup *b, struct outcome *o, uint64_t *entries)
{
	const struct laststate_run *last;
	uint64_t gone;

	*entries = 0;
	if (b->ir->guards.allow_shrink || (last = laststate_made(
	    laststate_find(&b->mem.last, b->ir->conf.storage->name),
	    &gone)) == NULL)
		return true;
	*entries = last->entries;
	o->gone = gone;
	b->po.entries_min = last->entries - guards_gone_max(last->entries);
	if (last->entries < guards_gone_max(last->entries))
		b->po.entries_min = 0;
	if (gone > 0)
		return shrinks_little(b, *entries, o);
	o->run->gone_max = guards_gone_max(last->entries);
	return true;
}

/* A server that goes the linkdest way does not tell what is gone: only what is
 * left can be counted, when the snapshot is made. */
static bool
has_shrunk(const struct backup *b, const struct outcome *o)
{
	return o->run->snapshot.stamp[0] != '\0' && o->run->counts.complete &&
	    o->run->counts.entries < b->po.entries_min;
}

static void
push_with_retries(struct backup *b, struct outcome *o)
{
	struct irsync *ir = b->ir;
	uint64_t entries, gone;
	unsigned pause;

	b->po.solid = laststate_made(laststate_find(&b->mem.last,
	    ir->conf.storage->name), &gone) == NULL && paths_solid(&ir->conf);
	if (!limit_shrinking(b, o, &entries))
		return;
	for (o->attempts = 1;; o->attempts++) {
		run_forget(o->run);
		if (o->run->in != -1)
			(void)lseek(o->run->in, 0, SEEK_SET);
		o->status = storage_push(ir, &b->po, o->run);
		if (o->run->snapshot.stamp[0] == '\0')
			o->gone += o->run->counts.gone;
		if (o->run->shrunk || has_shrunk(b, o))
			refuse_shrunk(o, entries);
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

/* Back up to the storage in use, or fail as `failed` says, and tell what came
 * of it. */
static int
backup_storage(struct backup *b, int rules, int failed)
{
	struct irsync *ir = b->ir;
	struct run r = { .path = ir->conf.rsync, .in = rules,
	    .items = (ir->dry_run || ir->verbose) && !ir->json,
	    .progress = ir->progress, .said = b->said };
	struct outcome o = { .run = &r, .dry_run = ir->dry_run,
	    .status = failed };
	struct timespec start;
	int lock;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	if (!ir->dry_run)
		memory_begin(&b->mem, &ir->conf, time(NULL));
	if (failed != BS_OK)
		(void)strlcpy(r.why, b->why, sizeof(r.why));
	else {
		lock = shape_begin(&ir->conf);
		push_with_retries(b, &o);
		shape_end(&ir->conf, lock);
	}
	if (signal_caught() != 0)
		snprintf(r.why, sizeof(r.why), "ended by signal %d",
		    signal_caught());
	o.seconds = seconds_since(&start);
	if (!ir->dry_run)
		memory_end(&b->mem, &ir->conf, &o);
	if (signal_caught() == 0)
		report_backup(&ir->conf, &o, ir->json);
	if (o.status != BS_OK && o.status != BS_VANISHED &&
	    b->why[0] == '\0')
		failure_text(b->why, sizeof(b->why), &r, o.status);
	return o.status;
}

/* Each storage in turn; one that is down does not stop the others. */
static int
backup_storages(struct backup *b, int failed)
{
	struct irsync *ir = b->ir;
	const struct storage *only = ir->storage_name != NULL ?
	    ir->conf.storage : NULL;
	int rules = -1, status = failed;
	size_t i;

	if (failed == BS_OK && (rules = rules_fd(&ir->conf,
	    &b->po.rules)) == -1) {
		snprintf(b->why, sizeof(b->why), "what is to be left out "
		    "cannot be read: %s", strerror(errno));
		status = failed = BS_CONFIG;
	}
	for (i = 0; i < ir->conf.nstorages && signal_caught() == 0; i++) {
		if (only != NULL && &ir->conf.storages[i] != only)
			continue;
		ir->conf.storage = &ir->conf.storages[i];
		status = status_worse(status, backup_storage(b, rules, failed));
	}
	if (rules != -1)
		close(rules);
	return status;
}

/* Paths that are not there, and may be: they are gone from the snapshot too. */
static void
drop_missing(struct irsync_conf *c, const struct strv *missing)
{
	size_t i, n = 0;

	for (i = 0; i < c->paths.n; i++)
		if (strv_has(missing, c->paths.v[i])) {
			log_info("%s: not there, left out", c->paths.v[i]);
			free(c->paths.v[i]);
		} else
			c->paths.v[n++] = c->paths.v[i];
	c->paths.n = n;
	c->paths.v[n] = NULL;
}

/* Ask the guards.  The status: BS_OK, BS_REFUSED or BS_FAIL, with why. */
static int
ask_guards(struct backup *b)
{
	struct facts before;
	struct strv objections = { 0 };
	size_t i;
	int status = BS_OK;

	if (facts_read(&b->ir->conf, &before) == -1)
		log_warn("%s: what was noted of the last backup cannot be "
		    "read", b->ir->conf.state);
	facts_forget_gone(&before);
	if (facts_now(&b->ir->conf, &b->now) == -1 ||
	    guards_check(&b->ir->conf, &b->ir->guards, &before, &b->now,
	    &objections) == -1) {
		snprintf(b->why, sizeof(b->why), "cannot look at the machine: "
		    "%s", strerror(errno));
		status = BS_FAIL;
	}
	for (i = 0; i < objections.n && status != BS_FAIL; i++) {
		log_warnx("%s", objections.v[i]);
		if (i == 0)
			(void)strlcpy(b->why, objections.v[i], sizeof(b->why));
		status = BS_REFUSED;
	}
	if (status == BS_OK)
		drop_missing(&b->ir->conf, &b->now.missing);
	if (status == BS_OK && b->ir->conf.paths.n == 0) {
		(void)strlcpy(b->why, "none of the paths is there",
		    sizeof(b->why));
		status = BS_REFUSED;
	}
	strv_free(&objections);
	facts_free(&before);
	return status;
}

/* The databases' dumps are backed up like any other folder. */
static int
add_dumps(struct backup *b)
{
	struct irsync_conf *c = &b->ir->conf;
	char *path, *real = NULL;
	int rc = -1;

	if (!c->mysql.on && !c->postgresql.on)
		return BS_OK;
	if (!b->ir->dry_run)
		(void)dumps_run(c, &b->missing);
	/* No folder above it may be a symbolic link. */
	if ((path = dumps_path(c)) != NULL &&
	    (real = realpath(path, NULL)) == NULL)
		rc = b->ir->dry_run || b->missing.n > 0 ? 0 : -1;
	else if (real != NULL)
		rc = strv_has(&c->paths, real) ? 0 : strv_add(&c->paths, real);
	if (rc == -1)
		snprintf(b->why, sizeof(b->why), "%s: %s", c->state,
		    strerror(errno));
	b->dumps = real;
	b->po.always = real;
	free(path);
	return rc == 0 ? BS_OK : BS_FAIL;
}

/* What comes before any push.  The status, with why. */
static int
prepare(struct backup *b)
{
	struct irsync_conf *c = &b->ir->conf;
	int status;

	if ((status = check_paths(c, &b->po)) != BS_OK) {
		(void)strlcpy(b->why, "paths cannot be backed up as they are "
		    "named", sizeof(b->why));
		return status;
	}
	if (!b->ir->dry_run) {
		shape_clean(c);
		tell_start(c);
	}
	if (!b->ir->dry_run && hook_run(c, "before", &c->before, BS_OK, "",
	    b->why, sizeof(b->why)) == -1)
		return BS_FAIL;
	if ((status = ask_guards(b)) != BS_OK)
		return status;
	return add_dumps(b);
}

/* What comes after all pushes. */
static int
finish(struct backup *b, int status)
{
	struct irsync_conf *c = &b->ir->conf;
	char why[512];

	if (b->missing.n > 0) {
		status = status_worse(status, BS_PARTIAL);
		if (b->why[0] == '\0')
			snprintf(b->why, sizeof(b->why), "%s, and %zu more; "
			    "the snapshot says so", b->missing.v[0],
			    b->missing.n - 1);
	}
	if (b->mem.made > 0 && facts_write(c, &b->now) == -1)
		log_warn("%s", c->state);
	if (hook_run(c, "after", &c->after, status, b->why, why,
	    sizeof(why)) == -1)
		log_warnx("%s", why);
	tell_end(c, &b->mem.last, status, b->why, b->said);
	return status;
}

/* Another run holds the lock, and that may be one that hangs; or there is no
 * lock to be had, for errno's reason. */
static int
tell_busy(struct irsync *ir, int status, int code)
{
	struct run none = { .code = 0 };
	struct outcome o = { .run = &none, .status = status };
	struct memory mem = { 0 };

	snprintf(none.why, sizeof(none.why), "%s: %s", ir->conf.lock,
	    status == BS_BUSY ? "another backup is running" : strerror(code));
	report_backup(&ir->conf, &o, ir->json);
	memory_open(&mem, &ir->conf);
	tell_end(&ir->conf, &mem.last, status, none.why, "");
	memory_close(&mem);
	return status;
}

int
cmd_backup(struct irsync *ir, const struct strv *args)
{
	struct backup b = { .ir = ir, .po = { .dry_run = ir->dry_run,
	    .progress = ir->progress, .as_root = geteuid() == 0 } };
	int lock = -1, status;

	(void)args;
	/* A dry run changes nothing, so it keeps nobody waiting. */
	if (!ir->dry_run &&
	    (lock = take_lock(ir->conf.lock, &status)) == -1)
		return tell_busy(ir, status, errno);
	niceness_set(&ir->conf);
	memory_open(&b.mem, &ir->conf);
	status = backup_storages(&b, prepare(&b));
	if (!ir->dry_run)
		status = finish(&b, status);
	memory_close(&b.mem);
	facts_free(&b.now);
	strv_free(&b.missing);
	free(b.dumps);
	if (lock != -1)
		close(lock);
	return status;
}
