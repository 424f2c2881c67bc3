/* migrate.h: what the files of backshelf-migrate(8) share, grouped under the
 * file that defines it.
 *
 * Old trees are moved into stores in three steps: a source's file finds what
 * could be moved (struct find), moves_plan decides and objects, moves_act
 * renames.  The plan is written to a ledger first, from which an interrupted
 * run goes on, and which a later undo reads.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_MIGRATE_H
#define BACKSHELF_MIGRATE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "diag.h"
#include "numset.h"
#include "store.h"
#include "strv.h"

#define LEDGER		".backshelf-migrate"	/* in the old tree's folder */
#define LEDGER_DONE	".backshelf-migrated."	/* and a stamp */
#define LEDGER_MAX	(64 * 1024 * 1024)	/* bytes */

struct options {
	bool		 dry;		/* -n */
	bool		 verbose;
	bool		 json;
	bool		 policy;	/* keys: print the policy */
	const char	*file;		/* -f, or NULL */
	const char	*root;		/* of the stores, or NULL */
	const char	*path;		/* -p, or NULL */
	const char	*owner;		/* -o, or NULL */
	const char	*host;		/* -H, or NULL */
	struct strv	 partial;	/* what the user says of old snapshots, */
	struct strv	 complete;	/* by their old names */
};

/* Whose a file is to be said to be that the account has brought without a
 * note of its owner. */
struct owner {
	bool		 given;
	uid_t		 uid;
	gid_t		 gid;
};

/* One old snapshot. */
struct move {
	char		*from;		/* its folder, below the source's */
	char		*host;		/* whose it is */
	struct snapshot	 s;		/* what it will be */
};

struct moves {
	char		*source;	/* "rsnapshot" … */
	char		*dir;		/* the old tree, absolute */
	char		*root;		/* of the stores, absolute */
	char		*prefix;	/* where a snapshot gets it: "" its top,
					 * or "home/alice" */
	struct owner	 owner;
	struct move	*v;
	size_t		 n;
};

void	moves_free(struct moves *);

/* moves.c: what a source's file has found.  Texts begin with the name they are
 * about. */
struct find {
	const struct options *o;
	struct moves	 m;		/* s.stamp and s.time to be */
	struct strv	 left;		/* stays where it is, and why */
	struct strv	 refused;	/* must be decided by somebody */
	bool		 utterly;	/* nothing can be moved: said already */
};

/* Add one, as complete.  t: when it was made. */
void	find_add(struct find *, const char *from, const char *host, time_t t);
void	find_left(struct find *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	find_refused(struct find *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	find_free(struct find *);

/* The names in a folder, sorted; "" none.  Exits where it cannot be read. */
void	names_in(int dirfd, const char *what, struct strv *names);

/* from_irsync.c, from_rsnapshot.c, from_tmbackup.c: what is in the folder.
 * args: the operands behind it. */
typedef void	find_fn(struct find *, int dirfd, char **args);

void	find_irsync(struct find *, int dirfd, char **args);
void	find_rsnapshot(struct find *, int dirfd, char **args);
void	find_tmbackup(struct find *, int dirfd, char **args);

/* Dates as the old tools write them in names, local time: "2010-05-04.052908",
 * "2026-11-22-040201".  sep: what stands before the time.  0, or -1: it is no
 * such name, or this zone has no such time. */
int	date_parse(const char *name, char sep, time_t *);

/* "hourly.3" to 6 and 3, or -1. */
int	level_parse(const char *name, size_t *len, unsigned *number);

/* census.c: one look at a tree. */
struct census {
	dev_t		 dev;		/* all of it must be there */
	struct numset	*seen;		/* inodes of earlier snapshots */
	uint64_t	 sum;		/* equal for trees of the same names and
					 * inodes */
	uint64_t	 specials;	/* devices, sockets, pipes */
	uint64_t	 foreign;	/* owned by neither */
	uid_t		 uid;		/* the store's */
	char		 where[1024];	/* on failure: in which folder */
};

/* Count a tree into *s: entries, files, bytes, what overlayfs would take for
 * its own.  0, or -1 with errno (EXDEV: a part of it is another file system). */
int	census_take(struct census *, int fd, struct snapshot *s);

/* adopt.c: make a tree the account's, as rsync --fake-super keeps one: what
 * it was goes into user.rsync.%stat.  Nothing is done that is done already.
 * 0, or -1 with errno and `where`. */
struct adopt {
	uid_t		 uid;		/* the account */
	gid_t		 gid;
	struct owner	 owner;
	char		 where[1024];
};
int	adopt_tree(struct adopt *, int fd);
int	adopt_dir(struct adopt *, int fd);

/* The text of user.rsync.%stat. */
#define FAKE_SIZE	64
#define FAKE_ATTR	"user.rsync.%stat"
void	fake_format(char buf[FAKE_SIZE], mode_t, dev_t rdev, uid_t, gid_t);

/* ledger.c: pure. */
int	ledger_parse(const char *buf, size_t len, struct moves *,
	    struct diag *);
char	*ledger_format(const struct moves *);

/* plan.c: object to what cannot be, fill in the records. */
int	moves_plan(struct find *, int dirfd);
void	moves_print(const struct find *);

/* act.c: an exit status. */
int	moves_act(struct moves *, int dirfd, bool verbose);
int	moves_undo(struct moves *, int dirfd, bool dry);

/* trees.c, cmd_*.c: the commands.  An exit status each. */
int	cmd_tree(const struct options *o, const char *source,
	    find_fn *search, char **args);
int	cmd_undo(const struct options *, char **args);
int	cmd_vblade(const struct options *, char **args);
int	cmd_vbladed(const struct options *, char **args);
int	cmd_keys(const struct options *, char **args);
int	cmd_irsync_conf(const struct options *, char **args);

#endif
