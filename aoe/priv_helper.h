/* priv_helper.h: what the privileged parent has done by short-lived processes,
 * because it may wait for a disk that hangs.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_PRIV_HELPER_H
#define AOE_PRIV_HELPER_H

#include <sys/types.h>

#include "priv_msg.h"

struct row;

struct helper {
	int			 sock;	/* where the reply goes */
	const char		*state_dir;
	const struct priv_request *rq;	/* PRIV_OPEN, _STATE or _SAVE */
	const struct row	*row;	/* of the first */
};

/* Start one; it sends one reply and ends.  It holds no descriptor but sock
 * meanwhile, and dies with its parent.  Its pid, or -1 with errno. */
pid_t	helper_start(const struct helper *);

#endif
