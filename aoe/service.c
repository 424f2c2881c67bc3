/* service.c: what is wanted of each row, and what state it is in.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "service_impl.h"
#include "view.h"
#include "worker.h"

#define OPENERS_MS	1000	/* for threads that still open files */

int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

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
	s->accept = s->accept || (s->export != NULL &&
	    atomic_load(&s->export->frozen));
	retire(sv, s);
	service_start(sv, s);
}

void
service_disconnect(struct supervisor *sv, struct service *s)
{
	s->forget = true;
	service_restart(sv, s);
}

static enum service_state
export_state(const struct supervisor *sv, const struct service *s,
    struct reason *why)
{
	const struct export *e = s->export;
	int failed = atomic_load(&e->failed);

	if (failed != 0) {
		snprintf(why->text, sizeof(why->text),
		    "%s: writes were lost: %s", s->row.file,
		    strerror(failed));
		return STATE_FAILED;
	}
	if (e->nifaces > 0 && atomic_load(&e->frozen)) {
		snprintf(why->text, sizeof(why->text),
		    "%s: it has shrunk: read-only until it is restarted",
		    s->row.file);
		return STATE_SERVING;
	}
	attach_why(sv, e, why);
	if (e->nifaces > 0)
		return STATE_SERVING;
	if (why->text[0] == '\0')
		(void)strlcpy(why->text, "asking who else serves its address",
		    sizeof(why->text));
	return STATE_WAITING;
}

enum service_state
service_state(const struct supervisor *sv, const struct service *s,
    struct reason *why)
{
	why->text[0] = '\0';
	if (s->row.bad != NULL) {
		(void)strlcpy(why->text, s->row.bad, sizeof(why->text));
		return STATE_FAILED;
	}
	if (s->export != NULL)
		return export_state(sv, s, why);
	if (!s->want)
		return has_predecessor(sv, s->row.alias, NULL) ?
		    STATE_STOPPING : STATE_STOPPED;
	if (s->tried) {
		*why = s->why;
		return STATE_FAILED;
	}
	if (s->job != NULL)
		snprintf(why->text, sizeof(why->text),
		    "%s: it is being opened", s->row.file);
	else if (s->reading != NULL)
		snprintf(why->text, sizeof(why->text),
		    "%s/%s.json: it is being read", sv->state_dir,
		    s->row.alias);
	else
		(void)strlcpy(why->text, "the one before it is finishing",
		    sizeof(why->text));
	return STATE_WAITING;
}

bool
service_pending(const struct supervisor *sv, const struct service *s)
{
	if (s->job != NULL || s->fresh != NULL ||
	    has_predecessor(sv, s->row.alias, NULL))
		return true;
	return s->export != NULL && attach_asks(s->export);
}

void
services_stop(struct supervisor *sv)
{
	size_t i;

	sv->ending = true;
	for (i = 0; i < sv->n; i++)
		service_stop(sv, &sv->services[i]);
}

bool
services_idle(const struct supervisor *sv)
{
	return LIST_EMPTY(&sv->retiring) && sv->nifaces == 0;
}

void
services_unload(struct supervisor *sv)
{
	size_t i;

	for (i = 0; i < sv->n; i++) {
		row_free(&sv->services[i].row);
		strv_free(&sv->services[i].held.ifaces);
	}
	free(sv->services);
	sv->services = NULL;
	sv->n = 0;
}

void
services_free(struct supervisor *sv)
{
	struct old_view *o;

	if (!opening_end(sv, OPENERS_MS))
		sv->asking = true;
	if (!keeping_end(sv, OPENERS_MS))
		sv->asking = true;
	services_unload(sv);
	free(sv->ifaces);
	while ((o = SLIST_FIRST(&sv->old_views)) != NULL) {
		SLIST_REMOVE_HEAD(&sv->old_views, link);
		view_free(o->view);
		free(o);
	}
	view_free(sv->view);
	diags_free(&sv->findings);
	links_close(&sv->links);
	close(sv->timer_fd);
	close(sv->poll_fd);
}
