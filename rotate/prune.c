/* prune.c: taking snapshots out of a store.
 *
 * The order, which a crash may end at any place: under the lock the folder
 * STAMP is renamed to .expired.STAMP, which takes it out of every listing at
 * once; that is made durable; then its record goes; then all that is in it; and
 * .expired.STAMP itself last.  So as long as anything is left,
 * .expired.STAMP is there to say so, and the next run goes on from it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "owner.h"
#include "pin.h"
#include "prune.h"

#define EXPIRED		".expired."
#define EXPIRED_SIZE	(sizeof(EXPIRED) + STAMP_LEN)

static void
expired_name(char buf[EXPIRED_SIZE], const char *stamp)
{
	snprintf(buf, EXPIRED_SIZE, EXPIRED "%s", stamp);
}

/* Open a snapshot's folder.  One that its mode closes to us is opened; *mode
 * is then what it was, else -1. */
static int
open_snapshot(int snaps, const char *stamp, int *mode)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	int fd;

	*mode = -1;
	if ((fd = openat(snaps, stamp, flags)) != -1 || errno != EACCES)
		return fd;
	if (fstatat(snaps, stamp, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    fchmodat(snaps, stamp, S_IRWXU, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	*mode = (int)(st.st_mode & 07777);
	return openat(snaps, stamp, flags);
}

/* Rename, unless it was pinned since this was decided. */
static int
expire_locked(struct store *s, const char *stamp, const char *name)
{
	int pinned = pin_there(s, stamp);

	if (pinned == 1)
		errno = EBUSY;
	if (pinned != 0)
		return -1;
	return renameat2(store_fd(s), stamp, store_fd(s), name,
	    RENAME_NOREPLACE);
}

int
prune_expire(struct store *s, const char *stamp)
{
	char name[EXPIRED_SIZE];
	int fd, mode, rc = -1, saved;

	expired_name(name, stamp);
	if ((fd = open_snapshot(store_fd(s), stamp, &mode)) == -1)
		return -1;
	/* The lock is held over the rename: whoever waits for it to read looks
	 * at the name again once it has it. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		rc = expire_locked(s, stamp, name);
	saved = errno;
	if (rc == -1 && mode != -1)
		(void)fchmod(fd, (mode_t)mode);
	close(fd);
	errno = saved;
	return rc;
}

int
prune_expired(struct store *s, struct strv *stamps)
{
	const struct dirent *e;
	time_t t;
	DIR *d;
	int fd, rc = 0;

	/* Opened anew: a descriptor that is shared has one position. */
	if ((fd = openat(store_fd(s), ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL)
		if (strncmp(e->d_name, EXPIRED, sizeof(EXPIRED) - 1) == 0 &&
		    stamp_parse(e->d_name + sizeof(EXPIRED) - 1, &t) == 0)
			rc = strv_add(stamps, e->d_name + sizeof(EXPIRED) - 1);
	if (errno != 0)
		rc = -1;
	closedir(d);
	return rc;
}

/* Remove the record of a snapshot, unless the snapshot is there. */
static int
forget(int snaps, int meta, const char *stamp)
{
	char name[STAMP_SIZE + sizeof(".json")];
	struct stat st;

	if (fstatat(snaps, stamp, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	snprintf(name, sizeof(name), "%s.json", stamp);
	if (unlinkat(meta, name, 0) == -1 && errno != ENOENT)
		return -1;
	return 0;
}

int
prune_forget(struct store *s, const struct strv *stamps)
{
	int meta, rc = 0, saved;
	size_t i;

	if (stamps->n == 0)
		return 0;
	if (fsync(store_fd(s)) == -1)
		return -1;
	if ((meta = openat(store_fd(s), ".meta",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : -1;
	for (i = 0; i < stamps->n && rc == 0; i++)
		rc = forget(store_fd(s), meta, stamps->v[i]);
	if (rc == 0)
		rc = fsync(meta);
	saved = errno;
	close(meta);
	errno = saved;
	return rc;
}

/* Append the names of the folders of some stamps, expired or not. */
static int
names_add(struct strv *names, const struct strv *stamps, bool expired)
{
	char name[EXPIRED_SIZE];
	size_t i;

	for (i = 0; i < stamps->n; i++) {
		expired_name(name, stamps->v[i]);
		if (strv_add(names, expired ? name : stamps->v[i]) == -1)
			return -1;
	}
	return 0;
}

/* The same as the sweep wants them, to be freed; the names are borrowed. */
static struct sweep_item *
items_of(struct store *s, const struct strv *names)
{
	struct sweep_item *v;
	size_t i;

	if ((v = calloc(names->n + 1, sizeof(*v))) == NULL)
		return NULL;
	for (i = 0; i < names->n; i++) {
		v[i].dirfd = store_fd(s);
		v[i].name = names->v[i];
	}
	return v;
}

/* A subvolume that an account made it may often not delete whole (only with
 * the mount option user_subvol_rm_allowed); as root we may.  It is named to the
 * kernel by its number, which nobody can exchange for another's meanwhile.
 * True if it is gone; what is not is swept. */
static bool
delete_subvol(struct store *s, const char *name)
{
	struct stat st;
	uint64_t id;
	bool gone;
	int fd;

	if ((fd = openat(store_fd(s), name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return false;
	gone = subvol_is(fd) && subvol_remove(store_fd(s), name) == 0;
	if (!gone && errno == EPERM && getuid() == 0 && fstat(fd, &st) == 0 &&
	    st.st_uid == geteuid() && (id = subvol_id(fd)) != 0) {
		close(fd);
		fd = -1;
		owner_leave();
		gone = subvol_remove_id(store_fd(s), id) == 0;
		if (owner_enter(store_fd(s)) == -1)
			fatal("%s: cannot act as its owner again",
			    store_host(s));
	}
	if (fd != -1)
		close(fd);
	return gone;
}

int
prune_delete(struct store *s, const struct strv *stamps,
    const struct sweep_opts *opts, struct sweep_result *res)
{
	struct strv names = { 0 };
	struct sweep_item *v = NULL;
	uint64_t subvols = 0;
	int rc = -1, saved;
	size_t i;

	memset(res, 0, sizeof(*res));
	if (names_add(&names, stamps, true) == 0 &&
	    (v = items_of(s, &names)) != NULL) {
		for (i = 0; i < names.n; i++)
			subvols += delete_subvol(s, names.v[i]);
		rc = sweep_remove(v, names.n, opts, res);
	}
	saved = errno;
	res->subvols += subvols;
	free(v);
	strv_free(&names);
	errno = saved;
	return rc;
}

bool
prune_remains(struct store *s, const char *stamp)
{
	char name[EXPIRED_SIZE];
	struct stat st;

	expired_name(name, stamp);
	return fstatat(store_fd(s), name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int
prune_measure(struct store *s, const struct strv *stamps,
    const struct strv *expired, const struct sweep_opts *opts,
    struct sweep_result *res)
{
	struct strv names = { 0 };
	struct sweep_item *v = NULL;
	int rc = -1, saved;

	memset(res, 0, sizeof(*res));
	if (names_add(&names, stamps, false) == 0 &&
	    names_add(&names, expired, true) == 0 &&
	    (v = items_of(s, &names)) != NULL)
		rc = sweep_measure(v, names.n, opts, res);
	saved = errno;
	free(v);
	strv_free(&names);
	errno = saved;
	return rc;
}
