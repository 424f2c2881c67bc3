/* opener.h: what may hang, done by threads that may hang: opening a file on a
 * network file system whose server is gone takes minutes or for ever.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_OPENER_H
#define AOE_OPENER_H

#include <sys/queue.h>

#include <stdbool.h>

/* To be embedded first in what the work is about. */
struct job {
	void			(*run)(struct job *);	/* in some thread */
	STAILQ_ENTRY(job)	 link;
};

struct opener;

/* At most `max` threads, started when there is work for them.  notify_fd is
 * an eventfd that is written to when a job has been done.  NULL with errno. */
struct opener *opener_new(int notify_fd, unsigned max);

/* Have a job run; it is the opener's until opener_done gives it back.  Jobs
 * begin in the order in which they came. */
void	opener_run(struct opener *, struct job *);

/* A job that has been done, or NULL. */
struct job *opener_done(struct opener *);

/* Begin no further job, and wait for those that run.  True if they end within
 * ms milliseconds: then opener_done gives back all that are left, done or not,
 * and opener_free is to follow.  False: threads that hang keep it alive. */
bool	opener_stop(struct opener *, unsigned ms);

/* Free it, stopped and empty. */
void	opener_free(struct opener *);

#endif
