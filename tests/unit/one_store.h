/* one_store.h: a store with one snapshot of its own for a unit test.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_UNIT_ONE_STORE_H
#define BACKSHELF_UNIT_ONE_STORE_H

#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"
#include "sweep.h"

#define STAMP	"2026-11-22T040201Z"

static char root[64];		/* /tmp/... */
static struct store *store;

/* A set-up of cmocka's: the snapshot's folder is empty, and so is its record. */
static int
make_store(void **state)
{
	(void)state;
	strcpy(root, "/tmp/unit.XXXXXX");
	if (mkdtemp(root) == NULL)
		return -1;
	store = store_open(root, "host", STORE_CREATE);
	if (store == NULL || mkdirat(store_fd(store), ".meta", 0700) == -1 ||
	    mkdirat(store_fd(store), STAMP, 0755) == -1)
		return -1;
	return close(openat(store_fd(store), ".meta/" STAMP ".json",
	    O_CREAT | O_WRONLY, 0600));
}

/* Its tear-down. */
static int
remove_store(void **state)
{
	struct sweep_item item = { .name = root + strlen("/tmp/") };
	struct sweep_opts opts = { .jobs = 1 };
	int rc;

	(void)state;
	store_close(store);
	item.dirfd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = sweep_remove(&item, 1, &opts, NULL);
	close(item.dirfd);
	return rc;
}

#endif
