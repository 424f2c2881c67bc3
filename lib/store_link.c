/* store_link.c: the files of a snapshot's tree: shared with the base by a hard
 * link, copied where the file system allows no more links, or pushed.
 *
 * A copy is made once for each inode, in .push/copies, under the inode number
 * of the original; every name of the original is then linked to it, so that
 * what was one file with several names stays one.  The folder outlives a crash,
 * so that a run that takes over uses the same copies.  So does what overlayfs
 * tore apart: see file_torn.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_merge.h"

#define INO_NAME	24	/* room for 'u' and an inode's number */
#define COPY_TMP	"copy.tmp"

/* A whiteout, as overlayfs makes them, or a client's device that looks so. */
static int
is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static int
xattrs_look(struct merger *g, int dirfd, const char *name, bool strip)
{
	int found;

	if ((found = overlay_file_find(dirfd, name, strip)) == -1)
		return -1;
	if (found & OVERLAY_ANY)
		g->st.overlay_xattrs = true;
	if ((found & OVERLAY_ESCAPED) && g->m->overlay)
		g->st.escaped = true;
	return 0;
}

int
file_pushed(struct merger *g, int dirfd, const char *name, unsigned char type)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (is_whiteout(&st))
		g->st.overlay_xattrs = true;
	g->st.entries++;
	g->st.moved++;
	/* All names of a file that was pushed are in the push. */
	g->st.bytes_new += (uint64_t)st.st_blocks * 512 / st.st_nlink;
	if (type != DT_REG)
		return 0;
	g->st.bytes += st.st_size;
	g->st.holes |= (uint64_t)st.st_blocks * 512 < (uint64_t)st.st_size;
	return xattrs_look(g, dirfd, name, g->m->overlay);
}

/* A file that has base's content: count its size if base's sum is not known,
 * and look at its attributes if base's are not. */
static int
base_file_look(struct merger *g, int dirfd, const char *name,
    unsigned char type)
{
	struct stat st;

	if (g->m->base_known && g->m->base_clean)
		return 0;
	if (type != DT_REG && type != DT_CHR)
		return 0;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (is_whiteout(&st))
		g->st.overlay_xattrs = true;
	if (type != DT_REG)
		return 0;
	if (!g->m->base_known)
		g->st.bytes += st.st_size;
	return g->m->base_clean ? 0 : xattrs_look(g, dirfd, name, false);
}

int
file_linked(struct merger *g, int dirfd, const char *name, unsigned char type)
{
	g->st.entries++;
	g->st.linked++;
	return base_file_look(g, dirfd, name, type);
}

int
file_copied(struct merger *g, int dirfd, const char *name, unsigned char type)
{
	g->st.entries++;
	g->st.copied++;
	return base_file_look(g, dirfd, name, type);
}

int
file_hidden(struct merger *g, int lower, const char *name, unsigned char type)
{
	struct stat st;

	if (!g->m->base_known || type != DT_REG)
		return 0;
	if (fstatat(lower, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	g->st.bytes -= st.st_size;
	return 0;
}

/* overlayfs has a file with several names as one of base copied up under the
 * name that was used, and leaves the others with the old file.  rsync only
 * added a name then (link(2)), and knows nothing of it.  Where nothing else has
 * become of the copy, base's file takes its place, under every name. */
int
file_torn(struct merger *g, int lower, int out, const char *name)
{
	struct copies *c = g->copies;
	struct stat st;
	char num[INO_NAME];
	int rc;

	if (!g->m->overlay ||
	    fstatat(out, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return g->m->overlay ? -1 : 0;
	if (st.st_nlink < 2 || (rc = file_same(lower, name, out, name)) == 0)
		return 0;
	if (rc == -1)
		return -1;
	snprintf(num, sizeof(num), "u%ju", (uintmax_t)st.st_ino);
	pthread_mutex_lock(&c->lock);
	if (c->fd == -1)
		c->fd = dir_make_at(c->push, PUSH_COPIES, 0700);
	rc = c->fd == -1 ? -1 : linkat(lower, name, c->fd, num, 0);
	pthread_mutex_unlock(&c->lock);
	return rc == -1 && errno != EEXIST && errno != EMLINK &&
	    errno != EXDEV ? -1 : 0;
}

int
copies_open(struct copies *c, int push, int lower, int out)
{
	struct stat a, b;

	c->apart = lower != -1 && fstat(lower, &a) == 0 &&
	    fstat(out, &b) == 0 && a.st_dev != b.st_dev;
	pthread_mutex_init(&c->lock, NULL);
	c->push = push;
	/* There only if an earlier run needed it. */
	if ((c->fd = dir_open_at(push, PUSH_COPIES)) == -1 && errno != ENOENT)
		return -1;
	c->had = c->fd != -1;
	return 0;
}

void
copies_close(struct copies *c)
{
	if (c->fd != -1)
		close(c->fd);
	pthread_mutex_destroy(&c->lock);
}

/* See to it that a copy of inode `num` is there.  Under the lock. */
static int
copy_make(struct copies *c, int lower, const char *name, const char *num,
    uint64_t *bytes)
{
	struct stat st;

	if (c->fd == -1 &&
	    (c->fd = dir_make_at(c->push, PUSH_COPIES, 0700)) == -1)
		return -1;
	if (faccessat(c->fd, num, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (unlinkat(c->fd, COPY_TMP, 0) == -1 && errno != ENOENT)
		return -1;
	if (copy_entry(lower, name, c->fd, COPY_TMP) == -1 ||
	    fstatat(c->fd, COPY_TMP, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    renameat(c->fd, COPY_TMP, c->fd, num) == -1)
		return -1;
	*bytes += (uint64_t)st.st_blocks * 512;
	return 0;
}

int
copies_link(struct copies *c, int lower, int out, const struct dirent_at *e,
    uint64_t *bytes)
{
	char num[INO_NAME];
	int rc, tries;

	snprintf(num, sizeof(num), "%ju", (uintmax_t)e->ino);
	pthread_mutex_lock(&c->lock);
	for (rc = -1, tries = 0; rc == -1 && tries < 2; tries++) {
		if (copy_make(c, lower, e->name, num, bytes) == -1)
			break;
		rc = linkat(c->fd, num, out, e->name, 0);
		/* The copy is full as well: the next one. */
		if (rc == -1 && (errno != EMLINK ||
		    unlinkat(c->fd, num, 0) == -1))
			break;
	}
	pthread_mutex_unlock(&c->lock);
	return rc;
}

bool
file_is_copy(struct merger *g, ino_t ino, ino_t original)
{
	char num[INO_NAME];
	struct stat st;

	snprintf(num, sizeof(num), "%ju", (uintmax_t)original);
	return g->copies->had &&
	    fstatat(g->copies->fd, num, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == ino;
}

int
file_uncount(struct merger *g, int lower, const char *name)
{
	char num[INO_NAME];
	struct stat st;

	g->st.entries--;
	if (g->copies->had) {
		if (fstatat(lower, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			return -1;
		snprintf(num, sizeof(num), "%ju", (uintmax_t)st.st_ino);
		if (faccessat(g->copies->fd, num, F_OK,
		    AT_SYMLINK_NOFOLLOW) == 0) {
			g->st.copied--;
			return 0;
		}
	}
	g->st.linked--;
	return 0;
}

/* The name is in out already: an earlier run put it there, from lower or from
 * what was pushed. */
static int
link_found(struct merger *g, int lower, int out, const struct dirent_at *e)
{
	struct stat st;

	if (!g->m->rerun ||
	    fstatat(out, e->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (st.st_ino == e->ino && !g->copies->apart)
		return file_linked(g, out, e->name, e->type);
	if (file_is_copy(g, st.st_ino, e->ino))
		return file_copied(g, out, e->name, e->type);
	if (file_hidden(g, lower, e->name, e->type) == -1 ||
	    file_pushed(g, out, e->name, IFTODT(st.st_mode)) == -1)
		return -1;
	return file_torn(g, lower, out, e->name);
}

int
link_lower(struct merger *g, int lower, int out, const struct dirent_at *e)
{
	if (linkat(lower, e->name, out, e->name, 0) == 0)
		return file_linked(g, out, e->name, e->type);
	if (errno == EMLINK || errno == EXDEV)
		return copies_link(g->copies, lower, out, e,
		    &g->st.bytes_new) == -1 ? -1 :
		    file_copied(g, out, e->name, e->type);
	if (errno == EEXIST)
		return link_found(g, lower, out, e);
	return -1;
}
