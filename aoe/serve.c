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

void
serve_drop(struct worker *w, struct req *r, enum drop why)
{
	drop_count(w, why);
	pool_put(w->pool, r);
}

unsigned
serve_mtu(const struct req *r)
{
	return atomic_load_explicit(&r->port->iface->mtu,
	    memory_order_relaxed);
}

/* Only for what is wrong with the message itself, because clients retry these
 * for minutes.  ATA's registers go back as they came; other arguments do not,
 * because nothing would stand behind their counts. */
void
serve_error(struct worker *w, struct req *r, enum aoe_error error)
{
	struct export *e = r->export;
	size_t len = FRAME_HEADER;
	struct frame_ata a;

	stat_add(&e->stats.errors, 1);
	stat_add(&w->refusals[error], 1);
	if (frame_command(r->frame) == AOE_ATA &&
	    frame_ata_decode(r->frame, r->len, &a) == 0)
		len = FRAME_ATA_HEADER;
	frame_answer(r->frame, r->port->iface->mac, e->row.shelf, e->row.slot,
	    error);
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
	struct export *e = r->export;
	uint8_t *data = r->frame + FRAME_ATA_HEADER;

	r->verify = op->action == ATA_VERIFY;
	memset(data, 0, op->blank);
	switch (op->action) {
	case ATA_ANSWER:
		serve_ata_answer(w, r, op->status, op->error, op->result,
		    op->blank);
		break;
	case ATA_IDENTIFY:
		ata_identify(d, data);
		serve_ata_answer(w, r, ATA_GOOD, 0, 0, SECTOR);
		break;
	case ATA_SMART_DATA:
		smart_data(data);
		serve_ata_answer(w, r, ATA_GOOD, 0, 0, SECTOR);
		break;
	case ATA_SMART_LOG:
		smart_log((uint8_t)op->lba, data);
		serve_ata_answer(w, r, ATA_GOOD, 0, 0, SECTOR);
		break;
	case ATA_SMART_STATUS:
		frame_ata_signature(r->frame, d->failed ? 0xf4 : 0x4f,
		    d->failed ? 0x2c : 0xc2);
		serve_ata_answer(w, r, ATA_GOOD, 0, 0, op->blank);
		break;
	case ATA_SMART_SWITCH:
		e->smart_off = !op->on;
		serve_ata_answer(w, r, ATA_GOOD, 0, 0, op->blank);
		break;
	case ATA_CACHE_SWITCH:
		/* Off: what is in it is written before the answer. */
		e->cache_on = op->on && d->cached;
		serve_disk(w, r, ORDER_FLUSH, op);
		break;
	case ATA_READ:
	case ATA_VERIFY:
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
serve_ata(struct worker *w, struct req *r, const struct frame *f)
{
	struct export *e = r->export;
	struct ata_disk d = e->disk;
	bool broadcast = frame_is_broadcast(f);
	struct frame_ata a;
	struct ata_op op;

	if (frame_ata_decode(r->frame, r->len, &a) == -1) {
		if (broadcast)
			serve_drop(w, r, DROP_BROADCAST);
		else
			serve_error(w, r, AOE_BADARG);
		return;
	}
	d.max = export_maxsectors(e, serve_mtu(r));
	d.sectors = atomic_load_explicit(&e->sectors, memory_order_relaxed);
	if (atomic_load_explicit(&e->frozen, memory_order_relaxed))
		d.ro = true;
	d.cache_on = e->cache_on;
	d.smart_off = e->smart_off;
	d.failed = atomic_load_explicit(&e->failed, memory_order_relaxed) != 0;
	ata_decide(&a, &d, &op);
	/* Discovery may be broadcast (WinAoE's is); sectors never.  It is also
	 * what a reserved disk still tells everybody. */
	if (op.action == ATA_IDENTIFY)
		serve_op(w, r, &d, &op);
	else if (broadcast)
		serve_drop(w, r, DROP_BROADCAST);
	else if (query_is_reserved(&e->state, f->src))
		serve_error(w, r, AOE_RESERVED);
	else
		serve_op(w, r, &d, &op);
}

/* r->export is ours and answers this frame. */
static void
serve_export(struct worker *w, struct req *r, const struct frame *f)
{
	if (query_is_masked(&r->export->state, f->src)) {
		serve_drop(w, r, DROP_MASKED);
		return;
	}
	atomic_store_explicit(&r->export->stats.heard, w->now,
	    memory_order_relaxed);
	if (f->version != AOE_VERSION)
		serve_error(w, r, AOE_BADVERSION);
	else if (f->command == AOE_ATA)
		serve_ata(w, r, f);
	else if (f->command == AOE_CONFIG)
		serve_config(w, r);
	else if (f->command == AOE_MASK)
		serve_mask(w, r);
	else if (f->command == AOE_RESERVE)
		serve_reserve(w, r);
	else if (frame_is_broadcast(f))
		serve_drop(w, r, DROP_BROADCAST);
	else
		serve_error(w, r, AOE_BADCOMMAND);
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
		req_attach(copy, r->port);
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

/* Why net.c or the header says that it is no request to us; DROPS if it is
 * one. */
static enum drop
look(const struct req *r, struct frame *f)
{
	if (r->len == NET_CUT)
		return DROP_LONG;
	if (r->len == NET_TAGGED)
		return DROP_VLAN;
	switch (frame_decode(r->frame, r->len, f)) {
	case FRAME_OK:
		return f->src == r->port->iface->mac ? DROP_SELF : DROPS;
	case FRAME_SHORT:
		return DROP_SHORT;
	case FRAME_RESPONSE:
		return DROP_RESPONSE;
	case FRAME_SENDER:
		return DROP_GROUP;
	case FRAME_FOREIGN:
		break;
	}
	return DROP_FOREIGN;
}

static bool
decode(struct worker *w, struct req *r, struct frame *f)
{
	enum drop why = look(r, f);

	if (why == DROPS)
		return true;
	serve_drop(w, r, why);
	return false;
}

static void
serve_addressed(struct worker *w, struct req *r, const struct frame *f,
    bool handed)
{
	struct export *e;

	e = view_find(w->view, r->port->iface->id, f->src, f->shelf, f->slot);
	if (e == NULL || (handed && e->owner != w->id)) {
		serve_drop(w, r, DROP_NOBODY);
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

static void
advertise(struct worker *w, struct export *e, unsigned iface, uint64_t mac)
{
	struct port *port = worker_port(w, iface);
	struct req *r;

	if (port == NULL || (r = pool_get(w->pool)) == NULL)
		return;
	r->export = e;
	req_attach(r, port);
	frame_advertise(r->frame, mac, port->iface->mac, e->row.shelf,
	    e->row.slot);
	worker_answer(w, r, serve_config_put(r, 0));
}

/* What is for everybody goes to those on the mask list, if there is one. */
void
serve_announce(struct worker *w, struct export *e)
{
	const struct maclist *mask = &e->state.mask;
	const struct view_entry *v;
	unsigned k;
	size_t i;

	e->announced = atomic_load(&e->announce);
	for (i = 0; i < w->view->nentries; i++) {
		v = &w->view->entries[i];
		if (v->export != e)
			continue;
		if (v->mac != MAC_ANY || mask->n == 0) {
			if (!query_is_masked(&e->state, v->mac))
				advertise(w, e, v->iface, v->mac);
			continue;
		}
		for (k = 0; k < mask->n; k++)
			advertise(w, e, v->iface, mask->v[k]);
	}
}
