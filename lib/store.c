/* store.c: a client's store: opening, listing, locking, and the link to its
 * newest complete snapshot.
 *
 * Everything is done by descriptor: HOST.snaps is opened once, never through a
 * symlink, and what is below it by openat(2).
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_dir.h"
#include "store_internal.h"

static bool
ends_in(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && strcmp(s + n - t, tail) == 0;
}

bool
store_host_valid(const char *host)
{
	size_t i;

	for (i = 0; host[i] != '\0'; i++)
		if (i == STORE_HOST_MAX ||
		    (!isalnum((unsigned char)host[i]) &&
		    (i == 0 || strchr("._-", host[i]) == NULL)))
			return false;
	return i > 0 && !ends_in(host, ".full") && !ends_in(host, ".snaps");
}

const char *
store_way_name(enum store_way way)
{
	switch (way) {
	case STORE_WAY_OVERLAY:
		return "overlay";
	case STORE_WAY_LINKDEST:
		return "linkdest";
	case STORE_WAY_BTRFS:
		return "btrfs";
	}
	return "?";
}

const char *
snapshot_status_name(enum snapshot_status status)
{
	switch (status) {
	case SNAPSHOT_COMPLETE:
		return "complete";
	case SNAPSHOT_VANISHED:
		return "vanished";
	case SNAPSHOT_PARTIAL:
		return "partial";
	}
	return "?";
}

/* Make HOST.snaps, ours alone whatever the umask and the parent's setgid bit
 * say: what is in it may be setuid. */
static int
snaps_make(int rootfd, const char *name)
{
	int fd;

	if (mkdirat(rootfd, name, 0700) == -1)
		return errno == EEXIST ? dir_open_at(rootfd, name) : -1;
	if ((fd = dir_open_at(rootfd, name)) == -1)
		return -1;
	if ((geteuid() != 0 && fchown(fd, (uid_t)-1, getegid()) == -1) ||
	    fchmod(fd, 0700) == -1 || dir_sync(rootfd) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

struct store *
store_open(const char *root, const char *host, int flags)
{
	struct store *s;
	char name[STORE_HOST_MAX + sizeof(".snaps")];

	if (!store_host_valid(host)) {
		errno = EINVAL;
		return NULL;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->root_fd = s->fd = s->lock_fd = -1;
	snprintf(name, sizeof(name), "%s.snaps", host);
	if ((s->root = realpath(root, NULL)) == NULL ||
	    (s->host = strdup(host)) == NULL ||
	    asprintf(&s->snaps, "%s/%s", s->root, name) == -1)
		goto fail;
	if ((s->root_fd = open(s->root,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		goto fail;
	s->fd = (flags & STORE_CREATE) != 0 ?
	    snaps_make(s->root_fd, name) : dir_open_at(s->root_fd, name);
	if (s->fd != -1)
		return s;
fail:
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	int saved = errno;

	if (s == NULL)
		return;
	store_unlock(s);
	if (s->fd != -1)
		close(s->fd);
	if (s->root_fd != -1)
		close(s->root_fd);
	free(s->snaps);
	free(s->host);
	free(s->root);
	free(s);
	errno = saved;
}

int
store_fd(const struct store *s)
{
	return s->fd;
}

int
store_root_fd(const struct store *s)
{
	return s->root_fd;
}

const char *
store_host(const struct store *s)
{
	return s->host;
}

static int
by_stamp(const void *a, const void *b)
{
	const struct snapshot *x = a, *y = b;

	return strcmp(x->stamp, y->stamp);
}

/* ".expired.STAMP" to STAMP, anything else to "". */
static const char *
stamp_expired(const char *name)
{
	size_t n = sizeof(STORE_EXPIRED) - 1;
	time_t t;

	if (strncmp(name, STORE_EXPIRED, n) == 0 &&
	    stamp_parse(name + n, &t) == 0)
		return name + n;
	return "";
}

static void
stamp_max(char max[STAMP_SIZE], const char *stamp)
{
	if (strcmp(stamp, max) > 0)
		strlcpy(max, stamp, STAMP_SIZE);
}

/* The stamps that are folders, sorted, without their records; and the newest
 * stamp of those and of the ones that are being deleted. */
static int
stamps_scan(struct store *s, struct snapshot **v, size_t *n,
    char last[STAMP_SIZE])
{
	struct snapshot *list = NULL, *more;
	struct dirents d = { .buf = NULL };
	struct dirent_at e;
	size_t have = 0, cap = 0;
	time_t t;
	int fd, r = -1;

	last[0] = '\0';
	/* A reader of its own: dup(2) would share the position. */
	if ((fd = dir_open_at(s->fd, ".")) == -1)
		return -1;
	if (dirents_init(&d) == -1 || dirents_start(&d, fd) == -1)
		goto out;
	while ((r = dirents_next(&d, &e)) == 1) {
		stamp_max(last, stamp_expired(e.name));
		if (e.type != DT_DIR || stamp_parse(e.name, &t) == -1)
			continue;
		stamp_max(last, e.name);
		if (have == cap) {
			cap = cap == 0 ? 32 : cap * 2;
			if ((more = reallocarray(list, cap,
			    sizeof(*list))) == NULL) {
				r = -1;
				goto out;
			}
			list = more;
		}
		memset(&list[have], 0, sizeof(*list));
		strlcpy(list[have].stamp, e.name, STAMP_SIZE);
		list[have++].time = t;
	}
	if (have > 0)
		qsort(list, have, sizeof(*list), by_stamp);
out:
	dirents_fini(&d);
	close(fd);
	if (r == -1) {
		free(list);
		return -1;
	}
	*v = list;
	*n = have;
	return 0;
}

/* Fill in what the record says; without one, the stamp is all there is. */
static void
record_load(int metafd, struct snapshot *snap)
{
	char name[STAMP_SIZE + sizeof(".json")], stamp[STAMP_SIZE], *text;
	size_t len;

	strlcpy(stamp, snap->stamp, sizeof(stamp));
	snprintf(name, sizeof(name), "%s.json", stamp);
	if (metafd == -1 || (text = file_read_at(metafd, name,
	    STORE_RECORD_MAX, &len)) == NULL)
		return;
	(void)store_record_parse(text, len, stamp, snap);
	free(text);
}

/* One snapshot by its stamp. */
void
store_record_load(struct store *s, const char *stamp, struct snapshot *snap)
{
	int metafd = dir_open_at(s->fd, STORE_META);

	memset(snap, 0, sizeof(*snap));
	strlcpy(snap->stamp, stamp, sizeof(snap->stamp));
	(void)stamp_parse(stamp, &snap->time);
	record_load(metafd, snap);
	if (metafd != -1)
		close(metafd);
}

int
store_list(struct store *s, struct snapshot **v, size_t *n)
{
	char last[STAMP_SIZE];
	size_t i;
	int metafd;

	if (stamps_scan(s, v, n, last) == -1)
		return -1;
	metafd = dir_open_at(s->fd, STORE_META);
	for (i = 0; i < *n; i++)
		record_load(metafd, &(*v)[i]);
	if (metafd != -1)
		close(metafd);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
store_hosts(const char *root, struct strv *hosts)
{
	struct dirents d = { .buf = NULL };
	struct dirent_at e;
	char host[NAME_MAX + 1];
	int fd, r = -1;

	memset(hosts, 0, sizeof(*hosts));
	if ((fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	if (dirents_init(&d) == -1 || dirents_start(&d, fd) == -1)
		goto out;
	while ((r = dirents_next(&d, &e)) == 1) {
		if (e.type != DT_DIR || !ends_in(e.name, ".snaps"))
			continue;
		strlcpy(host, e.name, sizeof(host));
		host[strlen(host) - strlen(".snaps")] = '\0';
		if (store_host_valid(host) && strv_add(hosts, host) == -1) {
			r = -1;
			break;
		}
	}
	if (r == 0 && hosts->n > 0)
		qsort(hosts->v, hosts->n, sizeof(*hosts->v), by_name);
out:
	dirents_fini(&d);
	close(fd);
	if (r == -1)
		strv_free(hosts);
	return r;
}

int
store_lock(struct store *s)
{
	int fd;

	if (s->lock_fd != -1)
		return 0;
	if ((fd = openat(s->fd, STORE_LOCK,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		close(fd);
		return -1;
	}
	s->lock_fd = fd;
	return 0;
}

void
store_unlock(struct store *s)
{
	if (s->lock_fd != -1)
		close(s->lock_fd);
	s->lock_fd = -1;
}

int
store_snapshot_open(struct store *s, const char *stamp)
{
	struct stat st, now;
	time_t t;
	int fd;

	if (stamp_parse(stamp, &t) == -1)
		return -1;
	if ((fd = dir_open_at(s->fd, stamp)) == -1)
		return -1;
	/* Whoever rotates holds the lock exclusively while it renames, and
	 * only then: wait, then see whether it is still the same folder. */
	if (flock(fd, LOCK_SH) == -1 || fstat(fd, &st) == -1 ||
	    fstatat(s->fd, stamp, &now, AT_SYMLINK_NOFOLLOW) == -1)
		goto fail;
	if (st.st_dev != now.st_dev || st.st_ino != now.st_ino) {
		errno = ENOENT;
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -1;
}

/* The newest snapshot that is not partial, or with `any` of any status.  Its
 * stamp is empty if there is none.  And the newest stamp that was ever seen
 * here, also one that is being deleted.  Reads no more records than it must. */
int
store_newest(struct store *s, bool any, struct snapshot *newest,
    char last[STAMP_SIZE])
{
	struct snapshot *v;
	size_t n;
	int metafd;

	memset(newest, 0, sizeof(*newest));
	if (stamps_scan(s, &v, &n, last) == -1)
		return -1;
	metafd = dir_open_at(s->fd, STORE_META);
	for (; n > 0; n--) {
		record_load(metafd, &v[n - 1]);
		if (any || v[n - 1].status != SNAPSHOT_PARTIAL) {
			*newest = v[n - 1];
			break;
		}
	}
	if (metafd != -1)
		close(metafd);
	free(v);
	return 0;
}

/* Is HOST.full free for our symlink?  0, or -1 with errno EEXIST: somebody
 * else's folder or file stands there. */
int
store_full_is_ours(struct store *s)
{
	char name[STORE_HOST_MAX + sizeof(".full")];
	struct stat st;

	snprintf(name, sizeof(name), "%s.full", s->host);
	if (fstatat(s->root_fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	if (S_ISLNK(st.st_mode))
		return 0;
	errno = EEXIST;
	return -1;
}

/* Does HOST.full say this already? */
static bool
full_points_to(struct store *s, const char *name, const char *text)
{
	char now[STORE_HOST_MAX + STAMP_SIZE + 16];
	ssize_t n;

	n = readlinkat(s->root_fd, name, now, sizeof(now));
	return n >= 0 && (size_t)n == strlen(text) &&
	    memcmp(now, text, (size_t)n) == 0;
}

/* Let HOST.full name the newest complete snapshot, by one rename.  What it
 * named before is not looked at. */
int
store_link_full(struct store *s)
{
	char full[STORE_HOST_MAX + sizeof(".full")];
	char tmp[STORE_HOST_MAX + sizeof("..full.tmp")];
	char text[STORE_HOST_MAX + STAMP_SIZE + sizeof(".snaps/")];
	char last[STAMP_SIZE];
	struct snapshot newest;

	if (store_newest(s, false, &newest, last) == -1)
		return -1;
	if (newest.stamp[0] == '\0')
		return 0;
	snprintf(text, sizeof(text), "%s.snaps/%s", s->host, newest.stamp);
	snprintf(full, sizeof(full), "%s.full", s->host);
	snprintf(tmp, sizeof(tmp), ".%s.full.tmp", s->host);
	if (full_points_to(s, full, text))
		return 0;
	if (unlinkat(s->root_fd, tmp, 0) == -1 && errno != ENOENT)
		return -1;
	if (symlinkat(text, s->root_fd, tmp) == -1 ||
	    renameat(s->root_fd, tmp, s->root_fd, full) == -1)
		return -1;
	return dir_sync(s->root_fd);
}
