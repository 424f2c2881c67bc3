/* worker.c: a worker's loop, which one of its two threads does (helm.c):
 * receive a batch, have it served, send the answers, wait.  It shares nothing
 * that it writes while a frame is on its way: the view is replaced whole,
 * everything of an export belongs to its owner.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/eventfd.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "log.h"
#include "worker_impl.h"

#define THREADS_MIN	64	/* operations that may block at once */
#define INBOX		256	/* frames under way from each peer */
#define SPIN_NS		50000	/* a wait that costs less than a sleep */
#define SPIN_PAUSE_NS	100000000	/* where others want the processor */

const char *
drop_name(enum drop d)
{
	static const char *const names[DROPS] = {
		[DROP_SHORT] = "short", [DROP_LONG] = "long",
		[DROP_VLAN] = "vlan", [DROP_FOREIGN] = "foreign",
		[DROP_RESPONSE] = "response", [DROP_GROUP] = "group",
		[DROP_SELF] = "self", [DROP_NOBODY] = "nobody",
		[DROP_MASKED] = "masked", [DROP_BROADCAST] = "broadcast",
		[DROP_BUSY] = "busy", [DROP_SEND] = "send",
	};

	return names[d];
}

const char *
refusal_name(enum aoe_error e)
{
	static const char *const names[AOE_ERRORS] = {
		[AOE_OK] = "", [AOE_BADCOMMAND] = "command",
		[AOE_BADARG] = "argument", [AOE_UNAVAILABLE] = "unavailable",
		[AOE_CONFIGSET] = "configured", [AOE_BADVERSION] = "version",
		[AOE_RESERVED] = "reserved",
	};

	return names[e];
}

static void
poke(int fd)
{
	uint64_t one = 1;

	/* Fails only when it is full of pokes. */
	if (write(fd, &one, sizeof(one)) == -1)
		return;
}

void
worker_notify(struct worker *w)
{
	poke(w->notify_fd);
}

void
worker_poke(struct worker *w)
{
	poke(w->mail_fd);
}

/* Send what is queued for a port. */
static void
port_flush(struct worker *w, struct port *p)
{
	unsigned i, n, done, went;
	struct req *r;

	for (done = 0; done < p->nout; done += n) {
		n = p->nout - done;
		if (n > NET_BATCH)
			n = NET_BATCH;
		for (i = 0; i < n; i++) {
			r = p->out[done + i];
			w->batch.iov[i].iov_base = r->frame;
			w->batch.iov[i].iov_len = r->len;
		}
		went = net_send(p->fd[PORT_STEERED], &w->batch, n);
		stat_add(&w->answers, went);
		if (went < n)
			stat_add(&w->drops[DROP_SEND], n - went);
	}
	for (i = 0; i < p->nout; i++)
		pool_put(w->pool, p->out[i]);
	p->nout = 0;
}

void
worker_answer(struct worker *w, struct req *r, size_t len)
{
	struct port *p = r->port;

	r->len = frame_pad(r->frame, len);
	p->out[p->nout++] = r;
	if (p->nout == PORT_OUT)
		port_flush(w, p);
}

struct port *
worker_port(const struct worker *w, unsigned iface)
{
	const struct view *v = w->view;
	size_t i;

	for (i = 0; i < v->nifaces; i++)
		if (v->ifaces[i]->id == iface)
			return &v->ifaces[i]->ports[w->id];
	return NULL;
}

void
worker_flush(struct worker *w)
{
	size_t i;

	for (i = 0; i < w->view->nifaces; i++)
		port_flush(w, &w->view->ifaces[i]->ports[w->id]);
}

/* Have buffers at hand for a batch. */
static void
fill_incoming(struct worker *w)
{
	struct req *r;

	while (w->nincoming < NET_BATCH && (r = pool_get(w->pool)) != NULL)
		w->incoming[w->nincoming++] = r;
}

/* Receive one batch and serve it.  The buffers that were filled are at the
 * array's end then, and gone. */
static void
receive(struct worker *w, struct port *p, enum port_socket s)
{
	struct req *got[NET_BATCH];
	unsigned i, n;
	int rc;

	fill_incoming(w);
	if ((n = w->nincoming) == 0)
		return;
	for (i = 0; i < n; i++) {
		w->batch.iov[i].iov_base = w->incoming[i]->frame;
		w->batch.iov[i].iov_len = POOL_FRAME - NET_ROOM;
	}
	/* An error is the interface going down: said once, and over. */
	if ((rc = net_receive(p, s, &w->batch, n)) < (int)n)
		p->readable[s] = w->spin && rc >= 0 && s == PORT_STEERED;
	if (rc <= 0)
		return;
	w->busy_ns = w->now_ns;
	for (i = 0; i < (unsigned)rc; i++) {
		got[i] = w->incoming[i];
		got[i]->len = w->batch.len[i];
		req_attach(got[i], p);
	}
	w->nincoming = n - (unsigned)rc;
	memmove(w->incoming, w->incoming + rc,
	    w->nincoming * sizeof(w->incoming[0]));
	for (i = 0; i < (unsigned)rc; i++)
		serve_frame(w, got[i]);
	if (atomic_load_explicit(&w->tell, memory_order_relaxed)) {
		atomic_store_explicit(&w->tell, false, memory_order_relaxed);
		worker_notify(w);
	}
}

static void
receive_all(struct worker *w)
{
	struct port *p;
	size_t i;
	int s;

	for (i = 0; i < w->view->nifaces; i++) {
		p = &w->view->ifaces[i]->ports[w->id];
		for (s = 0; s < PORT_SOCKETS; s++)
			if (p->readable[s])
				receive(w, p, (enum port_socket)s);
	}
}

/* One batch from each peer's ring. */
static void
take_inbox(struct worker *w)
{
	unsigned i, k, iface;
	struct port *p;
	struct req *r;

	for (i = 0; i < w->n; i++)
		for (k = 0; k < NET_BATCH && i != w->id; k++) {
			if (!handoff_any(w->inbox[i]) ||
			    (r = pool_get(w->pool)) == NULL)
				break;
			r->len = handoff_get(w->inbox[i], &iface, r->frame);
			if ((p = worker_port(w, iface)) == NULL) {
				drop_count(w, DROP_NOBODY);
				pool_put(w->pool, r);
			} else {
				req_attach(r, p);
				serve_handed(w, r);
			}
		}
}

static void
kick_peers(struct worker *w)
{
	unsigned i;

	for (i = 0; i < w->n; i++)
		if (w->kick[i]) {
			w->kick[i] = false;
			poke(w->peers[i].mail_fd);
		}
}

static bool
has_iface(const struct view *v, const struct iface *ifc)
{
	size_t i;

	for (i = 0; i < v->nifaces; i++)
		if (v->ifaces[i] == ifc)
			return true;
	return false;
}

/* Polls know ports by their interfaces' numbers: one of a ring that is another
 * thread's may outlive its port. */
static void *
port_tag(const struct port *p)
{
	return (void *)((uintptr_t)p->iface->id << 3);
}

static struct port *
port_of(const struct worker *w, void *tag)
{
	unsigned id = (unsigned)((uintptr_t)tag >> 3);
	struct port *p;

	if ((p = worker_port(w, id)) != NULL)
		return p;
	LIST_FOREACH(p, &w->leaving, leaving)
		if (p->iface->id == id)
			return p;
	return NULL;
}

static void
port_leave(struct worker *w, struct port *p)
{
	LIST_INSERT_HEAD(&w->leaving, p, leaving);
	if (p->armed[PORT_STEERED])
		disk_unpoll(w->disk, DISK_STEERED, port_tag(p));
	if (p->armed[PORT_BROADCAST])
		disk_unpoll(w->disk, DISK_BROADCAST, port_tag(p));
}

/* An interface is for the supervisor to close once no poll of our ring is left
 * on its sockets, and no request at a slow disk that came by it.  A poll of the
 * other thread's ring keeps its socket until that thread is back (helm.c). */
static void
let_ports_go(struct worker *w)
{
	struct port *p, *next;

	LIST_FOREACH_SAFE(p, &w->leaving, leaving, next) {
		port_flush(w, p);
		if (p->held > 0 || p->armed[PORT_STEERED] ||
		    p->armed[PORT_BROADCAST])
			continue;
		LIST_REMOVE(p, leaving);
		atomic_fetch_add(&p->iface->released, 1);
		worker_notify(w);	/* and p may be gone */
	}
}

/* Requests that the exports of a view can keep at once. */
static size_t
requests_wanted(const struct worker *w, const struct view *v)
{
	size_t i, n = 4 * NET_BATCH + PORT_OUT;

	for (i = 0; i < v->nexports; i++)
		if (v->exports[i]->owner == w->id)
			n += 2 * (size_t)v->exports[i]->row.buffers;
	return n;
}

/* Operations of the ring that may block at once. */
static unsigned
threads_wanted(const struct view *v)
{
	return THREADS_MIN + 32 * (unsigned)v->nexports;
}

/* Move on to the newest view. */
static void
adopt(struct worker *w)
{
	struct view *old = w->view, *new;
	size_t i;

	new = atomic_load_explicit(&w->published, memory_order_acquire);
	if (new == old)
		return;
	worker_flush(w);
	if (pool_grow(w->pool, requests_wanted(w, new)) == -1)
		log_warn("worker %u: buffers", w->id);
	disk_threads(w->disk, threads_wanted(new));
	w->view = new;
	for (i = 0; i < old->nexports; i++)
		if (old->exports[i]->owner == w->id &&
		    atomic_load(&old->exports[i]->retiring))
			io_drain(w, old->exports[i]);
	for (i = 0; i < old->nifaces; i++)
		if (!has_iface(new, old->ifaces[i]))
			port_leave(w, &old->ifaces[i]->ports[w->id]);
	for (i = 0; i < new->nexports; i++)
		if (new->exports[i]->owner == w->id &&
		    new->exports[i]->announced !=
		    atomic_load(&new->exports[i]->announce))
			serve_announce(w, new->exports[i]);
	atomic_store_explicit(&w->epoch, new->epoch, memory_order_release);
	worker_notify(w);
}

/* States that the supervisor has stored. */
static void
take_stored(struct worker *w)
{
	struct export *e, *next;

	LIST_FOREACH_SAFE(e, &w->stores, state_link, next)
		if (atomic_load(&e->phase) == STORE_DONE)
			serve_stored(w, e);
}

static void
read_mail(struct worker *w)
{
	uint64_t n;

	w->mail_armed = false;
	if (read(w->mail_fd, &n, sizeof(n)) == -1 && errno != EAGAIN)
		log_warn("worker %u: eventfd", w->id);
	take_stored(w);
	adopt(w);
}

static void
port_event(struct worker *w, const struct disk_event *ev)
{
	enum port_socket s = ev->kind == DISK_STEERED ? PORT_STEERED :
	    PORT_BROADCAST;
	struct port *p = port_of(w, ev->tag);

	if (p == NULL)
		return;
	p->armed[s] = false;
	p->readable[s] = p->told[s] = true;
}

/* The writer wants to be looked at, before long. */
static void
tick(struct worker *w, bool wanted)
{
	if (!wanted || w->tick_armed)
		return;
	w->tick_armed = true;
	disk_tick(w->disk, WRITER_TICK_NS);
}

static void
take_events(struct worker *w)
{
	struct disk_event ev;

	while (disk_event(w->disk, &ev)) {
		w->busy_ns = w->now_ns;
		switch (ev.kind) {
		case DISK_IO:
		case DISK_SYNC:
		case DISK_CLOSE:
			io_event(w, &ev);
			break;
		case DISK_STEERED:
		case DISK_BROADCAST:
			port_event(w, &ev);
			break;
		case DISK_MAIL:
			read_mail(w);
			break;
		case DISK_TICK:
			w->tick_armed = false;
			tick(w, writer_tick(w->writer));
			break;
		case DISK_CANCEL:
			break;
		}
	}
}

/* Ask to be woken by each socket that has nothing for us.  True if there is
 * nothing at all to be done before that. */
static bool
arm(struct worker *w)
{
	bool idle = true;
	struct port *p;
	size_t i;
	int s;

	fill_incoming(w);
	for (i = 0; i < w->view->nifaces; i++) {
		p = &w->view->ifaces[i]->ports[w->id];
		for (s = 0; s < PORT_SOCKETS; s++) {
			if (p->readable[s]) {
				/* Without a buffer it must wait. */
				idle = idle && w->nincoming == 0;
			} else if (!p->armed[s]) {
				disk_poll(w->disk, p->fd[s],
				    s == PORT_STEERED ? DISK_STEERED :
				    DISK_BROADCAST, port_tag(p));
				p->armed[s] = true;
			}
		}
	}
	if (!w->mail_armed) {
		disk_poll(w->disk, w->mail_fd, DISK_MAIL, NULL);
		w->mail_armed = true;
	}
	for (i = 0; i < w->n; i++)
		if (i != w->id && handoff_any(w->inbox[i]))
			idle = idle && w->nincoming == 0;
	return idle;
}

/* To sleep and be woken takes longer than most clients take to ask again.  So
 * a sleep that was short is the last for now: instead of sleeping, the worker
 * looks again and again, until it has looked in vain for as long.  In between
 * it lets others have the processor; if they want it, it goes back to sleeping
 * for a time. */
static void
spin_or_sleep(struct worker *w, bool slept)
{
	int64_t before = w->now_ns;

	w->now_ns = worker_clock_ns();
	if (slept) {
		w->spin = w->now_ns - before < SPIN_NS &&
		    w->now_ns > w->spin_from_ns;
	} else if (w->spin && w->busy_ns != before) {
		sched_yield();
		before = w->now_ns;
		w->now_ns = worker_clock_ns();
		if (w->now_ns - before > SPIN_NS)
			w->spin_from_ns = w->now_ns + SPIN_PAUSE_NS;
		w->spin = w->now_ns - w->busy_ns < SPIN_NS &&
		    w->now_ns > w->spin_from_ns;
	}
}

void
worker_loop(struct worker *w)
{
	struct timespec ts;
	bool idle;

	while (!atomic_load_explicit(&w->stop, memory_order_acquire)) {
		stat_add(&w->turns, 1);
		idle = arm(w) && writer_sleep(w->writer);
		if (disk_turn(w->disk, idle) == -1)
			fatal("worker %u: io_uring", w->id);
		writer_awake(w->writer);
		spin_or_sleep(w, idle);
		clock_gettime(CLOCK_REALTIME_COARSE, &ts);
		w->now = ts.tv_sec;
		take_events(w);
		if (io_written(w) > 0)
			w->busy_ns = w->now_ns;
		receive_all(w);
		take_inbox(w);
		if (!io_starts(w))
			return;
		io_syncs(w);
		tick(w, writer_kick(w->writer));
		worker_flush(w);
		let_ports_go(w);
		kick_peers(w);
	}
}

static void
port_forget(struct port *p)
{
	p->armed[PORT_STEERED] = p->armed[PORT_BROADCAST] = false;
}

void
worker_relieved(struct worker *w)
{
	struct port *p;
	size_t i;

	for (i = 0; i < w->view->nifaces; i++)
		port_forget(&w->view->ifaces[i]->ports[w->id]);
	LIST_FOREACH(p, &w->leaving, leaving)
		port_forget(p);
	w->mail_armed = w->tick_armed = false;
	tick(w, true);
	disk_threads(w->disk, threads_wanted(w->view));
	io_give_writes(w);
}

static int
worker_init(struct worker *ws, unsigned n, unsigned id, int notify_fd,
    struct view *view)
{
	struct worker *w = &ws[id];
	unsigned i;

	w->id = id;
	w->n = n;
	w->peers = ws;
	w->notify_fd = notify_fd;
	w->view = view;
	atomic_store(&w->published, view);
	atomic_store(&w->epoch, view->epoch);
	STAILQ_INIT(&w->starts);
	STAILQ_INIT(&w->syncs);
	LIST_INIT(&w->leaving);
	LIST_INIT(&w->stores);
	TAILQ_INIT(&w->own_writes);
	if (helm_init(w) == -1 ||
	    (w->mail_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1 ||
	    (w->writer = writer_new(w->mail_fd)) == NULL ||
	    (w->pool = pool_new()) == NULL ||
	    pool_grow(w->pool, requests_wanted(w, view)) == -1 ||
	    (w->kick = calloc(n, sizeof(*w->kick))) == NULL ||
	    (w->inbox = calloc(n, sizeof(struct handoff *))) == NULL)
		return -1;
	for (i = 0; i < n; i++)
		if (i != id && (w->inbox[i] = handoff_new(INBOX,
		    POOL_FRAME)) == NULL)
			return -1;
	return 0;
}

static void
worker_fini(struct worker *w)
{
	unsigned i;

	helm_fini(w);
	for (i = 0; w->inbox != NULL && i < w->n; i++)
		handoff_free(w->inbox[i]);
	free(w->inbox);
	free(w->kick);
	writer_free(w->writer);
	pool_free(w->pool);
	if (w->mail_fd != -1)
		close(w->mail_fd);
}

static void
join(struct worker *ws, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		helm_stop(&ws[i]);
	for (i = 0; i < n; i++)
		helm_join(&ws[i]);
	for (i = 0; i < n; i++)
		worker_fini(&ws[i]);
	free(ws);
}

int
workers_start(struct worker **wsp, unsigned n, int notify_fd,
    struct view *view)
{
	struct worker *ws;
	unsigned i;
	int saved;

	if ((ws = calloc(n, sizeof(*ws))) == NULL)
		return -1;
	for (i = 0; i < n; i++)
		ws[i].mail_fd = -1;
	for (i = 0; i < n; i++)
		if (worker_init(ws, n, i, notify_fd, view) == -1)
			goto fail;
	for (i = 0; i < n; i++)
		if (helm_start(&ws[i]) == -1)
			goto fail;
	*wsp = ws;
	return 0;
fail:
	saved = errno;
	join(ws, n);
	errno = saved;
	return -1;
}

void
workers_stop(struct worker *ws, unsigned n)
{
	join(ws, n);
}

void
workers_publish(struct worker *ws, unsigned n, struct view *v)
{
	unsigned i;

	for (i = 0; i < n; i++)
		atomic_store_explicit(&ws[i].published, v,
		    memory_order_release);
	workers_wake(ws, n);
}

uint64_t
workers_epoch(const struct worker *ws, unsigned n)
{
	uint64_t e, oldest = UINT64_MAX;
	unsigned i;

	for (i = 0; i < n; i++) {
		e = atomic_load_explicit(&ws[i].epoch, memory_order_acquire);
		if (e < oldest)
			oldest = e;
	}
	return oldest;
}

void
workers_wake(struct worker *ws, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		poke(ws[i].mail_fd);
}

static uint64_t
load(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

bool
workers_moved(struct worker *ws, unsigned n)
{
	bool all = true;
	uint64_t turns;
	unsigned i;

	for (i = 0; i < n; i++) {
		turns = load(&ws[i].turns);
		all = all && turns != ws[i].turns_seen;
		ws[i].turns_seen = turns;
	}
	workers_wake(ws, n);
	return all;
}

uint64_t
workers_frames(const struct worker *ws, unsigned n)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		sum += load(&ws[i].frames);
	return sum;
}

void
workers_tell(struct worker *ws, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		atomic_store_explicit(&ws[i].tell, true,
		    memory_order_relaxed);
}

void
workers_stats(const struct worker *ws, unsigned n, struct worker_stats *st)
{
	unsigned i, d;

	for (i = 0; i < n; i++) {
		st[i].frames = load(&ws[i].frames);
		st[i].answers = load(&ws[i].answers);
		st[i].handed = load(&ws[i].handed);
		st[i].kept = load(&ws[i].helm.takes);
		for (d = 0; d < DROPS; d++)
			st[i].drops[d] = load(&ws[i].drops[d]);
		for (d = 0; d < AOE_ERRORS; d++)
			st[i].refusals[d] = load(&ws[i].refusals[d]);
	}
}
