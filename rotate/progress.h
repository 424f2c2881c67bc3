/* progress.h: one line on a terminal that says how far a run is.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_PROGRESS_H
#define BACKSHELF_PROGRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What a line says. */
struct progress_state {
	const char	*host;
	size_t		 client, clients;	/* the how-manyeth, of all */
	size_t		 snapshots;		/* that go together */
	uint64_t	 files;			/* gone, and folders */
	uint64_t	 expected;		/* as the records say; 0: ? */
	uint64_t	 ms;			/* since they began to go */
};

#define PROGRESS_LINE	160

/* The line, no wider than so many columns.  Pure. */
void	progress_line(char buf[PROGRESS_LINE], const struct progress_state *,
	    size_t width);

/* Zero-initialise. */
struct progress {
	FILE			*f;		/* NULL: show nothing */
	atomic_ullong		 files;		/* for sweep_opts.seen */
	pthread_mutex_t		 lock;
	pthread_cond_t		 wake;
	pthread_t		 thread;
	struct progress_state	 state;		/* under lock */
	uint64_t		 began_ms;	/* under lock */
	bool			 shown, end;	/* under lock */
};

/* Begin to show, if f is a terminal. */
void	progress_open(struct progress *, FILE *f);

/* The next client's snapshots begin to go.  host is borrowed until the next
 * call. */
void	progress_client(struct progress *, const char *host, size_t client,
	    size_t clients, size_t snapshots, uint64_t expected);

/* Take the line away, as something else is said; it comes again. */
void	progress_hide(struct progress *);

/* Nothing goes at the moment: take the line away. */
void	progress_clear(struct progress *);

void	progress_close(struct progress *);

#endif
