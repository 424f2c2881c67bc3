/* pace.h: deleting no faster than asked.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_PACE_H
#define BACKSHELF_PACE_H

#include <pthread.h>
#include <signal.h>
#include <stdint.h>

/* Zero-initialise, fill in the first part. */
struct pace {
	unsigned	 rate;		/* files a second; 0: as fast as may be */
	double		 max_load;	/* of one minute; 0: any */
	const volatile sig_atomic_t *stop;

	pthread_mutex_t	 lock;
	int64_t		 due_ns;	/* when the next files may go */
	int64_t		 load_ns;	/* when the load was looked at */
};

void	pace_init(struct pace *);

/* Wait until so many more files may go; for sweep_opts.pace.  Not once it is
 * told to stop. */
void	pace_files(void *pace, unsigned files);

#endif
