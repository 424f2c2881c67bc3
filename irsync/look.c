/* look.c: asking the storage what it holds, the same way for a server and for a
 * directory: by rsync.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vis.h>

#include "exits.h"
#include "json.h"
#include "log.h"
#include "look.h"

#define ENTRIES_MAX	20000000	/* a server cannot make us take more */

bool
path_is_plain(const char *p)
{
	size_t n;

	if (*p != '/')
		return false;
	while (*p != '\0') {
		p += strspn(p, "/");
		n = strcspn(p, "/");
		if ((n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += n;
	}
	return true;
}

void
look_print(const char *text)
{
	char *safe;

	if (stravis(&safe, text, VIS_OCTAL | VIS_TAB | VIS_NL |
	    VIS_NOSLASH) == -1)
		return;
	fputs(safe, stdout);
	free(safe);
}

void
look_mode(char buf[11], const struct entry *e)
{
	static const char letters[] = "rwxrwxrwx";
	int i;

	buf[0] = e->type == 'f' ? '-' : e->type == 'L' ? 'l' :
	    e->type == 'D' ? 'c' : e->type == 'S' ? 's' : 'd';
	for (i = 0; i < 9; i++)
		buf[1 + i] = e->mode & ((mode_t)0400 >> i) ? letters[i] : '-';
	if (e->mode & S_ISUID)
		buf[3] = e->mode & S_IXUSR ? 's' : 'S';
	if (e->mode & S_ISGID)
		buf[6] = e->mode & S_IXGRP ? 's' : 'S';
	if (e->mode & S_ISVTX)
		buf[9] = e->mode & S_IXOTH ? 't' : 'T';
	buf[10] = '\0';
}

void
look_json_error(const struct irsync *ir, int status, const char *why)
{
	const struct storage *s = ir->conf.storage;
	json_t *j = json_pack("{s:o*, s:o*, s:o*, s:o, s:i}",
	    "host", ir->conf.host != NULL ? json_text(ir->conf.host) : NULL,
	    "storage", s != NULL && s->text != NULL ? json_text(s->text) : NULL,
	    "store", ir->store != NULL ? json_text(ir->store) : NULL,
	    "error", json_text(why), "exit", status);

	(void)json_print(stdout, j, JSON_COMPACT);
}

/* What failed, in both languages. */
static void
say_failure(struct irsync *ir, const struct run *r, int status)
{
	char text[512];

	report_failure(ir, r, status);
	if (!ir->json || signal_caught() != 0)
		return;
	failure_text(text, sizeof(text), r, status);
	look_json_error(ir, status, text);
}

int
look_snapshots(struct irsync *ir, struct snapshot **v, size_t *n)
{
	struct run r = { .path = ir->conf.rsync, .in = -1,
	    .quiet = !ir->verbose };
	int status;

	if ((status = storage_list(ir, &r, v, n)) != BS_OK)
		say_failure(ir, &r, status);
	return status;
}

int
look_choose(struct irsync *ir, const char *spec, struct snapshot *chosen)
{
	const struct snapshot *s;
	struct snapshot *v = NULL;
	const char *why = NULL;
	size_t n;
	int status;

	if ((status = look_snapshots(ir, &v, &n)) != BS_OK)
		return status;
	if ((s = snapshot_choose(v, n, spec, time(NULL), &why)) != NULL)
		*chosen = *s;
	else {
		log_warnx("%s: %s", spec, why);
		if (ir->json)
			look_json_error(ir, BS_FAIL, why);
		status = BS_FAIL;
	}
	free(v);
	return status;
}

int
look_names(const struct strv *names, int below)
{
	size_t i, len;
	int fd;

	if ((fd = memfd_create("names", MFD_CLOEXEC)) == -1)
		return -1;
	for (i = 0; i < names->n; i++) {
		if (below != -1 && path_leads_out(below, names->v[i]))
			continue;
		len = strlen(names->v[i]) + 1;
		if (write(fd, names->v[i], len) != (ssize_t)len)
			goto fail;
	}
	if (lseek(fd, 0, SEEK_SET) == 0)
		return fd;
fail:
	close(fd);
	return -1;
}

/* A local store: is it kept by an ordinary user?  Its descriptor is for
 * looking at names before rsync does; NULL for a server. */
static int
local_store(struct irsync *ir, struct store **st, bool *fake_super)
{
	struct stat sb;

	*st = NULL;
	*fake_super = false;
	if (ir->conf.storage->remote)
		return 0;
	if ((*st = store_open(ir->conf.storage->root, ir->conf.host, 0)) ==
	    NULL || fstat(store_fd(*st), &sb) == -1)
		return -1;
	*fake_super = sb.st_uid != 0;
	return 0;
}

int
look_each(struct irsync *ir, const struct strv *names, bool deep,
    line_fn *each, void *arg)
{
	static const struct strv none = { NULL, 0 };
	struct run r = { .path = ir->conf.rsync, .in = -1,
	    .each = each, .each_arg = arg };
	struct strv argv = { 0 };
	struct store *st = NULL;
	bool fake_super;
	int code, status = BS_FAIL;

	if (local_store(ir, &st, &fake_super) == -1 ||
	    argv_listing(&argv, &ir->conf, deep ? names : &none,
	    LISTING_FORMAT, fake_super) == -1 || (!deep && (r.in =
	    look_names(names, st != NULL ? store_fd(st) : -1)) == -1)) {
		snprintf(r.why, sizeof(r.why), "%s", strerror(errno));
		goto out;
	}
	r.argv = &argv;
	code = run_rsync(&r);
	r.argv = NULL;
	status = code == -1 ? BS_FAIL : exit_status(code, r.hint);
out:
	if (status != BS_OK)
		say_failure(ir, &r, status);
	if (r.in != -1)
		close(r.in);
	strv_free(&argv);
	store_close(st);
	return status;
}

static void
take_line(void *arg, const char *line)
{
	struct listing *l = arg;

	if (l->n < ENTRIES_MAX)
		listing_line(l, line);
	else
		l->failed = true;
}

int
look_listing(struct irsync *ir, const struct strv *names, bool deep,
    struct listing *l)
{
	int status;

	if ((status = look_each(ir, names, deep, take_line, l)) != BS_OK)
		return status;
	if (listing_end(l) == -1) {
		log_warn("listing");
		if (ir->json)
			look_json_error(ir, BS_FAIL, strerror(ENOMEM));
		return BS_FAIL;
	}
	if (l->skipped > 0)
		log_warnx("%zu entries have names that are too long to be "
		    "shown", l->skipped);
	return BS_OK;
}
