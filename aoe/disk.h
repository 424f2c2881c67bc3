/* disk.h: reading and writing without waiting, by one worker's io_uring.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_DISK_H
#define AOE_DISK_H

#include <sys/types.h>
#include <sys/uio.h>

#include <stdbool.h>
#include <stdint.h>

/* What an event is about.  The pointer of a tag is aligned to 8 bytes, and
 * the kind travels in its low bits. */
enum disk_kind {
	DISK_IO,		/* a read or write; tag: struct req */
	DISK_SYNC,		/* an fdatasync; tag: struct export */
	DISK_CLOSE,		/* a close; tag: struct export */
	DISK_STEERED,		/* a poll; tag: as it was given */
	DISK_BROADCAST,		/* a poll; the same */
	DISK_MAIL,		/* a poll; no tag */
	DISK_TICK,		/* a time has passed; no tag */
	DISK_CANCEL		/* a poll taken back; no tag */
};

struct disk_event {
	enum disk_kind	 kind;
	void		*tag;
	int		 res;	/* as the system call's, -errno for failure */
};

struct disk;

/* A ring of that many entries, or NULL with errno.  To be called by the
 * thread that uses it. */
struct disk *disk_new(unsigned entries);
void	disk_free(struct disk *);

/* How many operations may block at once, each in a thread of the kernel's, so
 * that a disk that hangs does not use up the ones another needs. */
void	disk_threads(struct disk *, unsigned n);

/* Queue an operation, on n pieces of memory for reading and writing: at most
 * DISK_PIECES.  Nothing is submitted before disk_turn.  `aside`: by a thread of
 * the kernel's from the start, for files that it cannot read otherwise; it would
 * first poll a file of FUSE's, and whoever serves that may not answer.  `now`:
 * -EAGAIN or -EOPNOTSUPP instead of waiting for anything (RWF_NOWAIT). */
#define DISK_PIECES	32
void	disk_read(struct disk *, int fd, const struct iovec *, unsigned n,
	    off_t, bool aside, void *tag);
void	disk_write(struct disk *, int fd, const struct iovec *, unsigned n,
	    off_t, bool now, void *tag);
void	disk_sync(struct disk *, int fd, void *tag);
void	disk_close(struct disk *, int fd, void *tag);
void	disk_poll(struct disk *, int fd, enum disk_kind, void *tag);
/* A DISK_TICK after so many nanoseconds, below a second.  One at a time. */
void	disk_tick(struct disk *, unsigned ns);
void	disk_unpoll(struct disk *, enum disk_kind, void *tag);

/* Take back all polls and times; no event comes of them any more.  Nothing else
 * may be queued or under way.  Kernels before 5.19 do not: there they stay until
 * they end. */
void	disk_forget(struct disk *);

/* Is a read, write, fdatasync or close queued or under way? */
bool	disk_busy(const struct disk *);

/* Submit what is queued; wait for one event at least, if `wait`.  0, or -1
 * with errno. */
int	disk_turn(struct disk *, bool wait);

/* The next event that has come; false if there is none. */
bool	disk_event(struct disk *, struct disk_event *);

/* At once or not at all: from the page cache.  Bytes, or -1 with errno:
 * EAGAIN (it would have to wait), EOPNOTSUPP (this file cannot say), or the
 * disk's error.  Writing has no such call: pwritev2(2) waits for a frozen file
 * system even with RWF_NOWAIT. */
ssize_t	disk_read_now(int fd, const struct iovec *, unsigned n, off_t);

#endif
