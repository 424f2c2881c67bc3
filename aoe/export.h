/* export.h: one disk image or device that is served: its row, its descriptor,
 * and what its worker keeps for it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_EXPORT_H
#define AOE_EXPORT_H

#include <sys/queue.h>
#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ata.h"
#include "image.h"
#include "order.h"
#include "query.h"
#include "table.h"

struct req;
struct iface;
struct keep_job;
struct links;
TAILQ_HEAD(req_list, req);

/* Written by the owner alone, read by anyone: relaxed loads and stores. */
struct export_stats {
	_Atomic uint64_t	reads;		/* answered well */
	_Atomic uint64_t	writes;
	_Atomic uint64_t	flushes;
	_Atomic uint64_t	bytes_read;
	_Atomic uint64_t	bytes_written;
	_Atomic uint64_t	errors;		/* ATA and AoE errors sent */
	_Atomic uint64_t	dropped;	/* too many in flight */
	_Atomic uint64_t	syncs;		/* fdatasync calls */
	_Atomic int64_t		heard;		/* time(3) of the last frame,
						 * 0: never */
};

/* One of the row's interfaces. */
struct attach {
	struct iface	*ifc;		/* NULL: it is not to be had */
	int64_t		 due;		/* ms: asked who else serves; 0: not */
	bool		 in;		/* served on it */
};

enum store_phase {
	STORE_IDLE,
	STORE_WANTED,		/* the owner waits for it to be stored */
	STORE_RUNNING,		/* the supervisor has begun */
	STORE_DONE		/* state_errno says how it went */
};

struct export {
	/* Fixed once it is in a view. */
	struct row		 row;
	int			 fd;
	int			 fd_plain;	/* without O_DIRECT, for what
						 * is not aligned; or -1 */
	off_t			 offset;	/* bytes */
	struct ata_disk		 disk;		/* as it was opened; what
						 * holds now is below */
	unsigned		 cut;		/* sectors left out at the end */
	uint64_t		 window;	/* tells file, offset and length
						 * from others */
	unsigned		 owner;		/* the worker's number */
	dev_t			 dev;		/* which file it is */
	ino_t			 ino;
	bool			 regular;	/* no device */
	bool			 fuse;		/* image.h */

	/* The supervisor's. */
	struct attach		*links;		/* one for each of the row's */
	struct iface		**ifaces;	/* those it is served on */
	size_t			 nifaces;
	bool			 published;	/* in a view, now or before */
	uint64_t		 retired_epoch;	/* first view without it */
	LIST_ENTRY(export)	 retired;
	struct state		 kept;		/* as it is on disk */
	bool			 known;		/* ... which has been read */
	bool			 unkept;	/* its size could not be stored */
	struct keep_job		*saving;	/* it is being written */

	/* The owner's. */
	unsigned		 announced;	/* of `announce` */
	bool			 can_nowait;	/* the file knows RWF_NOWAIT */
	unsigned		 now_misses;	/* writes in a row that would
						 * have waited */
	unsigned		 own_slow;	/* of its worker's own writes
						 * to it, see helm.c */
	int64_t			 own_from_ns;	/* none of these before that */
	struct order		 order;
	struct req_list		 ready;		/* may start */
	bool			 start_wanted;	/* on the worker's list */
	STAILQ_ENTRY(export)	 start_link;
	struct req_list		 written;	/* to be answered when synced */
	struct req_list		 syncing;	/* the running sync's */
	bool			 sync_running;
	bool			 sync_wanted;	/* on the worker's list */
	STAILQ_ENTRY(export)	 sync_link;
	bool			 unsynced;	/* written to since a sync */
	bool			 draining;
	bool			 closing;
	unsigned		 inflight;	/* requests kept */
	unsigned		 running;	/* of them at the disk */
	bool			 cache_on;	/* answers writes before they
						 * are stable */
	bool			 smart_off;
	struct state		 state;
	struct state		 state_new;
	struct req		*state_req;	/* waits for state_new */
	struct mask_edit	 state_edit;	/* if it edits the masks */
	LIST_ENTRY(export)	 state_link;
	int			 state_errno;
	int64_t			 complained;	/* when, now_ns; 0: never */
	int64_t			 told;		/* of lists; the same */

	/* The writer's, under its lock (writer.c). */
	struct req_list		 writes;	/* runs, for its thread */
	bool			 writing;	/* it has one, or is to */
	STAILQ_ENTRY(export)	 write_link;

	/* Between threads. */
	_Atomic uint64_t	 sectors;	/* it may grow */
	_Atomic bool		 frozen;	/* read-only: it has shrunk */
	_Atomic bool		 ended_early;	/* the file did, in a read */
	_Atomic unsigned	 announce;	/* clients are to hear of it:
						 * counts occasions */
	_Atomic int		 phase;		/* enum store_phase */
	_Atomic bool		 retiring;	/* no longer in the newest view */
	_Atomic bool		 drained;	/* the owner is done with it */
	_Atomic int		 failed;	/* errno of a lost write, or 0 */
	struct export_stats	 stats;
};

/* Why something could not be opened, for people. */
struct reason {
	char	text[256];
};

/* Make an export of a row and its open file, which it takes, in any case.
 * NULL with why->text: "/x: smaller than 4 KiB".  The interfaces are the
 * caller's to fill in. */
struct export *export_new(const struct row *, struct image *,
	    struct reason *why);

/* Say why an image could not be opened, by its errno; ETIMEDOUT: it was waited
 * for in vain. */
void	export_reason(const struct row *, int err, struct reason *why);

/* Keep other programs from the part of the file that is served: from writing
 * it, and unless it is read-only from reading it, as far as they ask for locks
 * as well.  0, or -1 with errno: EAGAIN or EACCES if another export or program
 * has it.  It ends with the descriptor. */
int	export_lock(const struct export *);

/* Let go of it now, whenever it is closed. */
void	export_unlock(const struct export *);

/* Do both serve some sector of one file? */
bool	export_overlaps(const struct export *, const struct export *);

/* Free it; closes what its worker has not closed. */
void	export_free(struct export *);

/* What needs the world: add a finding for each interface of the row that is
 * not there. */
void	export_check_links(const struct row *, const struct links *,
	    struct diags *);

/* Sectors that a descriptor's file has to serve for that row by now; may hang
 * where the file system does.  0 with why->text if it is none. */
uint64_t export_measure(const struct row *, int fd, struct reason *why);

/* Add a finding if the row's file cannot be served, by what opening it has come
 * to: an errno, or 0 and the image, of which only the size is asked. */
void	export_report(const struct row *, int err, const struct image *,
	    struct diags *);

/* Sectors that one message may carry on an interface of that MTU. */
unsigned export_maxsectors(const struct export *, unsigned mtu);

#define EXPORT_SECTORS_MAX	23	/* what a request's buffer holds */

#endif
