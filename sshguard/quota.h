/* quota.h: the room that a client's store may take.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_QUOTA_H
#define BACKSHELF_SSHGUARD_QUOTA_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"
#include "store.h"
#include "usage.h"

struct quota {
	uint64_t	 bytes, files;	/* the limits; UINT64_MAX: none */
	int		 fd;		/* HOST.snaps; borrowed */
	struct usage_note used;		/* what the snapshots take, at most */
	const char	*in;		/* where in .push that is what came */
	uint64_t	 folders;	/* that a commit makes anew, about */
	struct timespec	 since;		/* what is older is not the push's;
					 * 0: all is */
	uint64_t	 left_bytes;	/* at the last look */
	uint64_t	 left_files;
	uint64_t	 free_bytes;	/* of the file system, then */
	uint64_t	 free_files;
	int64_t		 looked;	/* ms; when that was */
	int64_t		 cost;		/* ms that it took */
	unsigned	 blind;		/* looks that saw not all, in a row */
	bool		 over;
	char		 why[160];	/* what to tell the client of it */
};

/* Does the policy set a limit at all? */
bool	quota_is_set(const struct policy_client *);

/* A push has begun, under the store's lock.  0; -1 with errno, which is EDQUOT
 * if there is no room left for a push, and q->why says it. */
int	quota_begin(struct quota *, struct store *, const struct push *,
	    const struct policy_client *);

/* No file of the push may become larger than this. */
uint64_t	quota_file_max(const struct quota *);

/* child.h's watch: arg is the quota.  False, with q->over and q->why, once the
 * push has brought too much. */
bool	quota_ok(void *arg, pid_t pid, int *next_ms);

/* rsync is gone: does the snapshot fit?  0, or -1 with errno EDQUOT and
 * q->why. */
int	quota_fits(struct quota *);

/* The snapshot was made. */
void	quota_made(struct quota *, const struct snapshot *);

#endif
