/* sweep_node.c: a folder's way through a sweep: it is opened, read by batches,
 * ended when the last of what is in it has ended, and, if it lies too deep,
 * moved up first.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweep_int.h"

#define PASSES		8	/* times that a folder is read again because
				 * it was not empty in the end */
#define PATH_SHOWN	512	/* bytes of a path in a report */

static int
parent_fd(const struct sweep *s, const struct node *n, unsigned m)
{
	return n->parent != NULL ? n->parent->fd[m] : s->items[m].dirfd;
}

static const char *
name_in(const struct sweep *s, const struct node *n, unsigned m)
{
	return n->parent != NULL ? n->name : s->items[m].name;
}

/* Write what people know a place by, from its end; long paths lose their
 * beginning. */
static const char *
path_text(const struct sweep *s, const struct node *n, unsigned m,
    const char *name, char buf[PATH_SHOWN])
{
	size_t at = PATH_SHOWN - 1, len;

	buf[at] = '\0';
	for (;; name = name_in(s, n, m), n = n->parent) {
		len = strlen(name);
		if (len + 4 > at) {
			memcpy(buf + at - 3, "...", 3);
			return buf + at - 3;
		}
		at -= len;
		memcpy(buf + at, name, len);
		if (n == NULL)
			return buf + at;
		buf[--at] = '/';
	}
}

void
node_problem(struct sweep *s, struct node *n, unsigned m, const char *name,
    int errnum)
{
	char buf[PATH_SHOWN];
	const char *path;

	pthread_mutex_lock(&s->lock);
	n->stays |= (uint8_t)(1U << m);
	if (s->errnum == 0)
		s->errnum = errnum;
	s->res->problems++;
	s->res->at_least = true;
	if (s->opts->problem != NULL) {
		path = name != NULL ? path_text(s, n, m, name, buf) :
		    path_text(s, n->parent, m, name_in(s, n, m), buf);
		s->opts->problem(s->opts->arg, path, errnum);
	}
	pthread_mutex_unlock(&s->lock);
}

struct node *
node_new(struct node *parent, const char *name)
{
	size_t len = strlen(name);
	struct node *n;
	unsigned m;

	n = calloc(1, sizeof(*n) + (len < NAME_ROOM ? NAME_ROOM : len + 1));
	if (n == NULL)
		return NULL;
	memcpy(n->name, name, len + 1);
	n->parent = parent;
	n->depth = parent != NULL ? parent->depth + 1 : 0;
	n->pending = 1;
	for (m = 0; m < SWEEP_GROUP; m++)
		n->fd[m] = -1;
	return n;
}

void
node_push(struct sweep *s, struct node *first, struct node *last, unsigned n)
{
	last->next = s->stack;
	s->stack = first;
	s->queued += n;
	if (s->waiting != 0)
		pthread_cond_broadcast(&s->wake);
}

/* Remove member m of a node from the folder that it is in. */
static int
remove_member(const struct sweep *s, const struct node *n, unsigned m,
    int flags)
{
	return dir_remove_name(parent_fd(s, n, m), name_in(s, n, m), flags,
	    n->parent != NULL);
}

/* Member m of a node was not there, or is not a folder (any more). */
static void
not_a_folder(struct worker *w, struct node *n, unsigned m, int errnum)
{
	n->members &= (uint8_t)~(1U << m);
	if (errnum == ENOENT)
		return;
	if (w->s->measure)
		w->res.files++;
	else if (remove_member(w->s, n, m, 0) == 0)
		w->res.files++;
	else if (n->parent != NULL)
		node_problem(w->s, n->parent, m, n->name, errno);
	else
		node_problem(w->s, n, m, NULL, errno);
}

static int
open_member(const struct sweep *s, const struct node *n, unsigned m)
{
	int dirfd = parent_fd(s, n, m), fd;
	const char *name = name_in(s, n, m);

	fd = dir_open(dirfd, name);
	if (fd != -1 || errno != EACCES || s->measure)
		return fd;
	/* Either it or, unlikely, the folder that it is in is closed. */
	if (n->parent != NULL)
		(void)dir_unlock(dirfd);
	return dir_unlock_at(dirfd, name) == -1 ? -1 : dir_open(dirfd, name);
}

/* Count a folder, of which each tree has its own. */
static void
measure_folder(struct worker *w, struct node *n, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return;
	/* Each subvolume of a btrfs is a device of its own. */
	n->salt = (uint64_t)st.st_dev * UINT64_C(0xd6e8feb86659fd93);
	if ((w->s->set != NULL ? w->s->set->part : w->s->links->part) == 0) {
		w->res.bytes += (uint64_t)st.st_blocks * 512;
		w->res.inodes++;
	}
}

void
node_open(struct worker *w, struct node *n)
{
	unsigned m;

	n->opened = true;
	for (m = 0; m < w->s->n; m++) {
		if ((n->members & (1U << m)) == 0)
			continue;
		if ((n->fd[m] = open_member(w->s, n, m)) != -1) {
			if (w->s->measure)
				measure_folder(w, n, n->fd[m]);
			continue;
		}
		if (errno == ENOENT || errno == ENOTDIR)
			not_a_folder(w, n, m, errno);
		else
			node_problem(w->s, n, m, NULL, errno);
	}
	for (m = 0; m < w->s->n; m++)
		if (n->fd[m] != -1)
			n->more |= (uint8_t)(1U << m);
}

/* All of a node's children are gone: remove its folders.  False if there is
 * more to read in one of them first. */
static bool
end_node(struct worker *w, struct node *n)
{
	struct sweep *s = w->s;
	unsigned m, bit;

	if (n->more != 0 && !sweep_stopped(s))
		return false;
	for (m = 0, bit = 1; m < s->n; m++, bit <<= 1) {
		if ((n->members & bit) == 0 || (n->stays & bit) != 0)
			continue;
		if (s->measure || sweep_stopped(s) ||
		    remove_member(s, n, m, AT_REMOVEDIR) == 0) {
			w->res.dirs += !sweep_stopped(s);
			if (s->opts->seen != NULL)
				atomic_fetch_add_explicit(s->opts->seen, 1,
				    memory_order_relaxed);
			n->members &= (uint8_t)~bit;
			if (sweep_stopped(s))
				n->stays |= (uint8_t)bit;
		} else if (errno == ENOTEMPTY && n->passes < PASSES &&
		    lseek(n->fd[m], 0, SEEK_SET) == 0)
			n->more |= (uint8_t)bit;
		else
			node_problem(s, n, m, NULL, errno);
	}
	if (n->more == 0)
		return true;
	n->passes++;
	return false;
}

static void
close_node(struct sweep *s, struct node *n)
{
	unsigned m;

	if (n->extra) {
		pthread_mutex_lock(&s->lock);
		s->extra -= s->n;
		pthread_mutex_unlock(&s->lock);
	}
	for (m = 0; m < s->n; m++)
		if (n->fd[m] != -1)
			close(n->fd[m]);
	free(n);
}

void
node_release(struct worker *w, struct node *n)
{
	struct sweep *s = w->s;
	struct node *parent;
	unsigned pending;

	for (; n != NULL; n = parent) {
		pthread_mutex_lock(&s->lock);
		pending = --n->pending;
		pthread_mutex_unlock(&s->lock);
		if (pending != 0)
			return;
		parent = n->parent;
		if (!end_node(w, n)) {
			pthread_mutex_lock(&s->lock);
			n->pending = 1;
			node_push(s, n, n, 1);
			pthread_mutex_unlock(&s->lock);
			return;
		}
		pthread_mutex_lock(&s->lock);
		if (parent != NULL)
			parent->stays |= n->stays;
		else
			s->done = true;
		if (s->done)
			pthread_cond_broadcast(&s->wake);
		pthread_mutex_unlock(&s->lock);
		close_node(s, n);
	}
}

/* Move member m of a node into the top folder of its tree. */
static int
cut_member(const struct sweep *s, const struct node *n, unsigned m,
    const char *name)
{
	int from = n->parent->fd[m], to = s->top->fd[m];

	if (renameat2(from, n->name, to, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EACCES)
		return -1;
	/* A folder that changes places is written to: its "..". */
	(void)dir_unlock(from);
	(void)dir_unlock(to);
	(void)dir_unlock_at(from, n->name);
	return renameat2(from, n->name, to, name, RENAME_NOREPLACE);
}

void
node_cut(struct worker *w, struct node *n)
{
	struct sweep *s = w->s;
	struct node *parent = n->parent;
	char name[NAME_ROOM];
	unsigned m, bit, cut;
	int rc;

	do {
		pthread_mutex_lock(&s->lock);
		cut = s->cuts++;
		pthread_mutex_unlock(&s->lock);
		snprintf(name, sizeof(name), ".sweep.%u", cut);
		rc = 0;
		for (m = 0; m < s->n && rc == 0; m++)
			if (fstatat(s->top->fd[m], name, &(struct stat){ 0 },
			    AT_SYMLINK_NOFOLLOW) == 0)
				rc = -1;
	} while (rc == -1 && cut < UINT32_MAX);
	for (m = 0, bit = 1; m < s->n; m++, bit <<= 1) {
		if ((n->members & bit) == 0 ||
		    cut_member(s, n, m, name) == 0)
			continue;
		if (errno != ENOENT)
			node_problem(s, parent, m, n->name, errno);
		n->members &= (uint8_t)~bit;
	}
	pthread_mutex_lock(&s->lock);
	s->top->pending++;
	memcpy(n->name, name, sizeof(name));
	n->parent = s->top;
	n->depth = 1;
	pthread_mutex_unlock(&s->lock);
	node_release(w, parent);
}
