/* priv.h: the two processes of aoed(8).  The parent keeps the rights and does
 * only what is on a fixed list (priv_msg.h); the child serves, and has none.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_PRIV_H
#define AOE_PRIV_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "image.h"
#include "notify.h"
#include "priv_msg.h"
#include "table.h"

struct helpers;
struct iface;

/*
 * priv.c: the parent's side.
 */

struct parent {
	/* Set by main. */
	const char	*table_path;
	const char	*state_dir;
	unsigned	 nworkers;	/* sockets that an interface is given */
	unsigned	 patience_ms;	/* for the child to end when told to */
	int		 verdict;	/* write a byte when it serves, or -1 */
	int		 null;		/* to take the terminal's place then,
					 * or -1 */
	struct notify	 notify;

	/* The tables whose rows may be asked for: [0] is in force, [1] was
	 * read and is not yet accepted. */
	struct table	 tables[2];
	unsigned	 numbers[2];	/* theirs */
	unsigned	 last_number;
	unsigned	 ntables;	/* 1 or 2 */

	/* priv_fork's. */
	pid_t		 child;
	int		 calls;		/* answered one by one */
	int		 asks;		/* answered by helpers */
	int		 orders;	/* a pipe: signals for the child */
	struct helpers	*helpers;	/* who do it */
	bool		 ending;
	int64_t		 deadline;	/* for the child's end; ms */
	int64_t		 complained;
};

struct priv;

/* Make the child.  In the child *child is its side of the matter and 0 is
 * returned; in the parent, the child's pid.  -1 with errno. */
pid_t	priv_fork(struct parent *, struct priv **child);

/* Serve the child until it has ended, and return what is to be our own exit
 * status.  SIGTERM and SIGINT are passed on, SIGHUP too. */
int	parent_serve(struct parent *);

/* Free what it has in memory. */
void	parent_free(struct parent *);

/* Carry out one request that came by the first (calls) or second socket.  For
 * parent_serve and tests.  -1: no aoed would have sent it. */
int	parent_request(struct parent *, bool calls, const void *, size_t len);

/*
 * priv_client.c: the child's side.  These calls may be made by any thread.
 * They wait for the parent, which waits for nothing; and those that are said
 * to hang, for a process of the parent's that hangs where the disk does.
 */

enum priv_order {
	PARENT_GONE, PARENT_RELOAD, PARENT_END
};

struct priv *priv_child(int calls, int asks, int orders);

/* Free it; no thread may be asking. */
void	priv_free(struct priv *);

/* Have the table read again.  Its text, to be freed, and its number, by which
 * its rows are asked for from now on; NULL with the reason in *ds.  The table
 * in force is number 0 at first. */
char	*priv_table(struct priv *, unsigned *number, struct diags *ds);

/* That table is in force, any other is forgotten. */
void	priv_keep(struct priv *, unsigned number);

/* Open the file of a row of that table, as image_open() does.  It may hang. */
int	priv_open(struct priv *, unsigned table, const struct row *,
	    struct image *);

/* The interface, with packet sockets for n workers, as iface_open() does. */
struct iface *priv_iface(struct priv *, const char *name, size_t n);

/* As state_read() and state_write() do.  They may hang. */
ssize_t	priv_state_read(struct priv *, const char *alias, char *, size_t);
int	priv_state_write(struct priv *, const char *alias, const char *,
	    size_t len);

/* Tell the service manager. */
void	priv_tell(struct priv *, enum priv_news, const char *status);

/* What to poll for to hear what the parent wants; and what that is, false if
 * nothing. */
int	priv_orders_fd(const struct priv *);
bool	priv_order(struct priv *, enum priv_order *);

#endif
