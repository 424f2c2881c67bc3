/* sweep_entry.c: what a batch of folders' entries becomes: folders become nodes,
 * files are removed or measured in the order of their inodes.
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
#define CHUNK		256	/* entries that a thread has for itself */

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
measure_file(struct worker *w, struct node *n, const struct entry *e,
    const char *name)
{
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

/* File systems that do not say what an entry is have to be asked. */
static void
find_types(struct worker *w, const struct node *n, size_t from)
{
	struct batch *b = &w->batch;
	struct stat st;
	size_t i;

	for (i = from; i < b->n; i++)
		if (b->v[i].type == DT_UNKNOWN && fstatat(
		    n->fd[b->v[i].member], BATCH_NAME(b, &b->v[i]), &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
			b->v[i].type = DT_DIR;
}

/* Make nodes of so many folders in a batch, those of the same name being one,
 * and put them on the stack. */
static void
push_children(struct sweep *s, struct node *n, const struct batch *b,
    const struct entry *v, size_t many)
{
	struct node *first = NULL, *last = NULL, *c = NULL;
	unsigned children = 0;
	const char *name;
	size_t i;

	for (i = 0; i < many; i++) {
		name = BATCH_NAME(b, &v[i]);
		if (c == NULL || strcmp(c->name, name) != 0) {
			c = node_new(n, name);
			if (c == NULL) {
				node_problem(s, n, v[i].member, name,
				    errno);
				continue;
			}
			c->next = first;
			first = c;
			if (last == NULL)
				last = c;
			children++;
		}
		c->members |= (uint8_t)(1U << v[i].member);
	}
	if (children == 0)
		return;
	pthread_mutex_lock(&s->lock);
	n->pending += children;
	node_push(s, first, last, children);
	pthread_mutex_unlock(&s->lock);
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
entries_read(struct worker *w)
{
	struct node *n = w->nodes[w->n - 1];
	struct batch *b = &w->batch;
	size_t from = b->n, first, share;
	struct sweep *s = w->s;
	unsigned m;
	int rc;

	/* Each that is taken beside others finds half of the room. */
	share = w->n == 1 ? s->n : 2 * s->n;
	/* Folders that await their turn take memory: not many more then. */
	pthread_mutex_lock(&s->lock);
	if (s->queued > MANY_QUEUED)
		share *= 64;
	pthread_mutex_unlock(&s->lock);
	for (m = 0; m < s->n; m++) {
		if ((n->more & (1U << m)) == 0)
			continue;
		rc = batch_read(b, n->fd[m], (uint16_t)(w->n - 1), (uint8_t)m,
		    share);
		if (rc == -1)
			node_problem(s, n, m, NULL, errno);
		if (rc != 1)
			n->more &= (uint8_t)~(1U << m);
	}
	find_types(w, n, from);
	first = batch_split(b, from);
	push_children(s, n, b, b->v + first, b->n - first);
	b->n = first;
}

/* Deal with an entry of somebody's batch that was not a folder when it was
 * read. */
static void
do_file(struct worker *w, const struct worker *of, const struct entry *e)
{
	const char *name = BATCH_NAME(&of->batch, e);
	struct node *n = of->nodes[e->node];

	if (w->s->measure)
		measure_file(w, n, e, name);
	else if (dir_remove_name(n->fd[e->member], name, 0, true) == 0)
		w->res.files++;
	else if (errno == EISDIR)
		push_children(w->s, n, &of->batch, e, 1);
	else
		node_problem(w->s, n, e->member, name, errno);
}

/* Deal with what a thread has to.  Others may take from its end meanwhile.
 * Under the lock, which it lets go of. */
static void
do_range(struct worker *w)
{
	const struct entry *v = w->of->batch.v;
	struct sweep *s = w->s;
	unsigned n = 0;
	size_t i, end;

	while (w->next < w->end && !sweep_stopped(s)) {
		i = w->next;
		end = w->end - i < CHUNK ? w->end : i + CHUNK;
		w->next = end;
		pthread_mutex_unlock(&s->lock);
		for (; i < end && !sweep_stopped(s); i++) {
			do_file(w, w->of, &v[i]);
			if (++n == SWEEP_PACE) {
				pace(s, n);
				n = 0;
			}
		}
		pthread_mutex_lock(&s->lock);
	}
	w->next = w->end = 0;
	if (n != 0) {
		pthread_mutex_unlock(&s->lock);
		pace(s, n);
		pthread_mutex_lock(&s->lock);
	}
}

/* Take half of what another thread has yet to do in the batch of `of`, or, if
 * that is NULL, in anyone's; but threads that remove from the same few folders
 * only wait for each other.  Under the lock. */
static bool
take_half(struct worker *w, const struct worker *of)
{
	struct sweep *s = w->s;
	struct worker *v;

	for (v = s->workers; v < s->workers + s->jobs; v++)
		if (v->end - v->next >= 2 * CHUNK && v != w &&
		    (of == NULL || v->of == of) && v->of->n >= 8 * s->jobs)
			break;
	if (v == s->workers + s->jobs)
		return false;
	w->of = v->of;
	w->end = v->end;
	w->next = v->end = v->next + (v->end - v->next) / 2;
	return true;
}

bool
entries_help(struct worker *w)
{
	struct worker *of;

	if (!take_half(w, NULL))
		return false;
	of = w->of;
	of->helpers++;
	do_range(w);
	if (--of->helpers == 0)
		pthread_cond_broadcast(&w->s->wake);
	return true;
}

void
entries_do(struct worker *w)
{
	struct sweep *s = w->s;

	batch_sort(&w->batch);
	pthread_mutex_lock(&s->lock);
	w->of = w;
	w->next = 0;
	w->end = w->batch.n;
	if (s->waiting != 0)
		pthread_cond_broadcast(&s->wake);
	do
		do_range(w);
	while (take_half(w, w));
	while (w->helpers != 0)
		pthread_cond_wait(&s->wake, &s->lock);
	pthread_mutex_unlock(&s->lock);
}
