/* facts.h: what irsync's guards look at: what is, and what was at the last
 * backup.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef IRSYNC_FACTS_H
#define IRSYNC_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "strv.h"

#define FACTS_MAX	(4 * 1024 * 1024)	/* bytes of the file */
#define CLOCK_SLACK	300	/* seconds that a clock may be set back */

struct facts {			/* zero-initialise; free with facts_free */
	bool		 known;		/* there was a backup */
	time_t		 clock;		/* when this was noted */
	char		 machine[256];	/* gethostname(2) */
	struct strv	 mounts;	/* mount points at, above or below the
					 * paths, without those of the kernel
					 * itself and the root */
	struct strv	 empty;		/* paths with nothing in them */
	struct strv	 missing;	/* paths that are not there */
};

struct irsync_conf;

/* What is let pass: flags of the command line. */
struct guards {
	bool	 allow_empty;
	bool	 allow_unmounted;
	bool	 allow_missing;
	bool	 allow_other_host;
	bool	 allow_clock_back;
	bool	 allow_shrink;
};

/* Every objection, as a line for a person that names the flag.  Pure.  0, or
 * -1 with errno. */
int	guards_check(const struct irsync_conf *, const struct guards *,
	    const struct facts *before, const struct facts *now,
	    struct strv *objections);

/* How many names a snapshot may lose against one with so many: half, but ten
 * at least. */
uint64_t	guards_gone_max(uint64_t entries);

/* 1: a folder with nothing in it but what mkfs made; 0: not; -1: it is not
 * there. */
int	path_is_empty(const char *path);

/* Look at the machine.  0, or -1 with errno. */
int	facts_now(const struct irsync_conf *, struct facts *);

/* The file's bytes.  _parse is total: 0, or -1 and nothing is known. */
int	facts_parse(const char *buf, size_t len, struct facts *);
char	*facts_format(const struct facts *);
void	facts_free(struct facts *);

/* A mount point whose folder is gone too was meant to go: forget it. */
void	facts_forget_gone(struct facts *);

/* STATE/HOST.facts.json.  Read: no file is no error, a damaged one is. */
int	facts_read(const struct irsync_conf *, struct facts *);
int	facts_write(const struct irsync_conf *, const struct facts *);

/* The mount points of /proc/self/mountinfo (proc(5)); `real` only those whose
 * file system keeps data.  Pure and total.  0, or -1 with errno. */
int	mounts_parse(const char *text, bool real, struct strv *mounts);

/* All of this process's. */
int	mounts_read(struct strv *mounts);

/* Is path inside dir, or dir itself?  Both absolute, without a trailing
 * slash. */
bool	path_is_inside(const char *path, const char *dir);

#endif
