/* look.h: what list, diff, restore, verify and status share, grouped under the
 * file that defines it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef IRSYNC_LOOK_H
#define IRSYNC_LOOK_H

#include <sys/stat.h>
#include <sys/types.h>

#include "irsync.h"

/* listing.c: what rsync prints of entries of snapshots. */

struct entry {
	const char	*path;	/* "STAMP/etc/fstab", no trailing slash */
	const char	*target; /* of a symbolic link; or NULL */
	char		 type;	/* of rsync's %i: f d L D S */
	mode_t		 mode;	/* permissions */
	uint32_t	 uid, gid;
	uint64_t	 size;
	time_t		 mtime;
	size_t		 same;	/* entry that is the same file on the
				 * storage's disk, or its own number */
};

struct listing {		/* zero-initialise; free with listing_free */
	struct entry	*v;
	size_t		 n;
	size_t		 skipped; /* lines about entries that could not be
				 * taken, their names being too long */
	/* Private. */
	size_t		 cap;
	struct chunk	*chunks; /* the texts */
	char		*left;
	size_t		 room;
	bool		 failed;
};

/* What --out-format must be, with TZ=UTC0 in rsync's environment. */
#define LISTING_FORMAT	"%i %l %U:%G %B %M %n//%L"

/* One line of rsync's standard output; others than those of the format are
 * passed over.  In *failed says that memory was too short. */
void	listing_line(struct listing *, const char *line);

/* After the last line: sort by path, and let `same` point to the first of all
 * entries that are one file.  0, or -1 with errno ENOMEM. */
int	listing_end(struct listing *);

/* The entry of a path, after listing_end; or NULL. */
const struct entry	*listing_find(const struct listing *, const char *path);

/* Forget the entries, but keep the memory for more.  Not after
 * listing_end. */
void	listing_forget(struct listing *);

void	listing_free(struct listing *);

/* rsync's \#ooo to bytes, in place. */
void	rsync_unescape(char *);

/* look.c: asking the storage. */

/* The snapshots, for a command that reads; says what failed.  A status. */
int	look_snapshots(struct irsync *, struct snapshot **v, size_t *n);

/* The same, and the one that spec means. */
int	look_choose(struct irsync *, const char *spec, struct snapshot *chosen);

/* List names below HOST.snaps, "STAMP" or "STAMP/etc/fstab", with all that is
 * below them if `deep`.  Names that are not there are left out.  A status;
 * what failed has been said. */
int	look_listing(struct irsync *, const struct strv *names, bool deep,
	    struct listing *);

/* The same, but each line of LISTING_FORMAT, and any other, is handed over. */
int	look_each(struct irsync *, const struct strv *names, bool deep,
	    line_fn *each, void *arg);

/* {"host", "storage", "error", "exit"} on standard output, for --json. */
void	look_json_error(const struct irsync *, int status, const char *why);

/* Print text with bytes that are not printable escaped as vis(3) does. */
void	look_print(const char *text);

/* "-rw-r--r--" */
void	look_mode(char buf[11], const struct entry *);

/* An absolute path without "." and ".."? */
bool	path_is_plain(const char *);

/* versions.c: the versions of one file.  Pure. */

/* In snapshots number a to b, is a file that is not the same on disk not the
 * same?  Not where subvolumes are cloned, or where the link limit forced
 * copies. */
bool	snapshots_link(const struct snapshot *v, size_t a, size_t b);

struct version {
	const struct entry	*e;	/* NULL: it is not there */
	size_t			 first;	/* snapshots, as numbers of the list */
	size_t			 last;
};

/* The versions of an absolute path over the snapshots, oldest first; runs of
 * snapshots that share one are one.  Those without a file are left out before
 * the first that has one.  *n of them, to be freed; NULL with errno. */
struct version	*versions_make(const struct snapshot *v, size_t nsnaps,
		    const struct listing *, const char *path, size_t *n);

/* compare.c: what changed between two listings.  Pure. */

enum {
	DIFF_SIZE	= 1,
	DIFF_TIME	= 2,	/* and then, as a rule, the content */
	DIFF_MODE	= 4,
	DIFF_OWNER	= 8,
	DIFF_TARGET	= 16,
	DIFF_TYPE	= 32,
	DIFF_OTHER	= 64	/* another file on disk, alike in all this:
				 * attributes, ACLs, parts of a second */
};

struct difference {
	const struct entry	*a;	/* NULL: new */
	const struct entry	*b;	/* NULL: deleted */
	unsigned		 what;	/* DIFF_; 0 for new and deleted */
};

/* Compare what is below the folders `a` and `b` of one listing.  `linked`:
 * entries that did not change are the same file on disk.  *n of them, by name,
 * to be freed; NULL with errno. */
struct difference	*compare_make(const struct listing *, const char *a,
			    const char *b, bool linked, size_t *n);

/* "content, time", of DIFF_. */
void	compare_text(char *buf, size_t size, unsigned what);

/* The names on a descriptor, for --files-from, each ended by a NUL.  With a
 * folder's descriptor (else -1) those are left out that would lead out of
 * it.  -1 with errno. */
int	look_names(const struct strv *names, int below);

/* inplace.c: a restore over the living files. */

/* Show what it would change, ask, and do it.  A status. */
int	restore_in_place(struct irsync *, const char *stamp,
	    const struct strv *paths);

/* What a line of rsync's --out-format "%i %n%L" says of an entry that would
 * change: '+' (new) or '*', *name, and in `what` as compare_text, what changes
 * of it.  0: it is no such line.  Pure. */
char	item_parse(const char *line, const char **name, char *what,
	    size_t size);

/* checkstore.c: the checksums of stores, on the server. */

struct check {			/* what was found in one client's store */
	uint64_t	 files;		/* each once, however many snapshots
					 * share it */
	uint64_t	 read;		/* of them were read */
	uint64_t	 bytes;		/* in those */
	uint64_t	 damaged;
	uint64_t	 unreadable;	/* files, or folders with all in them */
	uint64_t	 unknown;	/* had no checksum */
	bool		 stopped;
	struct json_t	*found;		/* a list of what is damaged or
					 * unreadable, or NULL */
};

struct check_options {
	bool		 dry_run;	/* keep no new checksums */
	bool		 progress;
	bool		 verbose;	/* name files without a checksum */
	unsigned	 part, parts;	/* read this part of the files; of 1
					 * all */
};

/* Read a client's snapshots and compare.  What is wrong is said as it is
 * found.  0; or -1 with errno: the store could not be looked at. */
int	store_check(const char *root, const char *host,
	    const struct check_options *, struct check *);

/* "K/N": part of parts, 1 to 1000.  0, or -1. */
int	part_parse(const char *, unsigned *part, unsigned *parts);

/* checklive.c: a snapshot against the living files. */

enum live {
	LIVE_SAME,		/* nothing about its content */
	LIVE_CHANGED,		/* since the snapshot */
	LIVE_GONE,		/* deleted since */
	LIVE_MISSING,		/* not there, and its folder has not changed */
	LIVE_DAMAGED		/* another content, and nothing that explains
				 * it */
};

/* What a line of rsync's --checksum --dry-run says of a file, and what lstat(2)
 * says of it and of its folder now (NULL: not there).  `since`: when the
 * snapshot was begun.  Pure. */
enum live	live_judge(const char *line, const struct stat *file,
		    const struct stat *folder, time_t since);

/* Compare the newest snapshot's files, all or a sample, with the living ones.
 * A status; BS_FAIL also if some are damaged. */
int	live_check(struct irsync *);

int	cmd_verify(struct irsync *, const struct strv *args);
/* cmd_status.c: print a status that cannot be told; its exit status. */
int	status_unknown(const struct irsync *, const char *why);

int	cmd_status(struct irsync *, const struct strv *args);
int	cmd_diff(struct irsync *, const struct strv *args);

#endif
