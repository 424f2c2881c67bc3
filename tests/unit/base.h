/* base.h: a folder of its own for a unit test that makes files, on a disk that
 * keeps user.* attributes.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_UNIT_BASE_H
#define BACKSHELF_UNIT_BASE_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASE_IN		"/var/tmp"

static char base[64];		/* BASE_IN/... */
static int basefd;

/* A set-up of cmocka's. */
static int
make_base(void **state)
{
	(void)state;
	strcpy(base, BASE_IN "/unit.XXXXXX");
	if (mkdtemp(base) == NULL)
		return -1;
	basefd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return basefd == -1 ? -1 : 0;
}

#endif
