/* attach.c: which interfaces an export is served on.
 *
 * An interface may be missing, down, renamed, or get another address or MTU at
 * any time; rows wait for it, and serve again when it is there.  Before an
 * address is served on an interface, the network is asked whether another
 * target serves it already: Linux's initiator would spread its writes over
 * both.  Afterwards it is asked again now and then, whenever a client looks
 * for targets, and when another target makes itself known.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/epoll.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "log.h"
#include "mac.h"
#include "net.h"
#include "priv.h"
#include "service_impl.h"

#define ANSWER_MS	200	/* that other targets have for an answer */
#define ASK_MS		30000	/* between questions to the network */
#define SOON_MS		1000	/* the least time, if others cause them */
#define COMPLAIN_MS	10000	/* between lines that others cause */
#define RETRY_MS	5000	/* after an interface could not be opened */
#define HEAR_MAX	4096	/* answers looked at in one turn */

int
attach_begin(struct export *e)
{
	size_t n = e->row.ifaces.n;

	e->links = calloc(n, sizeof(*e->links));
	e->ifaces = calloc(n, sizeof(*e->ifaces));
	return e->links != NULL && e->ifaces != NULL ? 0 : -1;
}

static void
detach(struct attach *a)
{
	if (a->ifc != NULL)
		a->ifc->users--;
	memset(a, 0, sizeof(*a));
}

void
attach_end(struct export *e)
{
	size_t i;

	for (i = 0; e->links != NULL && i < e->row.ifaces.n; i++)
		detach(&e->links[i]);
	e->nifaces = 0;
}

static int
add_iface(struct supervisor *sv, struct iface *ifc)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = ifc->watch };
	struct iface **v;

	v = reallocarray(sv->ifaces, sv->nifaces + 1,
	    sizeof(struct iface *));
	if (v == NULL)
		return -1;
	sv->ifaces = v;
	if (epoll_ctl(sv->poll_fd, EPOLL_CTL_ADD, ifc->watch, &ev) == -1)
		return -1;
	v[sv->nifaces++] = ifc;
	return 0;
}

/* The open interface of that name, opening it if need be.  NULL: it is not to
 * be had. */
static struct iface *
get_iface(struct supervisor *sv, const char *name)
{
	const struct link *l;
	char why[128];
	struct iface *ifc;
	size_t i;

	for (i = 0; i < sv->nifaces; i++) {
		ifc = sv->ifaces[i];
		if (!ifc->stale && !ifc->retired &&
		    strcmp(ifc->name, name) == 0)
			return ifc;
	}
	links_unfit(&sv->links, name, false, why, sizeof(why));
	if (why[0] != '\0' || now_ms() < sv->open_due)
		return NULL;
	ifc = priv_iface(sv->priv, name, sv->nworkers);
	if (ifc == NULL || add_iface(sv, ifc) == -1) {
		log_warn("%s", name);
		iface_close(ifc);
		sv->open_due = now_ms() + RETRY_MS;
		return NULL;
	}
	ifc->id = ++sv->iface_ids;
	/* If it is another by now, the kernel is about to tell. */
	l = links_find(&sv->links, name);
	ifc->up = l->up && l->index == ifc->index;
	return ifc;
}

/* Was the address this service's there, a moment ago? */
static bool
is_held(const struct service *s, const char *iface, int64_t now)
{
	return now < s->held.until && s->held.shelf == s->row.shelf &&
	    s->held.slot == s->row.slot && strv_has(&s->held.ifaces, iface);
}

/* One interface of an export: attach it if it is to be had, take it out if it
 * is down, ask if it is up, serve on it if nobody else does. */
static void
attach_one(struct supervisor *sv, struct service *s, size_t i, int64_t now)
{
	const char *name = s->row.ifaces.v[i];
	struct attach *a = &s->export->links[i];

	if (a->ifc != NULL && a->ifc->stale)
		detach(a);
	if (a->ifc == NULL && (a->ifc = get_iface(sv, name)) != NULL)
		a->ifc->users++;
	if (a->ifc == NULL)
		return;
	if (!a->ifc->up) {
		a->in = false;
		a->due = 0;
		return;
	}
	if (!a->in && a->due == 0) {
		a->due = now;
		if (!s->row.shared && !is_held(s, name, now)) {
			a->due = now + ANSWER_MS;
			a->ifc->ask = true;
		}
	}
	if (!a->in && a->due <= now) {
		a->in = true;
		atomic_fetch_add(&s->export->announce, 1);
	}
}

/* True if an export's interfaces are others by now. */
static bool
attach_list(struct export *e)
{
	struct iface *ifc;
	bool differs = false;
	size_t i, n = 0;

	for (i = 0; i < e->row.ifaces.n; i++) {
		if (!e->links[i].in)
			continue;
		ifc = e->links[i].ifc;
		if (n >= e->nifaces || e->ifaces[n] != ifc)
			differs = true;
		e->ifaces[n++] = ifc;
	}
	differs = differs || n != e->nifaces;
	e->nifaces = n;
	return differs;
}

static void
log_serving(const struct export *e)
{
	char mac[MAC_TEXT];

	mac_format(mac, e->row.macs[0]);
	log_info("%s: e%u.%u, %llu sectors of %s for %s%s on %s%s%s",
	    e->row.alias, e->row.shelf, e->row.slot,
	    (unsigned long long)atomic_load(&e->sectors), e->row.file, mac,
	    e->row.nmacs > 1 ? " and others" : "", e->ifaces[0]->name,
	    e->nifaces > 1 ? " and others" : "",
	    e->row.ro ? ", read-only" : "");
}

static void
attach_export(struct supervisor *sv, struct service *s, int64_t now)
{
	struct export *e = s->export;
	struct reason why;
	size_t i;

	for (i = 0; i < e->row.ifaces.n; i++)
		attach_one(sv, s, i, now);
	if (!attach_list(e))
		return;
	sv->changed = true;
	attach_why(sv, e, &why);
	if (e->nifaces > 0)
		log_serving(e);
	if (why.text[0] != '\0')
		log_warnx("%s: %s", e->row.alias, why.text);
}

/* Send the questions that are due.  One is for all addresses.  While no client
 * sends anything nobody could spread its writes over two targets. */
static void
ask(struct supervisor *sv, int64_t now)
{
	struct iface *ifc;
	bool all = now >= sv->query_due && !rates_rest(sv);
	size_t i;

	if (all)
		sv->query_due = now + ASK_MS;
	for (i = 0; i < sv->nifaces; i++) {
		ifc = sv->ifaces[i];
		if (ifc->ask_soon && now >= ifc->asked + SOON_MS)
			ifc->ask = true;
		if (ifc->stale || ifc->users == 0 || !ifc->up ||
		    (!ifc->ask && !all))
			continue;
		ifc->ask = ifc->ask_soon = false;
		ifc->asked = now;
		if (iface_query(ifc) == -1)
			log_debug("%s: %s", ifc->name, strerror(errno));
	}
}

void
attach_all(struct supervisor *sv)
{
	int64_t now = now_ms();
	size_t i;

	for (i = 0; i < sv->n; i++)
		if (sv->services[i].export != NULL)
			attach_export(sv, &sv->services[i], now);
	ask(sv, now);
}

/* Tell the clients of all exports that are served on it. */
static void
announce_on(struct supervisor *sv, const struct iface *ifc)
{
	struct export *e;
	size_t i, k;

	for (i = 0; i < sv->n; i++) {
		e = sv->services[i].export;
		for (k = 0; e != NULL && k < e->nifaces; k++)
			if (e->ifaces[k] == ifc) {
				atomic_fetch_add(&e->announce, 1);
				sv->changed = true;
			}
	}
}

/* Is the interface still what it was when it was opened?  Its MTU and MAC may
 * change; the workers see that at once. */
static void
refresh(struct supervisor *sv, struct iface *ifc)
{
	const struct link *l;
	char why[128];

	l = links_find(&sv->links, ifc->name);
	links_unfit(&sv->links, ifc->name, false, why, sizeof(why));
	if (why[0] != '\0' || l->index != ifc->index) {
		ifc->stale = true;
		return;
	}
	if (ifc->up != l->up)
		log_info("%s: it is %s", ifc->name, l->up ? "up" : "down");
	ifc->up = l->up;
	if (atomic_load(&ifc->mtu) == l->mtu &&
	    atomic_load(&ifc->mac) == l->mac)
		return;
	log_info("%s: MTU %u, %u sectors in a message", ifc->name, l->mtu,
	    frame_sectors(l->mtu));
	atomic_store(&ifc->mtu, l->mtu);
	atomic_store(&ifc->mac, l->mac);
	announce_on(sv, ifc);
}

void
attach_links(struct supervisor *sv)
{
	size_t i;

	for (i = 0; i < sv->nifaces; i++)
		if (!sv->ifaces[i]->stale && !sv->ifaces[i]->retired)
			refresh(sv, sv->ifaces[i]);
}

static bool
is_attached(const struct export *e, const struct iface *ifc)
{
	size_t i;

	for (i = 0; i < e->row.ifaces.n; i++)
		if (e->links[i].ifc == ifc)
			return true;
	return false;
}

/* Does an answer to `dst` reach a client of the row, or us who asked? */
static bool
concerns(const struct row *r, uint64_t self, uint64_t dst)
{
	size_t i;

	if (dst == MAC_ANY || dst == self)
		return true;
	for (i = 0; i < r->nmacs; i++)
		if (r->macs[i] == dst || r->macs[i] == MAC_ANY)
			return true;
	return false;
}

/* Another target serves this one's address. */
static void
collide(struct supervisor *sv, struct service *s, const struct iface *ifc,
    uint64_t who)
{
	char mac[MAC_TEXT];
	bool known = s->foreign == who;

	mac_format(mac, who);
	s->foreign = who;
	if (s->row.shared) {
		if (!known)
			log_info("%s: %s serves e%u.%u on %s as well",
			    s->row.alias, mac, s->row.shelf, s->row.slot,
			    ifc->name);
		return;
	}
	snprintf(s->why.text, sizeof(s->why.text),
	    "%s serves e%u.%u on %s too: clients would write to both", mac,
	    s->row.shelf, s->row.slot, ifc->name);
	log_warnx("%s: ALARM: %s; no longer served, until `aoectl start %s`",
	    s->row.alias, s->why.text, s->row.alias);
	retire(sv, s);
	s->held.until = 0;
	s->tried = true;
}

/* Somebody says so, and may be lying: whoever sits on the network can send
 * such a frame.  Ask; a target answers. */
static void
suspect(struct supervisor *sv, struct service *s, struct iface *ifc,
    uint64_t who)
{
	char mac[MAC_TEXT];
	int64_t now = now_ms();

	ifc->ask_soon = true;
	if (s->row.shared || s->foreign == who ||
	    now < sv->suspected + COMPLAIN_MS)
		return;
	sv->suspected = now;
	s->foreign = who;
	mac_format(mac, who);
	log_warnx("%s: %s says that it serves e%u.%u on %s; asking",
	    s->row.alias, mac, s->row.shelf, s->row.slot, ifc->name);
}

static void
heard(struct supervisor *sv, struct iface *ifc, const struct frame *f)
{
	struct service *s;
	size_t i;

	if (links_own(&sv->links, f->src))
		return;
	for (i = 0; i < sv->n; i++) {
		s = &sv->services[i];
		if (s->export == NULL || s->row.shelf != f->shelf ||
		    s->row.slot != f->slot || !is_attached(s->export, ifc) ||
		    !concerns(&s->row, ifc->mac, f->dst))
			continue;
		if (f->tag == ifc->tag && ifc->asked != 0)
			collide(sv, s, ifc, f->src);
		else
			suspect(sv, s, ifc, f->src);
	}
}

/* A client looks around: so do we, to know what it finds. */
static void
look_around(const struct supervisor *sv, struct iface *ifc, uint64_t who)
{
	if (!links_own(&sv->links, who))
		ifc->ask_soon = true;
}

static void
hear_iface(struct supervisor *sv, struct iface *ifc)
{
	enum heard what;
	struct frame f;
	unsigned n;

	for (n = 0; n < HEAR_MAX; n++) {
		if ((what = iface_heard(ifc, &f)) == HEARD_NOTHING)
			break;
		if (what == HEARD_ANSWER)
			heard(sv, ifc, &f);
		else
			look_around(sv, ifc, f.src);
	}
}

void
attach_hear(struct supervisor *sv)
{
	size_t i;

	for (i = 0; i < sv->nifaces; i++)
		hear_iface(sv, sv->ifaces[i]);
}

bool
attach_asks(const struct export *e)
{
	size_t i;

	for (i = 0; i < e->row.ifaces.n; i++)
		if (e->links[i].due != 0 && !e->links[i].in)
			return true;
	return false;
}

int64_t
attach_due(const struct supervisor *sv)
{
	const struct export *e;
	int64_t due = rates_rest(sv) ? INT64_MAX : sv->query_due;
	size_t i, k;

	if (sv->open_due > now_ms() && sv->open_due < due)
		due = sv->open_due;
	for (i = 0; i < sv->nifaces; i++)
		if (sv->ifaces[i]->ask_soon && sv->ifaces[i]->up &&
		    sv->ifaces[i]->asked + SOON_MS < due)
			due = sv->ifaces[i]->asked + SOON_MS;
	for (i = 0; i < sv->n; i++) {
		e = sv->services[i].export;
		for (k = 0; e != NULL && k < e->row.ifaces.n; k++)
			if (e->links[k].due != 0 && !e->links[k].in &&
			    e->links[k].due < due)
				due = e->links[k].due;
	}
	return due;
}

void
attach_why(const struct supervisor *sv, const struct export *e,
    struct reason *why)
{
	char one[128];
	size_t i;

	why->text[0] = '\0';
	for (i = 0; i < e->row.ifaces.n; i++) {
		if (e->links[i].in)
			continue;
		links_unfit(&sv->links, e->row.ifaces.v[i], true, one,
		    sizeof(one));
		if (one[0] == '\0' && e->links[i].ifc == NULL)
			snprintf(one, sizeof(one), "%s: it cannot be opened",
			    e->row.ifaces.v[i]);
		if (one[0] == '\0')
			continue;
		if (why->text[0] != '\0')
			(void)strlcat(why->text, "; ", sizeof(why->text));
		(void)strlcat(why->text, one, sizeof(why->text));
	}
}
