/* pool.c: requests and their buffers.  A buffer that was never used costs no
 * memory, and the one used last is used next.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mman.h>

#include <stdlib.h>

#include "pool.h"

#define CHUNK	64	/* requests made together */
#define PAGE	4096

struct chunk {
	SLIST_ENTRY(chunk)	 link;
	uint8_t			*memory;
	struct req		 reqs[CHUNK];
};

#define CHUNK_BYTES	((size_t)CHUNK * POOL_FRAME + PAGE)

struct pool {
	SLIST_HEAD(chunk_list, chunk) chunks;
	struct req_list		 free;
	size_t			 n;		/* requests of all chunks */
};

struct pool *
pool_new(void)
{
	struct pool *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	SLIST_INIT(&p->chunks);
	TAILQ_INIT(&p->free);
	return p;
}

void
pool_free(struct pool *p)
{
	struct chunk *c;

	if (p == NULL)
		return;
	while ((c = SLIST_FIRST(&p->chunks)) != NULL) {
		SLIST_REMOVE_HEAD(&p->chunks, link);
		munmap(c->memory, CHUNK_BYTES);
		free(c);
	}
	free(p);
}

static int
add_chunk(struct pool *p)
{
	struct chunk *c;
	size_t i;
	void *m;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return -1;
	m = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m == MAP_FAILED) {
		free(c);
		return -1;
	}
	c->memory = m;
	for (i = 0; i < CHUNK; i++) {
		c->reqs[i].frame = c->memory + PAGE - FRAME_ATA_HEADER +
		    i * POOL_FRAME;
		TAILQ_INSERT_TAIL(&p->free, &c->reqs[i], link);
	}
	SLIST_INSERT_HEAD(&p->chunks, c, link);
	p->n += CHUNK;
	return 0;
}

int
pool_grow(struct pool *p, size_t n)
{
	while (p->n < n)
		if (add_chunk(p) == -1)
			return -1;
	return 0;
}

struct req *
pool_get(struct pool *p)
{
	struct req *r;

	if ((r = TAILQ_FIRST(&p->free)) != NULL)
		TAILQ_REMOVE(&p->free, r, link);
	return r;
}

void
pool_put(struct pool *p, struct req *r)
{
	if (r->port != NULL)
		r->port->held--;
	r->export = NULL;
	r->port = NULL;
	TAILQ_INSERT_HEAD(&p->free, r, link);
}
