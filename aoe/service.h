/* service.h: the supervisor's side: which rows there are, which of them are
 * served, and how the one becomes the other.  All of it belongs to the main
 * thread, and nothing here waits for a worker, a disk or the network.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_SERVICE_H
#define AOE_SERVICE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "diag.h"
#include "export.h"
#include "link.h"
#include "table.h"

struct iface;
struct priv;
struct keep_job;
struct open_job;
struct opener;
struct survey;
struct view;
struct worker;

/* Where an export that has ended was served: its successor need not ask there
 * whether the address is free. */
struct held {
	uint16_t	shelf;
	uint8_t		slot;
	struct strv	ifaces;
	int64_t		until;		/* ms */
};

/* What its clients moved lately. */
struct rate {
	int64_t		at[2];		/* ms: two samples, the older first */
	uint64_t	read[2], written[2];	/* bytes */
};

/* A row of the table and what has become of it. */
struct service {
	struct row	 row;
	bool		 want;		/* the operator wants it served */
	bool		 tried;		/* it could not be; why says so */
	bool		 forget;	/* who has reserved it, when it begins */
	bool		 accept;	/* fewer sectors than were promised */
	struct open_job	*job;		/* its file is being opened */
	struct export	*fresh;		/* open, but not yet its turn */
	struct keep_job	*reading;	/* what fresh must remember */
	struct export	*export;	/* while it is served, or waits for an
					 * interface */
	struct reason	 why;
	uint64_t	 foreign;	/* MAC of another target there; 0 */
	struct held	 held;
	struct export_stats kept;	/* of the exports before this one */
	struct rate	 rate;
};

enum service_state {
	STATE_SERVING,
	STATE_STOPPED,		/* by the operator */
	STATE_STOPPING,		/* … and requests are still in flight */
	STATE_WAITING,		/* for its file, an interface, the one before */
	STATE_FAILED		/* cannot be served; there is a reason */
};

const char *service_state_name(enum service_state);

struct old_view {
	struct view		*view;
	SLIST_ENTRY(old_view)	 link;
};

struct supervisor {
	/* Set by main. */
	const char		*table_path;
	const char		*state_dir;
	struct priv		*priv;		/* opens what needs rights */
	unsigned		 nworkers;
	struct worker		*workers;
	int64_t			 patience;	/* ms: until then, locks of
						 * images are waited for */

	/* Zero at first. */
	int			 poll_fd;	/* epoll(7) of all below */
	int			 notes_fd;	/* eventfd: workers, openers */
	int			 timer_fd;
	struct links		 links;
	struct opener		*opener;	/* of files */
	struct opener		*keeper;	/* of state files */
	LIST_HEAD(keeping, keep_job) keeping;	/* under way */
	unsigned		 table;		/* its number, priv_table() */
	struct service		*services;
	size_t			 n;
	struct iface		**ifaces;	/* all that are open */
	size_t			 nifaces;
	unsigned		 iface_ids;	/* given so far */
	LIST_HEAD(retiring, export) retiring;	/* out of the view, not done */
	struct view		*view;		/* the newest */
	SLIST_HEAD(old_views, old_view) old_views;
	uint64_t		 epoch;
	bool			 changed;	/* a new view is due */
	bool			 ending;
	bool			 asking;	/* at the end: threads that hang
						 * still have priv */
	time_t			 complained;	/* of the state folder; when,
						 * monotonic seconds */
	int64_t			 suspected;	/* ms: when last said */
	int64_t			 open_due;	/* ms: no interface before it */
	int64_t			 query_due;	/* ms: ask who else serves */
	int64_t			 sample_due;	/* ms: of rates; INT64_MAX: */
	uint64_t		 sample_frames;	/* … when more have come */
	struct survey		*survey;	/* a table being looked at */
	unsigned		 surveys;	/* begun so far */
	bool			 again;		/* a further one is wanted */
	bool			 again_apply;
	bool			 again_all;
	struct diags		 findings;	/* of the last one */
	unsigned		 measuring;	/* files, for a reload */
};

/* Milliseconds of a clock that never jumps. */
int64_t	now_ms(void);

/* Prepare: notes_fd is an eventfd that the workers write to.  0, or -1 with
 * errno. */
int	services_init(struct supervisor *, int notes_fd);

/* Make the services of a table's text.  0, or -1 with the reason in *ds and
 * nothing made; 0 with findings in *ds: those rows have failed. */
int	services_load(struct supervisor *, const char *text,
	    struct diags *ds);

/* The inverse; nothing of it may be served. */
void	services_unload(struct supervisor *);

/* check.c: read and check a table without serving it, by our own rights: every
 * fault into *ds, a file that hangs being one.  0 if there is none. */
int	services_check(const char *path, struct diags *ds);

/* Something is to be read from poll_fd: take it and converge. */
void	services_turn(struct supervisor *);

/* Turn until everything has come to rest, or ms milliseconds have passed. */
void	services_settle(struct supervisor *, int ms);

/* Do all workers serve what the services say? */
bool	services_adopted(const struct supervisor *);

/* reload.c: look at the table's file; with `apply`, serve it if it is without
 * fault.  What it names is opened on the way, so this takes a while.  The
 * number of this survey; rows that say the same serve on. */
unsigned services_survey(struct supervisor *, bool apply);

/* Is that survey over?  *ds, borrowed, is then what it found (or a later
 * one of the same file). */
bool	services_surveyed(const struct supervisor *, unsigned number,
	    const struct diags **ds);

struct service *service_find(struct supervisor *, const char *alias);
void	service_start(struct supervisor *, struct service *);
void	service_stop(struct supervisor *, struct service *);

/* One that has shrunk, and whose clients were told of more, is served at its
 * new size. */
void	service_restart(struct supervisor *, struct service *);

/* Restart it, and forget who has reserved it and whom it listens to. */
void	service_disconnect(struct supervisor *, struct service *);

/* What state it is in; *why is set if there is something to say, "" if not. */
enum service_state service_state(const struct supervisor *,
	    const struct service *, struct reason *why);

/* Is it on its way to another state, without anybody's doing? */
bool	service_pending(const struct supervisor *, const struct service *);

/* Its counters: of what serves it now and of those before. */
void	service_stats(const struct supervisor *, const struct service *,
	    struct export_stats *);

/* Bytes a second, over the last seconds. */
void	service_rate(const struct supervisor *, const struct service *,
	    double *read, double *written);

/* Stop all, for the end.  It has come when services_idle says so. */
void	services_stop(struct supervisor *);
bool	services_idle(const struct supervisor *);
void	services_free(struct supervisor *);

#endif
