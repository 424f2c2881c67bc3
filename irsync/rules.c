/* rules.c: what is left out, where one must look at the disk to know it: files
 * of patterns, folders that a file in them marks, other file systems.
 * rsync reads these rules from its standard input, each ended by a NUL.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "facts.h"
#include "irsync.h"
#include "log.h"

#define CACHEDIR_TAG	"CACHEDIR.TAG"
#define CACHEDIR_SIG	"Signature: 8a477f597d28d172789f06886806bc55"

static const struct path_conf *
path_find(const struct irsync_conf *c, const char *path)
{
	size_t i;

	for (i = 0; i < c->npath; i++)
		if (strcmp(c->path[i].path, path) == 0)
			return &c->path[i];
	return NULL;
}

bool
path_one_file_system(const struct irsync_conf *c, const char *path)
{
	const struct path_conf *p = path_find(c, path);

	return p != NULL ? p->one_file_system : c->one_file_system;
}

bool
path_optional(const struct irsync_conf *c, const char *path)
{
	const struct path_conf *p = path_find(c, path);

	return p != NULL && p->optional;
}

bool
paths_one_file_system(const struct irsync_conf *c)
{
	size_t i;

	for (i = 0; i < c->paths.n; i++)
		if (!path_one_file_system(c, c->paths.v[i]))
			return false;
	return c->paths.n > 0;
}

/* Write "SIGN PATH/REST", the path meant literally. */
static int
put(FILE *f, char sign, const char *path, const char *rest)
{
	char *base;

	if ((base = rsync_pattern(strcmp(path, "/") == 0 ? "" : path,
	    strpbrk(rest, "*?[") != NULL)) == NULL)
		return -1;
	fprintf(f, "%c %s/%s%c", sign, base, rest, '\0');
	free(base);
	return ferror(f) ? -1 : 0;
}

/* One pattern of a path's section as rules of a push, each ended by a NUL, for
 * names in full.  0, or -1. */
static int
rules_below(FILE *f, const char *path, const char *pattern)
{
	char sign = '-', *deep;
	int rc;

	if (strncmp(pattern, "+ ", 2) == 0 || strncmp(pattern, "- ", 2) == 0) {
		sign = pattern[0];
		pattern += 2;
	}
	if (pattern[0] == '/')
		return put(f, sign, path, pattern + 1);
	/* Anywhere below: at the top, or deeper. */
	if (put(f, sign, path, pattern) == -1 ||
	    asprintf(&deep, "**/%s", pattern) == -1)
		return -1;
	rc = put(f, sign, path, deep);
	free(deep);
	return rc;
}

int
rules_lines(FILE *f, const char *path, const char *text)
{
	const char *end;
	char *line;
	int rc = 0;

	for (; *text != '\0' && rc == 0; text = end + (*end == '\n')) {
		end = text + strcspn(text, "\n");
		if (end == text || *text == '#' || *text == ';')
			continue;
		if ((line = strndup(text, (size_t)(end - text))) == NULL)
			return -1;
		line[strcspn(line, "\r")] = '\0';
		if (line[0] == '\0' || strcmp(line, "!") == 0)
			rc = 0;
		else if (path != NULL)
			rc = rules_below(f, path, line);
		else
			fprintf(f, "%s%s%c", strncmp(line, "+ ", 2) == 0 ||
			    strncmp(line, "- ", 2) == 0 ? "" : "- ", line,
			    '\0');
		free(line);
	}
	return rc == -1 || ferror(f) ? -1 : 0;
}

static int
put_files(FILE *f, const char *path, const struct strv *files)
{
	struct diags ds = { 0 };
	char *text;
	size_t i;
	int rc = 0;

	for (i = 0; i < files->n && rc == 0; i++) {
		if ((text = conf_read(files->v[i], &ds)) == NULL) {
			diags_print(stderr, files->v[i], &ds);
			errno = ENOENT;
			rc = -1;
		} else
			rc = rules_lines(f, path, text);
		free(text);
		diags_free(&ds);
	}
	return rc;
}

/* The folders still to be looked at. */
struct walk {
	const struct irsync_conf *c;
	FILE		*f;
	struct strv	 todo;
	bool		 stay;		/* on the file system of the path */
	dev_t		 dev;
};

/* Is this CACHEDIR.TAG one (bford.info/cachedir)? */
static bool
is_cachedir(int dir)
{
	char buf[sizeof(CACHEDIR_SIG) - 1];
	struct stat st;
	bool yes = false;
	int fd;

	if ((fd = openat(dir, CACHEDIR_TAG, O_RDONLY | O_NOFOLLOW |
	    O_CLOEXEC | O_NONBLOCK)) == -1)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    read(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf))
		yes = memcmp(buf, CACHEDIR_SIG, sizeof(buf)) == 0;
	close(fd);
	return yes;
}

static bool
is_mark(const struct walk *w, int dir, const char *name)
{
	if (strv_has(&w->c->skip_marked, name))
		return true;
	return w->c->cachedir_tag && strcmp(name, CACHEDIR_TAG) == 0 &&
	    is_cachedir(dir);
}

static bool
is_folder(int dir, const struct dirent *de)
{
	struct stat st;

	if (de->d_type != DT_UNKNOWN)
		return de->d_type == DT_DIR;
	return fstatat(dir, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

/* Leave out all of a folder but the mark, which says why. */
static int
put_marked(struct walk *w, const char *path, const char *mark)
{
	char *literal;
	int rc;

	if ((literal = rsync_pattern(mark, false)) == NULL)
		return -1;
	rc = put(w->f, '+', path, literal);
	free(literal);
	return rc == -1 ? -1 : put(w->f, '-', path, "*");
}

/* Look at one folder; those in it are put on the list. */
static int
look(struct walk *w, const char *path, DIR *dir)
{
	struct dirent *de;
	size_t was = w->todo.n;

	while ((de = readdir(dir)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		if (is_mark(w, dirfd(dir), de->d_name)) {
			while (w->todo.n > was)
				free(w->todo.v[--w->todo.n]);
			return put_marked(w, path, de->d_name);
		}
		if (is_folder(dirfd(dir), de) && strv_addf(&w->todo, "%s/%s",
		    strcmp(path, "/") == 0 ? "" : path, de->d_name) == -1)
			return -1;
	}
	return 0;
}

static int
look_at(struct walk *w, const char *path)
{
	struct stat st;
	DIR *dir;
	int fd, rc = 0;

	if (strcmp(path, "/proc") == 0 || strcmp(path, "/sys") == 0)
		return 0;
	/* What cannot be read, rsync will tell. */
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1)
		return 0;
	if (fstat(fd, &st) == -1 || (w->stay && w->dev != 0 &&
	    st.st_dev != w->dev)) {
		close(fd);
		return 0;
	}
	w->dev = st.st_dev;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	rc = look(w, path, dir);
	closedir(dir);
	return rc;
}

static int
put_marks(FILE *f, const struct irsync_conf *c, const char *path)
{
	struct walk w = { .c = c, .f = f,
	    .stay = path_one_file_system(c, path) };
	char *next;
	int rc;

	for (rc = strv_add(&w.todo, path); rc == 0 && w.todo.n > 0 &&
	    signal_caught() == 0;) {
		next = w.todo.v[--w.todo.n];
		w.todo.v[w.todo.n] = NULL;
		rc = look_at(&w, next);
		free(next);
	}
	strv_free(&w.todo);
	return rc;
}

/* Where rsync cannot be told to stay on a file system, because another path
 * must not: leave out what is mounted below. */
static int
put_mounts(FILE *f, const struct irsync_conf *c, const char *path,
    const struct strv *mounts)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < mounts->n && rc == 0; i++)
		if (strcmp(mounts->v[i], path) != 0 &&
		    path_is_inside(mounts->v[i], path) &&
		    !strv_has(&c->paths, mounts->v[i]))
			rc = put(f, '-', mounts->v[i], "*");
	return rc;
}

static int
put_all(FILE *f, const struct irsync_conf *c)
{
	const struct path_conf *p;
	struct strv mounts = { 0 };
	size_t i, j;
	int rc = put_files(f, NULL, &c->exclude_from);

	if (rc == 0)
		rc = mounts_read(&mounts);
	for (i = 0; i < c->paths.n && rc == 0; i++) {
		if ((p = path_find(c, c->paths.v[i])) != NULL) {
			for (j = 0; j < p->exclude.n && rc == 0; j++)
				rc = rules_below(f, p->path, p->exclude.v[j]);
			rc |= put_files(f, p->path, &p->exclude_from);
		}
		if (rc == 0 && !paths_one_file_system(c) &&
		    path_one_file_system(c, c->paths.v[i]))
			rc = put_mounts(f, c, c->paths.v[i], &mounts);
		if (rc == 0 && (c->cachedir_tag || c->skip_marked.n > 0))
			rc = put_marks(f, c, c->paths.v[i]);
	}
	strv_free(&mounts);
	return rc;
}

int
rules_fd(const struct irsync_conf *c, bool *any)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f;
	int fd = -1, rc;

	*any = false;
	if ((f = open_memstream(&text, &len)) == NULL)
		return -1;
	rc = put_all(f, c);
	if (fclose(f) != 0)
		rc = -1;
	if (rc == 0 && (fd = memfd_create("rules", MFD_CLOEXEC)) != -1 &&
	    (write(fd, text, len) != (ssize_t)len ||
	    lseek(fd, 0, SEEK_SET) == -1)) {
		close(fd);
		fd = -1;
	}
	*any = len > 0;
	free(text);
	return rc == 0 ? fd : -1;
}
