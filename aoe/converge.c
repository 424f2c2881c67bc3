/* converge.c: rows of the table become exports, and exports end.
 *
 * A file is opened by a thread that may hang (opener.c).  The workers see a
 * view, which is replaced whole.  What has left the newest view is finished by
 * its worker, then collected here.  A row whose predecessor (same alias, or
 * same file) is still finishing waits for it, so that two generations never
 * write the same blocks.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "net.h"
#include "priv.h"
#include "service_impl.h"
#include "steer.h"
#include "view.h"
#include "worker.h"

#define LOCK_TURN_MS	20	/* between looks at a lock that is taken */
#define OPENERS		256	/* files that are opened at once */
#define KEEPERS		8	/* state files; they share a folder */
#define HELD_MS		10000	/* an address stays ours, after its export */

/* What is served, and who has it.  Freed by the caller; NULL with errno. */
static struct steered *
list_steered(const struct supervisor *sv, size_t *n)
{
	const struct export *e;
	struct steered *v;
	size_t i;

	*n = 0;
	if ((v = calloc(sv->n + 1, sizeof(*v))) == NULL)
		return NULL;
	for (i = 0; i < sv->n; i++)
		if ((e = sv->services[i].export) != NULL)
			v[(*n)++] = (struct steered){ &e->row, e->owner };
	return v;
}

/* Which worker has an export.  Any can. */
static unsigned
choose_owner(const struct supervisor *sv, const struct row *r)
{
	struct steered *v;
	unsigned owner;
	size_t n;

	if ((v = list_steered(sv, &n)) == NULL)
		return 0;
	owner = steer_choose(r, v, n, sv->nworkers);
	free(v);
	return owner;
}

/* Have the kernel give frames to the exports' owners.  Without that they are
 * handed over. */
static void
steer_ifaces(const struct supervisor *sv, const struct view *view)
{
	struct steered *v;
	struct steer st;
	size_t i, n;

	if ((v = list_steered(sv, &n)) == NULL)
		return;
	steer_plan(&st, v, n, sv->nworkers);
	free(v);
	for (i = 0; i < view->nifaces; i++)
		if (iface_steer(view->ifaces[i], &st) == -1)
			log_warn("%s: frames are not steered",
			    view->ifaces[i]->name);
}

bool
has_predecessor(const struct supervisor *sv, const char *alias,
    const struct export *e)
{
	const struct export *old;

	LIST_FOREACH(old, &sv->retiring, retired)
		if (strcmp(old->row.alias, alias) == 0 ||
		    (e != NULL && old->dev == e->dev && old->ino == e->ino))
			return true;
	return false;
}

/* Another row that serves a part of what e does, or NULL. */
static const struct export *
find_twin(const struct supervisor *sv, const struct export *e)
{
	const struct export *other;
	size_t i;

	for (i = 0; i < sv->n; i++) {
		other = sv->services[i].export;
		if (other != NULL && other != e && export_overlaps(e, other))
			return other;
	}
	return NULL;
}

/* See to it that no other program serves the file.  Two rows of ours may, but
 * hardly ever should.  1: it may be served; 0: later; -1: it is taken, and
 * why->text says so. */
static int
lock_file(struct supervisor *sv, const struct export *e, struct reason *why)
{
	const struct export *twin;

	if (export_lock(e) == 0)
		return 1;
	if (errno != EAGAIN && errno != EACCES) {
		log_warn("%s: %s: lock", e->row.alias, e->row.file);
		return 1;
	}
	if ((twin = find_twin(sv, e)) != NULL) {
		log_warnx("%s: %s: %s serves the same sectors: one client's "
		    "writes will destroy the other's file system, unless it "
		    "is a cluster's", e->row.alias, e->row.file,
		    twin->row.alias);
		return 1;
	}
	/* A daemon that was killed has its locks for a moment longer: the
	 * kernel takes its ring down when it is gone already. */
	if (now_ms() < sv->patience)
		return 0;
	snprintf(why->text, sizeof(why->text),
	    "%s: another program has locked it", e->row.file);
	return -1;
}

/* An export has ended: what overlapped it can have its lock now. */
static void
lock_twins(const struct supervisor *sv, const struct export *ended)
{
	const struct export *e;
	size_t i;

	for (i = 0; i < sv->n; i++) {
		e = sv->services[i].export;
		if (e != NULL && export_overlaps(e, ended))
			(void)export_lock(e);
	}
}

void
service_fail(struct service *s)
{
	s->tried = true;
	log_warnx("%s: not served: %s", s->row.alias, s->why.text);
}

static int
prepare(struct export *e, struct reason *why)
{
	int rc = attach_begin(e);

	if (rc == -1)
		(void)strlcpy(why->text, strerror(errno), sizeof(why->text));
	return rc;
}

/* Its file is open: it becomes the row's export, if it is its turn. */
static void
take_over(struct supervisor *sv, struct service *s)
{
	struct export *e = s->fresh;
	int rc;

	if (has_predecessor(sv, s->row.alias, e))
		return;
	if (!e->known) {
		keep_read(sv, s);
		return;
	}
	if ((rc = lock_file(sv, e, &s->why)) == 0)
		return;
	s->fresh = NULL;
	if (rc == -1) {
		service_fail(s);
		export_discard(sv, e);
		return;
	}
	if (prepare(e, &s->why) == -1) {
		service_fail(s);
		export_discard(sv, e);
		return;
	}
	e->owner = choose_owner(sv, &e->row);
	if (e->cut != 0)
		log_info("%s: %s: the last %u sectors are not served: sizes "
		    "are rounded down to 4 KiB", e->row.alias, e->row.file,
		    e->cut);
	s->export = e;
	s->forget = s->accept = false;
	s->foreign = 0;
	s->why.text[0] = '\0';
}

/* What an export leaves to the one after it. */
static void
inherit(struct supervisor *sv, const struct export *e)
{
	struct service *s = service_find(sv, e->row.alias);

	if (s != NULL)
		stats_add(&s->kept, &e->stats);
}

static void
end_export(struct supervisor *sv, struct export *e)
{
	log_info("%s: e%u.%u has ended", e->row.alias, e->row.shelf,
	    e->row.slot);
	inherit(sv, e);
	attach_end(e);
	lock_twins(sv, e);
	export_discard(sv, e);
	sv->changed = true;	/* an interface may be free */
}

/* Remember where an address was ours. */
static void
hold(struct service *s, const struct export *e)
{
	size_t i;

	strv_free(&s->held.ifaces);
	for (i = 0; i < e->nifaces; i++)
		(void)strv_add(&s->held.ifaces, e->ifaces[i]->name);
	s->held.shelf = e->row.shelf;
	s->held.slot = e->row.slot;
	s->held.until = now_ms() + HELD_MS;
}

void
retire(struct supervisor *sv, struct service *s)
{
	struct export *e = s->export;

	open_drop(s->job);
	s->job = NULL;
	s->reading = NULL;
	export_discard(sv, s->fresh);
	s->fresh = NULL;
	if (e == NULL)
		return;
	s->export = NULL;
	hold(s, e);
	if (!e->published) {
		end_export(sv, e);
		return;
	}
	e->retired_epoch = sv->epoch + 1;
	LIST_INSERT_HEAD(&sv->retiring, e, retired);
	sv->changed = true;
}

/* The interfaces and exports that belong into a view.  NULL with errno. */
static struct view *
make_view(struct supervisor *sv)
{
	struct export **ex = NULL;
	struct iface **ifs = NULL;
	struct view *v = NULL;
	size_t i, ne = 0, ni = 0;

	ex = calloc(sv->n + 1, sizeof(struct export *));
	ifs = calloc(sv->nifaces + 1, sizeof(struct iface *));
	if (ex == NULL || ifs == NULL)
		goto out;
	for (i = 0; i < sv->n; i++)
		if (sv->services[i].export != NULL)
			ex[ne++] = sv->services[i].export;
	for (i = 0; i < sv->nifaces; i++)
		if (sv->ifaces[i]->users > 0)
			ifs[ni++] = sv->ifaces[i];
	v = view_new(sv->epoch + 1, ex, ne, ifs, ni);
out:
	free(ex);
	free(ifs);
	return v;
}

static void
mark_published(const struct view *v)
{
	size_t i;

	for (i = 0; i < v->nexports; i++)
		v->exports[i]->published = true;
	for (i = 0; i < v->nifaces; i++)
		v->ifaces[i]->published = true;
}

/* Their workers finish these when they move on to the next view.  Not told
 * earlier: a worker on its way to the view before would close what stands in
 * that. */
static void
mark_retiring(struct supervisor *sv)
{
	struct export *e;

	LIST_FOREACH(e, &sv->retiring, retired)
		atomic_store(&e->retiring, true);
}

static void
mark_unused_ifaces(struct supervisor *sv)
{
	struct iface *ifc;
	size_t i;

	for (i = 0; i < sv->nifaces; i++) {
		ifc = sv->ifaces[i];
		if (ifc->users == 0 && !ifc->retired) {
			ifc->retired = true;
			ifc->retired_epoch = sv->epoch;
			/* No worker has it that could let go of it. */
			if (!ifc->published)
				atomic_store(&ifc->released, ifc->nports);
		}
	}
}

static void
publish(struct supervisor *sv)
{
	struct old_view *old;
	struct view *v;

	/* Without memory the old view stays; the next event tries again. */
	if ((old = calloc(1, sizeof(*old))) == NULL ||
	    (v = make_view(sv)) == NULL) {
		log_warn("new view");
		free(old);
		return;
	}
	sv->epoch = v->epoch;
	old->view = sv->view;
	SLIST_INSERT_HEAD(&sv->old_views, old, link);
	sv->view = v;
	sv->changed = false;
	mark_published(v);
	mark_retiring(sv);
	mark_unused_ifaces(sv);
	workers_publish(sv->workers, sv->nworkers, v);
	steer_ifaces(sv, v);
}

/* Has every worker moved on to the newest view? */
static bool
is_adopted(const struct supervisor *sv)
{
	return workers_epoch(sv->workers, sv->nworkers) == sv->epoch;
}

bool
services_adopted(const struct supervisor *sv)
{
	return !sv->changed && is_adopted(sv);
}

static void
begin(struct supervisor *sv, struct service *s)
{
	if ((s->job = open_begin(sv, sv->table, &s->row)) != NULL)
		return;
	snprintf(s->why.text, sizeof(s->why.text), "%s: %s", s->row.file,
	    strerror(errno));
	service_fail(s);
}

/* Serve what is wanted and can be; hand the workers a new view if anything
 * has changed. */
static void
services_converge(struct supervisor *sv)
{
	struct service *s;
	size_t i;

	for (i = 0; i < sv->n; i++) {
		s = &sv->services[i];
		if (s->want && s->export == NULL && s->fresh == NULL &&
		    s->job == NULL && !s->tried && s->row.bad == NULL &&
		    !has_predecessor(sv, s->row.alias, NULL))
			begin(sv, s);
		if (s->fresh != NULL)
			take_over(sv, s);
	}
	attach_all(sv);
	/* Not before every worker has moved on to the last one: a worker that
	 * skipped a view would never finish what stood only in that.  It
	 * tells us when it has, which leads here again. */
	if (sv->changed && is_adopted(sv))
		publish(sv);
}

static void
collect_exports(struct supervisor *sv, uint64_t epoch)
{
	struct export *e, *next;

	LIST_FOREACH_SAFE(e, &sv->retiring, retired, next) {
		if (!atomic_load(&e->drained) || epoch < e->retired_epoch)
			continue;
		LIST_REMOVE(e, retired);
		end_export(sv, e);
	}
}

static void
collect_views(struct supervisor *sv, uint64_t epoch)
{
	struct old_view *o, *next;

	SLIST_FOREACH_SAFE(o, &sv->old_views, link, next)
		if (o->view->epoch < epoch) {
			SLIST_REMOVE(&sv->old_views, o, old_view, link);
			view_free(o->view);
			free(o);
		}
}

static void
collect_ifaces(struct supervisor *sv, uint64_t epoch)
{
	struct iface *ifc;
	size_t i, kept = 0;

	for (i = 0; i < sv->nifaces; i++) {
		ifc = sv->ifaces[i];
		if (ifc->retired && epoch >= ifc->retired_epoch &&
		    atomic_load(&ifc->released) == ifc->nports)
			iface_close(ifc);
		else
			sv->ifaces[kept++] = ifc;
	}
	sv->nifaces = kept;
}

/* A file that ended before its promised size is measured, one at a time: a
 * write behind its end would make it longer, and what is lost look like
 * zeros. */
static void
measure_short(struct supervisor *sv)
{
	struct export *e;
	size_t i;

	for (i = 0; i < sv->n && sv->measuring == 0; i++) {
		e = sv->services[i].export;
		if (e != NULL && atomic_exchange(&e->ended_early, false))
			open_measure(sv, e);
	}
}

/* Something has come from workers or openers. */
static void
collect(struct supervisor *sv)
{
	uint64_t epoch = workers_epoch(sv->workers, sv->nworkers);

	keep_turn(sv);
	opened_collect(sv);
	measure_short(sv);
	collect_exports(sv, epoch);
	collect_ifaces(sv, epoch);
	collect_views(sv, epoch);
}

/* Wake up when the next thing is due that nobody tells us of. */
static void
set_timer(struct supervisor *sv)
{
	struct itimerspec its = { 0 };
	int64_t due = attach_due(sv), now = now_ms();

	if (survey_due(sv) < due)
		due = survey_due(sv);
	if (sv->sample_due < due)
		due = sv->sample_due;
	/* What waits for a lock looks again soon. */
	if (now < sv->patience && now + LOCK_TURN_MS < due)
		due = now + LOCK_TURN_MS;
	if (due <= now)
		due = now + 1;
	its.it_value.tv_sec = (time_t)(due / 1000);
	its.it_value.tv_nsec = (long)(due % 1000) * 1000000;
	if (timerfd_settime(sv->timer_fd, TFD_TIMER_ABSTIME, &its, NULL) ==
	    -1)
		log_warn("timer");
}

static void
drain(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) == -1 && errno != EAGAIN)
		log_warn("eventfd");
}

void
services_turn(struct supervisor *sv)
{
	drain(sv->notes_fd);
	drain(sv->timer_fd);
	if (links_read(&sv->links)) {
		sv->open_due = 0;
		attach_links(sv);
	}
	attach_hear(sv);
	collect(sv);
	survey_turn(sv);
	rates_sample(sv);
	services_converge(sv);
	set_timer(sv);
}

static int
watch(struct supervisor *sv, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(sv->poll_fd, EPOLL_CTL_ADD, fd, &ev);
}

int
services_init(struct supervisor *sv, int notes_fd)
{
	sv->notes_fd = notes_fd;
	LIST_INIT(&sv->retiring);
	SLIST_INIT(&sv->old_views);
	sv->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	sv->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC |
	    TFD_NONBLOCK);
	LIST_INIT(&sv->keeping);
	sv->opener = opener_new(notes_fd, OPENERS);
	sv->keeper = opener_new(notes_fd, KEEPERS);
	if (sv->poll_fd == -1 || sv->timer_fd == -1 || sv->opener == NULL ||
	    sv->keeper == NULL || links_open(&sv->links) == -1)
		return -1;
	return watch(sv, notes_fd) == -1 || watch(sv, sv->timer_fd) == -1 ||
	    watch(sv, sv->links.fd) == -1 ? -1 : 0;
}

static bool
is_settled(const struct supervisor *sv)
{
	size_t i;

	for (i = 0; i < sv->n; i++)
		if (service_pending(sv, &sv->services[i]))
			return false;
	return services_adopted(sv);
}

void
services_settle(struct supervisor *sv, int ms)
{
	struct pollfd v = { .fd = sv->poll_fd, .events = POLLIN };
	int64_t end = now_ms() + ms;

	services_turn(sv);
	while (!is_settled(sv) && now_ms() < end) {
		(void)poll(&v, 1, (int)(end - now_ms()));
		services_turn(sv);
	}
}
