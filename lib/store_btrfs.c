/* store_btrfs.c: the btrfs way: a snapshot is a subvolume.
 *
 * rsync writes into .push/upper, a writable snapshot of the newest subvolume,
 * which the kernel makes in a moment; it becomes the new one by a rename, and
 * read-only.  Where the base is a plain folder, from a time of another way,
 * upper is filled with copies that share its blocks (reflinks), once.
 *
 * Making one and making it read-only needs no root, if it is ours.  Deleting
 * one at once does, unless the file system is mounted with
 * user_subvol_rm_allowed; lib/sweep_subvol.c knows the slow way.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/btrfs.h>
#include <linux/magic.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_dir.h"
#include "store_internal.h"
#include "store_tree.h"
#include "sweep.h"

#define UPPER_PART	"upper.part"	/* being filled */

/* Make a subvolume in a folder: of an open one, or an empty one (from: -1). */
static int
subvol_make(int dirfd, const char *name, int from)
{
	struct btrfs_ioctl_vol_args_v2 args = { .fd = from };

	if (strlcpy(args.name, name, sizeof(args.name)) >=
	    sizeof(args.name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return ioctl(dirfd, from == -1 ? BTRFS_IOC_SUBVOL_CREATE_V2 :
	    BTRFS_IOC_SNAP_CREATE_V2, &args);
}

/* Can subvolumes be made here, and snapshots of them? */
bool
btrfs_works(int pushfd)
{
	struct statfs fs;
	bool works = false;
	int fd = -1;

	if (fstatfs(pushfd, &fs) == -1 ||
	    (unsigned long)fs.f_type != BTRFS_SUPER_MAGIC ||
	    tree_remove(pushfd, "probe") == -1 ||
	    tree_remove(pushfd, "probe2") == -1)
		return false;
	if (subvol_make(pushfd, "probe", -1) == 0 &&
	    (fd = dir_open_at(pushfd, "probe")) != -1)
		works = subvol_make(pushfd, "probe2", fd) == 0;
	if (fd != -1)
		close(fd);
	(void)tree_remove(pushfd, "probe");
	(void)tree_remove(pushfd, "probe2");
	return works;
}

/* Copy all of base into an empty subvolume.  Copies of files with several
 * names are linked from a folder in the subvolume itself, as links cannot
 * lead out of it; its name is this push's own. */
static int
copies_fill(const struct push *p, int base, int part)
{
	struct merge m = {
		.kind = MERGE_LINK, .lower = base, .upper = -1, .out = part,
		.subdir = "", .base_clean = true, .base_known = true
	};
	struct merge_stats st;
	char own[STAMP_SIZE + 16], where[PATH_MAX];
	int rc;

	snprintf(own, sizeof(own), ".~backshelf-%s~", p->c.stamp);
	if (mkdirat(part, own, 0700) == -1 ||
	    (m.push = dir_open_at(part, own)) == -1)
		return -1;
	rc = merge_run(&m, &st, where, sizeof(where));
	close(m.push);
	if (rc == -1 || tree_remove(part, own) == -1)
		return -1;
	return attrs_copy_dir(base, part, false);
}

/* Make .push/upper out of a base that is a plain folder, or of none. */
static int
upper_fill(const struct push *p, int base)
{
	int part, rc;

	if (tree_remove(p->fd, UPPER_PART) == -1 ||
	    subvol_make(p->fd, UPPER_PART, -1) == -1 ||
	    (part = dir_open_at(p->fd, UPPER_PART)) == -1)
		return -1;
	rc = base == -1 ? fchmod(part, 0755) : copies_fill(p, base, part);
	close(part);
	return rc == -1 ? -1 :
	    renameat(p->fd, UPPER_PART, p->fd, PUSH_UPPER);
}

int
btrfs_prepare(struct push *p)
{
	int base = -1, rc, saved;

	free(p->target);
	if (asprintf(&p->target, "%s/%s/%s", p->store->snaps, STORE_PUSH,
	    PUSH_UPPER) == -1) {
		p->target = NULL;
		return -1;
	}
	if (faccessat(p->fd, PUSH_UPPER, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (p->c.base[0] != '\0' &&
	    (base = dir_open_at(p->store->fd, p->c.base)) == -1)
		return -1;
	rc = base != -1 && subvol_is(base) ?
	    subvol_make(p->fd, PUSH_UPPER, base) : upper_fill(p, base);
	saved = errno;
	if (base != -1)
		close(base);
	errno = saved;
	return rc;
}

/* Set whether a subvolume can be written to.  0, also if there is none of that
 * name or it is no subvolume; or -1 with errno. */
int
btrfs_seal(int dirfd, const char *name, bool readonly)
{
	uint64_t flags, want;
	int fd, rc = 0, saved;

	if ((fd = dir_open_at(dirfd, name)) == -1)
		return errno == ENOENT ? 0 : -1;
	if (subvol_is(fd) &&
	    (rc = ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &flags)) == 0) {
		want = readonly ? flags | BTRFS_SUBVOL_RDONLY :
		    flags & ~(uint64_t)BTRFS_SUBVOL_RDONLY;
		if (want != flags)
			rc = ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &want);
	}
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}
