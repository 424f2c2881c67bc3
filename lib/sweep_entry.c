/* sweep_entry.c: what a batch of a folder's entries becomes: files are removed
 * or measured in the order of their inodes, folders become nodes.
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

#define MANY_QUEUED	32768	/* nodes; then fewer entries are read at once */

/* Is this the link of a file with which its blocks count?  1, 0, or -1 with
 * errno. */
static int
link_counts(struct sweep *s, uint64_t ino, const struct stat *st)
{
	int last;

	if (s->set != NULL || st->st_nlink <= 1)
		return 1;
	pthread_mutex_lock(&s->lock);
	last = links_seen(s->links, ino, st->st_nlink);
	pthread_mutex_unlock(&s->lock);
	return last;
}

/* Count one file, whose blocks are free once its last link goes. */
static void
measure_file(struct worker *w, struct node *n, const struct entry *e)
{
	const char *name = BATCH_NAME(&w->batch, e);
	uint64_t ino = e->ino ^ n->salt;
	struct sweep *s = w->s;
	struct stat st;
	int counts;

	if (s->set != NULL ? inoset_add(s->set, ino) != 1 :
	    !links_want(s->links, ino))
		return;
	if (fstatat(n->fd[e->member], name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		node_problem(s, n, e->member, name, errno);
		return;
	}
	w->res.files++;
	if ((counts = link_counts(s, ino, &st)) == 1) {
		w->res.bytes += (uint64_t)st.st_blocks * 512;
		w->res.inodes++;
	} else if (counts == -1 && !sweep_stopped(s))
		node_problem(s, n, e->member, name, errno);
}

/* Deal with an entry that was not a folder when it was read.  Should it be
 * one, it is left as DT_DIR. */
static void
do_file(struct worker *w, struct node *n, struct entry *e)
{
	const char *name = BATCH_NAME(&w->batch, e);

	if (w->s->measure)
		measure_file(w, n, e);
	else if (dir_remove_name(n->fd[e->member], name, 0, true) == 0)
		w->res.files++;
	else if (errno == EISDIR)
		e->type = DT_DIR;
	else
		node_problem(w->s, n, e->member, name, errno);
}

/* File systems that do not say what an entry is have to be asked. */
static void
find_types(struct worker *w, const struct node *n)
{
	struct batch *b = &w->batch;
	struct stat st;
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->v[i].type == DT_UNKNOWN && fstatat(
		    n->fd[b->v[i].member], BATCH_NAME(b, &b->v[i]), &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
			b->v[i].type = DT_DIR;
}

/* Make nodes of the batch's folders, those of the same name being one, and put
 * them on the stack. */
static void
push_children(struct worker *w, struct node *n)
{
	struct batch *b = &w->batch;
	struct node *first = NULL, *last = NULL, *c = NULL;
	unsigned children = 0;
	size_t i;

	for (i = 0; i < b->n; i++) {
		if (b->v[i].type != DT_DIR)
			continue;
		if (c == NULL ||
		    strcmp(c->name, BATCH_NAME(b, &b->v[i])) != 0) {
			c = node_new(n, BATCH_NAME(b, &b->v[i]));
			if (c == NULL) {
				node_problem(w->s, n, b->v[i].member,
				    BATCH_NAME(b, &b->v[i]), errno);
				continue;
			}
			c->next = first;
			first = c;
			if (last == NULL)
				last = c;
			children++;
		}
		c->members |= (uint8_t)(1U << b->v[i].member);
	}
	if (children == 0)
		return;
	pthread_mutex_lock(&w->s->lock);
	n->pending += children;
	node_push(w->s, first, last, children);
	pthread_mutex_unlock(&w->s->lock);
}

/* So many files were dealt with. */
static void
pace(const struct sweep *s, unsigned files)
{
	if (files == 0)
		return;
	if (s->opts->seen != NULL)
		atomic_fetch_add_explicit(s->opts->seen, files,
		    memory_order_relaxed);
	if (s->opts->pace != NULL)
		s->opts->pace(s->opts->pace_arg, files);
}

void
entries_do(struct worker *w, struct node *n)
{
	struct sweep *s = w->s;
	struct batch *b = &w->batch;
	size_t i, files, share = s->n;
	unsigned m;
	int rc;

	/* Folders that await their turn take memory: not many more then. */
	pthread_mutex_lock(&s->lock);
	if (s->queued > MANY_QUEUED)
		share *= 64;
	pthread_mutex_unlock(&s->lock);
	b->n = b->len = 0;
	for (m = 0; m < s->n; m++) {
		if ((n->more & (1U << m)) == 0)
			continue;
		if ((rc = batch_read(b, n->fd[m], (uint8_t)m, share)) == -1)
			node_problem(s, n, m, NULL, errno);
		if (rc != 1)
			n->more &= (uint8_t)~(1U << m);
	}
	find_types(w, n);
	files = batch_sort(b);
	for (i = 0; i < files; i++) {
		if (sweep_stopped(s))
			return;
		do_file(w, n, &b->v[i]);
		if (i % SWEEP_PACE == SWEEP_PACE - 1)
			pace(s, SWEEP_PACE);
	}
	pace(s, (unsigned)(files % SWEEP_PACE));
	push_children(w, n);
}
