/* from_rsnapshot.c: rsnapshot's trees, hourly.0/HOST … monthly.11/HOST.
 *
 * A level's folder has the time at which rsnapshot was through with it; it
 * keeps it when it is renamed to the next number.  Moving a host out of it
 * changes that time, which is why the whole plan is written down first.
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

/* The client that a folder of a level is, by the operands "HOST" and
 * "HOST=FOLDER"; without operands, by its own name.  NULL: none. */
static char *
host_of(char **args, const char *folder)
{
	const char *eq;

	if (*args == NULL)
		return strdup(folder);
	for (; *args != NULL; args++) {
		eq = strchr(*args, '=');
		if (strcmp(eq != NULL ? eq + 1 : *args, folder) == 0)
			return eq == NULL ? strdup(folder) :
			    strndup(*args, (size_t)(eq - *args));
	}
	return NULL;
}

static void
take_folder(struct find *f, int fd, const char *level, const char *folder,
    time_t t, char **args)
{
	struct stat st;
	char *host, *from;

	if (asprintf(&from, "%s/%s", level, folder) == -1)
		err(BS_FAIL, NULL);
	host = host_of(args, folder);
	if (fstatat(fd, folder, &st, AT_SYMLINK_NOFOLLOW) == -1)
		find_refused(f, "%s: %s", from, strerror(errno));
	else if (host == NULL)
		find_left(f, "%s: not asked for", from);
	else if (!S_ISDIR(st.st_mode))
		find_left(f, "%s: not a folder", from);
	else if (!store_host_valid(host))
		find_refused(f, "%s: no name that a client can have; say "
		    "NAME='%s'", from, folder);
	else
		find_add(f, from, host, t);
	free(host);
	free(from);
}

static void
take_level(struct find *f, int dirfd, const char *level, char **args)
{
	struct strv names;
	struct stat st;
	size_t i;
	int fd;

	if ((fd = dir_open_at(dirfd, level)) == -1 || fstat(fd, &st) == -1) {
		find_refused(f, "%s: %s", level, strerror(errno));
		if (fd != -1)
			close(fd);
		return;
	}
	names_in(fd, level, &names);
	for (i = 0; i < names.n; i++)
		take_folder(f, fd, level, names.v[i], st.st_mtime, args);
	strv_free(&names);
	close(fd);
}

/* Within a level, a higher number is older. */
static void
check_order(struct find *f, int dirfd, const struct strv *levels)
{
	const char *a, *b;
	struct stat sa, sb;
	unsigned na, nb;
	size_t i, j, la, lb;

	for (i = 0; i < levels->n; i++)
		for (j = 0; j < levels->n; j++) {
			a = levels->v[i];
			b = levels->v[j];
			if (level_parse(a, &la, &na) == -1 ||
			    level_parse(b, &lb, &nb) == -1 || la != lb ||
			    memcmp(a, b, la) != 0 || na + 1 != nb ||
			    fstatat(dirfd, a, &sa, 0) == -1 ||
			    fstatat(dirfd, b, &sb, 0) == -1 ||
			    sa.st_mtime >= sb.st_mtime)
				continue;
			find_refused(f, "%s: its time of modification is "
			    "before that of %s, which should be older; set it "
			    "by touch -d", a, b);
		}
}

void
find_rsnapshot(struct find *f, int dirfd, char **args)
{
	struct strv names, levels = { 0 };
	unsigned number;
	size_t i, len;

	names_in(dirfd, f->m.dir, &names);
	for (i = 0; i < names.n; i++) {
		if (strncmp(names.v[i], LEDGER, strlen(LEDGER) - 1) == 0)
			continue;
		if (level_parse(names.v[i], &len, &number) == -1)
			find_left(f, "%s: not a level of rsnapshot",
			    names.v[i]);
		else if (strv_add(&levels, names.v[i]) == -1)
			err(BS_FAIL, NULL);
	}
	check_order(f, dirfd, &levels);
	for (i = 0; i < levels.n; i++)
		take_level(f, dirfd, levels.v[i], args);
	strv_free(&levels);
	strv_free(&names);
}
