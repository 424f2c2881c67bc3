/* opening.c: the files of rows, opened, measured and closed by threads that
 * may hang on them (opener.c), and what comes of that.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "priv.h"
#include "service_impl.h"

#define SPARE_FDS	256	/* that files leave to others, or half */

/* Are there descriptors left for interfaces and the control socket?  Without
 * those, files are of no use.  The kernel gives out the lowest first. */
static bool
leaves_room(const struct image *img)
{
	struct rlimit rl;
	rlim_t spare = SPARE_FDS;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return true;
	if (rl.rlim_cur / 2 < spare)
		spare = rl.rlim_cur / 2;
	return (rlim_t)img->fd < rl.rlim_cur - spare &&
	    (img->fd_plain == -1 ||
	    (rlim_t)img->fd_plain < rl.rlim_cur - spare);
}

static void
open_file(struct open_job *j)
{
	struct image img;

	if (priv_open(j->priv, j->table, &j->row, &img) == 0) {
		if (leaves_room(&img)) {
			j->export = export_new(&j->row, &img, &j->why);
			return;
		}
		image_close(&img);
		errno = EMFILE;
	}
	j->again = errno == EIDRM;
	export_reason(&j->row, errno, &j->why);
}

static void
open_run(struct job *job)
{
	struct open_job *j = (struct open_job *)(void *)job;

	switch (j->kind) {
	case OPEN_FILE:
		open_file(j);
		break;
	case OPEN_MEASURE:
		j->sectors = export_measure(&j->row, j->fd, &j->why);
		close(j->fd);
		j->fd = -1;
		break;
	case OPEN_CLOSE:
		export_free(j->export);
		j->export = NULL;
		break;
	}
}

static struct open_job *
job_new(enum open_kind kind, const struct row *r)
{
	struct open_job *j;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		return NULL;
	j->job.run = open_run;
	j->kind = kind;
	j->fd = -1;
	if (r != NULL && row_copy(&j->row, r) == -1) {
		free(j);
		return NULL;
	}
	return j;
}

static void
job_free(struct open_job *j)
{
	if (j->fd != -1)
		close(j->fd);
	row_free(&j->row);
	free(j);
}

struct open_job *
open_begin(struct supervisor *sv, unsigned table, const struct row *r)
{
	struct open_job *j;

	if ((j = job_new(OPEN_FILE, r)) == NULL)
		return NULL;
	j->priv = sv->priv;
	j->table = table;
	opener_run(sv->opener, &j->job);
	return j;
}

void
open_measure(struct supervisor *sv, const struct export *e)
{
	struct open_job *j = job_new(OPEN_MEASURE, &e->row);

	if (j == NULL || (j->fd = fcntl(e->fd, F_DUPFD_CLOEXEC, 0)) == -1) {
		log_warn("%s: %s: its size", e->row.alias, e->row.file);
		if (j != NULL)
			job_free(j);
		return;
	}
	sv->measuring++;
	opener_run(sv->opener, &j->job);
}

void
open_drop(struct open_job *j)
{
	if (j != NULL)
		j->dropped = true;
}

void
export_discard(struct supervisor *sv, struct export *e)
{
	struct open_job *j;

	if (e == NULL)
		return;
	/* Its worker closed it, or there was nothing to close. */
	if (e->fd == -1 && e->fd_plain == -1) {
		export_free(e);
		return;
	}
	export_unlock(e);
	if ((j = job_new(OPEN_CLOSE, NULL)) == NULL) {
		export_free(e);
		return;
	}
	j->export = e;
	opener_run(sv->opener, &j->job);
}

/* What has grown is served at once; what clients were promised and is gone
 * must not be written to. */
void
export_resize(struct export *e, uint64_t sectors)
{
	uint64_t old = atomic_load(&e->sectors);

	if (sectors > old && !atomic_load(&e->frozen)) {
		atomic_store(&e->sectors, sectors);
		if (export_lock(e) == -1)
			log_warn("%s: %s: lock of what it has grown by",
			    e->row.alias, e->row.file);
		atomic_fetch_add(&e->announce, 1);
		log_info("%s: %s: has grown from %" PRIu64 " to %" PRIu64
		    " sectors", e->row.alias, e->row.file, old, sectors);
	} else if (sectors < old && !atomic_load(&e->frozen)) {
		atomic_store(&e->frozen, true);
		log_warnx("%s: ALARM: %s: has shrunk from %" PRIu64 " to %"
		    PRIu64 " sectors: read-only from now on, until `aoectl "
		    "restart %s`", e->row.alias, e->row.file, old, sectors,
		    e->row.alias);
	}
}

static void
measured(struct supervisor *sv, const struct open_job *j)
{
	struct service *s = service_find(sv, j->row.alias);

	sv->measuring--;
	if (s == NULL || s->export == NULL || !row_equal(&s->row, &j->row))
		return;
	/* 0: smaller than can be served at all. */
	if (j->sectors == 0)
		log_warnx("%s: %s", j->row.alias, j->why.text);
	export_resize(s->export, j->sectors);
	sv->changed = true;
}

/* A row's file is open, or cannot be. */
static void
opened(struct supervisor *sv, struct open_job *j)
{
	struct service *s = NULL;
	size_t i;

	for (i = 0; i < sv->n && s == NULL; i++)
		if (sv->services[i].job == j)
			s = &sv->services[i];
	if (s == NULL) {
		export_discard(sv, j->export);
		return;
	}
	s->job = NULL;
	s->fresh = j->export;
	/* A reload came between: it is begun again, by the new table. */
	if (s->fresh == NULL && !j->again) {
		s->why = j->why;
		service_fail(s);
	}
}

void
opened_collect(struct supervisor *sv)
{
	struct open_job *j;

	while ((j = (struct open_job *)(void *)opener_done(sv->opener)) !=
	    NULL) {
		if (j->kind == OPEN_MEASURE)
			measured(sv, j);
		else if (j->kind == OPEN_FILE && j->dropped)
			export_discard(sv, j->export);
		else if (j->kind == OPEN_FILE && !survey_take(sv, j))
			opened(sv, j);
		job_free(j);
	}
}

bool
opening_end(struct supervisor *sv, unsigned ms)
{
	struct open_job *j;

	if (!opener_stop(sv->opener, ms))
		return false;
	while ((j = (struct open_job *)(void *)opener_done(sv->opener)) !=
	    NULL) {
		export_free(j->export);
		job_free(j);
	}
	opener_free(sv->opener);
	return true;
}
