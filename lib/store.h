/* store.h: the snapshot store of one client, ROOT/HOST.snaps and HOST.full.
 *
 *   ROOT/HOST.snaps/STAMP/            a committed snapshot, never written again
 *   ROOT/HOST.snaps/.meta/STAMP.json  how it came to be (struct snapshot)
 *   ROOT/HOST.snaps/.push/            the one unfinished push
 *   ROOT/HOST.snaps/.lock             flock(2): the one writer
 *   ROOT/HOST.snaps/.expired.STAMP/   being deleted (irsync-rotate)
 *   ROOT/HOST.full -> HOST.snaps/STAMP   the newest complete snapshot
 *
 * The invariants are in ARCHITECTURE.md ("The snapshot store").
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_STORE_H
#define BACKSHELF_STORE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "stamp.h"

#define STORE_ROOT	"/data/irsync"	/* unless configured */
#define STORE_HOST_MAX	200		/* bytes of a client's name */

/* May this be a client's name?  1 to STORE_HOST_MAX bytes of [A-Za-z0-9._-],
 * beginning with a letter or digit, not ending in ".full" or ".snaps". */
bool	store_host_valid(const char *host);

/* How a push is kept apart from the snapshots while it is written. */
enum store_way {
	STORE_WAY_OVERLAY,	/* overlayfs over the newest snapshot */
	STORE_WAY_LINKDEST,	/* new folder, rsync's --link-dest */
	STORE_WAY_BTRFS		/* writable snapshot of a subvolume; what is
				 * committed is a read-only one */
};

const char	*store_way_name(enum store_way);	/* "overlay", … */
int		 store_way_parse(const char *, enum store_way *); /* or -1 */

enum snapshot_status {
	SNAPSHOT_COMPLETE,	/* rsync ended with 0 */
	SNAPSHOT_VANISHED,	/* 24: files vanished at the client; counts as
				 * complete everywhere */
	SNAPSHOT_PARTIAL	/* 23: some files could not be transferred */
};

const char	*snapshot_status_name(enum snapshot_status);

/* One committed snapshot, as its record in .meta says.  A snapshot whose
 * record is missing or unreadable has `recorded` false, status
 * SNAPSHOT_COMPLETE and zeros. */
struct snapshot {
	char			stamp[STAMP_SIZE];	/* its name */
	time_t			time;		/* of the stamp */
	bool			recorded;	/* the rest is known */
	enum snapshot_status	status;
	enum store_way		way;
	char			client[64];	/* address it came from, or
						 * "local" */
	char			base[STAMP_SIZE]; /* snapshot it was built
						 * on, "" for the first */
	time_t			started;	/* the server's clock */
	time_t			ended;
	int			rsync_exit;
	uint64_t		entries;	/* all names in it */
	uint64_t		linked;		/* files shared with base */
	uint64_t		moved;		/* files that this push
						 * brought or changed */
	uint64_t		dropped;	/* names of base not in it */
	uint64_t		copied;		/* not linked for EMLINK */
	uint64_t		bytes;		/* sum of file sizes */
	uint64_t		bytes_new;	/* disk blocks that only this
						 * push added, in bytes */
	bool			overlay_xattrs;	/* holds user.overlay.* of the
						 * client's own: never a lower
						 * layer */
	bool			solid;		/* none of its files is known
						 * to have holes; false: some
						 * may */
};

/* Parse a record.  Pure; any bytes give a snapshot: what is no record of ours,
 * or has a field out of its bounds, gives `recorded` false.  Unknown keys are
 * ignored.  `stamp` is the name the record was found under and must agree with
 * what it says.  0, or -1 with errno EINVAL and *out as for a missing one. */
int	store_record_parse(const char *buf, size_t len, const char *stamp,
	    struct snapshot *out);

/* The JSON of a record, one object, ending in a newline; to be freed.  NULL
 * with errno ENOMEM. */
char	*store_record_format(const struct snapshot *);

#define STORE_RECORD_MAX	16384	/* bytes; a longer file is no record */

/* rsync's --partial-dir on the server: folders of this name are no part of any
 * snapshot.  They keep what arrived of a big file for the next push. */
#define STORE_PARTIAL_DIR	".~backshelf-partial~"

/* Is this the name of a mark, which a push the linkdest way begins with in each
 * of its folders, for rsync to delete (store_cover.c)? */
bool	 store_is_mark(const char *name);

struct store;

enum store_flags {
	STORE_CREATE = 1	/* make HOST.snaps if it is not there */
};

/* Open a client's store.  `root` must be there; no component of what is below
 * it is followed if it is a symlink.  NULL with errno: EINVAL (host's name),
 * ENOENT, ENOTDIR, EACCES … */
struct store	*store_open(const char *root, const char *host, int flags);
void		 store_close(struct store *);

/* Descriptor of HOST.snaps, and of ROOT; borrowed. */
int		 store_fd(const struct store *);
int		 store_root_fd(const struct store *);
const char	*store_host(const struct store *);

/* All committed snapshots, oldest first.  What is not named as a stamp is left
 * out, and so is a stamp that is not a directory.  0 with *v to be freed, or
 * -1 with errno. */
int	store_list(struct store *, struct snapshot **v, size_t *n);

/* The hosts that have a HOST.snaps in root, sorted.  Each string and the array
 * belong to the caller (struct strv of strv.h). */
struct strv;
int	store_hosts(const char *root, struct strv *hosts);

/* Take the writer's lock.  0, or -1 with errno EWOULDBLOCK when another
 * process is pushing (or rotating) this host.  Released by store_unlock,
 * store_close or the end of the process; children do not inherit it. */
int	store_lock(struct store *);
void	store_unlock(struct store *);

/* Keep a snapshot from being rotated away while it is read: a shared flock(2)
 * on its directory.  A descriptor of the directory, O_CLOEXEC, to be closed by
 * the caller; -1 with errno (ENOENT: no such snapshot, or gone meanwhile). */
int	store_snapshot_open(struct store *, const char *stamp);

/*
 * A push.  push_begin .. (rsync runs on push_target) .. push_commit or
 * push_end.
 */
struct push;

struct push_request {
	const char	*client;	/* address, for the record */
	const char	*subdir;	/* folder below HOST.full that rsync
					 * writes into: "" or "a/b", no "..",
					 * no leading slash */
	bool		 deletes;	/* rsync was given --delete: what the
					 * base holds below subdir and the push
					 * did not bring is gone.  (Linkdest
					 * way only; the overlay shows it.) */
	int		 way;		/* an enum store_way, or -1: the best
					 * that works here.  A base that holds
					 * overlay attributes of the client's
					 * own makes it linkdest, where it
					 * would be overlay.  Btrfs where there
					 * are no subvolumes is -1. */
	bool		 guarded;	/* it may be hostile: nothing that was
					 * pushed makes it linkdest, in which
					 * rsync can reach the base's inodes */
};

/* Start or take up the client's push.  Takes the writer's lock, waiting up to
 * three seconds for it, as a rotation may need it for a moment; finishes a
 * commit that was interrupted, decides what an unfinished push left is worth
 * (see ARCHITECTURE.md), and prepares .push.  NULL with errno: EWOULDBLOCK
 * (another push is running), EINVAL (subdir), EEXIST (HOST.full is there and
 * not a symlink), ENOTSUP (guarded, and the base holds overlay attributes),
 * ENOSPC … */
struct push	*push_begin(struct store *, const struct push_request *);

/* Which way it goes, and whether an earlier push's files are taken up. */
enum store_way	 push_way(const struct push *);
bool		 push_resumed(const struct push *);
const char	*push_base(const struct push *);	/* stamp or "" */

/* Overlay way only: to be called in the process that will exec rsync, once it
 * is in a mount namespace of its own (push_unshare): mounts the overlay on
 * `where`, an absolute path of a directory.  0, or -1 with errno; a failure is
 * remembered in the store, so that a push begun anew with way -1 goes the
 * linkdest way. */
int		 push_mount(const struct push *, const char *where);

/* Enter a new mount namespace, and as an ordinary user a user namespace first
 * that maps only that user, keeping capabilities in it; make all mounts
 * private.  0, or -1 with errno (EPERM, ENOSYS, ENOSPC: namespaces are not to
 * be had here). */
int		 push_unshare(void);

/* Linkdest and btrfs way: the folder rsync must write into, as an absolute
 * path; linkdest way: the --link-dest folders, newest first, likewise, else
 * none.  Borrowed until push_end. */
const char	*push_target(const struct push *);
const struct strv *push_linkdests(const struct push *);

/* rsync has ended well (rsync_exit 0, 23 or 24) and every process that could
 * write is gone: make the snapshot.  The surest way to be rid of them is to
 * run rsync in a pid namespace whose first process is ours, and to wait for
 * that one.  The overlay way asks the kernel whether the mount is gone and
 * waits for it for some seconds: EBUSY if it is not, and nothing has been
 * touched.  On return 0, *made is its record.  -1 with errno: the old state
 * stands, and what the push brought is kept for the next (ENOSPC, EDQUOT: it
 * is freed).  EINVAL: rsync_exit is none of the three.  The push is to be
 * ended in either case. */
int		 push_commit(struct push *, int rsync_exit,
		    struct snapshot *made);

/* rsync has failed, with this exit status (or -1: was never started).  What it
 * brought is made durable for the next push, unless the disk is full: then it
 * is freed.  1 if it was freed, else 0.  To be followed by push_end. */
int		 push_failed(struct push *, int rsync_exit);

/* Forget the push and release the lock.  What it brought stays for the next
 * one unless it was committed or freed.  NULL is fine. */
void		 push_end(struct push *);

/* Finish a commit that a crash interrupted, whichever step it was at, or the
 * discarding of a push.  The caller holds the lock; push_begin does this by
 * itself.  0, also if there was none; -1 with errno. */
int		 store_recover(struct store *);

/* What an unfinished push left, for rotation: the time it was last written
 * (0 if there is none) and the stamp of the base it needs ("" if none). */
int		 store_push_pending(struct store *, time_t *last,
		    char base[STAMP_SIZE]);

/* Throw an unfinished push away.  The caller holds the lock.  0, or -1. */
int		 store_push_discard(struct store *);

#endif
