/* worker_impl.h: the inside of a worker, shared by worker.c (its loop),
 * serve.c (what a frame asks for) and io.c (its way through the disk).
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

#include "disk.h"
#include "export.h"
#include "handoff.h"
#include "net.h"
#include "pool.h"
#include "view.h"
#include "worker.h"

struct writer;

struct worker {
	/* The thread's own. */
	unsigned		 id;
	unsigned		 n;		/* of workers */
	struct view		*view;
	struct disk		*disk;
	struct pool		*pool;
	struct writer		*writer;
	const struct export	*ring_file;	/* written through the ring */
	unsigned		 ring_writes;	/* of it, under way */
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
	pthread_t		 thread;
	int			 mail_fd;	/* eventfd: look at these */
	int			 notify_fd;	/* eventfd: the supervisor's */
	_Atomic(struct view *)	 published;
	_Atomic uint64_t	 epoch;		/* of view */
	_Atomic bool		 stop;
	_Atomic bool		 tell;		/* of the next frame */
	sem_t			 started;	/* posted once */
	int			 start_errno;	/* set before that */

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

/* The supervisor should look. */
void	worker_notify(struct worker *);

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

/* Carry out what has become ready: what lies side by side goes together. */
void	io_starts(struct worker *);

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

/* A run that was written, run->res says how, or NULL. */
struct req *writer_done(struct writer *);

/* The worker is about to sleep, and is woken when something is done; false: it
 * is already. */
bool	writer_sleep(struct writer *);
void	writer_awake(struct writer *);

#endif
