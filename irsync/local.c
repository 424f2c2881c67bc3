/* local.c: a store in a directory of this machine: a disk, no server.
 * As root the push goes into an overlay, as it does on a server; an ordinary
 * user's goes into a new folder with --link-dest, because in a user namespace
 * rsync would read other users' files with the wrong owners.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/openat2.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "irsync.h"
#include "log.h"
#include "spawn.h"

/* Note what failed; the status of errno. */
static int
store_failed(struct irsync *ir, struct run *r, const char *what)
{
	int err = errno;

	if (err == EWOULDBLOCK)
		snprintf(r->why, sizeof(r->why), "%s: another backup of %s is "
		    "running", ir->conf.storage->root, ir->conf.host);
	else
		snprintf(r->why, sizeof(r->why), "%s: %s: %s",
		    ir->conf.storage->root, what, strerror(err));
	return exit_of_errno(err);
}

/* Open the store; one of another user's would get files that its owner cannot
 * keep.  NULL with *status. */
static struct store *
open_store(struct irsync *ir, struct run *r, int flags, int *status)
{
	struct store *st;
	struct stat sb;

	if ((st = store_open(ir->conf.storage->root, ir->conf.host, flags)) ==
	    NULL) {
		*status = store_failed(ir, r, "cannot open the store");
		return NULL;
	}
	if (fstat(store_fd(st), &sb) == -1) {
		*status = store_failed(ir, r, "cannot open the store");
		goto fail;
	}
	if (flags != 0 && sb.st_uid != geteuid()) {
		snprintf(r->why, sizeof(r->why), "%s/%s.snaps belongs to "
		    "another user (%u)", ir->conf.storage->root, ir->conf.host,
		    (unsigned)sb.st_uid);
		*status = BS_FAIL;
		goto fail;
	}
	return st;
fail:
	store_close(st);
	return NULL;
}

struct mount_arg {
	const struct push	*push;
	const char		*where;
};

/* In the child.  The overlay is mounted over the storage itself: rsync sees
 * nothing of the store but its own target. */
static int
setup_overlay(void *arg)
{
	const struct mount_arg *m = arg;

	if (push_unshare() == -1 || push_mount(m->push, m->where) == -1) {
		dprintf(2, "%s: cannot mount the overlay: %s\n", m->where,
		    strerror(errno));
		return -1;
	}
	return 0;
}

/* Run rsync into a push that has begun.  Its exit status, or -1 with errno. */
static int
push_rsync(struct irsync *ir, const struct push_options *given,
    const struct push *p, struct run *r)
{
	struct push_options o = *given;
	struct mount_arg m = { p, ir->conf.storage->root };
	struct strv argv = { 0 };
	char *dest = NULL;
	int rc = -1;

	o.fake_super = geteuid() != 0;
	if (push_way(p) == STORE_WAY_LINKDEST)
		o.linkdests = push_linkdests(p);
	if (asprintf(&dest, "%s/", push_way(p) == STORE_WAY_OVERLAY ?
	    m.where : push_target(p)) == -1)
		return -1;
	if (argv_push(&argv, &ir->conf, &o, dest) == 0) {
		r->argv = &argv;
		r->setup = push_way(p) == STORE_WAY_OVERLAY ? setup_overlay :
		    NULL;
		r->arg = &m;
		/* All that could write is gone when rsync is. */
		r->namespaces = geteuid() == 0 ? CLONE_NEWPID : 0;
		rc = run_rsync(r);
		r->argv = NULL;
		r->arg = NULL;
	}
	strv_free(&argv);
	free(dest);
	return rc;
}

/* One try at a push.  The status; *again is set if the overlay could not be
 * mounted, which the store remembers. */
static int
push_once(struct irsync *ir, struct store *st, const struct push_options *o,
    struct run *r, bool *again)
{
	struct push_request rq = { .client = "local", .subdir = "",
	    .deletes = true, .way = geteuid() == 0 ? -1 : STORE_WAY_LINKDEST };
	struct push *p;
	int code, status;

	*again = false;
	if ((p = push_begin(st, &rq)) == NULL)
		return store_failed(ir, r, "cannot begin a snapshot");
	log_debug("%s: %s way%s", ir->conf.storage->root,
	    store_way_name(push_way(p)),
	    push_resumed(p) ? ", goes on with what came before" : "");
	code = push_rsync(ir, o, p, r);
	status = code == -1 ? BS_FAIL : exit_status(code, r->hint);
	if (code >= 0 && o->entries_min > r->counts.entries &&
	    r->counts.complete && push_way(p) == STORE_WAY_LINKDEST)
		r->shrunk = true;
	if (r->shrunk) {
		(void)push_failed(p, code);
	} else if (code == 0 || code == 23 || code == 24) {
		if (push_commit(p, code, &r->snapshot) == -1) {
			r->snapshot.stamp[0] = '\0';
			status = store_failed(ir, r, "cannot make the "
			    "snapshot");
		}
	} else {
		*again = code == SPAWN_SETUP_FAILED &&
		    push_way(p) == STORE_WAY_OVERLAY;
		(void)push_failed(p, code);
	}
	push_end(p);
	return status;
}

/* The newest snapshot's folder, for a dry run to compare with; an empty one
 * if there is none. */
static char *
newest_dir(struct irsync *ir, struct store *st)
{
	struct snapshot *v = NULL;
	size_t n = 0;
	char *dir = NULL;

	if (st != NULL && store_list(st, &v, &n) == -1)
		return NULL;
	if (asprintf(&dir, "%s/%s.snaps/%s", ir->conf.storage->root,
	    ir->conf.host, n > 0 ? v[n - 1].stamp : ".none/") == -1)
		dir = NULL;
	free(v);
	return dir;
}

/* What a push would do; nothing is written. */
static int
push_dry(struct irsync *ir, const struct push_options *given, struct run *r)
{
	struct push_options o = *given;
	struct store *st;
	struct strv argv = { 0 };
	char *dest;
	int code = -1;

	o.fake_super = geteuid() != 0;
	if ((st = store_open(ir->conf.storage->root, ir->conf.host, 0)) ==
	    NULL && errno != ENOENT)
		return store_failed(ir, r, "cannot open the store");
	if ((dest = newest_dir(ir, st)) != NULL &&
	    argv_push(&argv, &ir->conf, &o, dest) == 0) {
		r->argv = &argv;
		code = run_rsync(r);
		r->argv = NULL;
	}
	strv_free(&argv);
	free(dest);
	store_close(st);
	return code == -1 ? BS_FAIL : exit_status(code, r->hint);
}

int
local_push(struct irsync *ir, const struct push_options *o, struct run *r)
{
	struct store *st;
	bool again;
	int status = BS_FAIL;

	if (o->dry_run)
		return push_dry(ir, o, r);
	if ((st = open_store(ir, r, STORE_CREATE, &status)) == NULL)
		return status;
	status = push_once(ir, st, o, r, &again);
	if (again) {
		log_info("%s: going on without an overlay",
		    ir->conf.storage->root);
		run_forget(r);
		status = push_once(ir, st, o, r, &again);
	}
	store_close(st);
	return status;
}

int
local_list(struct irsync *ir, struct run *r, struct snapshot **v, size_t *n)
{
	struct store *st;
	int status = BS_OK;

	*v = NULL;
	*n = 0;
	if ((st = store_open(ir->conf.storage->root, ir->conf.host, 0)) ==
	    NULL) {
		/* Nothing was ever backed up there, or there is nothing? */
		if (errno == ENOENT &&
		    access(ir->conf.storage->root, F_OK) == 0)
			return BS_OK;
		return store_failed(ir, r, "cannot open the store");
	}
	if (store_list(st, v, n) == -1)
		status = store_failed(ir, r, "cannot list the snapshots");
	store_close(st);
	return status;
}

bool
path_leads_out(int dirfd, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	char *parent, *slash;
	bool out;
	long fd;

	path += strspn(path, "/");
	if ((parent = strdup(path)) == NULL)
		return true;
	if ((slash = strrchr(parent, '/')) == NULL)
		slash = parent;
	*slash = '\0';
	fd = syscall(SYS_openat2, dirfd, *parent != '\0' ? parent : ".", &how,
	    sizeof(how));
	out = fd == -1 && (errno == ELOOP || errno == EXDEV);
	if (fd != -1)
		close((int)fd);
	free(parent);
	return out;
}

/* rsync would follow a symbolic link above a path out of the snapshot, and
 * restore the living file.  0, or -1 and why. */
static int
check_inside(int dirfd, const struct strv *paths, struct run *r)
{
	size_t i;

	for (i = 0; i < paths->n; i++)
		if (path_leads_out(dirfd, paths->v[i])) {
			snprintf(r->why, sizeof(r->why), "%s: a folder above "
			    "it is a symbolic link in that snapshot",
			    paths->v[i]);
			return -1;
		}
	return 0;
}

int
local_restore(struct irsync *ir, const char *stamp,
    const struct strv *paths, const char *dest, struct restore_options *o,
    struct run *r)
{
	struct strv argv = { 0 };
	struct store *st;
	struct stat sb;
	char *src = NULL;
	int fd = -1, code = -1, status = BS_FAIL;

	if ((st = open_store(ir, r, 0, &status)) == NULL)
		return status;
	/* Held to the end: rotation leaves a snapshot that is read alone. */
	if ((fd = store_snapshot_open(st, stamp)) == -1 ||
	    fstat(store_fd(st), &sb) == -1) {
		status = store_failed(ir, r, stamp);
		goto out;
	}
	if (check_inside(fd, paths, r) == -1)
		goto out;
	o->fake_super = sb.st_uid != 0;
	if (asprintf(&src, "%s/%s.snaps/%s", ir->conf.storage->root,
	    ir->conf.host, stamp) == -1) {
		src = NULL;
		goto out;
	}
	if (argv_restore(&argv, &ir->conf, src, paths->n > 0, dest, o) == 0) {
		r->argv = &argv;
		code = run_rsync(r);
		r->argv = NULL;
	}
	status = code == -1 ? BS_FAIL : exit_status(code, r->hint);
out:
	strv_free(&argv);
	free(src);
	if (fd != -1)
		close(fd);
	store_close(st);
	return status;
}
