/* from_irsync.c: the trees of R-fx Networks' irsync 1.1, HOST.full and
 * HOST.snaps/2010-05-04.052908.
 *
 * It ran rsync into HOST.full, then cp -al of that into HOST.snaps.  So
 * HOST.full is the newest snapshot over again, or a push that was cut off; or
 * the snapshot is a cp that was cut off.  plan.c compares them.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "migrate.h"
#include "store_dir.h"

/* "apollo.full" with tail ".full" to "apollo"; or NULL. */
static char *
host_of(const char *name, const char *tail)
{
	size_t n = strlen(name), t = strlen(tail);

	if (n <= t || strcmp(name + n - t, tail) != 0)
		return NULL;
	return strndup(name, n - t);
}

static void
take_snapshot(struct find *f, const char *snaps, const char *host,
    const char *name, time_t *newest)
{
	char *from;
	time_t t;

	/* Names of ours, and of an account's own making. */
	if (name[0] == '.' || stamp_parse(name, &t) == 0)
		return;
	if (asprintf(&from, "%s/%s", snaps, name) == -1)
		err(BS_FAIL, NULL);
	if (date_parse(name, '.', &t) == -1)
		find_left(f, "%s: not a date such as 2010-05-04.052908", from);
	else {
		find_add(f, from, host, t);
		if (t > *newest)
			*newest = t;
	}
	free(from);
}

static void
take_snaps(struct find *f, int dirfd, const char *host, time_t *newest)
{
	struct strv names;
	char *snaps;
	size_t i;
	int fd;

	if (asprintf(&snaps, "%s.snaps", host) == -1)
		err(BS_FAIL, NULL);
	if ((fd = dir_open_at(dirfd, snaps)) == -1) {
		if (errno != ENOENT)
			find_refused(f, "%s: %s", snaps, strerror(errno));
	} else {
		names_in(fd, snaps, &names);
		for (i = 0; i < names.n; i++)
			take_snapshot(f, snaps, host, names.v[i], newest);
		strv_free(&names);
		close(fd);
	}
	free(snaps);
}

/* When HOST.full was written: irsync touched it when rsync had ended. */
static void
take_full(struct find *f, int dirfd, const char *host, time_t newest)
{
	struct stat st;
	char *full;

	if (asprintf(&full, "%s.full", host) == -1)
		err(BS_FAIL, NULL);
	if (fstatat(dirfd, full, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode))
		find_add(f, full, host, st.st_mtime > newest &&
		    st.st_mtime <= time(NULL) ? st.st_mtime :
		    newest > 0 ? newest + 1 : time(NULL));
	free(full);
}

static bool
is_asked(char **args, const char *host)
{
	if (*args == NULL)
		return true;
	for (; *args != NULL; args++)
		if (strcmp(*args, host) == 0)
			return true;
	return false;
}

static void
take_host(struct find *f, int dirfd, const char *host)
{
	time_t newest = 0;

	if (!store_host_valid(host)) {
		find_refused(f, "%s: no name that a client can have; rename "
		    "its .full and .snaps", host);
		return;
	}
	take_snaps(f, dirfd, host, &newest);
	take_full(f, dirfd, host, newest);
}

void
find_irsync(struct find *f, int dirfd, char **args)
{
	struct strv names, hosts = { 0 };
	char *host;
	size_t i;

	names_in(dirfd, f->m.dir, &names);
	for (i = 0; i < names.n; i++) {
		if ((host = host_of(names.v[i], ".full")) == NULL)
			host = host_of(names.v[i], ".snaps");
		if (host != NULL && names.v[i][0] != '.' &&
		    is_asked(args, host) && !strv_has(&hosts, host) &&
		    strv_add(&hosts, host) == -1)
			err(BS_FAIL, NULL);
		free(host);
	}
	for (i = 0; i < hosts.n; i++)
		take_host(f, dirfd, hosts.v[i]);
	for (; *args != NULL; args++)
		if (!strv_has(&hosts, *args))
			find_refused(f, "%s: neither %s.full nor %s.snaps is "
			    "there", *args, *args, *args);
	strv_free(&hosts);
	strv_free(&names);
}
