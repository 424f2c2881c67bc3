/* io.c: a request's way through the disk.
 *
 * It waits its turn behind overlapping ones (order.h).  A read is tried at
 * once from the page cache; the rest goes through the ring, a bounded number
 * for each export.  A write of a sync=always export then waits for an fdatasync: one at
 * a time runs for an export, and covers all writes that were done before it
 * began.  A failed fdatasync is final: the kernel has marked the lost pages
 * clean, so asking again would be told that all is well.
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
#define VERIFY_BYTES	8192	/* of one read; whole pages, and in a buffer */
#define COMPLAIN_EVERY	10	/* seconds between lines about one export */

static_assert(VERIFY_BYTES <= EXPORT_SECTORS_MAX * SECTOR, "a buffer's room");

static size_t
bytes_of(const struct req *r)
{
	return (size_t)r->order.count * SECTOR;
}

static off_t
offset_of(const struct req *r)
{
	return r->export->offset + (off_t)(r->order.lba * SECTOR);
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

	if ((uint64_t)w->now < e->complained + COMPLAIN_EVERY)
		return;
	e->complained = (uint64_t)w->now;
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

/* Try to read from the page cache.  True if the request is finished. */
static bool
try_now(struct worker *w, struct req *r)
{
	struct export *e = r->export;
	ssize_t n;

	if (r->order.kind != ORDER_READ || r->verify || !e->can_nowait ||
	    e->row.direct)
		return false;
	n = disk_read_now(e->fd, r->frame + FRAME_ATA_HEADER, bytes_of(r),
	    offset_of(r));
	if (n == -1 && (errno == EOPNOTSUPP || errno == EINVAL))
		e->can_nowait = false;
	if (n > 0)
		r->done = (size_t)n;
	if (r->done != bytes_of(r))
		return false;	/* an error, too, is the ring's to find */
	finish(w, r, 0);
	return true;
}

static void
submit(struct worker *w, struct req *r)
{
	struct export *e = r->export;
	uint8_t *data = r->frame + FRAME_ATA_HEADER;
	size_t len = bytes_of(r) - r->done;
	off_t off = offset_of(r) + (off_t)r->done;
	int fd = r->plain ? e->fd_plain : e->fd;

	/* What is verified is more than a buffer holds: it is read over
	 * itself. */
	if (!r->verify)
		data += r->done;
	else if (len > VERIFY_BYTES)
		len = VERIFY_BYTES;
	e->running++;
	if (r->order.kind == ORDER_READ)
		disk_read(w->disk, fd, data, len, off, r);
	else
		disk_write(w->disk, fd, data, len, off, r);
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
	else if (try_now(w, r))
		return;
	else if (e->running >= DEPTH)
		TAILQ_INSERT_TAIL(&e->ready, r, link);
	else
		submit(w, r);
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
	r->plain = false;
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
	struct req *r;

	while ((item = order_next(&e->order)) != NULL)
		start(w, req_of(item));
	while (e->running < DEPTH && (r = TAILQ_FIRST(&e->ready)) != NULL) {
		TAILQ_REMOVE(&e->ready, r, link);
		submit(w, r);
	}
}

static void
transferred(struct worker *w, struct req *r, int res)
{
	struct export *e = r->export;

	e->running--;
	if (res > 0)
		r->done += (size_t)res;
	if (res == -EINVAL && e->row.direct && !r->plain) {
		/* The disk's sectors are larger than the client's. */
		r->plain = true;
		submit(w, r);
	} else if ((res > 0 && r->done < bytes_of(r)) || res == -EINTR ||
	    res == -EAGAIN) {
		submit(w, r);
	} else {
		/* 0: the file has become shorter than it was. */
		e->inflight++;	/* outlive what finish releases */
		finish(w, r, res > 0 ? 0 : res == 0 ? EIO : -res);
		settle(w, e);
		io_release(w, e);
	}
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
	if (ev->kind == DISK_IO)
		transferred(w, ev->tag, ev->res);
	else if (ev->kind == DISK_SYNC)
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
