/* store_sums.h: the checksums of the files that pushes brought, in the log
 * HOST.snaps/.meta/sums.
 *
 * Files are shared by hard links, so a checksum belongs to an inode: a push adds
 * those of the files that it brought, and one that brought nothing adds
 * nothing.
 * An inode's number is used again after its file has gone, on btrfs also while
 * an older snapshot still has it; so an entry also names the time at which the
 * file was made (statx(2)'s btime, where the file system keeps it), its size and
 * its modification time, and only a file that agrees in all of these is meant.
 *
 * The log is blocks, little-endian, one behind the other, each at a multiple of
 * 16 bytes:
 *
 *	 0  8	"BSsums1\n"
 *	 8  4	number of entries, 1 to SUMS_BLOCK
 *	12  4	0
 *	16  8	time of the first snapshot they hold for, seconds
 *	24  8	0
 *	32 16	XXH3-128 of bytes 0 to 31 and of the entries
 *	48	the entries, 64 bytes each:
 *	 0  8	inode number
 *	 8  8	size, bytes
 *	16  8	modification time, seconds
 *	24  8	birth time, seconds
 *	32  4	modification time, nanoseconds
 *	36  4	birth time, nanoseconds
 *	40  4	SUM_… flags
 *	44  4	0
 *	48 16	XXH3-128 of the content, canonical
 *
 * What is no block is passed over, 16 bytes at a time.  So a torn end, or a
 * block that rotted, costs its own entries, whose files are then unknown; it
 * never makes a good file look bad.  Of the entries of one file the last one
 * holds.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_STORE_SUMS_H
#define BACKSHELF_STORE_SUMS_H

#include <sys/stat.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "store.h"

#define STORE_SUMS	"sums"		/* in .meta */
#define SUMS_BLOCK	1024		/* entries of a block at most */
#define SUM_SIZE	16		/* bytes of a checksum */

enum {
	SUM_UNKNOWN	= 1,	/* the file was not read: no checksum */
	SUM_LATE	= 2	/* not taken at the commit, but by a check */
};

struct sum {
	uint64_t	ino;
	uint64_t	size;
	int64_t		mtime;
	int64_t		btime;		/* 0: not known */
	uint32_t	mtime_ns;
	uint32_t	btime_ns;
	uint32_t	flags;
	int64_t		since;		/* holds for snapshots from then on */
	uint8_t		hash[SUM_SIZE];
};

/* store_sumlog.c: the log's bytes.  Pure. */

struct sums {			/* zero-initialise; free with sums_free */
	struct sum	*v;
	size_t		 n;
	size_t		 cap;
	size_t		 blocks;	/* good ones */
	uint64_t	 lost;		/* bytes that are no block */
	uint64_t	 bytes;		/* store_sums_load: length of the log */
};

/* Append the entries of a log.  Total on any bytes.  0, or -1 with errno
 * ENOMEM. */
int	sums_parse(const uint8_t *buf, size_t len, struct sums *);

/* A block of n entries, 1 to SUMS_BLOCK, all of the same `since`; its length.
 * buf has SUMS_BLOCK_MAX bytes. */
#define SUMS_BLOCK_MAX	(48 + SUMS_BLOCK * 64)
size_t	sums_block(uint8_t *buf, const struct sum *v, size_t n);

/* After the last sums_parse: make it ready for sums_find, leaving out what
 * never holds any more: entries that a later one of the same file and snapshot
 * replaces. */
void	sums_sort(struct sums *);

/* What the entry of a file is, as statx(2) showed it in a snapshot of that
 * time; NULL: there is none, or it is of another file. */
const struct sum	*sums_find(const struct sums *, const struct statx *,
			    time_t snapshot);

void	sums_free(struct sums *);

/* Fill in all but since, flags and hash. */
void	sum_of_file(struct sum *, const struct statx *);

/* store_sumfile.c: a file's content to its checksum. */

struct sum_reader {		/* of one thread; sum_reader_init first */
	void		*state;
	uint8_t		*buf;		/* aligned for O_DIRECT */
	uint64_t	 cold;		/* bytes that were not in memory */
	uint64_t	 cold_max;	/* EAGAIN after so many */
	bool		 direct;	/* from the disk, not from memory */
	int		(*stop)(void);	/* EINTR once it is not 0; or NULL */
};

int	sum_reader_init(struct sum_reader *);
void	sum_reader_fini(struct sum_reader *);

/* Read a regular file.  Its access time stays.  0, or -1 with errno: EIO,
 * EAGAIN, EINTR, ESTALE (its size changed meanwhile) … */
int	sum_file(struct sum_reader *, int dirfd, const char *name,
	    uint64_t size, uint8_t hash[SUM_SIZE]);

/* store_sums.c: the log of a store. */

/* Read it.  0, also if there is none, or -1 with errno. */
int	store_sums_load(struct store *, struct sums *);

/* Append entries of one `since`, n as many as you like.  Waits a second for
 * another writer.  0; or -1 with errno, and the log is as it was. */
int	store_sums_append(struct store *, const struct sum *, size_t n);

/* Replace the log by these, sorted by `since`; what was appended since
 * `was_bytes` long was read is kept.  0, or -1 with errno and the log as it
 * was. */
int	store_sums_rewrite(struct store *, const struct sum *, size_t n,
	    uint64_t was_bytes);

/* Take the checksums of what a push brought, beside what the caller does
 * meanwhile; nothing may be moved out of .push/upper before the end.  Files
 * that are not in memory any more are read too, up to SUMS_COLD bytes of them;
 * the rest is noted as unknown.  It never fails: what goes wrong is a warning.
 * NULL: it was not begun. */
#define SUMS_COLD	(UINT64_C(1) << 30)
struct sums_job;
struct push;

struct sums_job	*sums_start(struct push *);
void		 sums_end(struct sums_job *);

#endif
