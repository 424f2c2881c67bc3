/* serve_query.c: Query Config, MAC Mask List and Reserve/Release, AoEr11
 * sections 3.2 to 3.4.  query.c decides; what is to be remembered is put on
 * disk by the supervisor first, and only then is it true and answered.
 *
 * A list that shuts clients out is answered when nothing that they sent
 * before can still reach the disk: who has reserved it may rely on that.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "frame.h"
#include "log.h"
#include "mac.h"
#include "worker_impl.h"

#define FIRMWARE	0x0001	/* of Query Config: ours */
#define TELL_NS		INT64_C(10000000000)	/* between two lines */

static struct frame
header_of(const struct req *r)
{
	struct frame f;

	(void)frame_decode(r->frame, r->len, &f);
	return f;
}

/* Bytes of a message that an interface of that MTU carries behind `head`. */
static unsigned
room(const struct req *r, unsigned head)
{
	return serve_mtu(r) + 14 - head;
}

static void
answer(struct worker *w, struct req *r, enum aoe_error error, size_t len)
{
	const struct row *row = &r->export->row;

	if (error != AOE_OK) {
		stat_add(&r->export->stats.errors, 1);
		stat_add(&w->refusals[error], 1);
	}
	frame_answer(r->frame, r->port->iface->mac, row->shelf, row->slot,
	    error);
	worker_answer(w, r, len);
}

size_t
serve_config_put(struct req *r, uint8_t ccmd)
{
	const struct export *e = r->export;
	const struct config *c = &e->state.config;

	return frame_config_answer(r->frame, ccmd, (uint16_t)e->row.buffers,
	    FIRMWARE, (uint8_t)export_maxsectors(e, serve_mtu(r)), c->bytes,
	    c->len);
}

/* With the string as it is, whether the message could change it or not. */
static void
answer_config(struct worker *w, struct req *r, uint8_t ccmd,
    enum aoe_error error)
{
	answer(w, r, error, serve_config_put(r, ccmd));
}

static void
answer_mask(struct worker *w, struct req *r, uint8_t mcmd,
    const struct mask_edit *edit)
{
	const struct maclist *l = &r->export->state.mask;
	size_t len;

	if (edit->error != MASK_OK)
		len = frame_mask_error(r->frame, (uint8_t)edit->error,
		    edit->done);
	else if (l->n > room(r, FRAME_MASK_HEADER) / FRAME_DIRECTIVE)
		len = frame_mask_error(r->frame, MASK_UNKNOWN, 0);
	else
		len = frame_mask_answer(r->frame, mcmd, l->v, l->n);
	answer(w, r, AOE_OK, len);
}

static void
answer_reserve(struct worker *w, struct req *r, uint8_t rcmd)
{
	const struct maclist *l = &r->export->state.reserved;

	if (l->n > room(r, FRAME_RESERVE_HEADER) / FRAME_MAC)
		serve_error(w, r, AOE_UNAVAILABLE);
	else
		answer(w, r, AOE_OK, frame_reserve_answer(r->frame, rcmd,
		    l->v, l->n));
}

/* One change at a time: a client whose message is dropped here sends it
 * again. */
static bool
is_changing(struct worker *w, struct req *r)
{
	if (r->export->state_req == NULL)
		return false;
	serve_drop(w, r, DROP_BUSY);
	return true;
}

/* Have the supervisor put e->state_new on disk. */
static void
store(struct worker *w, struct req *r)
{
	struct export *e = r->export;

	e->state_req = r;
	e->inflight++;
	LIST_INSERT_HEAD(&w->stores, e, state_link);
	atomic_store(&e->phase, STORE_WANTED);
	worker_notify(w);
}

void
serve_config(struct worker *w, struct req *r)
{
	struct export *e = r->export;
	struct frame_config f;

	if (frame_config_decode(r->frame, r->len, &f) == -1) {
		serve_error(w, r, AOE_BADARG);
		return;
	}
	if (f.ccmd > 2 && is_changing(w, r))
		return;
	switch (query_config(&f, &e->state, &e->state_new)) {
	case QUERY_ANSWER:
		answer_config(w, r, f.ccmd, AOE_OK);
		break;
	case QUERY_SILENT:
		pool_put(w->pool, r);
		break;
	case QUERY_STORE:
		store(w, r);
		break;
	case QUERY_TAKEN:
		answer_config(w, r, f.ccmd, AOE_CONFIGSET);
		break;
	case QUERY_RESERVED:
	case QUERY_BAD:
		serve_error(w, r, AOE_BADARG);
		break;
	}
}

void
serve_mask(struct worker *w, struct req *r)
{
	struct export *e = r->export;
	struct mask_edit edit;
	struct frame_mask f;
	enum query_verdict v;

	if (frame_mask_decode(r->frame, r->len, &f) == -1) {
		serve_error(w, r, AOE_BADARG);
		return;
	}
	if (f.mcmd != 0 && is_changing(w, r))
		return;
	v = query_mask(&f, &e->state, room(r, FRAME_MASK_HEADER) /
	    FRAME_DIRECTIVE, &e->state_new, &edit);
	if (v == QUERY_STORE) {
		e->state_edit = edit;
		store(w, r);
	} else if (v == QUERY_ANSWER)
		answer_mask(w, r, f.mcmd, &edit);
	else
		serve_error(w, r, AOE_BADARG);
}

void
serve_reserve(struct worker *w, struct req *r)
{
	struct export *e = r->export;
	struct frame_reserve f;
	enum query_verdict v;

	if (frame_reserve_decode(r->frame, r->len, &f) == -1) {
		serve_error(w, r, AOE_BADARG);
		return;
	}
	if (f.rcmd != 0 && is_changing(w, r))
		return;
	v = query_reserve(&f, header_of(r).src, &e->state, &e->state_new);
	if (v == QUERY_STORE)
		store(w, r);
	else if (v == QUERY_ANSWER)
		answer_reserve(w, r, f.rcmd);
	else
		serve_error(w, r, v == QUERY_RESERVED ? AOE_RESERVED :
		    AOE_BADARG);
}

/* Whoever is shut out by this will ask why. */
static void
tell(struct worker *w, struct export *e, const struct frame *f)
{
	bool mask = f->command == AOE_MASK;
	char mac[MAC_TEXT];

	if (e->told != 0 && w->now_ns < e->told + TELL_NS)
		return;
	e->told = w->now_ns;
	mac_format(mac, f->src);
	log_info("%s: %s list changed by %s: %u addresses", e->row.alias,
	    mask ? "mask" : "reserve", mac,
	    mask ? e->state.mask.n : e->state.reserved.n);
}

void
serve_stored(struct worker *w, struct export *e)
{
	struct req *r = e->state_req;
	struct frame_config c;
	struct frame f = header_of(r);

	LIST_REMOVE(e, state_link);
	atomic_store(&e->phase, STORE_IDLE);
	if (e->state_errno != 0) {
		e->state_req = NULL;
		serve_error(w, r, AOE_UNAVAILABLE);
		io_release(w, e);
		return;
	}
	e->state = e->state_new;
	if (f.command != AOE_CONFIG) {
		tell(w, e, &f);
		io_fence(w, r);
		return;
	}
	e->state_req = NULL;
	(void)frame_config_decode(r->frame, r->len, &c);
	answer_config(w, r, c.ccmd, AOE_OK);
	io_release(w, e);
}

void
serve_fenced(struct worker *w, struct export *e)
{
	struct req *r = e->state_req;
	struct frame_reserve f;

	e->state_req = NULL;
	if (header_of(r).command == AOE_MASK) {
		answer_mask(w, r, 1, &e->state_edit);
	} else {
		(void)frame_reserve_decode(r->frame, r->len, &f);
		answer_reserve(w, r, f.rcmd);
	}
}
