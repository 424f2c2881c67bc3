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

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweep_int.h"

#define NAME_ROOM	24	/* a node's name may become ".sweep.N" */
#define PASSES		8	/* times that a folder is read again because
				 * it was not empty in the end */
#define DEPTH_MIN	4
#define DEPTH_MAX	100	/* longer chains are cut, if removing */
#define DEPTH_READ	1200	/* so deep it is, or threads are fewer */
#define FD_RESERVE	64	/* descriptors left for others */
#define MANY_QUEUED	32768	/* nodes; then fewer entries are read at once */
#define PATH_SHOWN	512	/* bytes of a path in a report */

struct node {
	struct node	*parent;	/* NULL: the top folders */
	struct node	*next;		/* in the stack */
	unsigned	 pending;	/* children, and the thread at work */
	unsigned	 depth;		/* 0: the top folders */
	unsigned	 passes;
	bool		 opened;
	uint8_t		 members;	/* bits: the trees that have it */
	uint8_t		 more;		/* bits: not read to the end */
	uint8_t		 stays;		/* bits: something in it cannot go */
	uint64_t	 salt;		/* tells inodes of subvolumes apart */
	int		 fd[SWEEP_GROUP];
	char		 name[];	/* the same in all of them */
};

/* One group's sweep, shared by its threads. */
struct sweep {
	const struct sweep_opts	 *opts;
	const struct sweep_item	 *items;
	size_t			  n;	/* of items: at most SWEEP_GROUP */
	bool			  measure;
	unsigned		  depth_max;
	struct inoset		 *set;	/* NULL: links are counted */
	struct sweep_result	 *res;	/* under lock */
	struct links		 *links;	/* under lock; or NULL */
	int			 *errnum;	/* of the first problem */
	pthread_mutex_t		  lock;
	pthread_cond_t		  wake;
	struct node		 *stack;	/* under lock */
	size_t			  queued;	/* in it; under lock */
	struct node		 *top;
	unsigned		  waiting;	/* threads; under lock */
	unsigned		  cuts;	/* names given; under lock */
	bool			  done;	/* under lock */
};

/* A thread and what it alone writes. */
struct worker {
	struct sweep		*s;
	struct batch		 batch;
	struct sweep_result	 res;	/* added up in the end */
	pthread_t		 thread;
};

static bool
stopped(const struct sweep *s)
{
	return (s->opts->stop != NULL && *s->opts->stop != 0) ||
	    (s->set != NULL && atomic_load(&s->set->full)) ||
	    (s->links != NULL && atomic_load(&s->links->full));
}

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

/* Something of member m of the node cannot go: say so, and leave the folders
 * that it is in.  name: an entry of the node, or NULL: the node itself. */
static void
problem(struct sweep *s, struct node *n, unsigned m, const char *name,
    int errnum)
{
	char buf[PATH_SHOWN];
	const char *path;

	pthread_mutex_lock(&s->lock);
	n->stays |= (uint8_t)(1U << m);
	if (*s->errnum == 0)
		*s->errnum = errnum;
	s->res->problems++;
	s->res->at_least = true;
	if (s->opts->problem != NULL) {
		path = name != NULL ? path_text(s, n, m, name, buf) :
		    path_text(s, n->parent, m, name_in(s, n, m), buf);
		s->opts->problem(s->opts->arg, path, errnum);
	}
	pthread_mutex_unlock(&s->lock);
}

static struct node *
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

static void
push(struct sweep *s, struct node *first, struct node *last, unsigned n)
{
	last->next = s->stack;
	s->stack = first;
	s->queued += n;
	if (s->waiting != 0)
		pthread_cond_broadcast(&s->wake);
}

/* Remove one name from a folder, which may be changed if it is `ours`: the
 * folder above a top folder is not.  0; or -1 with errno: EISDIR if it is a
 * folder and flags do not say so, else what unlinkat(2) said in the end. */
static int
remove_name(int dirfd, const char *name, int flags, bool ours)
{
	if (unlinkat(dirfd, name, flags) == 0 || errno == ENOENT)
		return 0;
	if (errno != EACCES || !ours || dir_unlock(dirfd) == -1)
		return -1;
	return unlinkat(dirfd, name, flags);
}

/* Remove member m of a node from the folder that it is in. */
static int
remove_member(const struct sweep *s, const struct node *n, unsigned m,
    int flags)
{
	return remove_name(parent_fd(s, n, m), name_in(s, n, m), flags,
	    n->parent != NULL);
}

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
		problem(s, n, e->member, name, errno);
		return;
	}
	w->res.files++;
	if ((counts = link_counts(s, ino, &st)) == 1) {
		w->res.bytes += (uint64_t)st.st_blocks * 512;
		w->res.inodes++;
	} else if (counts == -1 && !stopped(s))
		problem(s, n, e->member, name, errno);
}

/* Deal with an entry that was not a folder when it was read.  Should it be
 * one, it is left as DT_DIR. */
static void
do_file(struct worker *w, struct node *n, struct entry *e)
{
	const char *name = BATCH_NAME(&w->batch, e);

	if (w->s->measure)
		measure_file(w, n, e);
	else if (remove_name(n->fd[e->member], name, 0, true) == 0)
		w->res.files++;
	else if (errno == EISDIR)
		e->type = DT_DIR;
	else
		problem(w->s, n, e->member, name, errno);
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
				problem(w->s, n, b->v[i].member,
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
	push(w->s, first, last, children);
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

/* Read the next entries of a node's folders and deal with them. */
static void
do_batch(struct worker *w, struct node *n)
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
			problem(s, n, m, NULL, errno);
		if (rc != 1)
			n->more &= (uint8_t)~(1U << m);
	}
	find_types(w, n);
	files = batch_sort(b);
	for (i = 0; i < files; i++) {
		if (stopped(s))
			return;
		do_file(w, n, &b->v[i]);
		if (i % SWEEP_PACE == SWEEP_PACE - 1)
			pace(s, SWEEP_PACE);
	}
	pace(s, (unsigned)(files % SWEEP_PACE));
	push_children(w, n);
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
		problem(w->s, n->parent, m, n->name, errno);
	else
		problem(w->s, n, m, NULL, errno);
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

static void
open_node(struct worker *w, struct node *n)
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
			problem(w->s, n, m, NULL, errno);
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

	if (n->more != 0 && !stopped(s))
		return false;
	for (m = 0, bit = 1; m < s->n; m++, bit <<= 1) {
		if ((n->members & bit) == 0 || (n->stays & bit) != 0)
			continue;
		if (s->measure || stopped(s) ||
		    remove_member(s, n, m, AT_REMOVEDIR) == 0) {
			w->res.dirs += !stopped(s);
			if (s->opts->seen != NULL)
				atomic_fetch_add_explicit(s->opts->seen, 1,
				    memory_order_relaxed);
			n->members &= (uint8_t)~bit;
			if (stopped(s))
				n->stays |= (uint8_t)bit;
		} else if (errno == ENOTEMPTY && n->passes < PASSES &&
		    lseek(n->fd[m], 0, SEEK_SET) == 0)
			n->more |= (uint8_t)bit;
		else
			problem(s, n, m, NULL, errno);
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

	for (m = 0; m < s->n; m++)
		if (n->fd[m] != -1)
			close(n->fd[m]);
	free(n);
}

/* One child of the node, or the work at it, is done.  If it was the last, the
 * node is ended, and then perhaps the one it is in. */
static void
release(struct worker *w, struct node *n)
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
			push(s, n, n, 1);
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

/* A node that is too deep goes on as a child of the top. */
static void
cut_chain(struct worker *w, struct node *n)
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
			problem(s, parent, m, n->name, errno);
		n->members &= (uint8_t)~bit;
	}
	pthread_mutex_lock(&s->lock);
	s->top->pending++;
	memcpy(n->name, name, sizeof(name));
	n->parent = s->top;
	n->depth = 1;
	pthread_mutex_unlock(&s->lock);
	release(w, parent);
}

static void
process(struct worker *w, struct node *n)
{
	struct sweep *s = w->s;

	if (stopped(s)) {
		n->stays = n->members;
		n->more = 0;
	} else if (!n->opened && n->depth > s->depth_max && s->measure) {
		problem(s, n, 0, NULL, ENAMETOOLONG);
	} else {
		if (!n->opened && n->depth > s->depth_max)
			cut_chain(w, n);
		if (!n->opened)
			open_node(w, n);
		if (n->more != 0)
			do_batch(w, n);
	}
	release(w, n);
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
	int errnum = 0;

	memset(res, 0, sizeof(*res));
	if (n == 0)
		return 0;
	fit(s->measure, &jobs, &group, &s->depth_max);
	s->res = res;
	s->errnum = &errnum;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	for (i = 0; i < n && !stopped(s); i += s->n) {
		s->items = v + i;
		s->n = n - i < group ? n - i : group;
		if (sweep_group(s, jobs) == -1 && errnum == 0)
			errnum = errno;
	}
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	res->stopped = stopped(s);
	if (res->stopped)
		errnum = EINTR;
	errno = errnum;
	return errnum == 0 ? 0 : -1;
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
	for (i = 0; i < n && !stopped(&s); i++)
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
