/* store_internal.h: what the files of the snapshot store share among
 * themselves.  Nobody else includes it, but their unit tests.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_STORE_INTERNAL_H
#define BACKSHELF_STORE_INTERNAL_H

#include <sys/stat.h>

#include <limits.h>

#include "file.h"
#include "store.h"
#include "strv.h"

/* Names in HOST.snaps. */
#define STORE_META	".meta"
#define STORE_LOCK	".lock"
#define STORE_PUSH	".push"
#define STORE_GONE	".gone"		/* a .push that is being removed */
#define STORE_EXPIRED	".expired."	/* and a stamp */
#define STORE_NOVERLAY	".noverlay"	/* mounting failed here once */

/* Names in .push. */
#define PUSH_STATE	"state"
#define PUSH_COMMIT	"commit"
#define PUSH_UPPER	"upper"		/* what is written to */
#define PUSH_WORK	"work"
#define PUSH_EMPTY	"empty"		/* lower layer of a probe */
#define PUSH_TREE	"tree"		/* the snapshot being made */
#define PUSH_AHEAD	"ahead"		/* overlay way: base, linked ahead: what
					 * will be the tree */
#define PUSH_AHEAD_PART	"ahead.part"	/* the same, not complete */
#define PUSH_AHEAD_SUM	"ahead.sum"	/* what was counted then */
#define PUSH_COPIES	"copies"	/* what names are to be linked to:
					 * store_merge.h */
#define PUSH_FRESH	"fresh"		/* linkdest way: the same, made before
					 * rsync runs */
#define PUSH_PARTIAL	"partial."	/* and a number: linkdest way: what
					 * interrupted pushes left */

struct store {
	char	*root;		/* absolute path */
	char	*host;
	char	*snaps;		/* absolute path of HOST.snaps */
	int	 root_fd;
	int	 fd;		/* HOST.snaps */
	int	 lock_fd;	/* -1: not locked */
};

/* .push/state: an unfinished push. */
struct push_state {
	enum store_way	 way;
	char		 base[STAMP_SIZE];	/* "": none */
	char		*subdir;
	char		 boot_id[40];
	time_t		 started;
	bool		 synced;	/* its files are on stable storage */
};

/* .push/commit: a commit that has begun and can only go forward. */
struct push_commit {
	enum store_way	 way;
	char		 stamp[STAMP_SIZE];	/* what it will be */
	char		 base[STAMP_SIZE];
	char		*subdir;
	char		 client[64];
	bool		 deletes;
	bool		 resumed;	/* took up what an earlier push left */
	time_t		 started;
	time_t		 ended;		/* when rsync had ended */
	int		 rsync_exit;
};

struct push {
	struct store		*store;
	int			 fd;	/* HOST.snaps/.push */
	struct push_commit	 c;	/* filled as far as it is known */
	bool			 done;	/* committed or freed */
	pid_t			 ahead;	/* links base ahead; 0: none */
	char			*target;
	struct strv		 linkdests;
};

/* store.c */
int	 store_newest(struct store *, bool any, struct snapshot *newest,
	    char last[STAMP_SIZE]);
void	 store_record_load(struct store *, const char *stamp,
	    struct snapshot *);
int	 store_link_full(struct store *);
int	 store_full_is_ours(struct store *);

/* store_record.c, store_state.c: pure. */
int	 push_state_parse(const char *buf, size_t len, struct push_state *);
char	*push_state_format(const struct push_state *);
int	 push_commit_parse(const char *buf, size_t len, struct push_commit *);
char	*push_commit_format(const struct push_commit *);
bool	 subdir_valid(const char *);
bool	 subdir_covers(const char *outer, const char *inner);

/* store_copy.c */
struct dir_times {			/* for what no note has room */
	bool		 noted;
	struct timespec	 times[2];	/* access, modification */
};
#define PROC_PATH_SIZE	(NAME_MAX + 40)
int	 proc_path(char path[PROC_PATH_SIZE], int dirfd, const char *name);
int	 attrs_copy_dir(int from, int to, bool strip);
int	 copy_entry(int fromdir, const char *name, int todir,
	    const char *newname);
int	 dir_stash_times(int fd, struct dir_times *);
int	 dir_unstash_times(int fd, const struct dir_times *);
bool	 xattr_is_stash(const char *name);

/* store_same.c: are two entries that are no folders the same but for being
 * two: type, mode, owner, modification time, content, target or device, and
 * extended attributes, leaving overlayfs's own and links out?  1, 0, or -1
 * with errno. */
int	 file_same(int adir, const char *a, int bdir, const char *b);

/* store_xattr.c: overlayfs's own attributes. */
enum overlay_found {
	OVERLAY_ANY	= 1,	/* user.overlay.* of whoever */
	OVERLAY_ESCAPED	= 2	/* user.overlay.overlay.*: the client's */
};
bool	 overlay_xattr_is(const char *name);
bool	 overlay_xattr_is_escaped(const char *name);
int	 overlay_xattrs_find(int fd, bool strip);
int	 overlay_xattrs_unescape(int fd);
int	 overlay_file_find(int dirfd, const char *name, bool strip);
int	 overlay_file_unescape(int dirfd, const char *name);
int	 overlay_is_opaque(int fd);

/* store_overlay.c */
bool	 push_is_layered(const struct push_commit *);
bool	 overlay_works(int pushfd);
int	 overlay_in_use(int pushfd, unsigned wait_ms);
bool	 overlay_may_refuse(void);

/* store_btrfs.c */
bool	 btrfs_works(int pushfd);
int	 btrfs_prepare(struct push *);
int	 btrfs_seal(int dirfd, const char *name, bool readonly);

/* store_linkdest.c */
int	 linkdest_prepare(struct push *);

/* store_cover.c: with --delete, base's folders as rsync is to find them, and
 * base's files where they turned out to be none of the push's business. */
int	 cover_prepare(struct push *);
int	 cover_finish(struct push *);

/* store_fresh.c */
int	 fresh_prepare(struct push *);

/* store_merge.c: the passes that make a snapshot's tree. */
enum merge_kind {
	MERGE_BOTH,		/* what was pushed, and base where it shows */
	MERGE_LINK,		/* base alone; there is no upper */
	MERGE_APPLY,		/* out holds all of base: what was pushed takes
				 * its place there */
	MERGE_PLACED		/* out is as it shall be; there is no upper, and
				 * what base holds besides is gone */
};

struct merge {
	enum merge_kind	 kind;
	int		 lower;		/* base; -1: none */
	int		 upper;		/* what was pushed; -1: none */
	int		 out;		/* the new tree */
	int		 push;		/* .push: PUSH_COPIES is made in it */
	bool		 overlay;	/* upper is a layer of overlayfs */
	bool		 cloned;	/* out was a btrfs snapshot of lower: a
					 * file of the same number is the same
					 * but for what was done to it */
	const char	*subdir;	/* linkdest: the push covers this */
	bool		 deletes;	/* linkdest: base is hidden there */
	bool		 rerun;		/* an earlier run was cut off */
	bool		 base_clean;	/* base holds nothing that overlayfs
					 * would take for its own */
	bool		 base_known;	/* base_bytes is right */
	bool		 base_solid;	/* no file of base has holes */
	uint64_t	 base_bytes;
};

struct merge_stats {
	uint64_t	 entries, linked, moved, dropped, copied;
	int64_t		 bytes;		/* without base_known: of all; else
					 * the difference to base_bytes */
	uint64_t	 bytes_new;
	bool		 overlay_xattrs; /* tree is no lower layer */
	bool		 escaped;	/* tree holds escaped attributes */
	bool		 holes;		/* what was pushed may have some */
};

/* Make the tree.  *st: what was counted, which MERGE_APPLY adds to what is in
 * it.  On failure, *where says in which folder. */
int	 merge_run(const struct merge *, struct merge_stats *st, char *where,
	    size_t size);

/* Give the client's own user.overlay.* in a tree their names back. */
int	 merge_unescape(int out);

/* store_ahead.c: linking base into the tree to be while rsync runs. */
void	 ahead_start(struct push *);
void	 ahead_join(struct push *);
void	 ahead_stop(struct push *);
int	 ahead_make(int pushfd, int base);
int	 ahead_sum_load(int pushfd, struct merge_stats *);
char	*ahead_sum_format(const struct merge_stats *);
int	 ahead_sum_parse(const char *buf, size_t len, struct merge_stats *);

/* store_commit.c */
void	 push_commit_free(struct push_commit *);

#endif
