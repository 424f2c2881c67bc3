/* store_sumfile.c: a file's content to its checksum: from memory while it is
 * there, or from the disk itself, past the page cache, to see what the disk
 * holds.  Holes are not read.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "store_sums.h"

#define BUF	(1024 * 1024)	/* bytes read at once from the disk */
#define NEAR	(128 * 1024)	/* and from memory: what a core's own cache
				 * holds */
#define ALIGN	4096		/* of buffers and offsets, for O_DIRECT */

static const uint8_t zeros[64 * 1024];

int
sum_reader_init(struct sum_reader *r)
{
	void *p = NULL;

	r->buf = NULL;
	if ((r->state = XXH3_createState()) == NULL ||
	    (errno = posix_memalign(&p, ALIGN, BUF)) != 0) {
		sum_reader_fini(r);
		errno = ENOMEM;
		return -1;
	}
	r->buf = p;
	return 0;
}

void
sum_reader_fini(struct sum_reader *r)
{
	if (r->state != NULL)
		(void)XXH3_freeState(r->state);
	free(r->buf);
	r->state = NULL;
	r->buf = NULL;
}

static void
add_zeros(struct sum_reader *r, uint64_t n)
{
	size_t now;

	for (; n > 0; n -= now) {
		now = n < sizeof(zeros) ? (size_t)n : sizeof(zeros);
		(void)XXH3_128bits_update(r->state, zeros, now);
	}
}

/* Read at an offset: what memory has, else from the disk within the limit. */
static ssize_t
read_part(struct sum_reader *r, int fd, off_t at)
{
	struct iovec iov = { r->buf, NEAR };
	ssize_t n;

	if (r->direct)
		return pread(fd, r->buf, BUF, at);
	n = preadv2(fd, &iov, 1, at, RWF_NOWAIT);
	if (n >= 0 || (errno != EAGAIN && errno != EOPNOTSUPP))
		return n;
	if (errno == EAGAIN) {
		if (r->cold >= r->cold_max) {
			errno = EAGAIN;
			return -1;
		}
		r->cold += NEAR;
	}
	return pread(fd, r->buf, NEAR, at);
}

/* Where data is next, from `at`; the size if there is none.  A file system
 * that does not know has data everywhere. */
static uint64_t
next_data(int fd, uint64_t at, uint64_t size)
{
	off_t to = lseek(fd, (off_t)at, SEEK_DATA);

	if (to == -1)
		return errno == ENXIO ? size : at;
	/* Reads from the disk begin at whole blocks. */
	to -= to % ALIGN;
	return (uint64_t)to < at ? at : (uint64_t)to;
}

static int
read_all(struct sum_reader *r, int fd, uint64_t size, bool holes)
{
	uint64_t at = 0, to;
	ssize_t n;

	while (at < size) {
		if (r->stop != NULL && r->stop() != 0) {
			errno = EINTR;
			return -1;
		}
		if (holes && (to = next_data(fd, at, size)) > at) {
			if (to > size)
				to = size;
			add_zeros(r, to - at);
			at = to;
			continue;
		}
		if ((n = read_part(r, fd, (off_t)at)) == -1) {
			if (errno == EINTR)
				continue;
			/* Not this file, or not at this offset. */
			if (errno != EINVAL || !r->direct ||
			    fcntl(fd, F_SETFL, O_NOATIME) == -1 ||
			    (n = pread(fd, r->buf, BUF, (off_t)at)) == -1)
				return -1;
		}
		if (n == 0 || (uint64_t)n > size - at) {
			errno = ESTALE;
			return -1;
		}
		(void)XXH3_128bits_update(r->state, r->buf, (size_t)n);
		at += (uint64_t)n;
	}
	return 0;
}

/* Open without a trace in its access time; past the page cache if asked for
 * and possible, else with what is cached dropped. */
static int
open_file(struct sum_reader *r, int dirfd, const char *name)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd;

	if (r->direct && (fd = openat(dirfd, name,
	    flags | O_NOATIME | O_DIRECT)) != -1)
		return fd;
	if ((fd = openat(dirfd, name, flags | O_NOATIME)) == -1)
		return -1;
	if (r->direct)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return fd;
}

int
sum_file(struct sum_reader *r, int dirfd, const char *name, uint64_t size,
    uint8_t hash[SUM_SIZE])
{
	struct stat st;
	int fd, rc = -1, saved;

	if ((fd = open_file(r, dirfd, name)) == -1)
		return -1;
	(void)XXH3_128bits_reset(r->state);
	if (fstat(fd, &st) == 0)
		rc = read_all(r, fd, size, (uint64_t)st.st_blocks * 512 < size);
	if (rc == 0)
		XXH128_canonicalFromHash((XXH128_canonical_t *)(void *)hash,
		    XXH3_128bits_digest(r->state));
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}
