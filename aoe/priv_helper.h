/* priv_helper.h: what the privileged parent has done by other processes,
 * because it may wait for a disk that hangs.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_PRIV_HELPER_H
#define AOE_PRIV_HELPER_H

#include <sys/types.h>

#include <stdint.h>

#include "priv_msg.h"

/* What is to be done, on its way to the process that does it. */
struct helper_task {
	uint32_t	 type;		/* PRIV_OPEN, _STATE or _SAVE */
	uint32_t	 id;		/* of the request */
	uint32_t	 ro, direct;	/* of the row, for the first */
	uint32_t	 name_len;	/* the row's file, or the alias; with its
					 * NUL, behind this struct */
	uint32_t	 text_len;	/* of the last; behind the name */
};

struct helper {
	int		 replies;	/* where each reply goes */
	int		 tasks;		/* where they come from */
	int		 done;		/* a pipe: its pid, after each */
	const char	*state_dir;
};

/* Start one, which carries tasks out, one by one, until none can come any
 * more.  It holds no descriptor but these meanwhile, and dies with its parent.
 * Its pid, or -1 with errno. */
pid_t	helper_start(const struct helper *);

/* Hand a task, whose name is no longer than PATH_MAX, to the process at the
 * other end, which waits for one.  0, or -1 with errno. */
int	helper_hand(int sock, const struct helper_task *, const char *name,
	    const char *text);

#endif
