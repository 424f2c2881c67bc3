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
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweep_int.h"

#define DEPTH_MIN	4
#define DEPTH_MAX	100	/* longer chains are cut, if removing */
#define DEPTH_READ	1200	/* so deep it is, or threads are fewer */
#define FD_RESERVE	64	/* descriptors left for others */
#define EXTRA_MAX	16384	/* of folders that are taken together: each
				 * takes some of the kernel's memory */
#define TAKEN_MAX	8192	/* nodes; their numbers fit struct entry */
#define NODES_SHARED	8	/* fewer a thread ends alone */

bool
sweep_stopped(const struct sweep *s)
{
	return (s->opts->stop != NULL && *s->opts->stop != 0) ||
	    (s->set != NULL && atomic_load(&s->set->full)) ||
	    (s->links != NULL && atomic_load(&s->links->full));
}

/* Take the node on top of the stack.  Under the lock. */
static struct node *
take(struct worker *w)
{
	struct sweep *s = w->s;
	struct node *n = s->stack;

	s->stack = n->next;
	s->queued--;
	if (w->n != 0 && !n->extra) {
		n->extra = true;
		s->extra += s->n;
		w->fds += s->n;
	}
	w->nodes[w->n++] = n;
	return n;
}

/* Shall there be more in the batch?  It takes no more than half of the
 * descriptors that are left, so that folders below these find some, too.  Under
 * the lock. */
static bool
takes_more(const struct worker *w)
{
	const struct sweep *s = w->s;

	return s->stack != NULL && w->n < TAKEN_MAX &&
	    w->fds + s->n <= (s->extra_max - s->extra + w->fds) / 2 &&
	    batch_has_room(&w->batch) && !sweep_stopped(s);
}

/* Open a node, unless it is, and read what is in it. */
static void
look_into(struct worker *w, struct node *n)
{
	struct sweep *s = w->s;

	if (sweep_stopped(s)) {
		n->stays = n->members;
		n->more = 0;
		return;
	}
	if (!n->opened && n->depth > s->depth_max) {
		if (s->measure) {
			node_problem(s, n, 0, NULL, ENAMETOOLONG);
			return;
		}
		node_cut(w, n);
	}
	if (!n->opened)
		node_open(w, n);
	if (n->more != 0)
		entries_read(w);
}

/* End nodes that a worker has taken, w itself or one that it helps.  Under the
 * lock, which it lets go of meanwhile. */
static void
end_nodes(struct worker *w, struct worker *of)
{
	struct sweep *s = w->s;
	struct node *n;

	while (of->ended < of->to_end) {
		n = of->nodes[of->ended++];
		pthread_mutex_unlock(&s->lock);
		node_release(w, n);
		pthread_mutex_lock(&s->lock);
	}
}

/* End nodes of another thread, if one has many left.  Under the lock, which it
 * lets go of meanwhile.  False if there is none. */
static bool
help_to_end(struct worker *w)
{
	struct sweep *s = w->s;
	struct worker *v;

	for (v = s->workers; v < s->workers + s->jobs; v++)
		if (v->to_end - v->ended >= NODES_SHARED)
			break;
	if (v == s->workers + s->jobs)
		return false;
	v->helpers++;
	end_nodes(w, v);
	if (--v->helpers == 0)
		pthread_cond_broadcast(&s->wake);
	return true;
}

/* Read nodes until there is enough for a while, and deal with it.  Under the
 * lock, which it lets go of meanwhile. */
static void
process(struct worker *w)
{
	struct sweep *s = w->s;
	struct node *n;

	w->n = w->fds = 0;
	w->batch.n = w->batch.len = 0;
	do {
		n = take(w);
		pthread_mutex_unlock(&s->lock);
		look_into(w, n);
		pthread_mutex_lock(&s->lock);
	} while (takes_more(w));
	pthread_mutex_unlock(&s->lock);
	entries_do(w);
	pthread_mutex_lock(&s->lock);
	w->ended = 0;
	w->to_end = w->n;
	if (s->waiting != 0 && w->n >= NODES_SHARED)
		pthread_cond_broadcast(&s->wake);
	end_nodes(w, w);
	while (w->helpers != 0)
		pthread_cond_wait(&s->wake, &s->lock);
	w->ended = w->to_end = 0;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct sweep *s = w->s;

	pthread_mutex_lock(&s->lock);
	while (!s->done) {
		if (s->stack != NULL) {
			process(w);
			continue;
		}
		if (entries_help(w) || help_to_end(w))
			continue;
		s->waiting++;
		pthread_cond_wait(&s->wake, &s->lock);
		s->waiting--;
	}
	s->res->files += w->res.files;
	s->res->dirs += w->res.dirs;
	s->res->bytes += w->res.bytes;
	s->res->inodes += w->res.inodes;
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* How many descriptors we may have. */
static size_t
descriptors(void)
{
	struct rlimit rl;
	size_t fds = 256;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0)
		fds = rl.rlim_cur > 1 << 20 ? 1 << 20 : (size_t)rl.rlim_cur;
	return fds > FD_RESERVE + 16 ? fds - FD_RESERVE : 16;
}

/* How many threads, trees at a time (no more than so many), levels, and
 * folders taken together they are enough for. */
static void
fit(struct sweep *s, size_t *group)
{
	size_t fds = descriptors(), chain, depth, least;
	unsigned jobs = s->opts->jobs;

	if (jobs == 0)
		jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	if (jobs == 0 || jobs > 256)
		jobs = 256;
	if (s->measure) {
		/* Nothing may be renamed here, so depth is what counts. */
		*group = 1;
		while (jobs > 1 && fds / (2 * jobs) < DEPTH_READ)
			jobs /= 2;
	}
	while (*group > 1 && fds / (2 * jobs * *group) < 2 * DEPTH_MIN)
		*group /= 2;
	while (jobs > 1 && fds / (2 * jobs * *group) < DEPTH_MIN)
		jobs /= 2;
	chain = 2 * jobs * *group;
	least = s->measure ? DEPTH_READ : DEPTH_MIN;
	depth = fds / chain;
	if (depth / 2 >= least)
		depth /= 2;
	if (depth < DEPTH_MIN)
		depth = DEPTH_MIN;
	if (!s->measure && depth > DEPTH_MAX)
		depth = DEPTH_MAX;
	s->jobs = jobs;
	s->depth_max = (unsigned)depth;
	s->extra_max = fds > depth * chain ? fds - depth * chain : 0;
	if (s->extra_max > EXTRA_MAX)
		s->extra_max = EXTRA_MAX;
}

static void
worker_fini(struct worker *w)
{
	batch_free(&w->batch);
	free(w->nodes);
}

/* 0, or -1 with errno and nothing to be freed. */
static int
worker_init(struct worker *w, struct sweep *s)
{
	w->s = s;
	if ((w->nodes = calloc(TAKEN_MAX, sizeof(struct node *))) == NULL)
		return -1;
	if (batch_init(&w->batch, s->jobs) == 0)
		return 0;
	free(w->nodes);
	w->nodes = NULL;
	return -1;
}

/* Have the kernel's table of our descriptors as large as we shall need it.  Once
 * there are threads, each time that it grows waits for all processors, some
 * milliseconds on idle ones and more on busy ones, and so does each open(2)
 * meanwhile. */
static void
make_room(const struct sweep *s)
{
	size_t chain = 2 * s->jobs * s->n;
	int fd;

	fd = fcntl(s->items[0].dirfd, F_DUPFD_CLOEXEC,
	    (int)(s->depth_max * chain + s->extra_max));
	if (fd != -1)
		close(fd);
}

/* Start threads beside our own, as many as there can be, and work. */
static void
run_workers(struct sweep *s, struct worker *ws)
{
	unsigned i, n;

	make_room(s);
	for (n = 1; n < s->jobs && worker_init(&ws[n], s) == 0; n++)
		if (pthread_create(&ws[n].thread, NULL, work, &ws[n]) != 0) {
			worker_fini(&ws[n]);
			break;
		}
	work(&ws[0]);
	for (i = 1; i < n; i++) {
		pthread_join(ws[i].thread, NULL);
		worker_fini(&ws[i]);
	}
}

static int
sweep_group(struct sweep *s)
{
	struct worker *ws;
	int rc = -1;

	if ((ws = calloc(s->jobs, sizeof(*ws))) == NULL)
		return -1;
	s->workers = ws;
	if (worker_init(&ws[0], s) == -1)
		goto out;
	if ((s->top = node_new(NULL, "")) == NULL)
		goto out;
	s->top->members = (uint8_t)((1U << s->n) - 1);
	s->stack = s->top;
	s->queued = 1;
	s->done = false;
	run_workers(s, ws);
	rc = 0;
out:
	worker_fini(&ws[0]);
	free(ws);
	return rc;
}

static int
sweep_all(const struct sweep_item *v, size_t n, struct sweep *s,
    struct sweep_result *res)
{
	size_t group = n < SWEEP_GROUP ? n : SWEEP_GROUP, i;

	memset(res, 0, sizeof(*res));
	if (n == 0)
		return 0;
	fit(s, &group);
	s->res = res;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	for (i = 0; i < n && !sweep_stopped(s); i += s->n) {
		s->items = v + i;
		s->n = n - i < group ? n - i : group;
		if (sweep_group(s) == -1 && s->errnum == 0)
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
