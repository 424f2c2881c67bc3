/* census.c: one look at an old tree, before it becomes a snapshot: how many
 * names and bytes, what it shares with the snapshots before it, whether all of
 * it is on one file system, and whether overlayfs could take it for a lower
 * layer.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "migrate.h"
#include "store_internal.h"
#include "store_visit.h"

struct taking {
	struct census	*c;
	struct snapshot	*s;
};

/* Note where it is.  -1 with errno as it was. */
static int
place(struct visit *v, const char *name)
{
	struct taking *t = v->arg;
	size_t size = sizeof(t->c->where);
	int saved = errno;

	if (visit_path(v, t->c->where, size) == -1)
		strlcpy(t->c->where, "...", size);
	if (name[0] != '\0' && t->c->where[0] != '\0')
		strlcat(t->c->where, "/", size);
	strlcat(t->c->where, name, size);
	errno = saved;
	return -1;
}

static void
add_sum(struct census *c, const char *where, const char *name, uint64_t ino)
{
	uint64_t h = XXH64(where, strlen(where), ino);

	/* In any order. */
	c->sum += XXH64(name, strlen(name), h);
}

static int
look_for_overlay(struct taking *t, int dirfd, const char *name,
    const struct stat *st)
{
	int found;

	if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0))
		t->s->overlay_xattrs = true;
	if (!S_ISREG(st->st_mode) || t->s->overlay_xattrs)
		return 0;
	if ((found = overlay_file_find(dirfd, name, false)) == -1)
		return errno == EACCES || errno == ENOTSUP ? 0 : -1;
	t->s->overlay_xattrs |= found != 0;
	return 0;
}

static int
count(struct taking *t, const struct stat *st, bool is_dir)
{
	uint64_t blocks = (uint64_t)st->st_blocks * 512;
	int is_new = 1;

	t->s->entries++;
	if (st->st_uid != t->c->uid)
		t->c->foreign++;
	if (is_dir) {
		t->s->bytes_new += blocks;
		return 0;
	}
	if (S_ISREG(st->st_mode))
		t->s->bytes += (uint64_t)st->st_size;
	else if (!S_ISLNK(st->st_mode))
		t->c->specials++;
	/* Once for all of its names. */
	if ((is_new = numset_add(t->c->seen, st->st_ino)) == -1)
		return -1;
	if (is_new) {
		t->s->moved++;
		t->s->bytes_new += blocks;
	} else
		t->s->linked++;
	return 0;
}

/* Look at an entry and sum it up: a file by its number, which stays when it is
 * moved, a folder by its name alone.  0, or -1 with errno. */
static int
look_at(struct visit *v, int dirfd, const struct dirent_at *e, bool is_folder,
    struct stat *st)
{
	struct taking *t = v->arg;
	char where[1024];

	if (fstatat(dirfd, e->name, st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (st->st_dev != t->c->dev) {
		errno = EXDEV;
		return -1;
	}
	if (visit_path(v, where, sizeof(where)) == -1)
		where[0] = '\0';
	add_sum(t->c, where, e->name, is_folder ? 0 : st->st_ino);
	return 0;
}

static int
census_file(struct visit *v, int dirfd, const struct dirent_at *e)
{
	struct taking *t = v->arg;
	struct stat st;

	if (look_at(v, dirfd, e, false, &st) == -1 ||
	    count(t, &st, false) == -1 ||
	    look_for_overlay(t, dirfd, e->name, &st) == -1)
		return place(v, e->name);
	return 0;
}

static int
census_below(struct visit *v, int dirfd, const struct dirent_at *e)
{
	struct taking *t = v->arg;
	struct stat st;

	if (look_at(v, dirfd, e, true, &st) == -1 || count(t, &st, true) == -1)
		return place(v, e->name);
	return 0;
}

static int
census_dir(struct visit *v, int fd)
{
	struct taking *t = v->arg;
	int found;

	if (t->s->overlay_xattrs)
		return 0;
	if ((found = overlay_xattrs_find(fd, false)) == -1)
		return errno == ENOTSUP ? 0 : place(v, "");
	t->s->overlay_xattrs |= found != 0;
	return 0;
}

int
census_take(struct census *c, int fd, struct snapshot *s)
{
	struct taking t = { c, s };
	struct visit v = { .file = census_file, .below = census_below,
	    .dir = census_dir, .arg = &t, .committed = true };

	c->sum = 0;
	c->where[0] = '\0';
	return visit_run(&v, fd);
}
