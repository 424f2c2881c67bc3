/* worker.h: one thread that serves a part of the exports, as the supervisor
 * sees it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_WORKER_H
#define AOE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

struct view;
struct worker;

/* Why a frame got no answer, or not the one it wanted. */
enum drop {
	DROP_SHORT,		/* shorter than a header */
	DROP_LONG,		/* longer than any message */
	DROP_VLAN,		/* tagged for a VLAN */
	DROP_FOREIGN,		/* another ethertype */
	DROP_RESPONSE,		/* an answer, not a request */
	DROP_GROUP,		/* from a group address */
	DROP_SELF,		/* from the interface's own address */
	DROP_NOBODY,		/* no export for this client and address */
	DROP_MASKED,		/* the export's mask list leaves it out */
	DROP_BROADCAST,		/* a command that no broadcast may carry */
	DROP_BUSY,		/* too many in flight */
	DROP_SEND,		/* the answer did not go out */
	DROPS
};

const char *drop_name(enum drop);

/* What a message was refused for, "" for AOE_OK. */
const char *refusal_name(enum aoe_error);

/* A copy of a worker's counters. */
struct worker_stats {
	uint64_t	frames;		/* received */
	uint64_t	answers;	/* sent */
	uint64_t	handed;		/* passed on to another worker */
	uint64_t	kept;		/* how often a disk kept its thread, and
					 * another went on */
	uint64_t	drops[DROPS];
	uint64_t	refusals[AOE_ERRORS];	/* messages with AoE errors */
};

/* Make n workers and start them on an (empty) view; *ws is an array of n.
 * notify_fd is an eventfd that they write to when the supervisor should look.
 * 0, or -1 with errno and nothing started. */
int	workers_start(struct worker **ws, unsigned n, int notify_fd,
	    struct view *);

/* Stop and free them.  Every export must have been drained. */
void	workers_stop(struct worker *ws, unsigned n);

/* Hand the newest view to all.  The ones before it must stay until
 * workers_epoch has passed them. */
void	workers_publish(struct worker *ws, unsigned n, struct view *);

/* The oldest view that any of them still uses. */
uint64_t workers_epoch(const struct worker *ws, unsigned n);

/* Have them look at their exports' config phases. */
void	workers_wake(struct worker *ws, unsigned n);

/* Has each of them gone round its loop since this was last asked?  They are
 * woken, so that the next answer is not of idleness. */
bool	workers_moved(struct worker *ws, unsigned n);

/* Frames that all of them have received. */
uint64_t workers_frames(const struct worker *ws, unsigned n);

/* Have each of them notify the supervisor of the next frame that it receives,
 * once. */
void	workers_tell(struct worker *ws, unsigned n);

void	workers_stats(const struct worker *ws, unsigned n,
	    struct worker_stats *);

#endif
