/* surge.h: does a snapshot take much more room than what changed?
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_SURGE_H
#define BACKSHELF_SSHGUARD_SURGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

/* Compare a snapshot with what the client sent for it (at most `received`
 * bytes, `packed` if they were compressed).  True with a warning in buf. */
bool	surge_found(const struct snapshot *, uint64_t received, bool packed,
	    char *buf, size_t size);

#endif
