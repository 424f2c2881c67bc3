/* disk.c: io_uring; the only file that knows liburing.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"

#define VECTORS	1024	/* pieces of what is not submitted yet */

struct disk {
	struct io_uring	ring;
	struct iovec	iov[VECTORS];
	unsigned	niov;
	unsigned	busy;	/* operations that are no polls */
	struct __kernel_timespec tick;
};

#define KIND_MASK	((uintptr_t)7)

/* All that a ring may be used for.  What it does passes by the seccomp filter
 * of whoever has taken the thread over; the restriction stays for the ring's
 * life, and there is no making of another (SANDBOX_SERVING).  0, or a negative
 * errno; a kernel before 5.10 knows no restrictions. */
static int
restrict_ring(struct io_uring *ring)
{
	static const uint8_t ops[] = { IORING_OP_READV, IORING_OP_WRITEV,
	    IORING_OP_FSYNC, IORING_OP_CLOSE, IORING_OP_POLL_ADD,
	    IORING_OP_POLL_REMOVE, IORING_OP_TIMEOUT,
	    IORING_OP_ASYNC_CANCEL };
	static const uint8_t calls[] = { IORING_REGISTER_ENABLE_RINGS,
	    IORING_REGISTER_IOWQ_MAX_WORKERS };
	struct io_uring_restriction r[sizeof(ops) + sizeof(calls) + 1];
	unsigned n = 0;
	size_t i;

	memset(r, 0, sizeof(r));
	for (i = 0; i < sizeof(ops); i++, n++) {
		r[n].opcode = IORING_RESTRICTION_SQE_OP;
		r[n].sqe_op = ops[i];
	}
	for (i = 0; i < sizeof(calls); i++, n++) {
		r[n].opcode = IORING_RESTRICTION_REGISTER_OP;
		r[n].register_op = calls[i];
	}
	r[n].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	r[n++].sqe_flags = IOSQE_ASYNC;
	/* By hand: not every liburing of today exports these. */
	if (syscall(SYS_io_uring_register, ring->ring_fd,
	    IORING_REGISTER_RESTRICTIONS, r, n) == -1 ||
	    syscall(SYS_io_uring_register, ring->ring_fd,
	    IORING_REGISTER_ENABLE_RINGS, NULL, 0) == -1)
		return -errno;
	return 0;
}

struct disk *
disk_new(unsigned entries)
{
	/* Fewer interruptions on kernels that know how (5.19), the plain way
	 * on older ones. */
	static const unsigned flags[] = {
		IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL |
		    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_R_DISABLED,
		IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED
	};
	struct disk *d;
	size_t i;
	int rc = -EINVAL;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return NULL;
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		rc = io_uring_queue_init(entries, &d->ring, flags[i]);
		if (rc != 0)
			continue;
		if ((rc = restrict_ring(&d->ring)) == 0)
			return d;
		io_uring_queue_exit(&d->ring);
		break;
	}
	free(d);
	errno = -rc;
	return NULL;
}

void
disk_free(struct disk *d)
{
	if (d == NULL)
		return;
	io_uring_queue_exit(&d->ring);
	free(d);
}

void
disk_threads(struct disk *d, unsigned n)
{
	unsigned max[2] = { n, 0 };	/* for files; 0 leaves the other */

	(void)io_uring_register_iowq_max_workers(&d->ring, max);
}

/* A free entry: when there is none, those queued are submitted first, after
 * which the whole queue is free. */
static struct io_uring_sqe *
entry(struct disk *d)
{
	struct io_uring_sqe *sqe;

	while ((sqe = io_uring_get_sqe(&d->ring)) == NULL)
		(void)io_uring_submit(&d->ring);
	return sqe;
}

/* Last, because liburing's prep functions clear it. */
static void
set_tag(struct io_uring_sqe *sqe, enum disk_kind kind, void *tag)
{
	io_uring_sqe_set_data(sqe, (void *)((uintptr_t)tag | (uintptr_t)kind));
}

/* Pieces stay until they are submitted; from then on the kernel has a copy
 * (IORING_FEAT_SUBMIT_STABLE, 5.5). */
static const struct iovec *
keep(struct disk *d, const struct iovec *iov, unsigned n)
{
	struct iovec *kept;

	while (d->niov + n > VECTORS) {
		(void)io_uring_submit(&d->ring);
		if (io_uring_sq_ready(&d->ring) == 0)
			d->niov = 0;
	}
	kept = d->iov + d->niov;
	memcpy(kept, iov, n * sizeof(*iov));
	d->niov += n;
	return kept;
}

void
disk_read(struct disk *d, int fd, const struct iovec *iov, unsigned n,
    off_t off, bool aside, void *tag)
{
	const struct iovec *kept = keep(d, iov, n);
	struct io_uring_sqe *sqe = entry(d);

	io_uring_prep_readv(sqe, fd, kept, n, (uint64_t)off);
	if (aside)
		io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
	set_tag(sqe, DISK_IO, tag);
	d->busy++;
}

void
disk_write(struct disk *d, int fd, const struct iovec *iov, unsigned n,
    off_t off, bool now, void *tag)
{
	const struct iovec *kept = keep(d, iov, n);
	struct io_uring_sqe *sqe = entry(d);

	io_uring_prep_writev2(sqe, fd, kept, n, (uint64_t)off,
	    now ? RWF_NOWAIT : 0);
	set_tag(sqe, DISK_IO, tag);
	d->busy++;
}

void
disk_sync(struct disk *d, int fd, void *tag)
{
	struct io_uring_sqe *sqe = entry(d);

	io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	set_tag(sqe, DISK_SYNC, tag);
	d->busy++;
}

void
disk_close(struct disk *d, int fd, void *tag)
{
	struct io_uring_sqe *sqe = entry(d);

	io_uring_prep_close(sqe, fd);
	set_tag(sqe, DISK_CLOSE, tag);
	d->busy++;
}

void
disk_poll(struct disk *d, int fd, enum disk_kind kind, void *tag)
{
	struct io_uring_sqe *sqe = entry(d);

	io_uring_prep_poll_add(sqe, fd, POLLIN);
	set_tag(sqe, kind, tag);
}

void
disk_tick(struct disk *d, unsigned ns)
{
	struct io_uring_sqe *sqe = entry(d);

	d->tick = (struct __kernel_timespec){ .tv_nsec = ns };
	io_uring_prep_timeout(sqe, &d->tick, 0, 0);
	set_tag(sqe, DISK_TICK, NULL);
}

void
disk_unpoll(struct disk *d, enum disk_kind kind, void *tag)
{
	struct io_uring_sqe *sqe = entry(d);

	io_uring_prep_poll_remove(sqe, (uintptr_t)tag | (uintptr_t)kind);
	set_tag(sqe, DISK_CANCEL, NULL);
}

void
disk_forget(struct disk *d)
{
	struct disk_event ev;
	struct io_uring_sqe *sqe = entry(d);

	io_uring_prep_rw(IORING_OP_ASYNC_CANCEL, sqe, -1, NULL, 0, 0);
	sqe->cancel_flags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY;
	set_tag(sqe, DISK_CANCEL, NULL);
	if (disk_turn(d, true) == 0)
		while (disk_event(d, &ev))
			;
}

bool
disk_busy(const struct disk *d)
{
	return d->busy > 0;
}

int
disk_turn(struct disk *d, bool wait)
{
	int rc;

	rc = wait ? io_uring_submit_and_wait(&d->ring, 1) :
	    io_uring_submit(&d->ring);
	if (io_uring_sq_ready(&d->ring) == 0)
		d->niov = 0;
	/* EAGAIN and EBUSY: the kernel is short of room until events have
	 * been taken, which is what the caller does next. */
	if (rc < 0 && rc != -EINTR && rc != -EAGAIN && rc != -EBUSY) {
		errno = -rc;
		return -1;
	}
	return 0;
}

bool
disk_event(struct disk *d, struct disk_event *ev)
{
	struct io_uring_cqe *cqe;
	uintptr_t data;

	if (io_uring_peek_cqe(&d->ring, &cqe) != 0)
		return false;
	data = (uintptr_t)io_uring_cqe_get_data(cqe);
	ev->kind = (enum disk_kind)(data & KIND_MASK);
	ev->tag = (void *)(data & ~KIND_MASK);
	ev->res = cqe->res;
	io_uring_cqe_seen(&d->ring, cqe);
	d->busy -= ev->kind <= DISK_CLOSE;
	return true;
}

ssize_t
disk_read_now(int fd, const struct iovec *iov, unsigned n, off_t off)
{
	return preadv2(fd, iov, (int)n, off, RWF_NOWAIT);
}
