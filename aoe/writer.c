/* writer.c: threads that write to regular files, one to a file.
 *
 * The kernel has threads for what a ring's operations may wait for, but of
 * writes to regular files it does one after the other those whose inodes fall
 * into the same of 64 places (io_wq_hash_work in io_uring/io-wq.c): where one
 * file hangs, others hang with it, on whatever disk they are.  Here a thread
 * that hangs has one file, and others are had for the files with something to
 * write.  Two do it as long as they come back: to wake one for each file costs
 * as much as writing does.  When one does not, everybody who waits gets one at
 * the next tick.  Threads that have had nothing to do for a while end.
 *
 * One file at a time goes through the ring nevertheless (io.c): it waits for
 * no other, and others not for it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "detached.h"
#include "log.h"
#include "timed.h"
#include "worker_impl.h"

#define IDLE_NS	INT64_C(5000000000)	/* of a thread, before it ends */
#define AT_ONCE	2	/* files, while no thread hangs */
#define BURST	32	/* writes, before it is another file's turn */

/* A thread that writes. */
struct hand {
	LIST_ENTRY(hand) link;
	bool		 ticked;	/* it was writing when we looked */
	bool		 hangs;		/* ... twice */
};

struct writer {
	/* The worker's own. */
	struct req_list	 added;		/* since the last kick */
	struct req_list	 taken;		/* done */
	int		 mail_fd;	/* wakes it */
	bool		 few_said;	/* that no thread was to be had */

	/* Between it and the threads. */
	_Atomic bool	 asleep;	/* it is to be woken */
	_Atomic bool	 any;		/* something is done */
	pthread_mutex_t	 lock;		/* of all below */
	pthread_cond_t	 work;
	pthread_cond_t	 ended;
	STAILQ_HEAD(file_list, export) files;	/* to be written, without a
						 * thread yet */
	unsigned	 nfiles;
	unsigned	 idle;		/* threads that will look for one */
	unsigned	 threads;
	unsigned	 hanging;	/* of them */
	LIST_HEAD(hands, hand) hands;	/* that write */
	struct req_list	 done;
	bool		 quit;
};

struct writer *
writer_new(int mail_fd)
{
	struct writer *wr;

	if ((wr = calloc(1, sizeof(*wr))) == NULL)
		return NULL;
	timed_init(&wr->lock, &wr->work);
	(void)pthread_cond_init(&wr->ended, NULL);
	TAILQ_INIT(&wr->added);
	TAILQ_INIT(&wr->taken);
	TAILQ_INIT(&wr->done);
	STAILQ_INIT(&wr->files);
	wr->mail_fd = mail_fd;
	return wr;
}

void
writer_free(struct writer *wr)
{
	if (wr == NULL)
		return;
	pthread_mutex_lock(&wr->lock);
	wr->quit = true;
	pthread_cond_broadcast(&wr->work);
	while (wr->threads > 0)
		pthread_cond_wait(&wr->ended, &wr->lock);
	pthread_mutex_unlock(&wr->lock);
	(void)pthread_cond_destroy(&wr->work);
	(void)pthread_cond_destroy(&wr->ended);
	(void)pthread_mutex_destroy(&wr->lock);
	free(wr);
}

int
writer_write(const struct req *run)
{
	struct iovec iov[DISK_PIECES];
	unsigned n = io_pieces(run, iov);
	ssize_t rc;

	rc = pwritev(io_fd(run), iov, (int)n, io_offset(run));
	return rc == -1 ? -errno : (int)rc;
}

/* The lock is held.  A worker that is asleep is woken without it, or it would
 * have to wait for it. */
static void
wake(struct writer *wr)
{
	uint64_t one = 1;

	atomic_store(&wr->any, true);
	if (!atomic_exchange(&wr->asleep, false))
		return;
	pthread_mutex_unlock(&wr->lock);
	/* Fails only when it is full of pokes. */
	if (write(wr->mail_fd, &one, sizeof(one)) == -1)
		log_debug("writer: eventfd");
	pthread_mutex_lock(&wr->lock);
}

void
writer_return(struct writer *wr, struct req *run)
{
	pthread_mutex_lock(&wr->lock);
	TAILQ_INSERT_TAIL(&wr->done, run, link);
	wake(wr);
	pthread_mutex_unlock(&wr->lock);
}

/* The lock is held. */
static void
file_queue(struct writer *wr, struct export *e)
{
	e->writing = true;
	STAILQ_INSERT_TAIL(&wr->files, e, write_link);
	wr->nfiles++;
}

static struct export *
file_take(struct writer *wr)
{
	struct export *e;

	if ((e = STAILQ_FIRST(&wr->files)) != NULL) {
		STAILQ_REMOVE_HEAD(&wr->files, write_link);
		wr->nfiles--;
	}
	return e;
}

/* Write what there is for a file, or some of it.  The lock is held, and let go
 * of while it is written.  When its last write is done the file may be gone. */
static void
write_file(struct writer *wr, struct export *e)
{
	struct hand h = { .hangs = false };
	struct req *run;
	bool more;
	unsigned n;

	LIST_INSERT_HEAD(&wr->hands, &h, link);
	for (n = 0, more = true; more && n < BURST; n++) {
		run = TAILQ_FIRST(&e->writes);
		TAILQ_REMOVE(&e->writes, run, link);
		pthread_mutex_unlock(&wr->lock);
		run->res = writer_write(run);
		pthread_mutex_lock(&wr->lock);
		wr->hanging -= h.hangs;
		h.ticked = h.hangs = false;
		if (!(more = !TAILQ_EMPTY(&e->writes)))
			e->writing = false;
		TAILQ_INSERT_TAIL(&wr->done, run, link);
		wake(wr);
	}
	LIST_REMOVE(&h, link);
	if (more)
		file_queue(wr, e);
}

/* Wait for a file to write.  The lock is held.  NULL: it is time to end. */
static struct export *
next_file(struct writer *wr)
{
	struct timespec end = timed_end(IDLE_NS);
	struct export *e;
	int rc = 0;

	while ((e = file_take(wr)) == NULL && !wr->quit && rc == 0)
		rc = pthread_cond_timedwait(&wr->work, &wr->lock, &end);
	wr->idle--;
	return e;
}

static void *
thread_main(void *arg)
{
	struct writer *wr = arg;
	struct export *e;

	pthread_mutex_lock(&wr->lock);
	while ((e = next_file(wr)) != NULL) {
		write_file(wr, e);
		wr->idle++;
	}
	wr->threads--;
	pthread_cond_signal(&wr->ended);
	pthread_mutex_unlock(&wr->lock);
	return NULL;
}

/* The lock is held.  0 or an errno. */
static int
thread_start(struct writer *wr)
{
	int rc = detached_start(thread_main, wr);

	if (rc == 0) {
		wr->threads++;
		wr->idle++;
	}
	return rc;
}

/* Have n files, of those that wait for a thread, find one.  The lock is held.
 * Where none is to be had, files wait until others are written; where there is
 * none at all, the worker itself writes. */
static void
staff(struct writer *wr, unsigned n)
{
	struct export *e;
	unsigned i;
	int rc = 0;

	if (n > wr->nfiles)
		n = wr->nfiles;
	while (wr->idle < n && (rc = thread_start(wr)) == 0)
		;
	for (i = 0; i < n; i++)
		pthread_cond_signal(&wr->work);
	if (rc != 0 && !wr->few_said) {
		wr->few_said = true;
		errno = rc;
		log_warn("a thread to write with; files may wait for each "
		    "other's disks");
	}
	while (wr->threads == 0 && (e = file_take(wr)) != NULL)
		write_file(wr, e);
}

void
writer_add(struct writer *wr, struct req *run)
{
	TAILQ_INSERT_TAIL(&wr->added, run, link);
}

bool
writer_kick(struct writer *wr)
{
	struct export *e;
	struct req *run;
	unsigned busy;
	bool backlog;

	if (TAILQ_EMPTY(&wr->added))
		return false;
	pthread_mutex_lock(&wr->lock);
	while ((run = TAILQ_FIRST(&wr->added)) != NULL) {
		TAILQ_REMOVE(&wr->added, run, link);
		e = run->export;
		TAILQ_INSERT_TAIL(&e->writes, run, link);
		if (!e->writing)
			file_queue(wr, e);
	}
	busy = wr->threads - wr->idle - wr->hanging;
	if (busy < AT_ONCE)
		staff(wr, AT_ONCE - busy);
	backlog = wr->nfiles > 0;
	pthread_mutex_unlock(&wr->lock);
	return backlog;
}

bool
writer_tick(struct writer *wr)
{
	struct hand *h;
	bool backlog;

	pthread_mutex_lock(&wr->lock);
	LIST_FOREACH(h, &wr->hands, link) {
		if (h->ticked && !h->hangs) {
			h->hangs = true;
			wr->hanging++;
		}
		h->ticked = true;
	}
	if (wr->hanging > 0)
		staff(wr, wr->nfiles);
	backlog = wr->nfiles > 0;
	pthread_mutex_unlock(&wr->lock);
	return backlog;
}

struct req *
writer_done(struct writer *wr)
{
	struct req *run;

	if (TAILQ_EMPTY(&wr->taken) && atomic_load(&wr->any)) {
		pthread_mutex_lock(&wr->lock);
		atomic_store(&wr->any, false);
		TAILQ_CONCAT(&wr->taken, &wr->done, link);
		pthread_mutex_unlock(&wr->lock);
	}
	if ((run = TAILQ_FIRST(&wr->taken)) != NULL)
		TAILQ_REMOVE(&wr->taken, run, link);
	return run;
}

bool
writer_sleep(struct writer *wr)
{
	atomic_store(&wr->asleep, true);
	return !atomic_load(&wr->any);
}

void
writer_awake(struct writer *wr)
{
	if (atomic_load_explicit(&wr->asleep, memory_order_relaxed))
		atomic_store(&wr->asleep, false);
}
