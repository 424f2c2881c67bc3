/* io.c: a request's way through the disk.
 *
 * It waits its turn behind overlapping ones (order.h).  At the end of a turn
 * what has become ready goes to the disk, sectors side by side as one
 * operation.  A read is tried at once from the page cache; the rest goes
 * through the ring, a bounded number for each export.  Writes to regular files
 * that would have to wait are the worker's own, where helm.c lets it; else,
 * while the ring writes to one file, writes to others go through the writer's
 * threads.  A write of a sync=always export then waits for an
 * fdatasync: one at a time runs for an export, and covers all writes that were
 * done before it began.  A failed fdatasync is final: the kernel has marked the
 * lost pages clean, so asking again would be told that all is well.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ata.h"
#include "log.h"
#include "worker_impl.h"

#define DEPTH		32	/* operations of one export in the ring */
#define NOW_MISSES	16	/* in a row, and it is not tried any more */
#define VERIFY_BYTES	8192	/* of one read; whole pages, and in a buffer */
#define COMPLAIN_NS	INT64_C(10000000000)	/* between two lines */

static_assert(VERIFY_BYTES <= EXPORT_SECTORS_MAX * SECTOR, "a buffer's room");

static size_t
bytes_of(const struct req *r)
{
	return (size_t)r->order.count * SECTOR;
}

int
io_fd(const struct req *run)
{
	return run->plain ? run->export->fd_plain : run->export->fd;
}

off_t
io_offset(const struct req *run)
{
	return run->export->offset + (off_t)(run->order.lba * SECTOR) +
	    (off_t)run->done;
}

static struct req *
req_of(struct order_item *item)
{
	return (struct req *)(void *)((char *)item -
	    offsetof(struct req, order));
}

static void
complain(struct worker *w, struct req *r, int err)
{
	struct export *e = r->export;

	if (e->complained != 0 && w->now_ns < e->complained + COMPLAIN_NS)
		return;
	e->complained = w->now_ns;
	errno = err;
	log_warn("%s: %s: %s %u sectors at %" PRIu64, e->row.alias,
	    e->row.file, r->order.kind == ORDER_READ ? "read" : "write",
	    r->order.count, r->order.lba);
}

/* The client is told what kind of trouble it is. */
static uint8_t
error_register(int err)
{
	return err == ENOSPC || err == EROFS || err == EPERM ||
	    err == EDQUOT || err == EFBIG ? ATA_ABRT : ATA_UNC;
}

static void
answer(struct worker *w, struct req *r, int err)
{
	struct export *e = r->export;
	struct export_stats *st = &e->stats;
	size_t len = 0;

	if (r == e->state_req) {
		serve_fenced(w, e);
		io_release(w, e);
		return;
	}
	if (err != 0) {
		serve_ata_answer(w, r, ATA_FAILED, error_register(err),
		    (uint8_t)r->order.count, 0);
	} else {
		switch (r->order.kind) {
		case ORDER_READ:
			len = r->verify ? 0 : bytes_of(r);
			stat_add(&st->reads, 1);
			stat_add(&st->bytes_read, len);
			break;
		case ORDER_WRITE:
			stat_add(&st->writes, 1);
			stat_add(&st->bytes_written, bytes_of(r));
			break;
		case ORDER_FLUSH:
			stat_add(&st->flushes, 1);
			break;
		}
		serve_ata_answer(w, r, ATA_GOOD, 0, 0, len);
	}
	io_release(w, e);
}

static void
answer_all(struct worker *w, struct req_list *list, int err)
{
	struct req *r;

	while ((r = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, r, link);
		answer(w, r, err);
	}
}

static void
want_sync(struct worker *w, struct export *e)
{
	if (e->sync_wanted || e->sync_running)
		return;
	e->sync_wanted = true;
	STAILQ_INSERT_TAIL(&w->syncs, e, sync_link);
}

/* The request has taken effect, or failed to. */
static void
finish(struct worker *w, struct req *r, int err)
{
	struct export *e = r->export;

	order_remove(&e->order, &r->order);
	if (err != 0 && atomic_load(&e->failed) == 0)
		complain(w, r, err);
	if (err == 0 && r->order.kind == ORDER_WRITE)
		e->unsynced = true;
	if (err == 0 && (r->order.kind == ORDER_FLUSH ||
	    (r->order.kind == ORDER_WRITE && !e->cache_on))) {
		TAILQ_INSERT_TAIL(&e->written, r, link);
		want_sync(w, e);
	} else
		answer(w, r, err);
}

static void
want_start(struct worker *w, struct export *e)
{
	if (e->start_wanted)
		return;
	e->start_wanted = true;
	STAILQ_INSERT_TAIL(&w->starts, e, start_link);
}

/* Have it carried out with others at the end of this turn. */
static void
make_ready(struct worker *w, struct req *r)
{
	TAILQ_INSERT_TAIL(&r->export->ready, r, link);
	want_start(w, r->export);
}

/* Nothing that came before it is in its way. */
static void
start(struct worker *w, struct req *r)
{
	struct export *e = r->export;
	int failed = atomic_load_explicit(&e->failed, memory_order_relaxed);

	if (failed != 0)
		finish(w, r, failed);
	else if (r->order.kind == ORDER_FLUSH)
		finish(w, r, 0);
	else
		make_ready(w, r);
}

void
io_request(struct worker *w, struct req *r)
{
	struct export *e = r->export;

	/* Twice what was promised: a client may send again what it still
	 * waits for. */
	if (e->inflight >= 2 * e->row.buffers) {
		stat_add(&e->stats.dropped, 1);
		drop_count(w, DROP_BUSY);
		pool_put(w->pool, r);
		return;
	}
	e->inflight++;
	r->done = 0;
	r->plain = r->alone = r->now = r->missed = false;
	if (order_add(&e->order, &r->order))
		start(w, r);
}

void
io_fence(struct worker *w, struct req *r)
{
	r->order.kind = ORDER_FLUSH;
	r->order.lba = r->order.count = 0;
	if (order_add(&r->export->order, &r->order))
		start(w, r);
}

/* After something has finished: start what it held up. */
static void
settle(struct worker *w, struct export *e)
{
	struct order_item *item;

	while ((item = order_next(&e->order)) != NULL)
		start(w, req_of(item));
}

/* A run is requests that go to the disk together: reads or writes of sectors
 * side by side, linked by `next`.  Only the first may be done in part. */
static bool
follows(const struct req *last, const struct req *r)
{
	return !last->alone && !r->alone && !last->verify && !r->verify &&
	    r->order.kind == last->order.kind && r->plain == last->plain &&
	    r->done == 0 &&
	    r->order.lba == last->order.lba + last->order.count;
}

/* The next run of what is ready. */
static struct req *
take_run(struct export *e)
{
	struct req *first = TAILQ_FIRST(&e->ready), *last = first, *r;
	unsigned n;

	TAILQ_REMOVE(&e->ready, first, link);
	for (n = 1; n < DISK_PIECES && (r = TAILQ_FIRST(&e->ready)) != NULL &&
	    follows(last, r); n++) {
		TAILQ_REMOVE(&e->ready, r, link);
		last->next = r;
		last = r;
	}
	last->next = NULL;
	return first;
}

unsigned
io_pieces(const struct req *run, struct iovec iov[DISK_PIECES])
{
	const struct req *r;
	unsigned n = 0;

	for (r = run; r != NULL; r = r->next, n++) {
		iov[n].iov_base = r->frame + FRAME_ATA_HEADER + r->done;
		iov[n].iov_len = bytes_of(r) - r->done;
	}
	/* What is verified is more than a buffer holds: it is read over
	 * itself. */
	if (run->verify) {
		iov[0].iov_base = run->frame + FRAME_ATA_HEADER;
		if (iov[0].iov_len > VERIFY_BYTES)
			iov[0].iov_len = VERIFY_BYTES;
	}
	return n;
}

/* So many bytes of a run have been transferred: finish what is complete.  What
 * is left of it, or NULL. */
static struct req *
run_advance(struct worker *w, struct req *run, size_t n)
{
	struct req *r, *next;
	size_t left;

	for (r = run; r != NULL; r = next) {
		left = bytes_of(r) - r->done;
		if (n < left) {
			r->done += n;
			break;
		}
		n -= left;
		next = r->next;
		finish(w, r, 0);
	}
	return r;
}

/* Try to read from the page cache.  What is left of the run, or NULL. */
static struct req *
try_now(struct worker *w, struct req *run)
{
	struct export *e = run->export;
	struct iovec iov[DISK_PIECES];
	ssize_t n;

	if (run->order.kind != ORDER_READ || run->verify || !e->can_nowait ||
	    e->row.direct)
		return run;
	n = disk_read_now(e->fd, iov, io_pieces(run, iov), io_offset(run));
	if (n == -1 && (errno == EOPNOTSUPP || errno == EINVAL))
		e->can_nowait = false;
	/* An error, too, is the ring's to find. */
	return n > 0 ? run_advance(w, run, (size_t)n) : run;
}

/* Of a file that the ring's threads may keep waiting for another (writer.c). */
static bool
may_be_kept(const struct req *run)
{
	const struct export *e = run->export;

	return run->order.kind != ORDER_READ && e->regular &&
	    (run->plain || !e->row.direct);
}

/* One file alone cannot wait for another, and for it the ring is faster: it is
 * the first that comes, for as long as it has writes there. */
static bool
takes_ring(struct worker *w, const struct export *e)
{
	if (w->ring_writes > 0 && w->ring_file != e)
		return false;
	w->ring_file = e;
	w->ring_writes++;
	return true;
}

/* One of those that takes_ring has let in. */
static bool
counts(const struct req *run)
{
	return may_be_kept(run) && !run->now;
}

/* Where the file system can write without waiting, the ring need not have its
 * threads do it. */
static bool
tries_now(struct req *run)
{
	if (run->missed || run->export->now_misses >= NOW_MISSES)
		return false;
	run->now = true;
	return true;
}

/* True if it was tried so, and would have waited. */
static bool
has_missed(struct req *run, int res)
{
	struct export *e = run->export;

	if (!run->now)
		return false;
	run->now = false;
	if (res != -EAGAIN && res != -EOPNOTSUPP) {
		e->now_misses = 0;
		return false;
	}
	e->now_misses += e->now_misses < NOW_MISSES;
	run->missed = true;
	return true;
}

static void
ring_write(struct worker *w, struct req *run)
{
	struct iovec iov[DISK_PIECES];

	disk_write(w->disk, io_fd(run), iov, io_pieces(run, iov),
	    io_offset(run), run->now, run);
}

/* Have others write it. */
static void
give(struct worker *w, struct req *run)
{
	if (takes_ring(w, run->export))
		ring_write(w, run);
	else
		writer_add(w->writer, run);
}

static void
submit(struct worker *w, struct req *run)
{
	struct export *e = run->export;
	struct iovec iov[DISK_PIECES];

	e->running++;
	if (run->order.kind == ORDER_READ)
		disk_read(w->disk, io_fd(run), iov, io_pieces(run, iov),
		    io_offset(run), e->fuse, run);
	else if (!may_be_kept(run) || tries_now(run))
		ring_write(w, run);
	else if (helm_may_write(w, e))
		TAILQ_INSERT_TAIL(&w->own_writes, run, link);
	else
		give(w, run);
}

static void
start_ready(struct worker *w, struct export *e)
{
	struct req *run;

	while (e->running < DEPTH && !TAILQ_EMPTY(&e->ready)) {
		run = take_run(e);
		if ((run = try_now(w, run)) != NULL)
			submit(w, run);
		settle(w, e);
	}
}

/* Which of them it was is found out by each for itself. */
static void
run_split(struct worker *w, struct req *run)
{
	struct req *r, *next;

	for (r = run; r != NULL; r = next) {
		next = r->next;
		r->next = NULL;
		r->alone = true;
		make_ready(w, r);
	}
}

/* A run has failed: -errno, or 0: the file has become shorter than it was. */
static void
run_failed(struct worker *w, struct req *run, int res)
{
	struct export *e = run->export;

	if (res == -EINTR || res == -EAGAIN) {
		submit(w, run);
	} else if (run->next != NULL) {
		run_split(w, run);
	} else if (res == -EINVAL && e->row.direct && !run->plain) {
		/* The disk's sectors are larger than the client's. */
		run->plain = true;
		submit(w, run);
	} else {
		if (res == 0 && !atomic_load(&e->frozen)) {
			atomic_store(&e->ended_early, true);
			worker_notify(w);
		}
		finish(w, run, res == 0 ? EIO : -res);
	}
}

static void
transferred(struct worker *w, struct req *run, int res)
{
	struct export *e = run->export;

	e->running--;
	e->inflight++;		/* outlive what is finished */
	if (has_missed(run, res))
		submit(w, run);
	else if (res <= 0)
		run_failed(w, run, res);
	else if ((run = run_advance(w, run, (size_t)res)) != NULL)
		submit(w, run);
	settle(w, e);
	if (!TAILQ_EMPTY(&e->ready))
		want_start(w, e);
	io_release(w, e);
}

unsigned
io_written(struct worker *w)
{
	struct req *run;
	unsigned n;

	for (n = 0; (run = writer_done(w->writer)) != NULL; n++)
		transferred(w, run, run->res);
	return n;
}

void
io_give_writes(struct worker *w)
{
	struct req *run;

	while ((run = TAILQ_FIRST(&w->own_writes)) != NULL) {
		TAILQ_REMOVE(&w->own_writes, run, link);
		give(w, run);
	}
}

/* False: the helm was lost. */
static bool
own_writes(struct worker *w)
{
	struct req *run;

	while ((run = TAILQ_FIRST(&w->own_writes)) != NULL) {
		TAILQ_REMOVE(&w->own_writes, run, link);
		/* What was begun since in the ring must not be left there. */
		if (!helm_may_write(w, run->export)) {
			give(w, run);
			continue;
		}
		if (!helm_write(w, run))
			return false;
		/* Who tries again must not keep all others waiting. */
		if (run->res == -EINTR || run->res == -EAGAIN)
			writer_add(w->writer, run);
		else
			transferred(w, run, run->res);
	}
	return true;
}

static void
start_all(struct worker *w)
{
	struct export *e;

	while ((e = STAILQ_FIRST(&w->starts)) != NULL) {
		STAILQ_REMOVE_HEAD(&w->starts, start_link);
		e->start_wanted = false;
		e->inflight++;	/* outlive what is finished */
		start_ready(w, e);
		io_release(w, e);
	}
}

bool
io_starts(struct worker *w)
{
	/* A write that is done may let others start. */
	do {
		start_all(w);
		if (!TAILQ_EMPTY(&w->own_writes))
			worker_flush(w);	/* it may take a while */
		if (!own_writes(w))
			return false;
	} while (!STAILQ_EMPTY(&w->starts));
	return true;
}

static void
start_sync(struct worker *w, struct export *e)
{
	TAILQ_CONCAT(&e->syncing, &e->written, link);
	e->unsynced = false;
	e->sync_running = true;
	disk_sync(w->disk, e->fd, e);
}

void
io_syncs(struct worker *w)
{
	struct export *e;

	while ((e = STAILQ_FIRST(&w->syncs)) != NULL) {
		STAILQ_REMOVE_HEAD(&w->syncs, sync_link);
		e->sync_wanted = false;
		if (atomic_load(&e->failed) != 0)
			answer_all(w, &e->written, EIO);
		else
			start_sync(w, e);
	}
}

/* Final, but for one call when the export ends: what is still dirty then is
 * written or given up, so that the file's next opening does not inherit its
 * errors. */
static void
lost(struct worker *w, struct export *e, int err)
{
	e->unsynced = !e->draining;
	if (atomic_load(&e->failed) != 0)
		return;
	errno = err;
	log_warn("%s: %s: fdatasync; what was written is lost, and the "
	    "export has failed: mend the disk, check the image, then restart "
	    "the export", e->row.alias, e->row.file);
	atomic_store(&e->failed, err);
	worker_notify(w);
	answer_all(w, &e->written, EIO);
}

static void
synced(struct worker *w, struct export *e, int res)
{
	if (res == -EINTR || res == -EAGAIN) {
		disk_sync(w->disk, e->fd, e);
		return;
	}
	e->sync_running = false;
	e->inflight++;		/* keep it while its requests are answered */
	stat_add(&e->stats.syncs, 1);
	if (res < 0)
		lost(w, e, -res);
	answer_all(w, &e->syncing, res < 0 ? EIO : 0);
	if (!TAILQ_EMPTY(&e->written))
		want_sync(w, e);
	io_release(w, e);
}

static void
closed(struct worker *w, struct export *e)
{
	if (e->fd_plain != -1) {
		disk_close(w->disk, e->fd_plain, e);
		e->fd_plain = -1;
		return;
	}
	atomic_store(&e->drained, true);
	worker_notify(w);
}

void
io_event(struct worker *w, const struct disk_event *ev)
{
	if (ev->kind == DISK_IO) {
		w->ring_writes -= counts(ev->tag);
		transferred(w, ev->tag, ev->res);
	} else if (ev->kind == DISK_SYNC)
		synced(w, ev->tag, ev->res);
	else if (ev->kind == DISK_CLOSE)
		closed(w, ev->tag);
}

void
io_release(struct worker *w, struct export *e)
{
	e->inflight--;
	if (e->draining)
		io_drain(w, e);
}

void
io_drain(struct worker *w, struct export *e)
{
	e->draining = true;
	if (e->inflight > 0 || e->sync_running || e->closing)
		return;
	if (e->unsynced) {
		start_sync(w, e);
		return;
	}
	e->closing = true;
	disk_close(w->disk, e->fd, e);
	e->fd = -1;
}
