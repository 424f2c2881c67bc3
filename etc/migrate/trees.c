/* trees.c: the commands that move old trees, and the one that takes it back.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "file.h"
#include "migrate.h"
#include "text.h"

/* "UID:GID" */
static void
owner_parse(const char *text, struct owner *o)
{
	const char *wrong;
	char *copy, *colon;

	if (text == NULL)
		return;
	if ((copy = strdup(text)) == NULL)
		err(BS_FAIL, NULL);
	if ((colon = strchr(copy, ':')) == NULL)
		errx(BS_USAGE, "-o: %s: not UID:GID", text);
	*colon++ = '\0';
	o->uid = (uid_t)strtonum(copy, 0, UINT32_MAX - 1LL, &wrong);
	if (wrong == NULL)
		o->gid = (gid_t)strtonum(colon, 0, UINT32_MAX - 1LL, &wrong);
	if (wrong != NULL)
		errx(BS_USAGE, "-o: %s: not UID:GID", text);
	o->given = true;
	free(copy);
}

static char *
prefix_parse(const char *text)
{
	char *p;

	if (text == NULL)
		text = "";
	else if (*text++ != '/')
		errx(BS_USAGE, "-p: not an absolute path");
	if ((p = strdup(text)) == NULL)
		err(BS_FAIL, NULL);
	if (*p != '\0' && p[strlen(p) - 1] == '/')
		p[strlen(p) - 1] = '\0';
	if (strcmp(p, ".") == 0 || strncmp(p, "./", 2) == 0 ||
	    strstr(p, "//") != NULL || strstr(p, "..") != NULL ||
	    strstr(p, "/./") != NULL)
		errx(BS_USAGE, "-p: /%s: write it without . and ..", p);
	return p;
}

static char *
absolute(const char *path)
{
	char *p;

	if ((p = realpath(path, NULL)) == NULL)
		err(BS_FAIL, "%s", path);
	return p;
}

/* The old tree's folder, open and locked against another run. */
static int
dir_open(const char *dir)
{
	int fd;

	if ((fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		err(BS_FAIL, "%s", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1)
		err(exit_of_errno(errno), "%s", dir);
	return fd;
}

/* Read a ledger.  1, or 0 if there is none; exits where it is no good.  The
 * folder may be an account's, which could have put a plan of its own there. */
static int
ledger_load(int dirfd, const char *name, struct moves *m)
{
	struct diag d = { 0 };
	size_t len;
	char *text;

	if ((text = file_read_trusted_at(dirfd, name, LEDGER_MAX,
	    &len)) == NULL) {
		if (errno == ENOENT)
			return 0;
		if (errno == EPERM)
			errx(BS_FAIL, "%s: another's plan, not yours or root's",
			    name);
		err(BS_FAIL, "%s", name);
	}
	if (ledger_parse(text, len, m, &d) == -1)
		errx(BS_FAIL, "%s:%u: %s", name, d.line, d.msg);
	free(text);
	return 1;
}

static void
ledger_save(int dirfd, const struct moves *m)
{
	char *text;

	if ((text = ledger_format(m)) == NULL)
		err(BS_FAIL, NULL);
	if (file_replace_at(dirfd, LEDGER, text, strlen(text), 0600, true) == -1)
		err(exit_of_errno(errno), "%s", LEDGER);
	free(text);
}

/* The plan has been carried out: what is left of it is the way back, which is
 * told to that stream. */
static int
ledger_close(int dirfd, const struct moves *m, FILE *tell)
{
	char name[sizeof(LEDGER_DONE) + STAMP_SIZE + 16], stamp[STAMP_SIZE];
	struct stat st;
	int i;

	if (stamp_format(stamp, time(NULL)) == -1)
		strlcpy(stamp, "unknown", sizeof(stamp));
	snprintf(name, sizeof(name), LEDGER_DONE "%s", stamp);
	for (i = 1; fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0; i++)
		snprintf(name, sizeof(name), LEDGER_DONE "%s.%d", stamp, i);
	if (renameat(dirfd, LEDGER, dirfd, name) == -1 ||
	    dir_sync(dirfd) == -1) {
		warn("%s", LEDGER);
		return exit_of_errno(errno);
	}
	fprintf(tell, "moved %zu; to go back: backshelf-migrate undo ", m->n);
	text_print(tell, m->dir);
	fprintf(tell, "/%s\n", name);
	return BS_OK;
}

/* Standard output is for the plan alone where a program reads it. */
static int
carry_out(const struct options *o, struct moves *m, int dirfd)
{
	FILE *tell = o->json ? stderr : stdout;
	int rc;

	rc = moves_act(m, dirfd, o->verbose);
	return rc == BS_OK ? ledger_close(dirfd, m, tell) : rc;
}

/* Was a plan made for the command that is given now? */
static bool
is_asked(const struct moves *m, const struct moves *asked)
{
	return strcmp(m->source, asked->source) == 0 &&
	    strcmp(m->dir, asked->dir) == 0 &&
	    strcmp(m->root, asked->root) == 0 &&
	    strcmp(m->prefix, asked->prefix) == 0 &&
	    m->owner.given == asked->owner.given &&
	    m->owner.uid == asked->owner.uid &&
	    m->owner.gid == asked->owner.gid;
}

/* Go on with what an earlier run has begun. */
static int
go_on(const struct options *o, int dirfd, struct moves *m,
    const struct moves *asked)
{
	if (!is_asked(m, asked))
		errx(BS_FAIL, "%s/%s: another move was begun, %s in %s to %s; "
		    "go on by the command that began it, or take it back by "
		    "undo", asked->dir, LEDGER, m->source, m->dir, m->root);
	warnx("%s: going on with the move that was begun", m->dir);
	if (o->dry || o->json)
		moves_print(&(struct find){ .o = o, .m = *m });
	if (o->dry)
		return BS_OK;
	return carry_out(o, m, dirfd);
}

/* Why owners will be wrong, where it can be known. */
static void
hint(const struct find *f)
{
	struct stat st;

	if (strcmp(f->m.source, "irsync") == 0 && !f->m.owner.given &&
	    f->m.n > 0 && stat(f->m.root, &st) == 0 && st.st_uid != 0)
		warnx("note: irsync did not keep the owners of files in an "
		    "account's store; -o says which to assume");
}

static int
begin(struct find *f, int dirfd)
{
	int rc;

	rc = moves_plan(f, dirfd);
	if (f->o->dry || f->o->json || rc == -1)
		moves_print(f);
	if (rc == -1) {
		if (!f->o->dry)
			warnx("nothing was moved");
		return BS_FAIL;
	}
	hint(f);
	if (f->o->dry)
		return BS_OK;
	if (f->m.n == 0) {
		if (!f->o->json)
			puts("nothing to move");
		return BS_OK;
	}
	ledger_save(dirfd, &f->m);
	if ((rc = carry_out(f->o, &f->m, dirfd)) == BS_OK)
		return BS_OK;
	warnx("the move stopped half way; run the same command again, or "
	    "backshelf-migrate undo %s/%s", f->m.dir, LEDGER);
	return rc;
}

int
cmd_tree(const struct options *o, const char *source, find_fn *search,
    char **args)
{
	struct find f = { .o = o };
	char *dir = absolute(*args++);
	struct moves old;
	int dirfd, rc;

	owner_parse(o->owner, &f.m.owner);
	dirfd = dir_open(dir);
	f.m.dir = dir;
	f.m.root = absolute(o->root != NULL ? o->root : dir);
	f.m.prefix = prefix_parse(o->path);
	if ((f.m.source = strdup(source)) == NULL)
		err(BS_FAIL, NULL);
	if (ledger_load(dirfd, LEDGER, &old) == 1) {
		rc = go_on(o, dirfd, &old, &f.m);
		moves_free(&old);
	} else {
		search(&f, dirfd, args);
		rc = begin(&f, dirfd);
	}
	find_free(&f);
	close(dirfd);
	return rc;
}

int
cmd_undo(const struct options *o, char **args)
{
	struct moves m;
	const char *base;
	char *path = absolute(args[0]), *dir;
	int dirfd, rc;

	base = strrchr(path, '/') + 1;
	if ((dir = strndup(path, (size_t)(base - path))) == NULL)
		err(BS_FAIL, NULL);
	dirfd = dir_open(dir);
	if (ledger_load(dirfd, base, &m) == 0)
		err(BS_FAIL, "%s", path);
	if (strncmp(m.dir, dir, strlen(m.dir)) != 0 ||
	    strcmp(dir + strlen(m.dir), "/") != 0)
		errx(BS_FAIL, "%s: the plan of a move in %s", path, m.dir);
	rc = moves_undo(&m, dirfd, o->dry);
	if (rc == BS_OK && !o->dry && unlinkat(dirfd, base, 0) == -1) {
		warn("%s", path);
		rc = BS_FAIL;
	}
	moves_free(&m);
	free(dir);
	free(path);
	close(dirfd);
	return rc;
}
