/* run.c: carrying a verdict out: what pushes and pulls have in common.
 * No judgement is left to make here: decide.c made it.
 *
 * rsync runs in a jail; where namespaces are not to be had, in the machine's
 * own root, under Landlock alone.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "exits.h"
#include "human.h"
#include "job.h"
#include "run.h"
#include "session.h"

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

void
job_reset(struct job *b)
{
	jail_free(&b->jail);
	memset(&b->jail, 0, sizeof(b->jail));
	strv_free(&b->texts);
	strv_free(&b->linkdests);
	b->n_rules = 0;
	b->file_max = 0;
	memset(&b->watch, 0, sizeof(b->watch));
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

const char *
job_text(struct job *b, const char *fmt, ...)
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

int
job_rule(struct job *b, const char *path, enum sandbox_access access)
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

int
job_rules(struct job *b)
{
	static const char *const libraries[] = { "/usr/lib", "/usr/lib64",
	    "/usr/lib32", "/lib", "/lib64", "/lib32" };
	size_t i;
	int rc = 0;

	b->n_rules = 0;
	for (i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		rc |= job_rule(b, libraries[i], SANDBOX_EXEC);
	rc |= job_rule(b, b->q->policy->rsync, SANDBOX_EXEC);
	return rc | job_rule(b, "/dev/null", SANDBOX_DEVICE);
}

int
job_failed(const struct job *b, const char *what)
{
	int saved = errno;

	journal_tell(b->j, "%s: %s: %s", b->q->client, what,
	    saved == EWOULDBLOCK ? "another push of this client is running" :
	    strerror(saved));
	return exit_of_errno(saved);
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

/* Without a jail rsync's own confinement is put on, if it has it.  In one that
 * holds an overlay, or snapshots to read, it only costs time: half of that of
 * a push of which nothing has changed.  (The linkdest way shows rsync a
 * snapshot that it could write to.) */
static int
scene_confine(struct job *b)
{
	const char *root = b->q->policy->root;

	b->scene.walled = b->own_root && b->scene.linkdests == NULL &&
	    program_knows(b->scene.rsync, "insecure-links");
	if (b->own_root || !program_knows(b->scene.rsync, "confine-root"))
		return 0;
	b->scene.confine = job_text(b, "%s/%s", root, b->snaps);
	return b->scene.confine == NULL ? -1 : 0;
}

/* Log what is run. */
static void
log_argv(const struct job *b, const struct strv *argv)
{
	char line[JOURNAL_LINE / 2] = "";
	size_t i;

	for (i = 0; i < argv->n; i++) {
		(void)strlcat(line, " ", sizeof(line));
		(void)strlcat(line, argv->v[i], sizeof(line));
	}
	journal_log(b->j, "%s: runs:%s", b->q->client, line);
}

void
job_log_end(const struct job *b, const char *what, const struct ending *e)
{
	char in[HUMAN_SIZE], out[HUMAN_SIZE];

	human_size(in, e->bytes_in);
	human_size(out, e->bytes_out);
	journal_log(b->j, "%s: %s from %s: %s ended with %d after %ld s, read "
	    "%s, wrote %s", b->q->client, what, b->q->address != NULL ?
	    b->q->address : "here", b->v->kind == VERDICT_COMMAND ? "it" :
	    "rsync", e->status, e->seconds, in, out);
}

int
job_sit(const struct job *b, const struct store *st)
{
	unsigned max = b->v->who->sessions;

	if (max == 0 || session_take(store_fd(st), max) == 0)
		return BS_OK;
	if (errno != EWOULDBLOCK)
		return job_failed(b, "sessions");
	journal_tell(b->j, "%s: the policy allows %u session%s at a time",
	    b->q->client, max, max == 1 ? "" : "s");
	return BS_BUSY;
}

int
job_run(struct job *b, struct ending *e)
{
	struct child c = { 0 };
	struct strv argv = { 0 };
	int rc = -1;

	if (scene_confine(b) == -1 ||
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
	c.profile = SANDBOX_RSYNC;
	c.file_max = b->file_max;
	c.patience = b->v->who->timeout;
	c.watch = b->watch;
	/* What rsync sends, its own --bwlimit holds back. */
	c.in_kib = b->v->kind == VERDICT_PUSH ? b->v->who->bwlimit : 0;
	log_argv(b, &argv);
	child_run(&c, e);
	rc = 0;
out:
	strv_free(&argv);
	return rc;
}

/* Does this error say that the kernel does not let the account have it, rather
 * than that there is none left just now?  A client that could use something up
 * must not get itself confined by less. */
static bool
is_for_good(int error)
{
	char c = '1';
	int fd;

	switch (error) {
	case EPERM:
	case EACCES:
	case ENOSYS:
	case ENODEV:
	case EINVAL:
	case EOPNOTSUPP:
		return true;
	case ENOSPC:	/* user namespaces: no more, or none at all */
		if ((fd = open("/proc/sys/user/max_user_namespaces",
		    O_RDONLY | O_CLOEXEC)) == -1)
			return false;
		if (read(fd, &c, 1) != 1)
			c = '1';
		close(fd);
		return c == '0';
	default:
		return false;
	}
}

bool
job_not_to_be_had(const struct ending *e)
{
	return !e->started && is_for_good(e->error);
}

bool
job_without_jail(struct job *b, const struct ending *e)
{
	if (!job_not_to_be_had(e) || !b->own_root)
		return false;
	if (b->v->who->sandbox && !sandbox_landlock_works())
		return false;
	b->own_root = false;
	journal_log(b->j, "%s: %s: %s: no root of its own for rsync; %s "
	    "confines it", b->q->client, e->why, strerror(e->error),
	    b->v->who->sandbox ? "Landlock alone" : "nothing");
	return true;
}

int
job_not_started(const struct job *b, const struct ending *e)
{
	journal_tell(b->j, "%s: %s was not started: %s: %s", b->q->client,
	    b->v->kind == VERDICT_COMMAND ? b->v->command.v[0] : "rsync",
	    e->why, strerror(e->error));
	return exit_of_errno(e->error);
}

int
job_show(struct job *b, const char *name, int fd, const char *below,
    bool writable)
{
	const char *path = job_text(b, "%s/%s", b->q->policy->root, below);

	if (path == NULL) {
		close(fd);
		return -1;
	}
	return jail_add(&b->jail, name, fd, path, writable);
}

void
job_open_many(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

int
run_verdict(const struct inquiry *q, const struct verdict *v,
    const struct journal *j)
{
	struct job b;
	int rc;

	child_block_signals();
	job_init(&b, q, v, j);
	if (v->kind == VERDICT_COMMAND)
		rc = job_command(&b);
	else if (v->kind == VERDICT_PUSH && !v->dry_run)
		rc = job_push(&b);
	else
		rc = job_read(&b);
	job_reset(&b);
	return rc;
}
