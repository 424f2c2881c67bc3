/* reload.c: the table's file read, checked and put in place of the one that
 * is served.
 *
 * A survey reads the table and opens what it names, by threads that may hang.
 * If all is well, its rows become the services, those that say the same as
 * before with the exports that they have.  What hangs is not waited for: its
 * row waits for it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "priv.h"
#include "service_impl.h"

#define SURVEY_MS	2000	/* for files to be opened */

struct survey {
	bool		 apply;		/* serve it, if it is without fault */
	bool		 all;		/* open what is served already, too */
	unsigned	 table;		/* its number, for the parent */
	struct diags	 ds;
	struct service	*v;		/* of the new table */
	size_t		 n;
	unsigned	 left;		/* files that are being opened */
	int64_t		 due;		/* ms: then what is left hangs */
};

/* Services for the rows of a table, whose rows they take. */
static struct service *
make_services(struct table *t)
{
	struct service *v;
	size_t i;

	if ((v = calloc(t->n + 1, sizeof(*v))) == NULL)
		return NULL;
	for (i = 0; i < t->n; i++) {
		v[i].row = t->rows[i];
		v[i].want = true;
	}
	free(t->rows);
	memset(t, 0, sizeof(*t));
	return v;
}

int
services_load(struct supervisor *sv, const char *text, struct diags *ds)
{
	struct table t;
	int rc = -1;

	(void)table_parse(text, strlen(text), &t, ds);
	if (!t.broken) {
		sv->n = t.n;
		if ((sv->services = make_services(&t)) != NULL)
			rc = 0;
		else
			diags_add(ds, 0, 0, "%s", strerror(errno));
	}
	table_free(&t);
	return rc;
}

/* Does some row of now name all these interfaces?  They may be away for a
 * while. */
static bool
are_known(const struct supervisor *sv, const struct strv *names)
{
	size_t i, k;

	for (k = 0; k < names->n; k++) {
		for (i = 0; i < sv->n; i++)
			if (strv_has(&sv->services[i].row.ifaces,
			    names->v[k]))
				break;
		if (i == sv->n)
			return false;
	}
	return true;
}

/* Look at what a row names, if that is not what is served already. */
static void
survey_row(struct supervisor *sv, struct survey *y, struct service *s)
{
	const struct service *old = service_find(sv, s->row.alias);

	if (s->row.bad != NULL || (!y->all && old != NULL &&
	    row_equal(&old->row, &s->row)))
		return;
	if (y->all || !are_known(sv, &s->row.ifaces))
		export_check_links(&s->row, &sv->links, &y->ds);
	if ((s->job = open_begin(sv, y->table, &s->row)) != NULL)
		y->left++;
	else
		diags_add(&y->ds, s->row.line, s->row.col[COL_FILE], "%s",
		    strerror(errno));
}

/* The table as it is now, read by the parent. */
static int
survey_table(struct supervisor *sv, struct survey *y, struct table *t)
{
	char *text;

	memset(t, 0, sizeof(*t));
	if ((text = priv_table(sv->priv, &y->table, &y->ds)) == NULL)
		return -1;
	(void)table_parse(text, strlen(text), t, &y->ds);
	free(text);
	return 0;
}

static void
survey_begin(struct supervisor *sv, bool apply, bool all)
{
	struct survey *y;
	struct table t;
	size_t i;

	sv->surveys++;
	if ((y = calloc(1, sizeof(*y))) == NULL) {
		log_warn("%s", sv->table_path);
		return;
	}
	sv->survey = y;
	y->apply = apply;
	y->all = all;
	if (apply)
		priv_tell(sv->priv, NEWS_RELOADING, NULL);
	if (survey_table(sv, y, &t) == 0) {
		y->n = t.n;
		if ((y->v = make_services(&t)) == NULL) {
			y->n = 0;
			diags_add(&y->ds, 0, 0, "%s", strerror(errno));
		}
	}
	table_free(&t);
	for (i = 0; i < y->n; i++)
		survey_row(sv, y, &y->v[i]);
	y->due = now_ms() + SURVEY_MS;
}

unsigned
services_survey(struct supervisor *sv, bool apply)
{
	if (sv->survey == NULL) {
		survey_begin(sv, apply, !apply);
		return sv->surveys;
	}
	/* The one that goes on may have read the file before it was changed:
	 * another one follows. */
	sv->again = true;
	sv->again_apply = sv->again_apply || apply;
	sv->again_all = sv->again_all || !apply;
	return sv->surveys + 1;
}

bool
services_surveyed(const struct supervisor *sv, unsigned number,
    const struct diags **ds)
{
	if (sv->surveys < number || (sv->surveys == number &&
	    sv->survey != NULL))
		return false;
	*ds = &sv->findings;
	return true;
}

int64_t
survey_due(const struct supervisor *sv)
{
	return sv->survey != NULL ? sv->survey->due : INT64_MAX;
}

bool
survey_take(struct supervisor *sv, struct open_job *j)
{
	struct survey *y = sv->survey;
	struct service *s;
	size_t i;

	for (i = 0; y != NULL && i < y->n; i++) {
		s = &y->v[i];
		if (s->job != j)
			continue;
		s->job = NULL;
		s->fresh = j->export;
		if (s->fresh == NULL)
			diags_add(&y->ds, s->row.line, s->row.col[COL_FILE],
			    "%s", j->why.text);
		y->left--;
		return true;
	}
	return false;
}

/* What was opened for a row is not needed. */
static void
let_go(struct supervisor *sv, struct service *s)
{
	open_drop(s->job);
	export_discard(sv, s->fresh);
	s->job = NULL;
	s->fresh = NULL;
}

/* The row says the same: it serves on. */
static void
carry_on(struct supervisor *sv, struct service *s, struct service *old)
{
	let_go(sv, s);
	s->job = old->job;
	s->fresh = old->fresh;
	s->reading = old->reading;
	s->export = old->export;
	s->why = old->why;
	s->foreign = old->foreign;
	old->job = NULL;
	old->fresh = NULL;
	old->reading = NULL;
	old->export = NULL;
	if (s->export != NULL)
		open_measure(sv, s->export);
}

/* Move what goes on from an old service to the new one. */
static void
carry_over(struct supervisor *sv, struct service *s, struct service *old)
{
	s->want = old->want;
	s->forget = old->forget;
	s->accept = old->accept;
	if (row_equal(&old->row, &s->row))
		carry_on(sv, s, old);
	else
		retire(sv, old);
	if (!s->want)
		let_go(sv, s);
	s->held = old->held;
	memset(&old->held, 0, sizeof(old->held));
	s->rate = old->rate;
	memset(&s->kept, 0, sizeof(s->kept));
	stats_add(&s->kept, &old->kept);
}

static void
services_drop(struct supervisor *sv, struct service *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		let_go(sv, &v[i]);
		row_free(&v[i].row);
		strv_free(&v[i].held.ifaces);
	}
	free(v);
}

/* The survey's services become the ones that count. */
static void
put_in_place(struct supervisor *sv, struct survey *y)
{
	struct service *old = sv->services, *s;
	size_t i, n = sv->n;

	for (i = 0; i < y->n; i++)
		if ((s = service_find(sv, y->v[i].row.alias)) != NULL)
			carry_over(sv, &y->v[i], s);
	for (i = 0; i < n; i++)
		retire(sv, &old[i]);
	sv->services = y->v;
	sv->n = y->n;
	services_drop(sv, old, n);
	y->v = NULL;
	y->n = 0;
}

static void
log_survey(const struct supervisor *sv, const struct diags *ds)
{
	size_t i;

	if (!diags_any(ds)) {
		log_info("%s: reloaded", sv->table_path);
		return;
	}
	for (i = 0; i < ds->n; i++)
		log_warnx("%s:%u:%u: %s", sv->table_path, ds->v[i].line,
		    ds->v[i].col, ds->v[i].msg);
	log_warnx("%s: not reloaded, nothing has changed", sv->table_path);
}

static void
survey_end(struct supervisor *sv)
{
	struct survey *y = sv->survey;

	diags_sort(&y->ds);
	if (y->apply)
		log_survey(sv, &y->ds);
	if (y->apply && !diags_any(&y->ds)) {
		sv->table = y->table;
		put_in_place(sv, y);
	}
	priv_keep(sv->priv, sv->table);
	if (y->apply)
		priv_tell(sv->priv, NEWS_READY, NULL);
	diags_free(&sv->findings);
	sv->findings = y->ds;
	services_drop(sv, y->v, y->n);
	free(y);
	sv->survey = NULL;
}

void
survey_turn(struct supervisor *sv)
{
	struct survey *y = sv->survey;

	if (y == NULL || (y->left > 0 && now_ms() < y->due && !sv->ending))
		return;
	if (sv->ending)
		y->apply = false;
	survey_end(sv);
	if (sv->again && !sv->ending)
		survey_begin(sv, sv->again_apply, sv->again_all);
	sv->again = sv->again_apply = sv->again_all = false;
}
