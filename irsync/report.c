/* report.c: what came of a backup, told to a person, to syslog and as JSON.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <vis.h>

#include "exits.h"
#include "human.h"
#include "irsync.h"
#include "json.h"
#include "log.h"

const char *
status_text(int status)
{
	switch (status) {
	case BS_OK:
		return "complete";
	case BS_VANISHED:
		return "complete, though files vanished while they were read";
	case BS_PARTIAL:
		return "partial, some files or paths could not be read";
	case BS_UNREACHABLE:
		return "the server cannot be reached";
	case BS_NOSPACE:
		return "no space is left";
	case BS_IO:
		return "a disk failed";
	case BS_BUSY:
		return "another run is active";
	case BS_REFUSED:
		return "refused";
	case BS_CONFIG:
		return "the configuration is wrong";
	}
	return "failed";
}

int
status_worse(int a, int b)
{
	static const int order[] = { BS_OK, BS_VANISHED, BS_PARTIAL, BS_BUSY,
	    BS_UNREACHABLE, BS_FAIL, BS_REFUSED, BS_NOSPACE, BS_IO,
	    BS_CONFIG };
	size_t i, ia = 0, ib = 0;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (order[i] == a)
			ia = i;
		if (order[i] == b)
			ib = i;
	}
	return ia >= ib ? a : b;
}

static bool
made_snapshot(int status)
{
	return status == BS_OK || status == BS_VANISHED ||
	    status == BS_PARTIAL;
}

/* "…: snapshot STAMP, 12 files, 1 new, 2 changed, 3 deleted, …" */
static void
success_text(char *buf, size_t size, const struct outcome *o)
{
	const struct rsync_counts *c = &o->run->counts;
	const struct snapshot *s = &o->run->snapshot;
	char sent[HUMAN_SIZE], disk[HUMAN_SIZE + 16] = "", took[HUMAN_SIZE];
	char real[HUMAN_SIZE];

	human_size(sent, c->sent);
	human_duration(took, (uint64_t)o->seconds);
	if (s->stamp[0] != '\0') {
		human_size(real, s->bytes_new);
		snprintf(disk, sizeof(disk), ", %s on disk", real);
	}
	snprintf(buf, size, "%s%s %s: %llu files, %llu new, %llu changed, "
	    "%llu deleted, %s sent%s, %s", o->dry_run ? "dry run" :
	    s->stamp[0] != '\0' ? "snapshot " : "pushed", s->stamp,
	    status_text(o->status), (unsigned long long)c->files,
	    (unsigned long long)c->new, (unsigned long long)c->changed,
	    (unsigned long long)c->deleted, sent, disk, took);
}

void
failure_text(char *buf, size_t size, const struct run *r, int status)
{
	const char *why = r->why;

	if (why[0] == '\0')
		why = rsync_code_text(r->code);
	snprintf(buf, size, "%s%s%s", status_text(status),
	    why != NULL ? ": " : "", why != NULL ? why : "");
}

void
report_failure(const struct irsync *ir, const struct run *r, int status)
{
	char text[512];

	if (signal_caught() != 0)
		return;
	failure_text(text, sizeof(text), r, status);
	log_warnx("%s: %s", ir->conf.storage->label, text);
}

static void
print_json(const struct irsync_conf *c, const struct outcome *o,
    const char *text)
{
	const struct rsync_counts *n = &o->run->counts;
	const struct snapshot *s = &o->run->snapshot;
	bool made = s->stamp[0] != '\0';
	json_t *j;

	j = json_pack("{s:s, s:o, s:b, s:i, s:b, s:o, s:I, s:I, s:I, s:I, "
	    "s:I, s:I, s:I, s:I, s:o, s:o, s:f, s:i, s:o}",
	    "host", c->host, "storage", json_text(c->storage->text),
	    "ok", made_snapshot(o->status), "exit", o->status,
	    "dry_run", o->dry_run,
	    "snapshot", made ? json_string(s->stamp) : json_null(),
	    "entries", (json_int_t)n->entries, "files", (json_int_t)n->files,
	    "new", (json_int_t)n->new, "changed", (json_int_t)n->changed,
	    "deleted", (json_int_t)n->deleted, "size", (json_int_t)n->size,
	    "sent", (json_int_t)n->sent, "received", (json_int_t)n->received,
	    "bytes_new", made ? json_integer((json_int_t)s->bytes_new) :
	    json_null(),
	    "status", made ? json_string(snapshot_status_name(s->status)) :
	    json_null(),
	    "seconds", o->seconds, "attempts", (int)o->attempts,
	    "error", made_snapshot(o->status) ? json_null() :
	    json_string_nocheck(text));
	if (json_print(stdout, j, JSON_COMPACT | JSON_REAL_PRECISION(6)) == -1)
		log_warn("cannot write the JSON");
}

void
report_backup(const struct irsync_conf *c, const struct outcome *o, bool json)
{
	char text[1024], safe[4 * sizeof(text) + 1];
	bool ok = made_snapshot(o->status);

	if (ok)
		success_text(text, sizeof(text), o);
	else
		failure_text(text, sizeof(text), o->run, o->status);
	/* The reason may be a line of the server's. */
	strvis(safe, text, VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
	if (json)
		print_json(c, o, safe);
	else if (ok)
		printf("%s to %s: %s\n", c->host, c->storage->label, safe);
	if (!ok)
		log_warnx("%s to %s: %s", c->host, c->storage->label, safe);
	if (o->dry_run)
		return;
	openlog("irsync", LOG_PID, LOG_DAEMON);
	syslog(o->status == BS_OK || o->status == BS_VANISHED ? LOG_INFO :
	    LOG_ERR, "%s to %s: %s", c->host, c->storage->label, safe);
	closelog();
}
