/* supervise.h: the process that serves.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_SUPERVISE_H
#define AOE_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>

struct confine_user;
struct control;
struct supervisor;

struct supervise {
	struct supervisor	*sv;
	struct control		*control;
	bool			 foreground;	/* keep the standard files */
	int			 null;		/* /dev/null, to take their
						 * place */
	bool			 told;		/* somebody wants to hear our
						 * status */
	unsigned		 watchdog_ms;	/* between signs of life that
						 * somebody wants; 0: nobody */

	/* Its own. */
	int			 signals;
	int64_t			 life_due;	/* ms */
	char			 status[128];	/* what was said last */
};

#define SUPERVISE_END_S	30	/* for what is in flight at the end */

/* Give up all rights, serve until told to end, and return the exit status. */
int	supervise(struct supervise *, const struct confine_user *);

#endif
