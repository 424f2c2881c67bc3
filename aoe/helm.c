/* helm.c: the two threads of a worker.
 *
 * One has the helm: it does the worker's loop.  What it does never waits for a
 * disk, but for one thing: where handing a write to another thread would cost
 * more than writing does, it writes by itself.  Meanwhile the other thread, the
 * relief, looks every few milliseconds.  If it sees the same write twice, it
 * takes the helm, with a ring of its own, and who is kept at the disk becomes
 * the relief when that lets him go; his write is then one of the writer's
 * (writer.c).  Nothing of the worker's may depend on the thread that had the
 * helm: the ring is idle while it writes, but for polls, of which the next one
 * has its own.
 *
 * A file on FUSE is for others from the start: there a write waits for another
 * process; and a disk that is slow, but not as slow as that, soon is.  A turn of
 * the loop has 2 ms for own writes.
 *
 * Whoever does not have the helm touches nothing of the worker's but what is
 * said here to be between threads.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <signal.h>

#include "timed.h"
#include "worker_impl.h"

#define RING		1024	/* entries */
#define LOOK_NS		3000000	/* between two looks of the relief */
#define LOOKS_IDLE	100	/* without a write, before it sleeps */
#define CAREFUL_NS	INT64_C(1000000000)	/* without writing itself, after a
					 * relief; and twice as long ... */
#define CAREFUL_MOST_NS	(64 * CAREFUL_NS)
#define BRIEF_NS	INT64_C(100000000)	/* ... if it was kept for more */
#define TURN_NS		2000000	/* at own writes in one turn, and then ... */
#define PAUSE_NS	100000000	/* ... none for so long */
#define SLOW_NS		1000000	/* of a write: it waited for the disk */
#define SLOW_COST	4	/* ... which as many that did not make good */
#define SLOW_MOST	16	/* of that, and the disk is a slow one ... */
#define SLOW_FOR_NS	INT64_C(10000000000)	/* ... for so long */

bool
helm_may_write(const struct worker *w, const struct export *e)
{
	return atomic_load_explicit(&w->helm.relief, memory_order_relaxed) &&
	    w->now_ns >= w->helm.careful_ns && w->now_ns >= e->own_from_ns &&
	    !e->fuse && !disk_busy(w->disk);
}

/* A disk that takes its time with each write, but less than the relief would
 * have to see, keeps all others waiting nevertheless.  If many writes to it are
 * slow, others write to it for a while, and again for as long if the first one
 * after that is slow. */
static void
judge(struct export *e, int64_t began, int64_t now)
{
	if (now - began < SLOW_NS) {
		e->own_slow -= e->own_slow > 0;
		return;
	}
	e->own_slow += SLOW_COST;
	if (e->own_slow >= SLOW_MOST) {
		e->own_slow = SLOW_MOST;
		e->own_from_ns = now + SLOW_FOR_NS;
	}
}

/* Writes to many disks, none of which is a slow one, add up nevertheless. */
static void
spend(struct worker *w, int64_t began, int64_t now)
{
	struct helm *h = &w->helm;

	if (h->turn_ns != w->now_ns) {
		h->turn_ns = w->now_ns;
		h->spent_ns = 0;
	}
	h->spent_ns += now - began;
	if (h->spent_ns > TURN_NS)
		h->careful_ns = now + PAUSE_NS;
}

/* The relief is to look, from now on. */
static void
watch(struct helm *h)
{
	if (atomic_load(&h->watched))
		return;
	pthread_mutex_lock(&h->lock);
	atomic_store(&h->watched, true);
	pthread_cond_signal(&h->change);
	pthread_mutex_unlock(&h->lock);
}

bool
helm_write(struct worker *w, struct req *run)
{
	struct helm *h = &w->helm;
	uint64_t mine = ++h->writes;
	int64_t began = worker_clock_ns(), now;

	atomic_store(&h->writing, mine);
	watch(h);
	run->res = writer_write(run);
	if (atomic_compare_exchange_strong(&h->writing, &mine, 0)) {
		now = worker_clock_ns();
		judge(run->export, began, now);
		spend(w, began, now);
		return true;
	}
	writer_return(w->writer, run);
	return false;
}

/* The helm is ours.  Nobody says when a disk will go on: writes go to others
 * for a while, and for longer if this thread was kept for long the last
 * time. */
static void
take(struct worker *w, struct seat *s)
{
	struct helm *h = &w->helm;

	if (h->taken_ns == 0 || s->back_ns - h->taken_ns < BRIEF_NS)
		h->careful_for_ns = CAREFUL_NS;
	else if (h->careful_for_ns < CAREFUL_MOST_NS)
		h->careful_for_ns *= 2;
	h->taken_ns = worker_clock_ns();
	h->careful_ns = h->taken_ns + h->careful_for_ns;
	stat_add(&h->takes, 1);
	w->disk = s->disk;
	worker_relieved(w);
}

/* A pause between two looks.  The lock is held. */
static void
pause_looking(struct helm *h)
{
	struct timespec until = timed_end(LOOK_NS);

	(void)pthread_cond_timedwait(&h->change, &h->lock, &until);
}

/* Look at the writes until one does not end, which is ended for him who is at
 * it: true; false: it is time to end.  The lock is held. */
static bool
look(struct worker *w)
{
	struct helm *h = &w->helm;
	uint64_t seen, last = 0;
	unsigned idle = 0;

	while (!atomic_load(&w->stop)) {
		if (!atomic_load(&h->watched)) {
			(void)pthread_cond_wait(&h->change, &h->lock);
			idle = 0;
			continue;
		}
		seen = atomic_load(&h->writing);
		if (seen != 0 && seen == last &&
		    atomic_compare_exchange_strong(&h->writing, &seen, 0))
			return true;
		idle = seen == 0 ? idle + 1 : 0;
		last = seen;
		if (idle < LOOKS_IDLE) {
			pause_looking(h);
			continue;
		}
		/* A write that begins now sees that nobody looks, or is
		 * seen. */
		atomic_store(&h->watched, false);
		if (atomic_load(&h->writing) != 0)
			atomic_store(&h->watched, true);
	}
	return false;
}

/* Wait for the helm.  False: it is time to end. */
static bool
wait_for_helm(struct worker *w, struct seat *s)
{
	struct helm *h = &w->helm;
	bool mine;

	s->back_ns = worker_clock_ns();
	pthread_mutex_lock(&h->lock);
	atomic_store(&h->relief, true);
	if ((mine = look(w)))
		atomic_store(&h->relief, false);
	pthread_mutex_unlock(&h->lock);
	if (mine)
		take(w, s);
	return mine;
}

/* Until the worker stops or the helm is lost. */
static void
work(struct worker *w, struct seat *s)
{
	worker_loop(w);
	/* Polls hold sockets, which others may have closed since. */
	disk_forget(s->disk);
}

static void *
seat_main(void *arg)
{
	struct seat *s = arg;
	struct worker *w = s->worker;

	if ((s->disk = disk_new(RING)) == NULL)
		s->start_errno = errno;
	else if (s == &w->helm.seats[0])
		w->disk = s->disk;
	sem_post(&w->started);
	if (s->disk == NULL)
		return NULL;
	if (s == &w->helm.seats[0])
		work(w, s);
	while (wait_for_helm(w, s))
		work(w, s);
	disk_free(s->disk);
	return NULL;
}

/* Signals are the main thread's, but for the one that says of a system call
 * that it may not be made. */
static int
seat_start(struct worker *w, struct seat *s)
{
	sigset_t all, old;
	int rc;

	s->worker = w;
	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&s->thread, NULL, seat_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0) {
		while (sem_wait(&w->started) == -1)
			;
		if ((rc = s->start_errno) != 0)
			pthread_join(s->thread, NULL);
		else
			s->runs = true;
	}
	return rc;
}

int
helm_start(struct worker *w)
{
	struct helm *h = &w->helm;
	int rc = 0;
	unsigned i;

	h->careful_for_ns = CAREFUL_NS;
	for (i = 0; i < HELM_SEATS && rc == 0; i++)
		rc = seat_start(w, &h->seats[i]);
	errno = rc;
	return rc == 0 ? 0 : -1;
}

void
helm_stop(struct worker *w)
{
	struct helm *h = &w->helm;

	atomic_store(&w->stop, true);
	worker_poke(w);
	pthread_mutex_lock(&h->lock);
	pthread_cond_broadcast(&h->change);
	pthread_mutex_unlock(&h->lock);
}

void
helm_join(struct worker *w)
{
	unsigned i;

	for (i = 0; i < HELM_SEATS; i++)
		if (w->helm.seats[i].runs)
			pthread_join(w->helm.seats[i].thread, NULL);
}

int
helm_init(struct worker *w)
{
	timed_init(&w->helm.lock, &w->helm.change);
	return sem_init(&w->started, 0, 0);
}

void
helm_fini(struct worker *w)
{
	(void)pthread_cond_destroy(&w->helm.change);
	(void)pthread_mutex_destroy(&w->helm.lock);
}
