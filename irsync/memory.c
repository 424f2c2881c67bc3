/* memory.c: what is kept on the client from one backup to the next.
 * laststate.c knows the file; here it is read, updated and replaced.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "irsync.h"
#include "log.h"

/* A file that is not ours to read is not ours to overwrite either. */
static void
put_aside(const char *path)
{
	char *bad;

	if (asprintf(&bad, "%s.bad", path) == -1)
		return;
	log_warnx("%s: damaged; put aside as %s", path, bad);
	if (rename(path, bad) == -1)
		log_warn("%s", bad);
	free(bad);
}

void
memory_open(struct memory *m, const struct irsync_conf *c)
{
	if ((m->path = irsync_conf_laststate(c)) == NULL) {
		log_warn("%s", c->state);
		return;
	}
	m->writable = true;
	if (laststate_read(m->path, &m->last) == -1) {
		if (errno == EINVAL || errno == EFBIG)
			put_aside(m->path);
		else {
			log_warn("%s", m->path);
			m->writable = false;
		}
	}
	(void)strlcpy(m->last.host, c->host, sizeof(m->last.host));
}

/* Say once that it cannot be written. */
static void
memory_write(struct memory *m)
{
	if (!m->writable)
		return;
	if (laststate_write(m->path, &m->last) == -1) {
		log_warn("%s", m->path);
		m->writable = false;
	}
}

void
memory_begin(struct memory *m, const struct irsync_conf *c, time_t now)
{
	if (m->path == NULL)
		return;
	if (laststate_begin(&m->last, c->storage->name, now) == NULL) {
		log_warn("%s", m->path);
		m->writable = false;
	}
	memory_write(m);
}

void
memory_end(struct memory *m, const struct irsync_conf *c,
    const struct outcome *o)
{
	const struct laststate_storage *s;
	const struct snapshot *made = &o->run->snapshot;
	struct laststate_run run;
	char text[512], *p;

	if ((s = laststate_find(&m->last, c->storage->name)) == NULL ||
	    s->n == 0)
		return;
	run = s->runs[s->n - 1];
	run.ended = time(NULL);
	run.exit = o->status;
	memcpy(run.stamp, made->stamp, sizeof(run.stamp));
	run.entries = made->entries;
	run.size = o->run->counts.size;
	run.sent = o->run->counts.sent;
	run.bytes_new = made->bytes_new;
	run.msecs = (uint64_t)(o->seconds * 1000);
	if (made->stamp[0] != '\0')
		m->made++;
	else
		run.gone = o->gone;
	if (o->status != BS_OK && o->status != BS_VANISHED) {
		failure_text(text, sizeof(text), o->run, o->status);
		(void)strlcpy(run.error, text, sizeof(run.error));
		for (p = run.error; *p != '\0'; p++)
			if (*p < ' ' || *p > '~')
				*p = '?';
	}
	laststate_end(&m->last, c->storage->name, &run);
	memory_write(m);
}

void
memory_close(struct memory *m)
{
	laststate_free(&m->last);
	free(m->path);
	m->path = NULL;
}
