/* sweep_dir.c: the system calls of a sweep on one folder: opening it without
 * following anything, getting its entries, and getting rights on it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/syscall.h>

#include <linux/openat2.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweep_int.h"

/* Of a folder that is larger than a batch, each batch touches most blocks of
 * the inode table once: the larger the batches, the better.  For all threads
 * together: */
#define BATCH_MEMORY	(32 * 1024 * 1024)	/* bytes; half as much again is
						 * used by qsort(3) */
#define BATCH_MIN	(3 * 1024 * 1024)	/* bytes, of one thread: the
						 * SHARE_MAXth part holds what
						 * one getdents64(2) brings */
#define SHARE_MAX	128	/* so that it always has room for some */
#define BATCH_BUF	(256 * 1024)		/* bytes */
/* Of several folders, each is gone through in one go for so many inodes: few
 * enough that their part of the inode table, 8 MiB on ext4, goes to the journal
 * once, many enough that each folder is turned to seldom. */
#define STRETCH		15			/* bits */

int
dir_open(int dirfd, const char *name)
{
	/* RESOLVE_NO_XDEV also stops at a bind mount of the same file system,
	 * which st_dev would not show. */
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS |
		    RESOLVE_BENEATH
	};
	int fd;

	fd = (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
	if (fd == -1 && errno == ELOOP)
		errno = ENOTDIR;
	return fd;
}

int
dir_unlock(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	return fchmod(fd, (st.st_mode & 07777) | S_IRWXU);
}

int
dir_unlock_at(int dirfd, const char *name)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS |
		    RESOLVE_BENEATH
	};
	struct stat st;
	char self[64];
	int fd, rc = -1, saved;

	fd = (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
	if (fd == -1)
		return -1;
	/* fchmod(2) refuses a descriptor that is only a path; the magic link
	 * leads to the very same folder, whatever its name is by now. */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) == 0)
		rc = chmod(self, (st.st_mode & 07777) | S_IRWXU);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

int
dir_remove_name(int dirfd, const char *name, int flags, bool ours)
{
	if (unlinkat(dirfd, name, flags) == 0 || errno == ENOENT)
		return 0;
	if (errno != EACCES || !ours || dir_unlock(dirfd) == -1)
		return -1;
	return unlinkat(dirfd, name, flags);
}

int
batch_init(struct batch *b, unsigned jobs)
{
	size_t room = BATCH_MEMORY / jobs;

	/* What is not used is never touched, so it takes no memory. */
	if (room < BATCH_MIN)
		room = BATCH_MIN;
	memset(b, 0, sizeof(*b));
	b->n_max = room / 3 / sizeof(*b->v);
	b->len_max = room / 3 * 2;
	b->v = reallocarray(NULL, b->n_max, sizeof(*b->v));
	b->names = malloc(b->len_max);
	b->buf = malloc(BATCH_BUF);
	if (b->v != NULL && b->names != NULL && b->buf != NULL)
		return 0;
	batch_free(b);
	errno = ENOMEM;
	return -1;
}

void
batch_free(struct batch *b)
{
	free(b->v);
	free(b->names);
	free(b->buf);
	memset(b, 0, sizeof(*b));
}

static void
batch_add(struct batch *b, const struct dirent64 *d, uint16_t node,
    uint8_t member)
{
	struct entry *e = &b->v[b->n];
	size_t size = strlen(d->d_name) + 1;

	if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
		return;
	e->ino = d->d_ino;
	e->name = (uint32_t)b->len;
	e->node = node;
	e->member = member;
	e->type = d->d_type;
	memcpy(b->names + b->len, d->d_name, size);
	b->len += size;
	b->n++;
}

int
batch_read(struct batch *b, int fd, uint16_t node, uint8_t member,
    size_t share)
{
	size_t most = share < SHARE_MAX ? share : SHARE_MAX;
	size_t n_end = b->n + b->n_max / most;
	size_t len_end = b->len + b->len_max / most;
	const struct dirent64 *d;
	size_t room;
	ssize_t got, off;

	/* What getdents64(2) has given cannot be given back, so it is asked
	 * for no more than fits: an entry takes at least 24 bytes of its
	 * buffer, and more than its name does of ours. */
	for (;;) {
		room = (n_end - b->n) * 24;
		if (room > len_end - b->len)
			room = len_end - b->len;
		if (room > BATCH_BUF)
			room = BATCH_BUF;
		if (room < 4096)
			return 1;
		if ((got = getdents64(fd, b->buf, room)) <= 0)
			return (int)got;
		for (off = 0; off < got; off += d->d_reclen) {
			d = (const void *)(b->buf + off);
			batch_add(b, d, node, member);
		}
	}
}

bool
batch_has_room(const struct batch *b)
{
	return b->n <= b->n_max / 2 && b->len <= b->len_max / 2;
}

static int
by_stretch(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	uint64_t xs = x->ino >> STRETCH, ys = y->ino >> STRETCH;

	if (xs != ys)
		return xs < ys ? -1 : 1;
	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static int
by_name(const void *a, const void *b, void *names)
{
	const struct entry *x = a, *y = b;
	const char *base = names;

	return strcmp(base + x->name, base + y->name);
}

size_t
batch_split(struct batch *b, size_t from)
{
	size_t i, first = b->n;
	struct entry e;

	for (i = b->n; i-- > from;) {
		if (b->v[i].type != DT_DIR)
			continue;
		e = b->v[i];
		b->v[i] = b->v[--first];
		b->v[first] = e;
	}
	if (b->n - first > 1)
		qsort_r(b->v + first, b->n - first, sizeof(*b->v), by_name,
		    b->names);
	return first;
}

void
batch_sort(struct batch *b)
{
	qsort(b->v, b->n, sizeof(*b->v), by_stretch);
}
