/* from_tmbackup.c: the trees of rsync-time-backup: a folder for each date, a
 * link `latest`, the file backup.marker, and while a backup is made, or after
 * one was cut off, the file backup.inprogress.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "migrate.h"

#define MARKER		"backup.marker"
#define IN_PROGRESS	"backup.inprogress"

static bool
is_there(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool
is_known(const char *name)
{
	return strcmp(name, "latest") == 0 || strcmp(name, MARKER) == 0 ||
	    strcmp(name, IN_PROGRESS) == 0 ||
	    strncmp(name, LEDGER, strlen(LEDGER) - 1) == 0;
}

/* The newest date, which is unfinished if there is backup.inprogress. */
static const char *
unfinished(int dirfd, const struct strv *names)
{
	const char *newest = NULL;
	size_t i;
	time_t t;

	for (i = 0; i < names->n; i++)
		if (date_parse(names->v[i], '-', &t) == 0)
			newest = names->v[i];
	return is_there(dirfd, IN_PROGRESS) ? newest : NULL;
}

void
find_tmbackup(struct find *f, int dirfd, char **args)
{
	const char *half;
	struct strv names;
	struct stat st;
	size_t i;
	time_t t;

	if (!store_host_valid(args[0]))
		errx(BS_USAGE, "%s: no name that a client can have", args[0]);
	if (!is_there(dirfd, MARKER))
		find_refused(f, "%s: not there: is this the destination of "
		    "rsync-time-backup?", MARKER);
	names_in(dirfd, f->m.dir, &names);
	half = unfinished(dirfd, &names);
	for (i = 0; i < names.n; i++) {
		if (is_known(names.v[i]))
			continue;
		if (date_parse(names.v[i], '-', &t) == -1)
			find_left(f, "%s: not a date such as "
			    "2026-11-22-040201", names.v[i]);
		else if (fstatat(dirfd, names.v[i], &st,
		    AT_SYMLINK_NOFOLLOW) == -1 || !S_ISDIR(st.st_mode))
			find_left(f, "%s: not a folder", names.v[i]);
		else if (half != NULL && strcmp(half, names.v[i]) == 0 &&
		    !strv_has(&f->o->partial, half) &&
		    !strv_has(&f->o->complete, half))
			find_left(f, "%s: half made, as " IN_PROGRESS " says; "
			    "to have it all the same, say --partial", half);
		else
			find_add(f, names.v[i], args[0], t);
	}
	strv_free(&names);
}
