/* sweep_subvol.c: trees that are subvolumes of a btrfs, which the file system
 * deletes whole, in a moment.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include <linux/btrfs.h>
#include <linux/magic.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sweep_int.h"

#define SUBVOL_INO	256	/* of the top folder of each */

bool
subvol_is(int fd)
{
	struct statfs fs;
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_ino == SUBVOL_INO &&
	    S_ISDIR(st.st_mode) && fstatfs(fd, &fs) == 0 &&
	    (unsigned long)fs.f_type == BTRFS_SUPER_MAGIC;
}

/* One that is read-only could not be swept either. */
static void
make_writable(int fd)
{
	uint64_t flags;

	if (ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &flags) == -1 ||
	    (flags & BTRFS_SUBVOL_RDONLY) == 0)
		return;
	flags &= ~(uint64_t)BTRFS_SUBVOL_RDONLY;
	(void)ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &flags);
}

int
subvol_remove(int dirfd, const char *name)
{
	struct btrfs_ioctl_vol_args args = { 0 };
	int fd, rc = -1, saved = ENOTTY;

	if (strlcpy(args.name, name, sizeof(args.name)) >=
	    sizeof(args.name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = dir_open(dirfd, name)) == -1)
		return -1;
	if (subvol_is(fd)) {
		rc = ioctl(dirfd, BTRFS_IOC_SNAP_DESTROY, &args);
		saved = errno;
		if (rc == -1)
			make_writable(fd);
	}
	close(fd);
	errno = saved;
	return rc;
}

bool
subvol_same_disk(int a, int b)
{
	struct btrfs_ioctl_fs_info_args x = { 0 }, y = { 0 };

	return ioctl(a, BTRFS_IOC_FS_INFO, &x) == 0 &&
	    ioctl(b, BTRFS_IOC_FS_INFO, &y) == 0 &&
	    memcmp(x.fsid, y.fsid, sizeof(x.fsid)) == 0;
}

uint64_t
subvol_id(int fd)
{
	struct btrfs_ioctl_get_subvol_info_args info;

	return subvol_is(fd) &&
	    ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) == 0 ?
	    info.treeid : 0;
}

int
subvol_remove_id(int fd, uint64_t id)
{
	struct btrfs_ioctl_vol_args_v2 args = { 0 };

	args.flags = BTRFS_SUBVOL_SPEC_BY_ID;
	args.subvolid = id;
	return ioctl(fd, BTRFS_IOC_SNAP_DESTROY_V2, &args);
}
