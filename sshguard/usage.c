/* usage.c: how much of the disk a tree takes.
 * It is asked while a client's rsync writes to the tree, so anything may be
 * renamed, replaced or gone at any time, and nothing is opened but by
 * descriptor, one folder after the other.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "usage.h"

#define BLOCK	512	/* st_blocks counts these, everywhere */

/* One look. */
struct look {
	struct usage	*u;
	const struct timespec *since;	/* or NULL */
	const char	*skip;
	unsigned	 major, minor;	/* of the file system */
};

static int
status_of(int dirfd, const char *name, struct statx *sx)
{
	return statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
	    STATX_BASIC_STATS | STATX_BTIME, sx);
}

static bool
is_before(const struct statx_timestamp *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec ||
	    (a->tv_sec == b->tv_sec && (long)a->tv_nsec < b->tv_nsec);
}

static void
count(const struct look *l, const struct statx *sx)
{
	uint64_t names = S_ISDIR(sx->stx_mode) || sx->stx_nlink == 0 ? 1 :
	    sx->stx_nlink;

	if (l->since != NULL && !S_ISDIR(sx->stx_mode) &&
	    (sx->stx_mask & STATX_BTIME) != 0 &&
	    is_before(&sx->stx_btime, l->since))
		return;
	l->u->bytes += sx->stx_blocks * BLOCK / names;
	l->u->millis += 1000 / names;
}

static DIR *
open_folder(int dirfd, const char *name)
{
	DIR *d;
	int fd;

	if ((fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC | O_NONBLOCK)) == -1)
		return NULL;
	if ((d = fdopendir(fd)) == NULL)
		close(fd);
	return d;
}

static void look_into(const struct look *, DIR *, unsigned);

static void
look_at(const struct look *l, int dirfd, const char *name, unsigned depth)
{
	struct statx sx;
	DIR *d;

	if (status_of(dirfd, name, &sx) == -1)
		return;
	count(l, &sx);
	if (!S_ISDIR(sx.stx_mode) || sx.stx_dev_major != l->major ||
	    sx.stx_dev_minor != l->minor)
		return;
	if (depth < USAGE_DEPTH && (d = open_folder(dirfd, name)) != NULL) {
		look_into(l, d, depth + 1);
		closedir(d);
	} else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		l->u->hidden = true;
}

static void
look_into(const struct look *l, DIR *d, unsigned depth)
{
	struct dirent *e;

	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    (depth == 0 && l->skip != NULL &&
		    strcmp(e->d_name, l->skip) == 0))
			continue;
		look_at(l, dirfd(d), e->d_name, depth);
	}
}

int
usage_add(int dirfd, const char *name, const char *skip,
    const struct timespec *since, struct usage *u)
{
	struct look l = { .u = u, .since = since, .skip = skip };
	struct statx sx;
	DIR *d;

	if (status_of(dirfd, name, &sx) == -1 ||
	    (d = open_folder(dirfd, name)) == NULL)
		return -1;
	l.major = sx.stx_dev_major;
	l.minor = sx.stx_dev_minor;
	count(&l, &sx);
	look_into(&l, d, 0);
	closedir(d);
	return 0;
}

static void
add_open_files(pid_t pid, struct usage *u)
{
	char path[40];
	struct dirent *e;
	struct stat st;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	if ((d = opendir(path)) == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode) && st.st_nlink == 0) {
			u->bytes += (uint64_t)st.st_blocks * BLOCK;
			u->millis += 1000;
		}
	closedir(d);
}

/* A process and those below it, a few levels deep: more rsync never has, and
 * its limit of processes is low. */
static void
add_processes(pid_t pid, struct usage *u, unsigned depth)
{
	char path[64], text[1024], *p = text, *end;
	long child;
	size_t n;
	FILE *f;

	add_open_files(pid, u);
	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)pid,
	    (long)pid);
	if (depth == 0 || (f = fopen(path, "re")) == NULL)
		return;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	while ((child = strtol(p, &end, 10)) > 1) {
		add_processes((pid_t)child, u, depth - 1);
		p = end;
	}
}

void
usage_add_unnamed(pid_t pid, struct usage *u)
{
	add_processes(pid, u, 16);
}

int
usage_note_parse(const char *text, struct usage_note *n)
{
	char stamp[STAMP_SIZE], end, more;
	time_t when;

	memset(n, 0, sizeof(*n));
	/* "-" is no stamp: there was no snapshot. */
	if (strspn(text, "-0123456789TZ usage\n") != strlen(text) ||
	    sscanf(text, "usage %18s %" SCNu64 " %" SCNu64 " %" SCNu64 "%c%c",
	    stamp, &n->trees, &n->bytes, &n->files, &end, &more) != 5 || end != '\n')
		return -1;
	if (strcmp(stamp, "-") == 0)
		return 0;
	if (stamp_parse(stamp, &when) == -1)
		return -1;
	(void)strlcpy(n->stamp, stamp, sizeof(n->stamp));
	return 0;
}

int
usage_note_load(int dirfd, struct usage_note *n)
{
	char *text;
	size_t len;
	int rc;

	if ((text = file_read_at(dirfd, USAGE_NOTE, 255, &len)) == NULL)
		return -1;
	rc = usage_note_parse(text, n);
	free(text);
	return rc;
}

int
usage_note_save(int dirfd, const struct usage_note *n)
{
	char text[128];
	int len;

	len = snprintf(text, sizeof(text), "usage %s %" PRIu64 " %" PRIu64
	    " %" PRIu64 "\n", n->stamp[0] != '\0' ? n->stamp : "-", n->trees,
	    n->bytes, n->files);
	/* A note that a crash ruins is no note, and all is counted again. */
	return file_replace_at(dirfd, USAGE_NOTE, text, (size_t)len, 0600,
	    false);
}
