/* service.h: the supervisor's side: which rows there are, which of them are
 * served, and how the one becomes the other.  All of it belongs to the main
 * thread, and nothing here waits for a worker.
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
#include "table.h"

struct view;
struct worker;
struct iface;

/* A row of the table and what has become of it. */
struct service {
	struct row	 row;
	bool		 want;		/* the operator wants it served */
	bool		 tried;		/* it could not be; why says so */
	struct export	*export;	/* while it is served */
	struct reason	 why;
};

enum service_state {
	STATE_SERVING,
	STATE_STOPPED,		/* by the operator */
	STATE_STOPPING,		/* … and requests are still in flight */
	STATE_WAITING,		/* until the one before it has finished */
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
	unsigned		 nworkers;
	struct worker		*workers;
	unsigned		 patience_ms;	/* left for locks of images */

	/* Zero at first. */
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
	time_t			 complained;	/* of the state folder; when,
						 * monotonic seconds */
};

/* Read the table and make its services.  0, or -1 with the reason in *ds and
 * nothing made; 0 with findings in *ds: those rows have failed. */
int	services_load(struct supervisor *, struct diags *ds);

/* Read it again; rows that say the same serve on.  -1 with the reasons in
 * *ds, and nothing has changed. */
int	services_reload(struct supervisor *, struct diags *ds);

/* Read and check a table without serving it: every fault into *ds.  0 if
 * there is none. */
int	services_check(const char *path, struct diags *ds);

/* Serve what is wanted and can be; hand the workers a new view if anything
 * has changed.  After each of the calls around it. */
void	services_converge(struct supervisor *);

/* Do all workers serve what the services say?  A change of the answer comes
 * with a notification. */
bool	services_adopted(const struct supervisor *);

/* Something has come from the workers: let go of what they are done with,
 * store what they want stored, and converge. */
void	services_collect(struct supervisor *);

struct service *service_find(struct supervisor *, const char *alias);
void	service_start(struct supervisor *, struct service *);
void	service_stop(struct supervisor *, struct service *);
void	service_restart(struct supervisor *, struct service *);

/* Look again at all interfaces: a service is opened anew if one of its own is
 * another by now, or has come back. */
void	services_refresh(struct supervisor *);

/* What state it is in; *why is set if there is something to say, "" if not. */
enum service_state service_state(const struct supervisor *,
	    const struct service *, struct reason *why);

/* Stop all, for the end.  It has come when services_idle says so. */
void	services_stop(struct supervisor *);
bool	services_idle(const struct supervisor *);
void	services_free(struct supervisor *);

#endif
