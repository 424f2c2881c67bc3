/* store_visit.c: walking one tree, one entry after the other.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <dirent.h>
#include <errno.h>

#include "store_pool.h"
#include "store_visit.h"

static int
treat(struct worker *w, struct node *n)
{
	struct visit *v = w->arg;
	struct dirent_at e;
	int fd = n->fd[v->committed ? LOWER : OUT], r, skip;

	v->at = n;
	if (dirents_start(&v->d, fd) == -1)
		return -1;
	while ((r = dirents_next(&v->d, &e)) == 1) {
		if (e.type != DT_DIR) {
			if (v->file(v, fd, &e) == -1)
				return -1;
			continue;
		}
		skip = v->below == NULL ? 0 : v->below(v, fd, &e);
		if (skip == -1 || (skip == 0 && worker_add(w, n, e.name,
		    v->committed, false, !v->committed) == NULL))
			return -1;
	}
	return r == -1 || v->dir == NULL ? r : v->dir(v, fd);
}

int
visit_run(struct visit *v, int fd)
{
	void *arg[1] = { v };
	struct pool_job job = {
		.treat = treat, .args = arg, .threads = 1,
		.fd = { -1, -1, -1 }
	};
	char where[8];
	int rc, saved;

	job.fd[v->committed ? LOWER : OUT] = fd;
	if (dirents_init(&v->d) == -1)
		return -1;
	rc = pool_run(&job, where, sizeof(where));
	saved = errno;
	dirents_fini(&v->d);
	errno = saved;
	return rc;
}

int
visit_path(const struct visit *v, char *buf, size_t size)
{
	return node_path(v->at, buf, size);
}
