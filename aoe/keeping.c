/* keeping.c: what exports remember over a restart is read and written by a few
 * threads, which may hang where the state folder's file system does: then rows
 * that begin wait for it, and so do clients who want something remembered;
 * what is served already is served on.
 *
 * Of one alias nothing is begun before the last thing has ended, so that a
 * write which hung cannot undo a later one.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "priv.h"
#include "service_impl.h"
#include "state.h"
#include "worker.h"

#define COMPLAIN_EVERY	10	/* seconds between lines that clients cause */

struct keep_job {
	struct job		 job;
	LIST_ENTRY(keep_job)	 link;
	bool			 save;		/* else read */
	bool			 forget;	/* then empty the lists */
	struct priv		*priv;
	char			 alias[TABLE_ALIAS_MAX + 1];
	struct state		 state;
	struct reason		 why;		/* of a failed reading, or "" */
	int			 error;		/* of a failed writing, or 0 */
};

static int
state_put(const struct keep_job *j)
{
	char *text;
	int rc, saved;

	if ((text = state_format(&j->state)) == NULL)
		return -1;
	rc = priv_state_write(j->priv, j->alias, text, strlen(text));
	saved = errno;
	free(text);
	errno = saved;
	return rc;
}

/* Without its lists an export would serve clients that others have shut out,
 * so one whose state cannot be read is not served. */
static int
state_get(struct keep_job *j)
{
	struct diags ds = { 0 };
	char text[STATE_MAX];
	ssize_t n;
	int rc = 0;

	n = priv_state_read(j->priv, j->alias, text, sizeof(text));
	if (n == -1)
		diags_add(&ds, 0, 0, "%s", strerror(errno));
	if (n > 0)
		(void)state_parse(text, (size_t)n, &j->state, &ds);
	if (diags_any(&ds)) {
		(void)strlcpy(j->why.text, ds.n > 0 ? ds.v[0].msg :
		    "out of memory", sizeof(j->why.text));
		rc = -1;
	}
	diags_free(&ds);
	return rc;
}

/* In a thread of its own. */
static void
keep_run(struct job *job)
{
	struct keep_job *j = (struct keep_job *)(void *)job;

	if (j->save) {
		j->error = state_put(j) == -1 ? errno : 0;
		return;
	}
	if (state_get(j) == -1 || !j->forget)
		return;
	/* The operator wants it free for whoever comes. */
	j->state.mask.n = j->state.reserved.n = 0;
	if (state_put(j) == -1)
		(void)strlcpy(j->why.text, strerror(errno),
		    sizeof(j->why.text));
}

static struct keep_job *
keep_begin(struct supervisor *sv, const char *alias, const struct state *save,
    bool forget)
{
	struct keep_job *j;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		return NULL;
	j->job.run = keep_run;
	j->priv = sv->priv;
	j->forget = forget;
	(void)strlcpy(j->alias, alias, sizeof(j->alias));
	if (save != NULL) {
		j->save = true;
		j->state = *save;
	}
	LIST_INSERT_HEAD(&sv->keeping, j, link);
	opener_run(sv->keeper, &j->job);
	return j;
}

/* Is something of that alias being read or written? */
static bool
keep_busy(const struct supervisor *sv, const char *alias)
{
	const struct keep_job *j;

	LIST_FOREACH(j, &sv->keeping, link)
		if (strcmp(j->alias, alias) == 0)
			return true;
	return false;
}

void
keep_read(struct supervisor *sv, struct service *s)
{
	if (s->reading != NULL || keep_busy(sv, s->row.alias))
		return;
	if ((s->reading = keep_begin(sv, s->row.alias, NULL,
	    s->forget)) == NULL)
		log_warn("%s", s->row.alias);	/* the next turn tries again */
}

/* What the fresh export must remember is here.  Fewer sectors than clients
 * were promised, while we were away, are as bad as under our eyes. */
static void
take_memory(struct service *s, const struct keep_job *j)
{
	struct export *e = s->fresh;
	uint64_t now = atomic_load(&e->sectors);

	e->known = true;
	e->kept = e->state = j->state;
	if (j->forget)
		log_info("%s: mask list and reservations are forgotten",
		    j->alias);
	if (j->state.window != e->window || j->state.sectors <= now ||
	    s->accept)
		return;
	atomic_store(&e->sectors, j->state.sectors);
	export_resize(e, now);
}

static void
was_read(struct supervisor *sv, const struct keep_job *j)
{
	struct service *s = service_find(sv, j->alias);

	/* Nobody waits for it any more. */
	if (s == NULL || s->reading != j)
		return;
	s->reading = NULL;
	if (j->why.text[0] == '\0') {
		take_memory(s, j);
		return;
	}
	snprintf(s->why.text, sizeof(s->why.text), "%s/%s.json: %.160s",
	    sv->state_dir, j->alias, j->why.text);
	export_discard(sv, s->fresh);
	s->fresh = NULL;
	service_fail(s);
}

/* Every message of a client's may lead here. */
static void
complain(struct supervisor *sv, const struct keep_job *j)
{
	time_t now = (time_t)(now_ms() / 1000);

	if (sv->complained != 0 && now < sv->complained + COMPLAIN_EVERY)
		return;
	sv->complained = now;
	errno = j->error;
	log_warn("%s: config string, lists and size in %s", j->alias,
	    sv->state_dir);
}

/* True if e's owner waits for it. */
static bool
was_written(struct export *e, const struct keep_job *j)
{
	e->saving = NULL;
	e->unkept = j->error != 0;
	if (j->error == 0)
		e->kept = j->state;
	if (atomic_load(&e->phase) != STORE_RUNNING)
		return false;
	e->state_errno = j->error;
	atomic_store(&e->phase, STORE_DONE);
	return true;
}

/* The export whose state the job has written, if it is still there. */
static struct export *
find_saving(const struct supervisor *sv, const struct keep_job *j)
{
	struct export *e;
	size_t i;

	for (i = 0; i < sv->n; i++) {
		e = sv->services[i].export;
		if (e != NULL && e->saving == j)
			return e;
	}
	LIST_FOREACH(e, &sv->retiring, retired)
		if (e->saving == j)
			return e;
	return NULL;
}

static void
collect(struct supervisor *sv)
{
	struct keep_job *j;
	struct export *e;
	bool awaited = false;

	while ((j = (struct keep_job *)(void *)opener_done(sv->keeper)) !=
	    NULL) {
		LIST_REMOVE(j, link);
		if (j->error != 0)
			complain(sv, j);
		if (!j->save)
			was_read(sv, j);
		else if ((e = find_saving(sv, j)) != NULL)
			awaited = was_written(e, j) || awaited;
		free(j);
	}
	if (awaited)
		workers_wake(sv->workers, sv->nworkers);
}

/* Begin to write what a client or its promised size has changed. */
static void
keep(struct supervisor *sv, struct export *e)
{
	bool wanted = atomic_load(&e->phase) == STORE_WANTED;
	uint64_t sectors = atomic_load(&e->sectors);
	struct state st;

	if (e->saving != NULL || (!wanted && (e->unkept || e->nifaces == 0 ||
	    (e->kept.sectors == sectors && e->kept.window == e->window))) ||
	    keep_busy(sv, e->row.alias))
		return;
	st = wanted ? e->state_new : e->kept;
	st.sectors = sectors;
	st.window = e->window;
	if ((e->saving = keep_begin(sv, e->row.alias, &st, false)) == NULL)
		return;		/* the next turn tries again */
	if (wanted)
		atomic_store(&e->phase, STORE_RUNNING);
}

void
keep_turn(struct supervisor *sv)
{
	struct export *e;
	size_t i;

	collect(sv);
	for (i = 0; i < sv->n; i++)
		if (sv->services[i].export != NULL)
			keep(sv, sv->services[i].export);
	LIST_FOREACH(e, &sv->retiring, retired)
		keep(sv, e);
}

bool
keeping_end(struct supervisor *sv, unsigned ms)
{
	struct keep_job *j;

	if (!opener_stop(sv->keeper, ms))
		return false;
	while ((j = (struct keep_job *)(void *)opener_done(sv->keeper)) !=
	    NULL)
		free(j);
	opener_free(sv->keeper);
	return true;
}
