/* sweep.c: removing (or measuring) trees, folders side by side.
 *
 * A node stands for a folder: up to SWEEP_GROUP of them, one in each of the
 * trees of a group, that have the same path there.  Threads take nodes off one
 * stack; a node is read by batches, its files go in the order of their inodes,
 * its folders become nodes.  Whoever ends the last child of a node ends the
 * node: reads on, or removes the folder.  There is no recursion, and as the
 * stack is last-in first-out, the descriptors open at a time are those of a
 * few chains of folders.  A chain that gets too long is cut: its end is renamed
 * into the top folder of its tree, and goes on from there.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/resource.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweep_int.h"

#define DEPTH_MIN	4
#define DEPTH_MAX	100	/* longer chains are cut, if removing */
#define DEPTH_READ	1200	/* so deep it is, or threads are fewer */
#define FD_RESERVE	64	/* descriptors left for others */

bool
sweep_stopped(const struct sweep *s)
{
	return (s->opts->stop != NULL && *s->opts->stop != 0) ||
	    (s->set != NULL && atomic_load(&s->set->full)) ||
	    (s->links != NULL && atomic_load(&s->links->full));
}

static void
process(struct worker *w, struct node *n)
{
	struct sweep *s = w->s;

	if (sweep_stopped(s)) {
		n->stays = n->members;
		n->more = 0;
	} else if (!n->opened && n->depth > s->depth_max && s->measure) {
		node_problem(s, n, 0, NULL, ENAMETOOLONG);
	} else {
		if (!n->opened && n->depth > s->depth_max)
			node_cut(w, n);
		if (!n->opened)
			node_open(w, n);
		if (n->more != 0)
			entries_do(w, n);
	}
	node_release(w, n);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct sweep *s = w->s;
	struct node *n;

	pthread_mutex_lock(&s->lock);
	while (!s->done) {
		if ((n = s->stack) == NULL) {
			s->waiting++;
			pthread_cond_wait(&s->wake, &s->lock);
			s->waiting--;
			continue;
		}
		s->stack = n->next;
		s->queued--;
		pthread_mutex_unlock(&s->lock);
		process(w, n);
		pthread_mutex_lock(&s->lock);
	}
	s->res->files += w->res.files;
	s->res->dirs += w->res.dirs;
	s->res->bytes += w->res.bytes;
	s->res->inodes += w->res.inodes;
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* How many threads, trees at a time, and levels the descriptors we may have
 * are enough for. */
static void
fit(bool measure, unsigned *jobs, size_t *group, unsigned *depth)
{
	struct rlimit rl;
	size_t fds = 256;

	if (*jobs == 0)
		*jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	if (*jobs == 0 || *jobs > 256)
		*jobs = 256;
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0)
		fds = rl.rlim_cur > 1 << 20 ? 1 << 20 : (size_t)rl.rlim_cur;
	fds = fds > FD_RESERVE + 16 ? fds - FD_RESERVE : 16;
	if (measure) {
		/* Nothing may be renamed here, so depth is what counts. */
		*group = 1;
		while (*jobs > 1 && fds / (2 * *jobs) < DEPTH_READ)
			*jobs /= 2;
	}
	while (*group > 1 && fds / (2 * *jobs * *group) < 2 * DEPTH_MIN)
		*group /= 2;
	while (*jobs > 1 && fds / (2 * *jobs * *group) < DEPTH_MIN)
		*jobs /= 2;
	fds /= 2 * *jobs * *group;
	*depth = fds < DEPTH_MIN ? DEPTH_MIN : (unsigned)fds;
	if (!measure && *depth > DEPTH_MAX)
		*depth = DEPTH_MAX;
}

/* Start up to jobs - 1 threads beside our own, and work. */
static void
run_workers(struct sweep *s, struct worker *ws, unsigned jobs)
{
	unsigned i, n;

	for (n = 1; n < jobs; n++) {
		ws[n].s = s;
		if (batch_init(&ws[n].batch, jobs) == -1)
			break;
		if (pthread_create(&ws[n].thread, NULL, work, &ws[n]) != 0) {
			batch_free(&ws[n].batch);
			break;
		}
	}
	ws[0].s = s;
	work(&ws[0]);
	for (i = 1; i < n; i++) {
		pthread_join(ws[i].thread, NULL);
		batch_free(&ws[i].batch);
	}
}

static int
sweep_group(struct sweep *s, unsigned jobs)
{
	struct worker *ws;
	int rc = -1;

	ws = calloc(jobs, sizeof(*ws));
	if (ws == NULL || batch_init(&ws[0].batch, jobs) == -1)
		goto out;
	if ((s->top = node_new(NULL, "")) == NULL)
		goto out;
	s->top->members = (uint8_t)((1U << s->n) - 1);
	s->stack = s->top;
	s->queued = 1;
	s->done = false;
	run_workers(s, ws, jobs);
	rc = 0;
out:
	if (ws != NULL)
		batch_free(&ws[0].batch);
	free(ws);
	return rc;
}

static int
sweep_all(const struct sweep_item *v, size_t n, struct sweep *s,
    struct sweep_result *res)
{
	size_t group = n < SWEEP_GROUP ? n : SWEEP_GROUP, i;
	unsigned jobs = s->opts->jobs;

	memset(res, 0, sizeof(*res));
	if (n == 0)
		return 0;
	fit(s->measure, &jobs, &group, &s->depth_max);
	s->res = res;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	for (i = 0; i < n && !sweep_stopped(s); i += s->n) {
		s->items = v + i;
		s->n = n - i < group ? n - i : group;
		if (sweep_group(s, jobs) == -1 && s->errnum == 0)
			s->errnum = errno;
	}
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	res->stopped = sweep_stopped(s);
	if (res->stopped)
		s->errnum = EINTR;
	errno = s->errnum;
	return s->errnum == 0 ? 0 : -1;
}

int
sweep_remove(const struct sweep_item *v, size_t n,
    const struct sweep_opts *opts, struct sweep_result *res)
{
	struct sweep s = { .opts = opts };
	struct sweep_result unused;
	uint64_t subvols = 0;
	size_t i;
	int rc;

	/* Whatever cannot go that way goes the other. */
	for (i = 0; i < n && !sweep_stopped(&s); i++)
		subvols += subvol_remove(v[i].dirfd, v[i].name) == 0;
	if (res == NULL)
		res = &unused;
	rc = sweep_all(v, n, &s, res);
	res->subvols = subvols;
	return rc;
}

int
sweep_read(const struct sweep_item *v, size_t n, const struct sweep_opts *opts,
    struct inoset *set, struct links *links, struct sweep_result *res)
{
	struct sweep s = { .opts = opts, .measure = true, .set = set,
	    .links = links };

	return sweep_all(v, n, &s, res);
}
