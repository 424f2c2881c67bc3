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

struct worker {
	/* The thread's own. */
	unsigned		 id;
	unsigned		 n;		/* of workers */
	struct view		*view;
	struct disk		*disk;
	struct pool		*pool;
	struct net_batch	 batch;
	struct req		*incoming[NET_BATCH];
	unsigned		 nincoming;	/* buffers ready to receive */
	STAILQ_HEAD(sync_list, export) syncs;		/* that want an fdatasync */
	LIST_HEAD(config_list, export) configs;	/* that wait for a store */
	int64_t			 now;		/* time(3), of this turn */
	bool			 mail_armed;
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
	sem_t			 started;	/* posted once */
	int			 start_errno;	/* set before that */

	_Atomic uint64_t	 frames, answers, handed, drops[DROPS];
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

/* worker.c */

/* Queue an answer of len bytes; it is padded, sent with others, and the
 * request goes back to the pool. */
void	worker_answer(struct worker *, struct req *, size_t len);

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

/* The supervisor has stored, or not, an export's new config string. */
void	serve_config_stored(struct worker *, struct export *);

/* io.c */

/* Carry out r, whose order.kind, lba and count are set.  It is taken, and
 * answered when it is done. */
void	io_request(struct worker *, struct req *);

void	io_event(struct worker *, const struct disk_event *);

/* Start the fdatasyncs that requests wait for. */
void	io_syncs(struct worker *);

/* One kept request less; look whether a draining export is done with. */
void	io_release(struct worker *, struct export *);

/* The export is out of the view: finish what is in flight, make it stable,
 * close it and tell the supervisor. */
void	io_drain(struct worker *, struct export *);

#endif
