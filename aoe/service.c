/* service.c: rows of the table become exports, and exports end.
 *
 * The workers see a view, which is replaced whole.  What has left the newest
 * view is finished by its worker, then collected here.  A row whose
 * predecessor (same alias, or same file) is still finishing waits for it, so
 * that two generations never write the same blocks.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mac.h"
#include "net.h"
#include "service.h"
#include "state.h"
#include "view.h"
#include "worker.h"

#define COMPLAIN_EVERY	10	/* seconds between lines that clients cause */
#define PATIENCE_TURN_MS 10

const char *
service_state_name(enum service_state s)
{
	static const char *const names[] = {
		[STATE_SERVING] = "serving", [STATE_STOPPED] = "stopped",
		[STATE_STOPPING] = "stopping", [STATE_WAITING] = "waiting",
		[STATE_FAILED] = "failed",
	};

	return names[s];
}

static int
add_iface(struct supervisor *sv, struct iface *ifc)
{
	struct iface **v;

	v = reallocarray(sv->ifaces, sv->nifaces + 1,
	    sizeof(struct iface *));
	if (v == NULL)
		return -1;
	sv->ifaces = v;
	v[sv->nifaces++] = ifc;
	return 0;
}

/* The open interface of that name, opening it if need be. */
static struct iface *
get_iface(struct supervisor *sv, const char *name)
{
	struct iface *ifc;
	size_t i;

	for (i = 0; i < sv->nifaces; i++) {
		ifc = sv->ifaces[i];
		if (!ifc->stale && !ifc->retired &&
		    strcmp(ifc->name, name) == 0)
			return ifc;
	}
	if ((ifc = iface_open(name, sv->nworkers)) == NULL)
		return NULL;
	ifc->id = ++sv->iface_ids;
	if (add_iface(sv, ifc) == -1) {
		iface_close(ifc);
		return NULL;
	}
	return ifc;
}

/* Which worker has an export: where the kernel's program sends the frames of
 * its first client. */
static unsigned
choose_owner(const struct supervisor *sv, const struct row *r)
{
	return net_steer(r->macs[0], r->shelf, r->slot, sv->nworkers);
}

/* Give the export those of its row's interfaces that are there.  -1 if none
 * is.  What is missing is said in why. */
static int
attach_ifaces(struct supervisor *sv, struct export *e, struct reason *why)
{
	const struct strv *names = &e->row.ifaces;
	struct iface *ifc;
	size_t i;

	why->text[0] = '\0';
	if ((e->ifaces = calloc(names->n, sizeof(*e->ifaces))) == NULL) {
		(void)strlcpy(why->text, strerror(errno), sizeof(why->text));
		return -1;
	}
	for (i = 0; i < names->n; i++) {
		if ((ifc = get_iface(sv, names->v[i])) == NULL) {
			snprintf(why->text, sizeof(why->text), "%s: %s",
			    names->v[i], strerror(errno));
			continue;
		}
		ifc->users++;
		e->ifaces[e->nifaces++] = ifc;
	}
	return e->nifaces > 0 ? 0 : -1;
}

static void
detach_ifaces(struct export *e)
{
	while (e->nifaces > 0)
		e->ifaces[--e->nifaces]->users--;
}

/* Is a predecessor still finishing? */
static bool
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
 * hardly ever should.  -1 with why->text if it is taken. */
static int
lock_file(struct supervisor *sv, const struct export *e, struct reason *why)
{
	const struct timespec turn = { .tv_nsec = PATIENCE_TURN_MS * 1000000 };
	const struct export *twin;
	int rc;

	/* A daemon that was killed has its locks for a moment longer: the
	 * kernel takes its ring down when it is gone already. */
	while ((rc = export_lock(e)) == -1 &&
	    sv->patience_ms >= PATIENCE_TURN_MS && find_twin(sv, e) == NULL) {
		sv->patience_ms -= PATIENCE_TURN_MS;
		nanosleep(&turn, NULL);
	}
	if (rc == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES) {
		log_warn("%s: %s: lock", e->row.alias, e->row.file);
		return 0;
	}
	if ((twin = find_twin(sv, e)) == NULL) {
		snprintf(why->text, sizeof(why->text),
		    "%s: another program has locked it", e->row.file);
		return -1;
	}
	log_warnx("%s: %s: %s serves the same sectors: one client's writes "
	    "will destroy the other's file system, unless it is a cluster's",
	    e->row.alias, e->row.file, twin->row.alias);
	return 0;
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

static void
log_serving(const struct export *e)
{
	char mac[MAC_TEXT];

	mac_format(mac, e->row.macs[0]);
	log_info("%s: e%u.%u, %" PRIu64 " sectors of %s for %s%s on %s%s%s",
	    e->row.alias, e->row.shelf, e->row.slot, e->disk.sectors,
	    e->row.file, mac, e->row.nmacs > 1 ? " and others" : "",
	    e->ifaces[0]->name, e->nifaces > 1 ? " and others" : "",
	    e->row.ro ? ", read-only" : "");
	if (e->cut != 0)
		log_info("%s: %s: the last %u sectors are not served: sizes "
		    "are rounded down to 4 KiB", e->row.alias, e->row.file,
		    e->cut);
}

/* Open a service's file and interfaces. */
static void
open_service(struct supervisor *sv, struct service *s)
{
	struct export *e;

	if ((e = export_open(&s->row, &s->why)) == NULL)
		goto fail;
	if (has_predecessor(sv, s->row.alias, e)) {
		export_free(e);
		return;
	}
	if (lock_file(sv, e, &s->why) == -1 ||
	    attach_ifaces(sv, e, &s->why) == -1)
		goto fail;
	e->owner = choose_owner(sv, &e->row);
	if (state_load(sv->state_dir, e->row.alias, &e->config) == -1)
		log_warn("%s: state in %s", e->row.alias, sv->state_dir);
	s->export = e;
	sv->changed = true;
	log_serving(e);
	if (s->why.text[0] != '\0')
		log_warnx("%s: %s", s->row.alias, s->why.text);
	return;
fail:
	s->tried = true;
	log_warnx("%s: not served: %s", s->row.alias, s->why.text);
	export_free(e);
}

static void
end_export(struct supervisor *sv, struct export *e)
{
	log_info("%s: e%u.%u has ended", e->row.alias, e->row.shelf,
	    e->row.slot);
	detach_ifaces(e);
	lock_twins(sv, e);
	export_free(e);
	sv->changed = true;	/* an interface may be free */
}

static void
retire(struct supervisor *sv, struct service *s)
{
	struct export *e = s->export;

	if (e == NULL)
		return;
	s->export = NULL;
	if (!e->published) {
		end_export(sv, e);
		return;
	}
	e->retired_epoch = sv->epoch + 1;
	LIST_INSERT_HEAD(&sv->retiring, e, retired);
	sv->changed = true;
}

/* The interfaces and exports that belong into a view.  -1 with errno. */
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

void
services_converge(struct supervisor *sv)
{
	struct service *s;
	size_t i;

	for (i = 0; i < sv->n; i++) {
		s = &sv->services[i];
		if (s->want && s->export == NULL && !s->tried &&
		    s->row.bad == NULL &&
		    !has_predecessor(sv, s->row.alias, NULL))
			open_service(sv, s);
	}
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

/* Every message of a client's may lead here. */
static void
complain(struct supervisor *sv, const struct export *e)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (sv->complained != 0 &&
	    ts.tv_sec < sv->complained + COMPLAIN_EVERY)
		return;
	sv->complained = ts.tv_sec;
	errno = e->config_errno;
	log_warn("%s: config string in %s", e->row.alias, sv->state_dir);
}

/* True if the owner is to be told. */
static bool
store_config(struct supervisor *sv, struct export *e)
{
	if (e == NULL || atomic_load(&e->phase) != CONFIG_STORE)
		return false;
	e->config_errno = 0;
	if (state_save(sv->state_dir, e->row.alias, &e->config_new) == -1) {
		e->config_errno = errno;
		complain(sv, e);
	}
	atomic_store(&e->phase, CONFIG_STORED);
	return true;
}

static void
store_configs(struct supervisor *sv)
{
	struct export *e;
	bool any = false;
	size_t i;

	for (i = 0; i < sv->n; i++)
		any = store_config(sv, sv->services[i].export) || any;
	LIST_FOREACH(e, &sv->retiring, retired)
		any = store_config(sv, e) || any;
	if (any)
		workers_wake(sv->workers, sv->nworkers);
}

void
services_collect(struct supervisor *sv)
{
	uint64_t epoch = workers_epoch(sv->workers, sv->nworkers);

	store_configs(sv);
	collect_exports(sv, epoch);
	collect_ifaces(sv, epoch);
	collect_views(sv, epoch);
	services_converge(sv);
}

struct service *
service_find(struct supervisor *sv, const char *alias)
{
	size_t i;

	for (i = 0; i < sv->n; i++)
		if (strcmp(sv->services[i].row.alias, alias) == 0)
			return &sv->services[i];
	return NULL;
}

void
service_start(struct supervisor *sv, struct service *s)
{
	(void)sv;
	s->want = true;
	s->tried = false;
}

void
service_stop(struct supervisor *sv, struct service *s)
{
	s->want = false;
	retire(sv, s);
}

void
service_restart(struct supervisor *sv, struct service *s)
{
	retire(sv, s);
	service_start(sv, s);
}

/* Is one of its interfaces another by now, or one there that was missing? */
static bool
ifaces_differ(const struct export *e)
{
	const struct strv *names = &e->row.ifaces;
	size_t i, k;

	for (i = 0; i < e->nifaces; i++)
		if (e->ifaces[i]->stale)
			return true;
	for (i = 0; i < names->n && e->nifaces < names->n; i++) {
		for (k = 0; k < e->nifaces; k++)
			if (strcmp(e->ifaces[k]->name, names->v[i]) == 0)
				break;
		if (k == e->nifaces && iface_probe(names->v[i]) == 0)
			return true;
	}
	return false;
}

void
services_refresh(struct supervisor *sv)
{
	struct service *s;
	size_t i;

	for (i = 0; i < sv->nifaces; i++)
		if (!iface_refresh(sv->ifaces[i]))
			sv->ifaces[i]->stale = true;
	for (i = 0; i < sv->n; i++) {
		s = &sv->services[i];
		if (s->export != NULL && ifaces_differ(s->export))
			retire(sv, s);
	}
}

enum service_state
service_state(const struct supervisor *sv, const struct service *s,
    struct reason *why)
{
	int failed;

	why->text[0] = '\0';
	if (s->row.bad != NULL) {
		(void)strlcpy(why->text, s->row.bad, sizeof(why->text));
		return STATE_FAILED;
	}
	if (s->export != NULL) {
		failed = atomic_load(&s->export->failed);
		if (failed == 0) {
			*why = s->why;
			return STATE_SERVING;
		}
		snprintf(why->text, sizeof(why->text),
		    "%s: writes were lost: %s", s->row.file,
		    strerror(failed));
		return STATE_FAILED;
	}
	if (has_predecessor(sv, s->row.alias, NULL))
		return s->want ? STATE_WAITING : STATE_STOPPING;
	if (!s->want)
		return STATE_STOPPED;
	*why = s->why;
	return s->tried ? STATE_FAILED : STATE_WAITING;
}

void
services_stop(struct supervisor *sv)
{
	size_t i;

	for (i = 0; i < sv->n; i++)
		service_stop(sv, &sv->services[i]);
}

bool
services_idle(const struct supervisor *sv)
{
	return LIST_EMPTY(&sv->retiring) && sv->nifaces == 0;
}
