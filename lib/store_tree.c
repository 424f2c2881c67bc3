/* store_tree.c: removing a tree that somebody else filled.
 *
 * The tree may hold anything: names of any bytes, folders that forbid to be
 * entered, a depth beyond any path's length.  So it is walked with one open
 * descriptor, down by name and up by "..", and what is left to do in each
 * folder above is kept on the heap.  A folder is only left upwards into the one
 * it was entered from: somebody who moves folders while we work makes the walk
 * fail, never leave the tree.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_dir.h"
#include "store_tree.h"
#include "strv.h"

/* A folder on the way from the top to where the walk stands. */
struct level {
	struct strv	 dirs;	/* folders in it that are not done yet */
	char		*name;	/* its own name in the level above */
	dev_t		 dev;
	ino_t		 ino;
};

struct walk {
	struct level	*v;
	size_t		 n;
	size_t		 cap;
	struct dirents	 dents;
	int		 fd;	/* of the last level; -1: none */
	int		 error;	/* errno of the first failure */
};

static void
note(struct walk *w)
{
	if (errno != ENOENT && w->error == 0)
		w->error = errno;
}

/* Open a folder to remove what it holds, giving ourselves the right to if it
 * is ours. */
static int
open_to_empty(int dirfd, const char *name, dev_t dev, struct stat *st)
{
	int fd;

	if ((fd = dir_open_at(dirfd, name)) == -1) {
		if (errno != EACCES ||
		    fstatat(dirfd, name, st, AT_SYMLINK_NOFOLLOW) == -1)
			return -1;
		if (!S_ISDIR(st->st_mode)) {
			errno = ENOTDIR;
			return -1;
		}
		/* Something else put in its place now would be changed in
		 * mode; only we write here. */
		if (fchmodat(dirfd, name, 0700, 0) == -1 ||
		    (fd = dir_open_at(dirfd, name)) == -1)
			return -1;
	}
	if (fstat(fd, st) == -1)
		goto fail;
	if (dev != 0 && st->st_dev != dev) {
		errno = EXDEV;
		goto fail;
	}
	if (geteuid() != 0 && (st->st_mode & 0700) != 0700)
		(void)fchmod(fd, 0700);
	return fd;
fail:
	close(fd);
	return -1;
}

/* Unlink what the folder holds but folders, which are noted for later. */
static void
empty_level(struct walk *w, struct level *l)
{
	struct dirent_at e;
	int r;

	if (dirents_start(&w->dents, w->fd) == -1) {
		note(w);
		return;
	}
	while ((r = dirents_next(&w->dents, &e)) == 1) {
		if (e.type != DT_DIR) {
			if (unlinkat(w->fd, e.name, 0) == 0)
				continue;
			if (errno != EISDIR) {
				note(w);
				continue;
			}
		}
		/* Most folders of a snapshot's remains are empty. */
		if (unlinkat(w->fd, e.name, AT_REMOVEDIR) == 0)
			continue;
		if (strv_add(&l->dirs, e.name) == -1)
			note(w);
	}
	if (r == -1)
		note(w);
}

/* Go down into `name` of the last level; fd is that folder. */
static int
level_push(struct walk *w, const char *name, int fd, const struct stat *st)
{
	struct level *l;
	size_t cap;

	if (w->n == w->cap) {
		cap = w->cap == 0 ? 64 : w->cap * 2;
		if ((l = reallocarray(w->v, cap, sizeof(*l))) == NULL)
			return -1;
		w->v = l;
		w->cap = cap;
	}
	l = &w->v[w->n];
	memset(l, 0, sizeof(*l));
	if ((l->name = strdup(name)) == NULL)
		return -1;
	l->dev = st->st_dev;
	l->ino = st->st_ino;
	w->n++;
	if (w->fd != -1)
		close(w->fd);
	w->fd = fd;
	empty_level(w, l);
	return 0;
}

/* Go up from the last level, whose parent is the one before it, and remove
 * it.  -1: the walk has lost its way. */
static int
level_pop(struct walk *w)
{
	struct level *l = &w->v[w->n - 1], *up = l - 1;
	struct stat st;
	int fd;

	if ((fd = dir_open_at(w->fd, "..")) == -1)
		return -1;
	if (fstat(fd, &st) == -1 || st.st_dev != up->dev ||
	    st.st_ino != up->ino) {
		close(fd);
		errno = ESTALE;
		return -1;
	}
	close(w->fd);
	w->fd = fd;
	if (unlinkat(fd, l->name, AT_REMOVEDIR) == -1)
		note(w);
	free(l->name);
	strv_free(&l->dirs);
	w->n--;
	return 0;
}

/* One step: into the next folder that is left, or up. */
static int
step(struct walk *w)
{
	struct level *l = &w->v[w->n - 1];
	struct stat st;
	char *name;
	int fd;

	if (l->dirs.n == 0)
		return level_pop(w);
	name = l->dirs.v[--l->dirs.n];
	l->dirs.v[l->dirs.n] = NULL;
	if ((fd = open_to_empty(w->fd, name, l->dev, &st)) == -1)
		note(w);
	else if (level_push(w, name, fd, &st) == -1) {
		note(w);
		close(fd);
	}
	free(name);
	return 0;
}

static void
walk_free(struct walk *w)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		free(w->v[i].name);
		strv_free(&w->v[i].dirs);
	}
	free(w->v);
	dirents_fini(&w->dents);
	if (w->fd != -1)
		close(w->fd);
}

int
tree_remove(int dirfd, const char *name)
{
	struct walk w = { .fd = -1 };
	struct stat st;
	int fd;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST && errno != EACCES)
		return -1;
	if (dirents_init(&w.dents) == -1)
		return -1;
	if ((fd = open_to_empty(dirfd, name, 0, &st)) == -1 ||
	    level_push(&w, name, fd, &st) == -1) {
		note(&w);
		if (fd != -1)
			close(fd);
	}
	/* The top level stays until the end: it is left by `dirfd`, not by
	 * "..". */
	while (w.n > 1 || (w.n == 1 && w.v[0].dirs.n > 0))
		if (step(&w) == -1) {
			note(&w);
			break;
		}
	walk_free(&w);
	if (w.error == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) == -1)
		note(&w);
	if (w.error == 0)
		return 0;
	errno = w.error;
	return -1;
}
