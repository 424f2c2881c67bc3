/* image.c: opening and measuring what a row names.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <unistd.h>

#include "image.h"
#include "table.h"

/* O_NONBLOCK while opening, so that a FIFO in the image's place does not hang
 * us; not later, because io_uring would then give up instead of waiting. */
static int
open_flagged(const struct row *r, int flags)
{
	int fd;

	fd = open(r->file, (r->ro ? O_RDONLY : O_RDWR) | O_CLOEXEC |
	    O_NONBLOCK | O_NOCTTY | flags);
	if (fd != -1 && fcntl(fd, F_SETFL, flags) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A read that the page cache can answer must not wait, but to note when it was
 * would be a write, and on ext4 wait for a disk that hangs, RWF_NOWAIT or not.
 * Only of a file that is ours may this be left out. */
static int
file_open(const struct row *r, int flags)
{
	int fd;

	fd = open_flagged(r, flags | O_NOATIME);
	if (fd == -1 && errno == EPERM)
		fd = open_flagged(r, flags);
	return fd;
}

int
image_measure(struct image *img)
{
	struct stat st;

	if (fstat(img->fd, &st) == -1)
		return -1;
	img->regular = S_ISREG(st.st_mode);
	if (img->regular) {
		img->bytes = (uint64_t)st.st_size;
		img->dev = st.st_dev;
		img->ino = st.st_ino;
		return 0;
	}
	if (S_ISBLK(st.st_mode)) {
		img->dev = st.st_rdev;
		img->ino = 0;
		return ioctl(img->fd, BLKGETSIZE64, &img->bytes);
	}
	errno = S_ISDIR(st.st_mode) ? EISDIR : ENOTBLK;
	return -1;
}

/* Who cannot be asked is treated like one that hangs. */
static bool
on_fuse(int fd)
{
	struct statfs sf;

	return fstatfs(fd, &sf) == -1 || sf.f_type == FUSE_SUPER_MAGIC;
}

int
image_open(const struct row *r, struct image *img)
{
	int saved;

	*img = IMAGE_NONE;
	if ((img->fd = file_open(r, r->direct ? O_DIRECT : 0)) != -1 &&
	    (!r->direct || (img->fd_plain = file_open(r, 0)) != -1) &&
	    image_measure(img) == 0) {
		img->fuse = img->regular && on_fuse(img->fd);
		return 0;
	}
	saved = errno;
	image_close(img);
	errno = saved;
	return -1;
}

void
image_close(struct image *img)
{
	if (img->fd != -1)
		close(img->fd);
	if (img->fd_plain != -1)
		close(img->fd_plain);
	img->fd = img->fd_plain = -1;
}
