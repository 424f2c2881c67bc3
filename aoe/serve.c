/* serve.c: from a frame to an answer.
 * Who may have it is looked up in the view, what it wants is decided by ata.c
 * and query.c, what must wait for the disk goes to io.c.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>

#include "frame.h"
#include "mac.h"
#include "worker_impl.h"

#define FIRMWARE	0x0001	/* of Query Config: ours */

static void
drop(struct worker *w, struct req *r, enum drop why)
{
	drop_count(w, why);
	pool_put(w->pool, r);
}

static unsigned
mtu_of(const struct req *r)
{
	return atomic_load_explicit(&r->port->iface->mtu,
	    memory_order_relaxed);
}

/* Answer with an error of AoE's: only for what is wrong with the message
 * itself, because clients retry these for minutes. */
static void
answer_error(struct worker *w, struct req *r, enum aoe_error error)
{
	struct export *e = r->export;
	size_t len = r->len;

	stat_add(&e->stats.errors, 1);
	frame_answer(r->frame, r->port->iface->mac, e->row.shelf, e->row.slot,
	    error);
	/* The arguments go back as they came, without their data. */
	if (len > FRAME_CONFIG_HEADER)
		len = FRAME_CONFIG_HEADER;
	worker_answer(w, r, len);
}

void
serve_ata_answer(struct worker *w, struct req *r, uint8_t status,
    uint8_t error, uint8_t count, size_t len)
{
	struct export *e = r->export;

	if (status & ATA_ERR)
		stat_add(&e->stats.errors, 1);
	frame_answer(r->frame, r->port->iface->mac, e->row.shelf, e->row.slot,
	    AOE_OK);
	frame_ata_answer(r->frame, status, error, count);
	worker_answer(w, r, FRAME_ATA_HEADER + len);
}

static void
serve_disk(struct worker *w, struct req *r, enum order_kind kind,
    const struct ata_op *op)
{
	r->order.kind = kind;
	r->order.lba = op->lba;
	r->order.count = op->count;
	io_request(w, r);
}

static void
serve_op(struct worker *w, struct req *r, const struct ata_disk *d,
    const struct ata_op *op)
{
	switch (op->action) {
	case ATA_ANSWER:
		serve_ata_answer(w, r, op->status, op->error, op->result, 0);
		break;
	case ATA_IDENTIFY:
		ata_identify(d, r->frame + FRAME_ATA_HEADER);
		serve_ata_answer(w, r, ATA_GOOD, 0, 0, SECTOR);
		break;
	case ATA_READ:
		serve_disk(w, r, ORDER_READ, op);
		break;
	case ATA_WRITE:
		serve_disk(w, r, ORDER_WRITE, op);
		break;
	case ATA_FLUSH:
		serve_disk(w, r, ORDER_FLUSH, op);
		break;
	}
}

static void
serve_ata(struct worker *w, struct req *r, bool broadcast)
{
	struct export *e = r->export;
	struct ata_disk d = e->disk;
	struct frame_ata a;
	struct ata_op op;

	if (frame_ata_decode(r->frame, r->len, &a) == -1) {
		if (broadcast)
			drop(w, r, DROP_BROADCAST);
		else
			answer_error(w, r, AOE_BADARG);
		return;
	}
	d.max = export_maxsectors(e, mtu_of(r));
	ata_decide(&a, &d, &op);
	/* Discovery may be broadcast (WinAoE's is); sectors never. */
	if (broadcast && op.action != ATA_IDENTIFY)
		drop(w, r, DROP_BROADCAST);
	else
		serve_op(w, r, &d, &op);
}

/* Answer a Query Config message with this string. */
static void
answer_config(struct worker *w, struct req *r, uint8_t ccmd,
    const struct config *c)
{
	struct export *e = r->export;
	size_t len;

	frame_answer(r->frame, r->port->iface->mac, e->row.shelf, e->row.slot,
	    AOE_OK);
	len = frame_config_answer(r->frame, ccmd, (uint16_t)e->row.buffers,
	    FIRMWARE, (uint8_t)export_maxsectors(e, mtu_of(r)), c->bytes,
	    c->len);
	worker_answer(w, r, len);
}

/* Have the supervisor put the new string on disk.  One at a time: a client
 * whose frame is dropped here sends it again. */
static void
store_config(struct worker *w, struct req *r, const struct frame_config *f)
{
	struct export *e = r->export;

	if (e->config_req != NULL) {
		drop(w, r, DROP_BUSY);
		return;
	}
	e->config_new.len = f->len;
	memcpy(e->config_new.bytes, f->string, f->len);
	e->config_req = r;
	e->inflight++;
	LIST_INSERT_HEAD(&w->configs, e, config_link);
	atomic_store(&e->phase, CONFIG_STORE);
	worker_notify(w);
}

void
serve_config_stored(struct worker *w, struct export *e)
{
	struct req *r = e->config_req;
	struct frame_config f;

	e->config_req = NULL;
	LIST_REMOVE(e, config_link);
	atomic_store(&e->phase, CONFIG_IDLE);
	if (e->config_errno != 0 ||
	    frame_config_decode(r->frame, r->len, &f) == -1) {
		answer_error(w, r, AOE_UNAVAILABLE);
	} else {
		e->config = e->config_new;
		answer_config(w, r, f.ccmd, &e->config);
	}
	io_release(w, e);
}

static void
serve_config(struct worker *w, struct req *r)
{
	struct export *e = r->export;
	struct frame_config f;

	if (frame_config_decode(r->frame, r->len, &f) == -1) {
		answer_error(w, r, AOE_BADARG);
		return;
	}
	switch (query_decide(&f, &e->config)) {
	case QUERY_ANSWER:
		answer_config(w, r, f.ccmd, &e->config);
		break;
	case QUERY_SILENT:
		pool_put(w->pool, r);
		break;
	case QUERY_STORE:
		store_config(w, r, &f);
		break;
	case QUERY_TAKEN:
		answer_error(w, r, AOE_CONFIGSET);
		break;
	case QUERY_BAD:
		answer_error(w, r, AOE_BADARG);
		break;
	}
}

/* r->export is ours and answers this frame. */
static void
serve_export(struct worker *w, struct req *r, const struct frame *f)
{
	atomic_store_explicit(&r->export->stats.heard, w->now,
	    memory_order_relaxed);
	if (f->version != AOE_VERSION)
		answer_error(w, r, AOE_BADVERSION);
	else if (f->command == AOE_ATA)
		serve_ata(w, r, frame_is_broadcast(f));
	else if (f->command == AOE_CONFIG)
		serve_config(w, r);
	else if (frame_is_broadcast(f))
		drop(w, r, DROP_BROADCAST);
	else
		answer_error(w, r, AOE_BADCOMMAND);
}

/* Every worker sees a broadcast, and answers for its own exports. */
static void
serve_broadcast(struct worker *w, struct req *r, const struct frame *f)
{
	struct export *e;
	struct req *copy;
	size_t it = 0;

	while ((e = view_next(w->view, &it, r->port->iface->id, f->src,
	    f->shelf, f->slot)) != NULL) {
		if (e->owner != w->id)
			continue;
		if ((copy = pool_get(w->pool)) == NULL) {
			drop_count(w, DROP_BUSY);
			break;
		}
		memcpy(copy->frame, r->frame, r->len);
		copy->len = r->len;
		copy->port = r->port;
		copy->export = e;
		serve_export(w, copy, f);
	}
	pool_put(w->pool, r);
}

static void
hand_over(struct worker *w, struct req *r, unsigned owner)
{
	if (handoff_put(w->peers[owner].inbox[w->id], r->port->iface->id,
	    r->frame, r->len)) {
		stat_add(&w->handed, 1);
		w->kick[owner] = true;
	} else
		drop_count(w, DROP_BUSY);
	pool_put(w->pool, r);
}

static bool
decode(struct worker *w, struct req *r, struct frame *f)
{
	switch (frame_decode(r->frame, r->len, f)) {
	case FRAME_OK:
		return true;
	case FRAME_SHORT:
		drop(w, r, DROP_SHORT);
		return false;
	case FRAME_FOREIGN:
	case FRAME_RESPONSE:
	case FRAME_SENDER:
		break;
	}
	drop(w, r, DROP_FOREIGN);
	return false;
}

static void
serve_addressed(struct worker *w, struct req *r, const struct frame *f,
    bool handed)
{
	struct export *e;

	e = view_find(w->view, r->port->iface->id, f->src, f->shelf, f->slot);
	if (e == NULL || (handed && e->owner != w->id)) {
		drop(w, r, DROP_NOBODY);
	} else if (e->owner != w->id) {
		hand_over(w, r, e->owner);
	} else {
		r->export = e;
		serve_export(w, r, f);
	}
}

void
serve_frame(struct worker *w, struct req *r)
{
	struct frame f;

	stat_add(&w->frames, 1);
	if (!decode(w, r, &f))
		return;
	if (frame_is_broadcast(&f))
		serve_broadcast(w, r, &f);
	else
		serve_addressed(w, r, &f, false);
}

void
serve_handed(struct worker *w, struct req *r)
{
	struct frame f;

	if (decode(w, r, &f))
		serve_addressed(w, r, &f, true);
}

void
serve_announce(struct worker *w, struct export *e)
{
	const struct view_entry *v;
	struct port *port;
	struct req *r;
	size_t i, k;

	e->announced = true;
	for (i = 0; i < w->view->nentries; i++) {
		v = &w->view->entries[i];
		if (v->export != e || (r = pool_get(w->pool)) == NULL)
			continue;
		for (k = 0, port = NULL; k < w->view->nifaces; k++)
			if (w->view->ifaces[k]->id == v->iface)
				port = &w->view->ifaces[k]->ports[w->id];
		if (port == NULL) {
			pool_put(w->pool, r);
			continue;
		}
		r->export = e;
		r->port = port;
		frame_advertise(r->frame, v->mac, port->iface->mac,
		    e->row.shelf, e->row.slot);
		worker_answer(w, r, frame_config_answer(r->frame, 0,
		    (uint16_t)e->row.buffers, FIRMWARE,
		    (uint8_t)export_maxsectors(e, mtu_of(r)),
		    e->config.bytes, e->config.len));
	}
}
