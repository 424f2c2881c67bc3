/* worker_impl.h: the inside of a worker, shared by worker.c (its loop), helm.c
 * (the threads that do it), serve.c (what a frame asks for) and io.c (its way
 * through the disk).
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_WORKER_IMPL_H
#define AOE_WORKER_IMPL_H

#include <sys/queue.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "disk.h"
#include "export.h"
#include "handoff.h"
#include "net.h"
#include "pool.h"
#include "view.h"
#include "worker.h"

struct writer;

/* One of a worker's two threads, see helm.c. */
struct seat {
	struct worker	*worker;
	struct disk	*disk;
	pthread_t	 thread;
	bool		 runs;
	int		 start_errno;	/* set before it says that it runs */
	int64_t		 back_ns;	/* since when it has not the helm */
};
#define HELM_SEATS	2

struct helm {
	struct seat	 seats[HELM_SEATS];	/* the first begins */

	/* His who has it. */
	uint64_t	 writes;	/* by himself */
	int64_t		 careful_ns;	/* none before that */
	int64_t		 careful_for_ns;	/* how long that was to be */
	int64_t		 taken_ns;	/* when the helm was, the last time */
	int64_t		 turn_ns;	/* the turn of the last write, and */
	int64_t		 spent_ns;	/* ... what writes took in it */

	/* Between threads. */
	_Atomic uint64_t writing;	/* the write under way; 0: none, or
					 * the helm has been taken */
	_Atomic bool	 relief;	/* there is one, and waits */
	_Atomic bool	 watched;	/* ... and looks */
	_Atomic uint64_t takes;		/* how often it was taken */
	pthread_mutex_t	 lock;
	pthread_cond_t	 change;	/* of watched, or the worker's stop */
};

struct worker {
	/* His who has the helm. */
	unsigned		 id;
	unsigned		 n;		/* of workers */
	struct view		*view;
	struct disk		*disk;
	struct pool		*pool;
	struct writer		*writer;
	const struct export	*ring_file;	/* written through the ring */
	unsigned		 ring_writes;	/* of it, under way */
	struct req_list		 own_writes;	/* runs, for this thread */
	struct net_batch	 batch;
	struct req		*incoming[NET_BATCH];
	unsigned		 nincoming;	/* buffers ready to receive */
	STAILQ_HEAD(start_list, export) starts;	/* with requests ready */
	STAILQ_HEAD(sync_list, export) syncs;		/* that want an fdatasync */
	LIST_HEAD(port_list, port) leaving;	/* ports, out of the view */
	LIST_HEAD(state_list, export) stores;	/* that wait for one */
	int64_t			 now;		/* time(3), of this turn */
	int64_t			 now_ns;	/* monotonic, of this turn */
	int64_t			 busy_ns;	/* … of the last with work */
	int64_t			 spin_from_ns;	/* no spinning before that */
	bool			 spin;		/* look again, do not sleep */
	bool			 mail_armed;
	bool			 tick_armed;	/* of the writer */
	bool			*kick;		/* peers to be woken */

	/* Between threads. */
	struct worker		*peers;		/* all n, this one too */
	struct handoff		**inbox;	/* n, from each peer */
	struct helm		 helm;
	int			 mail_fd;	/* eventfd: look at these */
	int			 notify_fd;	/* eventfd: the supervisor's */
	_Atomic(struct view *)	 published;
	_Atomic uint64_t	 epoch;		/* of view */
	_Atomic bool		 stop;
	_Atomic bool		 tell;		/* of the next frame */
	sem_t			 started;	/* posted once by each seat */

	_Atomic uint64_t	 turns;		/* of its loop */
	uint64_t		 turns_seen;	/* the supervisor's */

	_Atomic uint64_t	 frames, answers, handed, drops[DROPS];
	_Atomic uint64_t	 refusals[AOE_ERRORS];
};

/* Add to a counter that only this thread writes. */
static inline void
stat_add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c,
	    atomic_load_explicit(c, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

/* Of a clock that never jumps. */
static inline int64_t
worker_clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static inline void
drop_count(struct worker *w, enum drop why)
{
	stat_add(&w->drops[why], 1);
}

/* A request came by this port, or goes by it: the port stays until the request
 * is back in the pool. */
static inline void
req_attach(struct req *r, struct port *p)
{
	r->port = p;
	p->held++;
}

/* worker.c */

/* Queue an answer of len bytes; it is padded, sent with others, and the
 * request goes back to the pool. */
void	worker_answer(struct worker *, struct req *, size_t len);

/* Our port on the interface of that number; NULL if it is not in the view. */
struct port *worker_port(const struct worker *, unsigned iface);

/* Send what is queued. */
void	worker_flush(struct worker *);

/* The supervisor should look. */
void	worker_notify(struct worker *);

/* The worker should, at its mail.  By any thread. */
void	worker_poke(struct worker *);

/* Work until the worker stops, or the helm is lost. */
void	worker_loop(struct worker *);

/* The helm was taken: what stood in the ring of him who had it is forgotten. */
void	worker_relieved(struct worker *);

/* helm.c */

/* helm_init and helm_start: 0, or -1 with errno, and then some threads may run.
 * helm_stop tells those that do to end, helm_join waits until they have. */
int	helm_init(struct worker *);
int	helm_start(struct worker *);
void	helm_stop(struct worker *);
void	helm_join(struct worker *);
void	helm_fini(struct worker *);

/* May he who has the helm write to that file by himself?  Not while anything
 * else is under way in his ring. */
bool	helm_may_write(const struct worker *, const struct export *);

/* Write a run of a regular file, run->res says how.  False: the helm is
 * another's by now, and the worker must not be touched any more; the run is the
 * writer's. */
bool	helm_write(struct worker *, struct req *run);

/* serve.c */

/* Serve the frame of r->len bytes that came in by r->port; r is taken. */
void	serve_frame(struct worker *, struct req *);

/* The same for one that a peer handed over: it is for us or for nobody. */
void	serve_handed(struct worker *, struct req *);

/* Tell an export's clients that it is there. */
void	serve_announce(struct worker *, struct export *);

/* Answer the ATA message r with these registers and len bytes of data, which
 * stand in their place. */
void	serve_ata_answer(struct worker *, struct req *, uint8_t status,
	    uint8_t error, uint8_t count, size_t len);

/* Answer r with an error of AoE's. */
void	serve_error(struct worker *, struct req *, enum aoe_error);

/* No answer to r, for this reason. */
void	serve_drop(struct worker *, struct req *, enum drop);

/* The MTU, as it is now, of the interface that r came by. */
unsigned serve_mtu(const struct req *);

/* serve_query.c: what clients read and change of an export's state. */

/* Serve r, of that command: Query Config, MAC Mask List, Reserve/Release. */
void	serve_config(struct worker *, struct req *);
void	serve_mask(struct worker *, struct req *);
void	serve_reserve(struct worker *, struct req *);

/* Write the Query Config answer into r: its length. */
size_t	serve_config_put(struct req *, uint8_t ccmd);

/* The supervisor has stored, or not, an export's new state. */
void	serve_stored(struct worker *, struct export *);

/* All writes that came before the export's new lists have taken effect. */
void	serve_fenced(struct worker *, struct export *);

/* io.c */

/* Carry out r, whose order.kind, lba and count are set.  It is taken, and
 * answered when it is done. */
void	io_request(struct worker *, struct req *);

/* Call serve_fenced when every write that came before has taken effect.  r is
 * the export's state_req, and counted in its inflight. */
void	io_fence(struct worker *, struct req *r);

void	io_event(struct worker *, const struct disk_event *);

/* Take what the writer has done: how many runs. */
unsigned io_written(struct worker *);

/* Carry out what has become ready: what lies side by side goes together.
 * False: the helm was lost meanwhile. */
bool	io_starts(struct worker *);

/* What the worker was to write itself is for the writer's threads, since the
 * helm was taken. */
void	io_give_writes(struct worker *);

/* Start the fdatasyncs that requests wait for. */
void	io_syncs(struct worker *);

/* One kept request less; look whether a draining export is done with. */
void	io_release(struct worker *, struct export *);

/* The export is out of the view: finish what is in flight, make it stable,
 * close it and tell the supervisor. */
void	io_drain(struct worker *, struct export *);

/* What is yet to be transferred of a run: descriptor, place in the file, and
 * memory, of which it returns how many pieces. */
int	io_fd(const struct req *run);
off_t	io_offset(const struct req *run);
unsigned io_pieces(const struct req *run, struct iovec iov[DISK_PIECES]);

/* writer.c */

/* The threads that write for a worker, which they wake by mail_fd; NULL with
 * errno.  It is freed when nothing is being written. */
struct writer *writer_new(int mail_fd);
void	writer_free(struct writer *);

/* Write a run of an export that is a regular file: by a thread, from the next
 * kick on, after those added before for the same export. */
void	writer_add(struct writer *, struct req *run);
bool	writer_kick(struct writer *);

/* True from either: there are more files to write than threads are let loose
 * on, and writer_tick is to be called some WRITER_TICK_NS from now. */
bool	writer_tick(struct writer *);
#define WRITER_TICK_NS	2000000

/* By the calling thread, whichever: write a run, bytes or -errno; and hand one
 * in that was written, run->res says how. */
int	writer_write(const struct req *run);
void	writer_return(struct writer *, struct req *run);

/* A run that was written, run->res says how, or NULL. */
struct req *writer_done(struct writer *);

/* The worker is about to sleep, and is woken when something is done; false: it
 * is already. */
bool	writer_sleep(struct writer *);
void	writer_awake(struct writer *);

#endif
