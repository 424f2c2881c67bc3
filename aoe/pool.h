/* pool.h: requests and their buffers, made before they are needed.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_POOL_H
#define AOE_POOL_H

#include <sys/queue.h>

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "net.h"
#include "order.h"

/* A frame lies so that its data, FRAME_ATA_HEADER bytes on, begins on a page:
 * O_DIRECT needs that. */
#define POOL_FRAME	12288	/* bytes of one buffer */

static_assert(NET_ROOM + FRAME_ATA_HEADER + EXPORT_SECTORS_MAX * SECTOR <=
    POOL_FRAME, "a buffer holds the largest message");

/* One message, from its arrival to its answer, which is made in its place. */
struct req {
	TAILQ_ENTRY(req)	 link;	/* pool, or a list of its export */
	struct order_item	 order;
	struct export		*export;	/* NULL until it is known */
	struct port		*port;	/* where the answer goes */
	uint8_t			*frame;
	size_t			 len;	/* bytes of it */
	size_t			 done;	/* bytes of data transferred */
	struct req		*next;	/* at the disk together, behind it */
	int			 res;	/* of a run's write: bytes or -errno */
	bool			 alone;	/* not to be put together with any */
	bool			 plain;	/* not aligned for O_DIRECT */
	bool			 verify;	/* read, and not sent */
	bool			 now;	/* a run's write that does not wait */
	bool			 missed;	/* ... and would have waited */
};

struct pool;

struct pool	*pool_new(void);	/* empty; NULL with errno */
void		 pool_free(struct pool *);

/* Have n requests at least, in use or not.  0, or -1 with errno. */
int		 pool_grow(struct pool *, size_t n);

/* Take one out, or NULL; and put it back. */
struct req	*pool_get(struct pool *);
void		 pool_put(struct pool *, struct req *);

#endif
