/* cmd_diff.c: irsync diff: what changed between two snapshots.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exits.h"
#include "human.h"
#include "json.h"
#include "log.h"
#include "look.h"

/* What stands behind the stamp of an entry's path. */
static const char *
path_of(const struct difference *d)
{
	return (d->b != NULL ? d->b : d->a)->path + STAMP_LEN;
}

static bool
is_folder(const struct difference *d)
{
	return (d->b != NULL ? d->b : d->a)->type == 'd';
}

static void
print_difference(const struct difference *d)
{
	char what[80], a[HUMAN_SIZE], b[HUMAN_SIZE];

	putchar(d->a == NULL ? '+' : d->b == NULL ? '-' : '*');
	putchar(' ');
	look_print(path_of(d));
	if (is_folder(d))
		putchar('/');
	if (d->what != 0) {
		compare_text(what, sizeof(what), d->what);
		printf("  (%s", what);
		if ((d->what & DIFF_SIZE) != 0) {
			human_size(a, d->a->size);
			human_size(b, d->b->size);
			printf(": %s to %s", a, b);
		}
		putchar(')');
	}
	putchar('\n');
}

static json_t *
difference_json(const struct difference *d)
{
	char what[80];

	compare_text(what, sizeof(what), d->what);
	return json_pack("{s:s, s:o, s:s, s:o, s:o}",
	    "change", d->a == NULL ? "new" : d->b == NULL ? "deleted" :
	    "changed", "path", json_text(path_of(d)), "what", what,
	    "size_before", d->a != NULL ?
	    json_integer((json_int_t)d->a->size) : json_null(),
	    "size_after", d->b != NULL ?
	    json_integer((json_int_t)d->b->size) : json_null());
}

struct counts {
	size_t	new, changed, deleted;
};

static int
show_json(struct irsync *ir, const char *a, const char *b,
    const struct difference *d, size_t n, const struct counts *c)
{
	json_t *all = json_array(), *top;
	size_t i;
	int rc = -1;

	for (i = 0; i < n; i++)
		if (json_array_append_new(all, difference_json(&d[i])) == -1)
			break;
	top = json_pack("{s:s, s:o, s:s, s:s, s:I, s:I, s:I, s:o}", "host",
	    ir->conf.host, "storage", json_text(ir->conf.storage->text),
	    "before", a, "after", b, "new", (json_int_t)c->new,
	    "changed", (json_int_t)c->changed,
	    "deleted", (json_int_t)c->deleted, "differences", all);
	if (i == n)
		rc = json_print(stdout, top, JSON_INDENT(2));
	else
		json_decref(top);
	return rc == -1 ? BS_FAIL : BS_OK;
}

static int
show(struct irsync *ir, const char *a, const char *b,
    const struct difference *d, size_t n)
{
	struct counts c = { 0, 0, 0 };
	size_t i;

	for (i = 0; i < n; i++)
		if (d[i].a == NULL)
			c.new++;
		else if (d[i].b == NULL)
			c.deleted++;
		else
			c.changed++;
	if (ir->json)
		return show_json(ir, a, b, d, n, &c);
	for (i = 0; i < n; i++)
		print_difference(&d[i]);
	printf("%s to %s: %zu new, %zu changed, %zu deleted\n", a, b, c.new,
	    c.changed, c.deleted);
	return BS_OK;
}

/* The number of the snapshot that is meant, or -1 after saying why. */
static ssize_t
find(struct irsync *ir, const struct snapshot *v, size_t n, const char *spec)
{
	const struct snapshot *s;
	const char *why = NULL;

	if ((s = snapshot_choose(v, n, spec, time(NULL), &why)) != NULL)
		return s - v;
	log_warnx("%s: %s", spec, why);
	if (ir->json)
		look_json_error(ir, BS_FAIL, why);
	return -1;
}

/* Keep two snapshots of a local store from rotation meanwhile.  A server does
 * so by itself. */
static struct store *
hold(struct irsync *ir, const char *a, const char *b, int fd[2])
{
	struct store *st;

	fd[0] = fd[1] = -1;
	if (ir->conf.storage->remote || (st = store_open(ir->conf.storage->root,
	    ir->conf.host, 0)) == NULL)
		return NULL;
	fd[0] = store_snapshot_open(st, a);
	fd[1] = store_snapshot_open(st, b);
	return st;
}

static int
diff(struct irsync *ir, const struct snapshot *v, size_t a, size_t b)
{
	struct strv names = { 0 };
	struct listing l = { 0 };
	struct difference *d = NULL;
	struct store *st;
	size_t n;
	int fd[2], i, status = BS_FAIL;

	st = hold(ir, v[a].stamp, v[b].stamp, fd);
	if (strv_add(&names, v[a].stamp) == 0 &&
	    strv_add(&names, v[b].stamp) == 0)
		status = look_listing(ir, &names, true, &l);
	for (i = 0; i < 2; i++)
		if (fd[i] != -1)
			close(fd[i]);
	store_close(st);
	if (status == BS_OK && (listing_find(&l, v[a].stamp) == NULL ||
	    listing_find(&l, v[b].stamp) == NULL)) {
		log_warnx("diff: a snapshot has gone meanwhile");
		status = BS_FAIL;
	}
	if (status == BS_OK) {
		if ((d = compare_make(&l, v[a].stamp, v[b].stamp,
		    snapshots_link(v, a < b ? a : b, a < b ? b : a), &n)) ==
		    NULL) {
			log_warn("diff");
			status = BS_FAIL;
		} else
			status = show(ir, v[a].stamp, v[b].stamp, d, n);
	}
	free(d);
	listing_free(&l);
	strv_free(&names);
	return status;
}

int
cmd_diff(struct irsync *ir, const struct strv *args)
{
	struct snapshot *v = NULL;
	ssize_t a, b;
	size_t n;
	int status;

	if (args->n < 1 || args->n > 2) {
		log_warnx("diff: one or two snapshots are to be named");
		return BS_USAGE;
	}
	if ((status = look_snapshots(ir, &v, &n)) != BS_OK)
		goto out;
	if ((a = find(ir, v, n, args->v[0])) == -1 || (b = find(ir, v, n,
	    args->n == 2 ? args->v[1] : "latest")) == -1)
		status = BS_FAIL;
	else
		status = diff(ir, v, (size_t)a, (size_t)b);
out:
	free(v);
	return status;
}
