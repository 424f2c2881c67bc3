/* cmd_list.c: irsync list: the snapshots, or the versions of some files.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exits.h"
#include "human.h"
#include "json.h"
#include "log.h"
#include "look.h"
#include "term.h"

/* The columns of the table: on a terminal too narrow for all, those that tell
 * least are left out. */
enum {
	STAMP, DATE, AGE, ENTRIES, CHANGED, GONE, SIZE, ON_DISK, STATUS, COLUMNS
};

static const struct column {
	const char	*head;
	int		 width;		/* negative: flush left */
	bool		 spare;
} columns[COLUMNS] = {
	[STAMP]   = { "SNAPSHOT", -18, false },
	[DATE]    = { "DATE", -16, true },
	[AGE]     = { "AGE", 11, false },
	[ENTRIES] = { "ENTRIES", 8, true },
	[CHANGED] = { "CHANGED", 8, false },
	[GONE]    = { "GONE", 8, true },
	[SIZE]    = { "SIZE", 8, false },
	[ON_DISK] = { "ON DISK", 8, false },
	[STATUS]  = { "STATUS", 0, false },
};

#define WIDTH	117		/* of all, with "complete, latest" */

#define FILE_ROW "%-18s  %-18s  %5s  %-10s  %-11s  %8s  %s\n"

static const char *
age(char buf[HUMAN_SIZE], time_t then, time_t now)
{
	/* Stamps only rise: two in one second put the second one ahead. */
	if (then > now + 60)
		return "future";
	human_duration(buf, then > now ? 0 : (uint64_t)(now - then));
	return buf;
}

static const char *
number(char buf[HUMAN_SIZE], uint64_t n)
{
	snprintf(buf, HUMAN_SIZE, "%llu", (unsigned long long)n);
	return buf;
}

static const char *
bytes(char buf[HUMAN_SIZE], uint64_t n)
{
	human_size(buf, n);
	return buf;
}

/* Local time, to the second; cut after DATE_LEN, to the minute. */
#define DATE_LEN	16

static const char *
date(char buf[HUMAN_SIZE], time_t t)
{
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(buf, HUMAN_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		(void)strlcpy(buf, "?", HUMAN_SIZE);
	return buf;
}

static void
print_cells(const char *const cells[COLUMNS], bool narrow)
{
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		if (!narrow || !columns[i].spare)
			printf("%*s%s", columns[i].width, cells[i],
			    i + 1 < COLUMNS ? "  " : "\n");
}

static void
print_head(bool narrow)
{
	const char *cells[COLUMNS];
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		cells[i] = columns[i].head;
	print_cells(cells, narrow);
}

static void
print_row(const struct snapshot *s, bool latest, time_t now, bool narrow)
{
	char b[COLUMNS][HUMAN_SIZE], status[32];
	const char *cells[COLUMNS];
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		cells[i] = "-";
	snprintf(status, sizeof(status), "%s%s",
	    s->recorded ? snapshot_status_name(s->status) : "no record",
	    latest ? ", latest" : "");
	(void)date(b[DATE], s->time);
	b[DATE][DATE_LEN] = '\0';
	cells[STAMP] = s->stamp;
	cells[DATE] = b[DATE];
	cells[AGE] = age(b[AGE], s->time, now);
	cells[STATUS] = status;
	if (s->recorded) {
		cells[ENTRIES] = number(b[ENTRIES], s->entries);
		cells[CHANGED] = number(b[CHANGED], s->moved);
		cells[GONE] = number(b[GONE], s->dropped);
		cells[SIZE] = bytes(b[SIZE], s->bytes);
		cells[ON_DISK] = bytes(b[ON_DISK], s->bytes_new);
	}
	print_cells(cells, narrow);
}

/* Is standard output a terminal with fewer columns than the table has? */
static bool
terminal_is_narrow(void)
{
	unsigned room = term_columns(stdout);

	return room > 0 && room < WIDTH;
}

static void
list_print(const struct snapshot *v, size_t n, time_t now)
{
	const struct snapshot *latest = snapshot_newest(v, n, INT64_MAX);
	char buf[HUMAN_SIZE];
	bool narrow = terminal_is_narrow();
	uint64_t total = 0;
	size_t i;

	if (n > 0)
		print_head(narrow);
	for (i = 0; i < n; i++) {
		print_row(&v[i], &v[i] == latest, now, narrow);
		if (__builtin_add_overflow(total, v[i].bytes_new, &total))
			total = UINT64_MAX;
	}
	human_size(buf, total);
	printf("%zu snapshot%s, %s on disk\n", n, n == 1 ? "" : "s", buf);
}

/* Write a whole answer; takes it. */
static int
put_json(json_t *j)
{
	if (json_print(stdout, j, JSON_INDENT(2)) == 0)
		return BS_OK;
	log_warn("cannot write the JSON");
	return BS_FAIL;
}

/* Each snapshot as the store's record has it, and whether it is the latest. */
static int
print_json(const struct irsync_conf *c, const struct snapshot *v, size_t n)
{
	const struct snapshot *latest = snapshot_newest(v, n, INT64_MAX);
	json_t *all = json_array(), *one;
	char *text;
	size_t i;

	for (i = 0; i < n; i++) {
		if ((text = store_record_format(&v[i])) == NULL)
			break;
		one = json_loads(text, 0, NULL);
		free(text);
		if (json_object_set_new(one, "recorded",
		    json_boolean(v[i].recorded)) == -1 ||
		    json_object_set_new(one, "latest",
		    json_boolean(&v[i] == latest)) == -1 ||
		    json_array_append_new(all, one) == -1)
			break;
	}
	if (i < n) {
		json_decref(all);
		return put_json(NULL);
	}
	return put_json(json_pack("{s:s, s:o, s:o}", "host", c->host,
	    "storage", json_text(c->storage->text), "snapshots", all));
}

static int
list_snapshots(struct irsync *ir)
{
	struct snapshot *v = NULL;
	size_t n;
	int status;

	if ((status = look_snapshots(ir, &v, &n)) == BS_OK) {
		if (ir->json)
			status = print_json(&ir->conf, v, n);
		else
			list_print(v, n, time(NULL));
	}
	free(v);
	return status;
}

static void
print_version(const struct snapshot *v, const struct version *r)
{
	char mode[11], owner[24], b[3][HUMAN_SIZE];

	number(b[0], r->last - r->first + 1);
	if (r->e == NULL) {
		printf(FILE_ROW, v[r->first].stamp, v[r->last].stamp, b[0],
		    "-", "-", "-", "not there");
		return;
	}
	look_mode(mode, r->e);
	snprintf(owner, sizeof(owner), "%u:%u", r->e->uid, r->e->gid);
	printf("%-18s  %-18s  %5s  %-10s  %-11s  %8s  %s",
	    v[r->first].stamp, v[r->last].stamp, b[0], mode, owner,
	    r->e->type == 'f' ? bytes(b[1], r->e->size) : "-",
	    date(b[2], r->e->mtime));
	if (r->e->type == 'L' && r->e->target != NULL) {
		fputs(" -> ", stdout);
		look_print(r->e->target);
	}
	putchar('\n');
}

static void
print_versions(const struct snapshot *v, const struct version *r, size_t n,
    const char *path)
{
	size_t i, real = 0;

	for (i = 0; i < n; i++)
		real += r[i].e != NULL;
	look_print(path);
	printf(": %zu version%s\n", real, real == 1 ? "" : "s");
	if (n > 0)
		printf(FILE_ROW, "FROM", "TO", "SNAPS", "MODE", "OWNER",
		    "SIZE", "MODIFIED");
	for (i = 0; i < n; i++)
		print_version(v, &r[i]);
}

static json_t *
version_json(const struct snapshot *v, const struct version *r)
{
	char mode[11];

	if (r->e == NULL)
		return json_pack("{s:s, s:s, s:i, s:b}", "from",
		    v[r->first].stamp, "to", v[r->last].stamp, "snapshots",
		    (int)(r->last - r->first + 1), "there", 0);
	look_mode(mode, r->e);
	return json_pack("{s:s, s:s, s:i, s:b, s:s, s:I, s:I, s:I, s:I, s:o*}",
	    "from", v[r->first].stamp, "to", v[r->last].stamp, "snapshots",
	    (int)(r->last - r->first + 1), "there", 1, "mode", mode,
	    "uid", (json_int_t)r->e->uid, "gid", (json_int_t)r->e->gid,
	    "size", (json_int_t)r->e->size, "mtime", (json_int_t)r->e->mtime,
	    "target", r->e->target != NULL ? json_text(r->e->target) : NULL);
}

static json_t *
versions_json(const struct snapshot *v, const struct version *r, size_t n,
    const char *path)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		if (json_array_append_new(all, version_json(v, &r[i])) == -1) {
			json_decref(all);
			return NULL;
		}
	return json_pack("{s:o, s:o}", "path", json_text(path), "versions",
	    all);
}

/* Show what was found about each file; a file that no snapshot has is a
 * failure. */
static int
show_files(struct irsync *ir, const struct strv *paths,
    const struct snapshot *v, size_t nsnaps, const struct listing *l)
{
	json_t *all = ir->json ? json_array() : NULL;
	struct version *r;
	size_t i, n;
	int status = BS_OK;

	for (i = 0; i < paths->n; i++) {
		if ((r = versions_make(v, nsnaps, l, paths->v[i],
		    &n)) == NULL) {
			log_warn("%s", paths->v[i]);
			json_decref(all);
			return BS_FAIL;
		}
		if (n == 0) {
			log_warnx("%s: in no snapshot", paths->v[i]);
			status = BS_FAIL;
		}
		if (ir->json)
			(void)json_array_append_new(all,
			    versions_json(v, r, n, paths->v[i]));
		else if (n > 0)
			print_versions(v, r, n, paths->v[i]);
		free(r);
	}
	if (ir->json && put_json(json_pack("{s:s, s:o, s:o}", "host",
	    ir->conf.host, "storage", json_text(ir->conf.storage->text),
	    "files", all)) != BS_OK)
		status = BS_FAIL;
	return status;
}

/* The arguments without slashes that do not matter. */
static int
clean_paths(const struct strv *args, struct strv *paths)
{
	char *p, *to;
	const char *s;
	size_t i;
	int rc;

	for (i = 0; i < args->n; i++) {
		if (!path_is_plain(args->v[i]) ||
		    strspn(args->v[i], "/") == strlen(args->v[i])) {
			log_warnx("%s: not an absolute path of a file, "
			    "without '.' and '..'", args->v[i]);
			return -1;
		}
		if ((p = to = strdup(args->v[i])) == NULL)
			return -1;
		for (s = args->v[i]; *s != '\0'; s++)
			if (*s != '/' || (s[1] != '/' && s[1] != '\0'))
				*to++ = *s;
		*to = '\0';
		rc = strv_add(paths, p);
		free(p);
		if (rc == -1)
			return -1;
	}
	return 0;
}

/* Every file in every snapshot, in one transfer. */
static int
list_files(struct irsync *ir, const struct strv *args)
{
	struct strv paths = { 0 }, names = { 0 };
	struct snapshot *v = NULL;
	struct listing l = { 0 };
	size_t n, i, j;
	int status, rc = 0;

	if (clean_paths(args, &paths) == -1) {
		strv_free(&paths);
		return BS_USAGE;
	}
	if ((status = look_snapshots(ir, &v, &n)) != BS_OK)
		goto out;
	for (i = 0; i < n; i++)
		for (j = 0; j < paths.n; j++)
			rc |= strv_addf(&names, "%s%s", v[i].stamp,
			    paths.v[j]);
	if (rc != 0) {
		log_warn("list");
		status = BS_FAIL;
	} else if (n == 0 ||
	    (status = look_listing(ir, &names, false, &l)) == BS_OK)
		status = show_files(ir, &paths, v, n, &l);
out:
	listing_free(&l);
	strv_free(&names);
	strv_free(&paths);
	free(v);
	return status;
}

int
cmd_list(struct irsync *ir, const struct strv *args)
{
	return args->n == 0 ? list_snapshots(ir) : list_files(ir, args);
}
