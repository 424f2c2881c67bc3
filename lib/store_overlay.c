/* store_overlay.c: the overlay way's mount, and asking the kernel about it.
 *
 * The mount lives in a mount namespace of its own and ends with the last
 * process in it.  Nothing here needs root: overlayfs mounts in a user namespace
 * with `userxattr` since Linux 5.11.  Paths in the mount options are relative
 * to HOST.snaps, so that no byte of the root's name can be taken for syntax.
 *
 * A first push has no snapshot below it that would have to be kept from it: it
 * is shown its own folder, without layers, which is a fifth less work.
 *
 * `volatile` is never used: it gives up the fsync that rsync or the commit may
 * count on.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sandbox.h"
#include "store_dir.h"
#include "store_internal.h"
#include "store_tree.h"

#define OPTIONS	"userxattr,index=off"

int
push_unshare(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWNS | (uid != 0 ? CLONE_NEWUSER : 0)) == -1 ||
	    (uid != 0 && sandbox_map_user(uid, gid) == -1))
		return -1;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* Open a folder again by its path: the kernel layers only mounts of the
 * namespace we are in, and a descriptor from before unshare(2) is of another
 * one.  It must be the same folder. */
static int
open_here(const char *path, int was)
{
	struct stat here, there;
	int fd;

	if ((fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1)
		return -1;
	if (fstat(fd, &here) == 0 && fstat(was, &there) == 0) {
		if (here.st_dev == there.st_dev && here.st_ino == there.st_ino)
			return fd;
		errno = ESTALE;
	}
	close(fd);
	return -1;
}

/* Mount with paths relative to a folder, and come back to where we were. */
static int
mount_in(const char *path, int was, const char *where, const char *options)
{
	struct mount_attr at = {
	    .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
	int cwd = -1, fd, rc = -1, saved;

	if ((fd = open_here(path, was)) == -1 ||
	    (cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    fchdir(fd) == -1)
		goto out;
	if (options != NULL)
		rc = mount("overlay", where, "overlay",
		    MS_NOSUID | MS_NODEV, options);
	else if ((rc = mount(STORE_PUSH "/" PUSH_UPPER, where, NULL, MS_BIND,
	    NULL)) == 0)
		rc = mount_setattr(AT_FDCWD, where, 0, &at, sizeof(at));
	saved = errno;
	if (fchdir(cwd) == -1)
		rc = -1;
	else
		errno = saved;
out:
	saved = errno;
	if (cwd != -1)
		close(cwd);
	if (fd != -1)
		close(fd);
	errno = saved;
	return rc;
}

bool
push_is_layered(const struct push_commit *c)
{
	return c->way == STORE_WAY_OVERLAY && c->base[0] != '\0';
}

int
push_mount(const struct push *p, const char *where)
{
	char options[256];
	int fd, saved;

	if (p->c.way != STORE_WAY_OVERLAY || where[0] != '/') {
		errno = EINVAL;
		return -1;
	}
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,"
	    "workdir=%s," OPTIONS,
	    p->c.base, STORE_PUSH "/" PUSH_UPPER, STORE_PUSH "/" PUSH_WORK);
	if (mount_in(p->store->snaps, p->store->fd, where,
	    push_is_layered(&p->c) ? options : NULL) == 0)
		return 0;
	saved = errno;
	if ((fd = openat(p->store->fd, STORE_NOVERLAY, O_WRONLY | O_CREAT |
	    O_NOFOLLOW | O_CLOEXEC, 0600)) != -1)
		close(fd);
	errno = saved;
	return -1;
}

/* Run a function in a child that has namespaces of its own and stands in a
 * folder.  0; or -1 with errno as the child had it. */
static int
run_apart(int (*fn)(void), int dirfd)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == -1)
		return -1;
	if (pid == 0) {
		errno = 0;
		/* The folder we stand in comes along into the namespace. */
		if (fchdir(dirfd) == 0 && push_unshare() == 0 && fn() == 0)
			_exit(0);
		_exit(errno > 0 && errno < 256 ? errno : EIO);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	return -1;
}

/* All that a push needs: a mount, an entry made, one removed. */
static int
probe_mount(void)
{
	if (mount("overlay", "mount", "overlay", MS_NOSUID | MS_NODEV,
	    "lowerdir=lower,upperdir=upper,workdir=work," OPTIONS) == -1 ||
	    unlink("mount/gone") == -1)
		return -1;
	return mkdir("mount/made", 0700);
}

/* Can overlayfs be mounted over this file system, by us, here? */
bool
overlay_works(int pushfd)
{
	static const char *const dirs[] = { "lower", "upper", "work", "mount" };
	bool works = false;
	int fd, lower = -1;
	size_t i;

	if (tree_remove(pushfd, "probe") == -1 ||
	    (fd = dir_make_at(pushfd, "probe", 0700)) == -1)
		return false;
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdirat(fd, dirs[i], 0700) == -1)
			goto out;
	if ((lower = dir_open_at(fd, "lower")) == -1 ||
	    mknodat(lower, "gone", S_IFREG | 0600, 0) == -1)
		goto out;
	works = run_apart(probe_mount, fd) == 0;
out:
	if (lower != -1)
		close(lower);
	close(fd);
	(void)tree_remove(pushfd, "probe");
	return works;
}

/* A mount that cannot succeed: upper and work folder are the same.  But the
 * kernel looks first whether another mount writes to that upper folder, and
 * with index=on it says EBUSY then; EINVAL only if it is free. */
static int
probe_use(void)
{
	return mount("overlay", ".", "overlay", MS_NOSUID | MS_NODEV,
	    "lowerdir=" PUSH_EMPTY ",upperdir=" PUSH_UPPER ",workdir="
	    PUSH_UPPER ",userxattr,index=on");
}

static void
pause_ms(unsigned ms)
{
	struct timespec ts = { .tv_nsec = (long)ms * 1000000 };

	(void)nanosleep(&ts, NULL);
}

/* Is the upper layer still mounted anywhere, by whatever process in whatever
 * namespace, or held by a descriptor?  The end of a namespace takes the kernel
 * a moment: waits up to wait_ms for it.  1, 0; or -1 with errno if the kernel
 * does not say. */
int
overlay_in_use(int pushfd, unsigned wait_ms)
{
	unsigned waited = 0, step = 2;

	for (;;) {
		if (run_apart(probe_use, pushfd) == 0) {
			errno = ENOTRECOVERABLE;	/* cannot be */
			return -1;
		}
		if (errno == EINVAL)
			return 0;
		if (errno != EBUSY)
			return -1;
		if (waited >= wait_ms)
			return 1;
		pause_ms(step);
		waited += step;
		step = step < 100 ? step * 2 : step;
	}
}

/* Does the mount refuse what a client may have: as root, devices 0:0; before
 * Linux 6.7, attributes named user.overlay.*? */
bool
overlay_may_refuse(void)
{
	struct utsname u;
	unsigned major, minor;

	if (geteuid() == 0 || uname(&u) == -1 ||
	    sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return true;
	return major < 6 || (major == 6 && minor < 7);
}
