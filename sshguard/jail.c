/* jail.c: a root folder of its own for a confined rsync.
 * In: what it may see.  Out: a process that sees nothing else.
 *
 * It is called in a child that began in new user, mount, pid and ipc
 * namespaces.  The new root is a tmpfs; what is shown in it are bind mounts.  A
 * descriptor of the old mount namespace is of no use for them, so each folder
 * is looked up again and compared with the one that the parent has locked.  A
 * mount must hang somewhere before pivot_root(2) takes it: it hangs on /sys, of
 * which nothing is needed here.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"
#include "store.h"
#include "jail.h"

#define HANGER	"/sys"

/* What a program needs to start: folders that hold libraries, or the symbolic
 * links that stand for them on merged-/usr systems. */
static const char *const libraries[] = {
	"usr/lib", "usr/lib64", "usr/lib32", "lib", "lib64", "lib32",
};

static int
add(struct jail *jl, const char *name, int fd, const char *path,
    bool writable, time_t t)
{
	struct jail_entry *v;

	if ((v = reallocarray(jl->v, jl->n + 1, sizeof(*v))) == NULL)
		goto fail;
	jl->v = v;
	v += jl->n;
	v->fd = fd;
	v->writable = writable;
	v->time = t;
	v->path = NULL;
	if ((v->name = strdup(name)) == NULL ||
	    (path != NULL && (v->path = strdup(path)) == NULL)) {
		free(v->name);
		goto fail;
	}
	jl->n++;
	return 0;
fail:
	if (fd != -1)
		close(fd);
	errno = ENOMEM;
	return -1;
}

int
jail_add(struct jail *jl, const char *name, int fd, const char *path,
    bool writable)
{
	return add(jl, name, fd, path, writable, 0);
}

int
jail_add_empty(struct jail *jl, const char *name, time_t t)
{
	return add(jl, name, -1, NULL, false, t);
}

void
jail_free(struct jail *jl)
{
	size_t i;

	for (i = 0; i < jl->n; i++) {
		free(jl->v[i].name);
		free(jl->v[i].path);
		if (jl->v[i].fd != -1)
			close(jl->v[i].fd);
	}
	free(jl->v);
	jl->v = NULL;
	jl->n = 0;
}

int
jail_namespaces(void)
{
	return CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC;
}

/* mkdir -p for what is below the descriptor. */
static int
make_dirs(int root, const char *path)
{
	char buf[256];
	size_t i;

	if (strlcpy(buf, path, sizeof(buf)) >= sizeof(buf)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (i = 1;; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		buf[i] = '\0';
		if (mkdirat(root, buf, 0755) == -1 && errno != EEXIST)
			return -1;
		if (path[i] == '\0')
			return 0;
		buf[i] = '/';
	}
}

/* Set further flags of a mount. */
static int
tighten(int fd, uint64_t flags, bool all)
{
	struct mount_attr at = { .attr_set = flags };

	return mount_setattr(fd, "", AT_EMPTY_PATH |
	    (all ? AT_RECURSIVE : 0), &at, sizeof(at));
}

/* Is it the same folder? */
static bool
same_folder(int fd, int known)
{
	struct stat a, b;

	if (fstat(fd, &a) == -1 || fstat(known, &b) == -1)
		return false;
	errno = ESTALE;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Show what path is at root/name, which is there.  With `known` it must be
 * that folder, else -1. */
static int
bind_to(const char *path, int known, int root, const char *name,
    uint64_t flags, bool all)
{
	int fd, saved, rc = -1;

	if ((fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE |
	    OPEN_TREE_CLOEXEC | (all ? AT_RECURSIVE : 0) |
	    (known != -1 ? AT_SYMLINK_NOFOLLOW : 0))) == -1)
		return -1;
	if ((known == -1 || same_folder(fd, known)) &&
	    tighten(fd, flags | MOUNT_ATTR_NOSUID, all) == 0)
		rc = move_mount(fd, "", root, name, MOVE_MOUNT_F_EMPTY_PATH);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

/* Show a folder of the machine, or copy the link that it is.  What is not
 * there is passed over. */
static int
show_library(int root, const char *name)
{
	char path[64], target[256];
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "/%s", name);
	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : -1;
	if (S_ISLNK(st.st_mode)) {
		if ((n = readlink(path, target, sizeof(target) - 1)) == -1)
			return -1;
		target[n] = '\0';
		return symlinkat(target, root, name);
	}
	if (make_dirs(root, name) == -1)
		return -1;
	return bind_to(path, -1, root, name,
	    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, true);
}

/* Show one file of the machine under its own path. */
static int
show_file(int root, const char *path, uint64_t flags)
{
	char dir[256], *slash;
	int fd;

	if (strlcpy(dir, path + 1, sizeof(dir)) >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((slash = strrchr(dir, '/')) != NULL) {
		*slash = '\0';
		if (make_dirs(root, dir) == -1)
			return -1;
	}
	/* It may be there already, below a library folder. */
	if ((fd = openat(root, path + 1, O_WRONLY | O_CREAT | O_EXCL |
	    O_CLOEXEC, 0600)) == -1)
		return errno == EEXIST || errno == EROFS ? 0 : -1;
	close(fd);
	return bind_to(path, -1, root, path + 1, flags, false);
}

static int
show_program(int root, const char *rsync)
{
	size_t i;

	for (i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (show_library(root, libraries[i]) == -1)
			return -1;
	if (show_file(root, rsync, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV) == -1)
		return -1;
	return show_file(root, "/dev/null", MOUNT_ATTR_NOEXEC);
}

static int
show_entry(int root, const struct jail_entry *e)
{
	struct timespec ts[2];

	if (make_dirs(root, e->name) == -1)
		return -1;
	if (e->fd == -1) {
		ts[0].tv_sec = ts[1].tv_sec = e->time;
		ts[0].tv_nsec = ts[1].tv_nsec = 0;
		return utimensat(root, e->name, ts, 0);
	}
	return bind_to(e->path, e->fd, root, e->name, MOUNT_ATTR_NODEV |
	    MOUNT_ATTR_NOEXEC | (e->writable ? 0 : MOUNT_ATTR_RDONLY), false);
}

/* Mount the push's overlay. */
static int
show_push(int root, const struct jail *jl)
{
	char path[512];
	int fd, rc;

	if (make_dirs(root, jl->at) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/%s", HANGER, jl->at);
	if (push_mount(jl->push, path) == -1)
		return -1;
	if ((fd = open(path, O_PATH | O_CLOEXEC)) == -1)
		return -1;
	rc = tighten(fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
	    MOUNT_ATTR_NOEXEC, false);
	close(fd);
	return rc;
}

/* A tmpfs, hung on HANGER.  A descriptor of its root, or -1. */
static int
make_root(void)
{
	int fs, fd = -1;

	if ((fs = fsopen("tmpfs", FSOPEN_CLOEXEC)) == -1)
		return -1;
	if (fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) == 0 &&
	    fsconfig(fs, FSCONFIG_SET_STRING, "size", "1m", 0) == 0 &&
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID |
		    MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	close(fs);
	if (fd == -1)
		return -1;
	if (move_mount(fd, "", AT_FDCWD, HANGER,
	    MOVE_MOUNT_F_EMPTY_PATH) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Make the folder the root, and forget the old one. */
static int
change_root(int root)
{
	if (tighten(root, MOUNT_ATTR_RDONLY, false) == -1 ||
	    fchdir(root) == -1)
		return -1;
	/* The old root is stacked upon the new one, and taken off again. */
	if (syscall(SYS_pivot_root, ".", ".") == -1 ||
	    umount2(".", MNT_DETACH) == -1)
		return -1;
	return chdir("/");
}

int
jail_enter(const struct jail *jl, const char **what)
{
	size_t i;
	int root;

	*what = "user namespace";
	if (sandbox_map_user(jl->uid, jl->gid) == -1)
		return -1;
	*what = "mount namespace";
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    (root = make_root()) == -1)
		return -1;
	*what = "rsync and its libraries";
	if (show_program(root, jl->rsync) == -1)
		goto fail;
	*what = "the client's folders";
	for (i = 0; i < jl->n; i++)
		if (show_entry(root, &jl->v[i]) == -1)
			goto fail;
	*what = "the overlay";
	if (jl->push != NULL && show_push(root, jl) == -1)
		goto fail;
	*what = "the new root";
	if (change_root(root) == -1)
		goto fail;
	close(root);
	return 0;
fail:
	i = (size_t)errno;
	close(root);
	errno = (int)i;
	return -1;
}
