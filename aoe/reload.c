/* reload.c: the table's file read, checked and put in place of the one that
 * is served.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "service.h"
#include "view.h"

/* Read and parse.  -1: it could not be read.  0: *t is set, and what is wrong
 * in it is in *ds. */
static int
read_table(const char *path, struct table *t, struct diags *ds)
{
	char *text;

	memset(t, 0, sizeof(*t));
	if ((text = conf_read(path, ds)) == NULL)
		return -1;
	(void)table_parse(text, strlen(text), t, ds);
	free(text);
	return 0;
}

int
services_check(const char *path, struct diags *ds)
{
	struct table t;
	size_t i;

	if (read_table(path, &t, ds) == 0)
		for (i = 0; i < t.n; i++)
			export_check(&t.rows[i], ds);
	table_free(&t);
	diags_sort(ds);
	return diags_any(ds) ? -1 : 0;
}

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
services_load(struct supervisor *sv, struct diags *ds)
{
	struct table t;
	int rc = -1;

	if (read_table(sv->table_path, &t, ds) == 0 && !t.broken) {
		sv->n = t.n;
		if ((sv->services = make_services(&t)) != NULL)
			rc = 0;
		else
			diags_add(ds, 0, 0, "%s", strerror(errno));
	}
	table_free(&t);
	return rc;
}

/* Rows that the new table adds or changes must be fit to be served; the
 * others' interfaces may be away for a while. */
static void
check_changes(struct supervisor *sv, const struct table *t, struct diags *ds)
{
	const struct service *s;
	size_t i;

	for (i = 0; i < t->n; i++) {
		s = service_find(sv, t->rows[i].alias);
		if (s == NULL || !row_equal(&s->row, &t->rows[i]))
			export_check(&t->rows[i], ds);
	}
}

/* Move what goes on from the old services to the new ones. */
static void
carry_over(struct supervisor *sv, struct service *v, size_t n)
{
	struct service *old;
	size_t i;

	for (i = 0; i < n; i++) {
		if ((old = service_find(sv, v[i].row.alias)) == NULL)
			continue;
		v[i].want = old->want;
		if (!row_equal(&old->row, &v[i].row))
			continue;
		v[i].export = old->export;
		v[i].why = old->why;
		old->export = NULL;
	}
}

int
services_reload(struct supervisor *sv, struct diags *ds)
{
	struct service *v = NULL;
	struct table t;
	size_t i, n;
	int rc = -1;

	if (read_table(sv->table_path, &t, ds) == 0 && !diags_any(ds))
		check_changes(sv, &t, ds);
	if (diags_any(ds))
		goto out;
	n = t.n;
	if ((v = make_services(&t)) == NULL) {
		diags_add(ds, 0, 0, "%s", strerror(errno));
		goto out;
	}
	carry_over(sv, v, n);
	services_stop(sv);
	for (i = 0; i < sv->n; i++)
		row_free(&sv->services[i].row);
	free(sv->services);
	sv->services = v;
	sv->n = n;
	services_refresh(sv);
	rc = 0;
out:
	diags_sort(ds);
	table_free(&t);
	return rc;
}

void
services_free(struct supervisor *sv)
{
	size_t i;

	for (i = 0; i < sv->n; i++)
		row_free(&sv->services[i].row);
	free(sv->services);
	free(sv->ifaces);
	view_free(sv->view);
}
