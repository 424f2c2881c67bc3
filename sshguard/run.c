/* run.c: carrying a verdict out: the store, the child, the snapshot.
 * No judgement is left to make here: decide.c made it.
 *
 * A push: the store begins one, rsync runs in a jail that holds its overlay as
 * /HOST.full, and what it ended with decides whether that becomes a snapshot.
 * A pull, or a push that is only tried (-n): rsync runs in a jail that holds
 * the snapshots read-only, each kept from rotation by a shared lock.
 * Where namespaces are not to be had, it runs in the machine's own root, under
 * Landlock.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "exits.h"
#include "human.h"
#include "run.h"
#include "store.h"

#define RULES_MAX	64	/* of Landlock; more snapshots: one for all */
#define NAME_SIZE	(STORE_HOST_MAX + 16)

/* One verdict being carried out. */
struct job {
	const struct inquiry	*q;
	const struct verdict	*v;
	const struct journal	*j;
	char			 full[NAME_SIZE];	/* "HOST.full" */
	char			 snaps[NAME_SIZE];	/* "HOST.snaps" */
	char			 top[NAME_SIZE];	/* "/HOST.full" */
	struct jail		 jail;
	bool			 own_root;	/* the jail is used */
	struct scene		 scene;
	struct strv		 texts;		/* what scene and rules point
						 * into */
	struct strv		 linkdests;
	struct sandbox_rule	 rules[RULES_MAX];
	size_t			 n_rules;
};

static void
job_init(struct job *b, const struct inquiry *q, const struct verdict *v,
    const struct journal *j)
{
	memset(b, 0, sizeof(*b));
	b->q = q;
	b->v = v;
	b->j = j;
	b->own_root = true;
	snprintf(b->full, sizeof(b->full), "%s.full", q->client);
	snprintf(b->snaps, sizeof(b->snaps), "%s.snaps", q->client);
	run_scene(q, &b->scene, b->top, sizeof(b->top));
}

/* Ready to be filled for another try. */
static void
job_reset(struct job *b)
{
	jail_free(&b->jail);
	strv_free(&b->texts);
	strv_free(&b->linkdests);
	b->n_rules = 0;
	run_scene(b->q, &b->scene, b->top, sizeof(b->top));
}

void
run_scene(const struct inquiry *q, struct scene *sc, char *full, size_t size)
{
	memset(sc, 0, sizeof(*sc));
	snprintf(full, size, "/%s.full", q->client);
	sc->rsync = q->policy->rsync;
	sc->dest = full;
	sc->host = q->client;
}

/* A formatted string that lives as long as the job's try; NULL with errno. */
static const char *text(struct job *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static const char *
text(struct job *b, const char *fmt, ...)
{
	char buf[8192];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(buf)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	if (strv_add(&b->texts, buf) == -1)
		return NULL;
	return b->texts.v[b->texts.n - 1];
}

/* Allow a path; NULL is one that memory was too short for. */
static int
rule(struct job *b, const char *path, enum sandbox_access access)
{
	if (path == NULL)
		return -1;
	if (b->n_rules == RULES_MAX) {
		errno = E2BIG;
		return -1;
	}
	b->rules[b->n_rules].path = path;
	b->rules[b->n_rules++].access = access;
	return 0;
}

/* What every program needs. */
static int
rules_begin(struct job *b)
{
	static const char *const libraries[] = { "/usr/lib", "/usr/lib64",
	    "/usr/lib32", "/lib", "/lib64", "/lib32" };
	size_t i;
	int rc = 0;

	b->n_rules = 0;
	for (i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		rc |= rule(b, libraries[i], SANDBOX_EXEC);
	rc |= rule(b, b->q->policy->rsync, SANDBOX_EXEC);
	return rc | rule(b, "/dev/null", SANDBOX_DEVICE);
}

static int
exit_of(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return BS_NOSPACE;
	case EIO:
		return BS_IO;
	case EWOULDBLOCK:
		return BS_BUSY;
	default:
		return BS_FAIL;
	}
}

/* Tell that something of ours failed, by errno.  The exit status. */
static int
failed(const struct job *b, const char *what)
{
	int saved = errno;

	journal_tell(b->j, "%s: %s: %s", b->q->client, what,
	    saved == EWOULDBLOCK ? "another push of this client is running" :
	    strerror(saved));
	return exit_of(saved);
}

/* Does the program know an option?  Its long options are strings in it. */
static bool
program_knows(const char *path, const char *option)
{
	struct stat st;
	bool found = false;
	void *p;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
	    0)) != MAP_FAILED) {
		found = memmem(p, (size_t)st.st_size, option,
		    strlen(option) + 1) != NULL;
		munmap(p, (size_t)st.st_size);
	}
	close(fd);
	return found;
}

/* Without a jail rsync's own confinement is put on, if it has it. */
static int
scene_without_jail(struct job *b)
{
	const char *root = b->q->policy->root;

	if (b->own_root || !program_knows(b->scene.rsync, "confine-root"))
		return 0;
	b->scene.confine = text(b, "%s/%s", root, b->snaps);
	return b->scene.confine == NULL ? -1 : 0;
}

/* Build the argument vector and run rsync. */
static int
run_rsync(struct job *b, struct ending *e)
{
	struct child c = { 0 };
	struct strv argv = { 0 };
	int rc = -1;

	if (scene_without_jail(b) == -1 ||
	    decide_argv(b->v, &b->scene, &argv) == -1)
		goto out;
	b->jail.rsync = b->scene.rsync;
	b->jail.uid = getuid();
	b->jail.gid = getgid();
	c.argv = argv.v;
	c.jail = b->own_root ? &b->jail : NULL;
	c.cwd = b->q->policy->root;
	c.rules = b->rules;
	c.n_rules = b->n_rules;
	c.sandbox = b->v->who->sandbox;
	child_run(&c, e);
	rc = 0;
out:
	strv_free(&argv);
	return rc;
}

/* The jail could not be made.  May it be done without one?  If so, once. */
static bool
do_without_jail(struct job *b, const struct ending *e)
{
	if (e->started || !b->own_root)
		return false;
	if (b->v->who->sandbox && !sandbox_landlock_works())
		return false;
	b->own_root = false;
	journal_log(b->j, "%s: %s: %s: no root of its own for rsync; "
	    "Landlock alone confines it", b->q->client, e->why,
	    strerror(e->error));
	return true;
}

static int
not_started(const struct job *b, const struct ending *e)
{
	journal_tell(b->j, "%s: rsync was not started: %s: %s",
	    b->q->client, e->why, strerror(e->error));
	return exit_of(e->error);
}

/*
 * Pushes.
 */

/* Put a folder of the root of all stores into the jail; takes fd. */
static int
show(struct job *b, const char *name, int fd, const char *below, bool writable)
{
	const char *path = text(b, "%s/%s", b->q->policy->root, below);

	if (path == NULL) {
		close(fd);
		return -1;
	}
	return jail_add(&b->jail, name, fd, path, writable);
}

/* A path of the store's in the scene: the same, or below /HOST.snaps. */
static const char *
place_of(struct job *b, const char *path)
{
	char in[NAME_SIZE + 2];
	const char *p;

	if (!b->own_root)
		return path;
	snprintf(in, sizeof(in), "/%s/", b->snaps);
	if ((p = strstr(path, in)) == NULL) {
		errno = EINVAL;
		return NULL;
	}
	return text(b, "%s", p);
}

static int
prepare_linkdest(struct job *b, struct store *st, const struct push *p)
{
	const struct strv *ld = push_linkdests(p);
	const char *place;
	size_t i;
	int fd;

	if (b->own_root && ((fd = fcntl(store_fd(st), F_DUPFD_CLOEXEC,
	    3)) == -1 || show(b, b->snaps, fd, b->snaps, true) == -1))
		return -1;
	for (i = 0; i < ld->n; i++)
		if ((place = place_of(b, ld->v[i])) == NULL ||
		    strv_add(&b->linkdests, place) == -1 ||
		    rule(b, place, SANDBOX_LINK) == -1)
			return -1;
	b->scene.linkdests = &b->linkdests;
	b->scene.dest = place_of(b, push_target(p));
	return rule(b, b->scene.dest, SANDBOX_WRITE);
}

/* Are there attributes on the server's own files that no user has set? */
static bool
is_labelled(int fd)
{
	char names[4096], *p;
	ssize_t n = flistxattr(fd, names, sizeof(names));

	for (p = names; n > 0 && p < names + n; p += strlen(p) + 1)
		if (strncmp(p, "user.", 5) != 0)
			return true;
	return false;
}

static int
prepare_push(struct job *b, struct store *st, const struct push *p)
{
	job_reset(b);
	b->scene.labelled = is_labelled(store_fd(st));
	if (rules_begin(b) == -1)
		return -1;
	if (push_way(p) == STORE_WAY_LINKDEST)
		return prepare_linkdest(b, st, p);
	b->jail.push = p;
	b->jail.at = b->full;
	return rule(b, b->scene.dest, SANDBOX_WRITE);
}

static void
say_snapshot(const struct job *b, const struct snapshot *s)
{
	char size[HUMAN_SIZE];

	human_size(size, s->bytes_new);
	journal_log(b->j, "%s: snapshot %s %s: %" PRIu64 " entries, %" PRIu64
	    " linked, %" PRIu64 " moved, %" PRIu64 " dropped, %s on disk "
	    "(%s)", b->q->client, s->stamp, snapshot_status_name(s->status),
	    s->entries, s->linked, s->moved, s->dropped, size,
	    store_way_name(s->way));
	if ((b->v->rq.effects & RSYNC_VERBOSE) != 0)
		dprintf(2, "backshelf: snapshot %s %s: %" PRIu64 " entries, %"
		    PRIu64 " linked, %" PRIu64 " moved, %" PRIu64
		    " dropped, %s on disk\n", s->stamp,
		    snapshot_status_name(s->status), s->entries, s->linked,
		    s->moved, s->dropped, size);
}

/* rsync has run: make a snapshot of what it brought, or keep that for the
 * next push. */
static int
finish_push(struct job *b, struct push *p, const struct ending *e)
{
	struct snapshot made;

	journal_log(b->j, "%s: push from %s: rsync ended with %d after %ld s",
	    b->q->client, b->q->address != NULL ? b->q->address : "here",
	    e->status, e->seconds);
	switch (e->status) {
	case BS_OK:
	case BS_PARTIAL:
	case BS_VANISHED:
		if (push_commit(p, e->status, &made) == -1)
			return failed(b, "no snapshot was made");
		say_snapshot(b, &made);
		break;
	default:
		if (push_failed(p, e->status) == 1)
			journal_tell(b->j, "%s: the disk is full; what the "
			    "push brought was freed", b->q->client);
		else
			journal_log(b->j, "%s: what the push brought is kept "
			    "for the next", b->q->client);
	}
	return e->status;
}

/* One try to push.  The exit status; *again if another way may do. */
static int
try_push(struct job *b, struct store *st, const struct push_request *rq,
    bool *again)
{
	struct ending e = { 0 };
	struct push *p;
	int rc;

	*again = false;
	if ((p = push_begin(st, rq)) == NULL)
		return failed(b, "no push was begun");
	if (push_way(p) == STORE_WAY_LINKDEST &&
	    (b->v->rq.effects & RSYNC_INPLACE) != 0) {
		push_end(p);
		journal_tell(b->j, "%s: --inplace and --append would write "
		    "into files that snapshots share; leave them out",
		    b->q->client);
		return BS_REFUSED;
	}
	if (prepare_push(b, st, p) == -1 || run_rsync(b, &e) == -1) {
		rc = failed(b, "rsync was not started");
	} else if (e.started) {
		rc = finish_push(b, p, &e);
		push_end(p);
		return rc;
	} else if (push_way(p) == STORE_WAY_OVERLAY && rq->way == -1 &&
	    strcmp(e.why, "the overlay") == 0) {
		*again = true;		/* the store knows, and goes on by
					 * the other */
		rc = BS_FAIL;
	} else if (push_way(p) == STORE_WAY_LINKDEST &&
	    do_without_jail(b, &e)) {
		*again = true;
		rc = BS_FAIL;
	} else
		rc = not_started(b, &e);
	(void)push_failed(p, -1);
	push_end(p);
	return rc;
}

static int
run_push(struct job *b)
{
	struct push_request rq = {
		.client = b->q->address != NULL ? b->q->address : "local",
		.subdir = b->v->subdir,
		.deletes = (b->v->rq.effects & RSYNC_DELETE) != 0,
		.way = b->v->who->way,
	};
	struct store *st;
	bool again = true;
	int tries, rc = BS_FAIL;

	if ((st = store_open(b->q->policy->root, b->q->client,
	    STORE_CREATE)) == NULL)
		return failed(b, b->q->policy->root);
	for (tries = 0; again && tries < 3; tries++)
		rc = try_push(b, st, &rq, &again);
	store_close(st);
	return rc;
}

/*
 * Pulls, and pushes that are only tried.
 */

/* The snapshot that HOST.full stands for: for a pull the newest complete one,
 * for a push the newest of all.  NULL if there is none. */
static const struct snapshot *
newest(const struct job *b, const struct snapshot *s, size_t n)
{
	while (n-- > 0)
		if (b->v->kind == VERDICT_PUSH ||
		    s[n].status != SNAPSHOT_PARTIAL)
			return &s[n];
	return NULL;
}

/* Show a snapshot under a name, locked against rotation for as long as we
 * live. */
static int
show_snapshot(struct job *b, struct store *st, const char *stamp,
    const char *name)
{
	char below[2 * NAME_SIZE];
	int fd;

	if ((fd = store_snapshot_open(st, stamp)) == -1)
		return errno == ENOENT ? 0 : -1;	/* rotated meanwhile */
	snprintf(below, sizeof(below), "%s/%s", b->snaps, stamp);
	return show(b, name, fd, below, false);
}

static int
show_stamps(struct job *b, struct store *st, const struct snapshot *s,
    size_t n)
{
	char name[2 * NAME_SIZE];
	size_t i;

	if (jail_add_empty(&b->jail, b->snaps, n > 0 ? s[n - 1].time : 0) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s/%s", b->snaps, s[i].stamp);
		if (b->v->all || strv_has(&b->v->stamps, s[i].stamp) ?
		    show_snapshot(b, st, s[i].stamp, name) == -1 :
		    jail_add_empty(&b->jail, name, s[i].time) == -1)
			return -1;
	}
	return 0;
}

static int
show_records(struct job *b, struct store *st)
{
	char name[NAME_SIZE + 8];
	int fd;

	if ((fd = openat(store_fd(st), ".meta", O_PATH | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : -1;
	snprintf(name, sizeof(name), "%s/.meta", b->snaps);
	return show(b, name, fd, name, false);
}

/* HOST.full, which is empty to a push before the first one. */
static int
show_full(struct job *b, struct store *st, const struct snapshot *s)
{
	const char *root = b->q->policy->root;

	if (s == NULL) {
		b->scene.dest = b->own_root ? b->top :
		    text(b, "%s/%s/.push/none", root, b->snaps);
		return b->v->kind == VERDICT_PULL ? 0 :
		    jail_add_empty(&b->jail, b->full, 0);
	}
	if (b->own_root)
		return show_snapshot(b, st, s->stamp, b->full);
	b->scene.full = text(b, "%s/%s", b->snaps, s->stamp);
	b->scene.dest = text(b, "%s/%s/%s", root, b->snaps, s->stamp);
	return show_snapshot(b, st, s->stamp, b->full);
}

static int
prepare_reading(struct job *b, struct store *st)
{
	struct snapshot *s = NULL;
	size_t n = 0;
	int rc = -1;

	job_reset(b);
	if (rules_begin(b) == -1 || store_list(st, &s, &n) == -1)
		return -1;
	if ((b->v->full || b->v->kind == VERDICT_PUSH) &&
	    show_full(b, st, newest(b, s, n)) == -1)
		goto out;
	if (b->v->kind == VERDICT_PULL && show_stamps(b, st, s, n) == -1)
		goto out;
	if (b->v->meta && show_records(b, st) == -1)
		goto out;
	if (b->own_root)
		rc = rule(b, b->top, SANDBOX_READ) |
		    rule(b, text(b, "/%s", b->snaps), SANDBOX_READ);
	else
		rc = rule(b, text(b, "%s/%s", b->q->policy->root, b->snaps),
		    SANDBOX_READ);
out:
	free(s);
	return rc;
}

static int
run_reading(struct job *b)
{
	const char *what = b->v->kind == VERDICT_PULL ? "pull" : "trial push";
	struct ending e = { 0 };
	struct store *st;
	int rc;

	if ((st = store_open(b->q->policy->root, b->q->client,
	    b->v->kind == VERDICT_PUSH ? STORE_CREATE : 0)) == NULL) {
		if (errno != ENOENT)
			return failed(b, b->q->policy->root);
		journal_tell(b->j, "%s: there are no snapshots yet",
		    b->q->client);
		return BS_FAIL;
	}
	do {
		if (prepare_reading(b, st) == -1 || run_rsync(b, &e) == -1) {
			rc = failed(b, "rsync was not started");
			goto out;
		}
	} while (do_without_jail(b, &e));
	if (!e.started) {
		rc = not_started(b, &e);
		goto out;
	}
	journal_log(b->j, "%s: %s from %s: rsync ended with %d after %ld s",
	    b->q->client, what, b->q->address != NULL ? b->q->address :
	    "here", e.status, e.seconds);
	rc = e.status;
out:
	store_close(st);
	return rc;
}

int
run_verdict(const struct inquiry *q, const struct verdict *v,
    const struct journal *j)
{
	struct job b;
	int rc;

	child_block_signals();
	job_init(&b, q, v, j);
	if (v->kind == VERDICT_PUSH && !v->dry_run)
		rc = run_push(&b);
	else
		rc = run_reading(&b);
	job_reset(&b);
	return rc;
}
