/* laststate.h: what became of the last backups, kept on the client for
 * `irsync status` and for a person who looks.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef IRSYNC_LASTSTATE_H
#define IRSYNC_LASTSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "stamp.h"

#define LASTSTATE_RUNS		32	/* kept for each storage */
#define LASTSTATE_STORAGES	64
#define LASTSTATE_MAX		(4 * 1024 * 1024)	/* bytes of a file */

/* One backup to one storage. */
struct laststate_run {
	time_t		 started;	/* the client's clock */
	time_t		 ended;		/* 0: it has not ended; it runs, or was
					 * killed */
	int		 exit;		/* of exits.h; -1 while ended is 0 */
	char		 stamp[STAMP_SIZE];	/* the snapshot made, or "" */
	uint64_t	 entries;	/* names in it */
	uint64_t	 size;		/* of all its files, in bytes */
	uint64_t	 sent;		/* bytes over the connection */
	uint64_t	 bytes_new;	/* room that it took, in bytes */
	uint64_t	 msecs;		/* duration */
	uint64_t	 gone;		/* names that a push which came to no
					 * snapshot had deleted: they are not
					 * there for the next one to delete */
	char		 error[200];	/* why, printable; "" if all was well */
};

struct laststate_storage {
	char	 name[512];		/* as configured; '?' for what is not
				 * printable */
	time_t	 complete;		/* when the last one ended that was
					 * complete (exit 0 or 24); 0: never */
	char	 complete_stamp[STAMP_SIZE];	/* its snapshot, or "" */
	size_t	 n;			/* runs, oldest first */
	struct laststate_run runs[LASTSTATE_RUNS];
};

/* Zero-initialise; free with laststate_free. */
struct laststate {
	char	 host[256];
	size_t	 n;
	struct laststate_storage *v;
};

/* Parse a file's bytes; total.  0, or -1 with errno EINVAL (no state of ours,
 * or a field out of its bounds) or ENOMEM, and *out empty.  Unknown keys are
 * ignored. */
int	laststate_parse(const char *buf, size_t len, struct laststate *out);

/* The bytes of a file, one JSON object and a newline; to be freed.  NULL with
 * errno. */
char	*laststate_format(const struct laststate *);

/* The row of a storage, or NULL.  name as configured. */
struct laststate_storage	*laststate_find(const struct laststate *,
				    const char *name);

/* A run has begun: append it, and the row of its storage if it is the first.
 * NULL with errno.  It is valid until the next laststate_begin. */
struct laststate_run	*laststate_begin(struct laststate *, const char *name,
			    time_t now);

/* The newest run of a storage has ended as it says: keep the complete one. */
void	laststate_end(struct laststate *, const char *name,
	    const struct laststate_run *);

/* The newest run of a storage that made a snapshot, or NULL; *gone is the sum
 * of what later ones deleted, 1 at least if one was killed.  The newest run of
 * all may be going on. */
const struct laststate_run	*laststate_made(const struct laststate_storage *,
				    uint64_t *gone);

void	laststate_free(struct laststate *);

/* Read a state file.  0, also if there is none (*out is then empty); -1 with
 * errno, EINVAL if it is damaged. */
int	laststate_read(const char *path, struct laststate *out);

/* Replace a file by rename; its folder is made (0755), and above it nothing.
 * 0, or -1 with errno. */
int	laststate_write(const char *path, const struct laststate *);

#endif
