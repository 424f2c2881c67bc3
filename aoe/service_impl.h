/* service_impl.h: the inside of the supervisor, shared by service.c (states
 * and orders), converge.c (from rows to views), attach.c (interfaces and other
 * targets), opening.c and keeping.c (threads that may hang), reload.c and
 * rates.c.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_SERVICE_IMPL_H
#define AOE_SERVICE_IMPL_H

#include "opener.h"
#include "service.h"

enum open_kind {
	OPEN_FILE,		/* -> export or why */
	OPEN_MEASURE,		/* -> sectors or why, of fd */
	OPEN_CLOSE		/* export, of no use any more */
};

/* What an opener's thread does for a row. */
struct open_job {
	struct job	 job;
	enum open_kind	 kind;
	bool		 dropped;	/* nobody waits for it any more */
	struct priv	*priv;
	unsigned	 table;		/* where the row stands */
	bool		 again;		/* that table is gone by now */
	struct row	 row;
	struct export	*export;
	struct reason	 why;
	int		 fd;		/* OPEN_MEASURE: ours */
	uint64_t	 sectors;
};

/* opening.c */

/* Begin to open the file of a row of the table of that number.  NULL with
 * errno. */
struct open_job *open_begin(struct supervisor *, unsigned table,
	    const struct row *);

/* Begin to measure an export's file anew. */
void	open_measure(struct supervisor *, const struct export *);

/* Nobody waits for it any more.  NULL is fine. */
void	open_drop(struct open_job *);

/* Close what was opened in vain or has ended; closing may hang as well.  Takes
 * it.  NULL is fine. */
void	export_discard(struct supervisor *, struct export *);

/* Take what has been done: each row's file is open then, or has failed. */
void	opened_collect(struct supervisor *);

/* Its file has another size by now, or had when clients were last told. */
void	export_resize(struct export *, uint64_t sectors);

/* For the end: give the threads so many milliseconds.  False: some hang, and
 * go on asking the parent. */
bool	opening_end(struct supervisor *, unsigned ms);

/* converge.c */

/* Take a service's export out of the view, to end when it has finished. */
void	retire(struct supervisor *, struct service *);

/* It cannot be served; why->text says why. */
void	service_fail(struct service *);

/* Is an export before it, of the same alias or file, still finishing? */
bool	has_predecessor(const struct supervisor *, const char *alias,
	    const struct export *);

/* keeping.c: what exports remember over a restart. */

/* Read what the service's fresh export must remember; its `known` says that
 * this has come to an end. */
void	keep_read(struct supervisor *, struct service *);

/* Take what has been read and written, and write what is to be: what clients
 * want stored, and the sizes that they are promised. */
void	keep_turn(struct supervisor *);

/* For the end: give its threads so many milliseconds.  False as above. */
bool	keeping_end(struct supervisor *, unsigned ms);

/* attach.c */

/* An export begins: room for its interfaces.  0, or -1 with errno. */
int	attach_begin(struct export *);

/* An export ends: let go of them. */
void	attach_end(struct export *);

/* See to which interfaces each export is served on now, and ask the network
 * where that is new. */
void	attach_all(struct supervisor *);

/* The kernel has told something about interfaces. */
void	attach_links(struct supervisor *);

/* What the other targets have said. */
void	attach_hear(struct supervisor *);

/* When the next question's time is over, ms; INT64_MAX: none is open. */
int64_t	attach_due(const struct supervisor *);

/* Is it asking the network on some interface? */
bool	attach_asks(const struct export *);

/* Why an export is not served on all of its interfaces, "" if it is. */
void	attach_why(const struct supervisor *, const struct export *,
	    struct reason *why);

/* reload.c */

/* A job has been done: is it the survey's?  Then it is taken. */
bool	survey_take(struct supervisor *, struct open_job *);

/* Go on with it, if its files are open or its time is over. */
void	survey_turn(struct supervisor *);
int64_t	survey_due(const struct supervisor *);

/* rates.c */
void	rates_sample(struct supervisor *);

/* Has no client sent anything for a while?  The workers tell when one does. */
bool	rates_rest(const struct supervisor *);

/* Add what an export has counted to the sums. */
void	stats_add(struct export_stats *, const struct export_stats *);

#endif
