/* checkstore.c: are the files of a store what they were when they came?
 *
 * Every snapshot is walked, the oldest first, and every file read once from the
 * disk itself, however many snapshots share it.  A file that does not agree
 * with its checksum, though its size and its times are those of then, has
 * changed without being written: the disk, a cable or memory did that, or
 * somebody who is above all this.
 *
 * What has no checksum gets one, so that from now on it is watched.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/openat2.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vis.h>

#include <xxhash.h>

#include "human.h"
#include "json.h"
#include "log.h"
#include "look.h"
#include "numset.h"
#include "store_sums.h"
#include "store_visit.h"
#include "term.h"

#define PATH_MOST	(64 * 1024)	/* bytes of a path in a snapshot */
#define TIDY_LEAST	4096		/* entries: a smaller log is left */
#define STATX_WANT	(STATX_BASIC_STATS | STATX_BTIME)

struct checker {
	const struct check_options *o;
	struct check		*c;
	struct store		*store;
	struct snapshot		*snaps;
	size_t			 nsnaps;
	size_t			 at;		/* the one being walked */
	struct sums		 sums;
	bool			*live;		/* of sums.v: met in a
						 * snapshot */
	size_t			 nlive;
	struct numset		 seen;
	struct sum_reader	 reader;
	struct sum		*late;		/* SUMS_BLOCK of them */
	size_t			 nlate;
	bool			 whole;		/* all could be walked */
	time_t			 shown;		/* progress, last time */
	char			*path;		/* PATH_MOST */
};

/* Two entries with the same of these are the same file. */
static uint64_t
identity(const struct statx *x, bool cloned)
{
	uint64_t v[7] = { x->stx_ino, x->stx_size,
	    (uint64_t)x->stx_mtime.tv_sec, x->stx_mtime.tv_nsec };

	/* A subvolume's clone has the numbers of its origin. */
	if (cloned) {
		v[4] = (uint64_t)x->stx_ctime.tv_sec;
		v[5] = x->stx_ctime.tv_nsec;
	}
	v[6] = x->stx_btime.tv_nsec;
	return XXH3_64bits(v, sizeof(v));
}

static bool
is_cloned(const struct snapshot *s)
{
	return s->recorded && s->way != STORE_WAY_OVERLAY &&
	    s->way != STORE_WAY_LINKDEST;
}

static void
clear_progress(struct checker *k)
{
	if (k->o->progress && k->shown != 0)
		fputs(TERM_CLEAR, stderr);
}

static void
check_progress(struct checker *k)
{
	time_t now = time(NULL);
	char size[HUMAN_SIZE], line[STORE_HOST_MAX + 200];

	if (!k->o->progress || now == k->shown)
		return;
	k->shown = now;
	human_size(size, k->c->bytes);
	snprintf(line, sizeof(line), "%s: %zu of %zu snapshots, %llu files, "
	    "%s read", store_host(k->store), k->at, k->nsnaps,
	    (unsigned long long)k->c->files, size);
	term_line(stderr, line);
}

/* A path below a snapshot: its folder's descriptor and its last name. */
static int
open_above(int snap, const char *path, const char **name)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
	    RESOLVE_NO_XDEV };
	const char *slash = strrchr(path, '/');
	char *dir;
	long fd;

	*name = slash == NULL ? path : slash + 1;
	if ((dir = slash == NULL ? strdup(".") :
	    strndup(path, (size_t)(slash - path))) == NULL)
		return -1;
	fd = syscall(SYS_openat2, snap, dir, &how, sizeof(how));
	free(dir);
	return (int)fd;
}

/* A path in snapshot number i: its folder, to be closed, and statx(2).  -1: it
 * is not there, or no file. */
static int
open_other(struct checker *k, size_t i, const char *path, const char **name,
    struct statx *x)
{
	int snap, fd;

	if ((snap = store_snapshot_open(k->store, k->snaps[i].stamp)) == -1)
		return -1;
	fd = open_above(snap, path, name);
	close(snap);
	if (fd == -1)
		return -1;
	if (statx(fd, *name, AT_SYMLINK_NOFOLLOW, STATX_WANT, x) == 0 &&
	    S_ISREG(x->stx_mode))
		return fd;
	close(fd);
	return -1;
}

/* What is known of a damaged file. */
struct damage {
	struct strv	 shared;	/* snapshots that have it */
	size_t		 good;		/* one with a good copy */
	enum { NO_COPY, OTHER_VERSION, SAME_CONTENT } copy;
};

/* Look at the path in snapshot i. */
static void
look_at(struct checker *k, size_t i, const char *path,
    const struct statx *bad, const uint8_t *want, struct damage *d)
{
	const char *name;
	const struct sum *s;
	uint8_t hash[SUM_SIZE];
	struct statx x;
	int fd;

	if ((fd = open_other(k, i, path, &name, &x)) == -1)
		return;
	if (identity(&x, is_cloned(&k->snaps[i])) ==
	    identity(bad, is_cloned(&k->snaps[i]))) {
		(void)strv_add(&d->shared, k->snaps[i].stamp);
	} else if (d->copy != SAME_CONTENT &&
	    sum_file(&k->reader, fd, name, x.stx_size, hash) == 0) {
		s = sums_find(&k->sums, &x, k->snaps[i].time);
		if (memcmp(hash, want, SUM_SIZE) == 0) {
			d->good = i;
			d->copy = SAME_CONTENT;
		} else if (d->copy == NO_COPY && s != NULL &&
		    (s->flags & SUM_UNKNOWN) == 0 &&
		    memcmp(hash, s->hash, SUM_SIZE) == 0) {
			d->good = i;
			d->copy = OTHER_VERSION;
		}
	}
	close(fd);
}

static int
by_stamp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The nearest snapshots first. */
static void
look_around(struct checker *k, const char *path, const struct statx *bad,
    const uint8_t *want, struct damage *d)
{
	size_t far;

	look_at(k, k->at, path, bad, want, d);
	for (far = 1; far < k->nsnaps; far++) {
		if (k->at + far < k->nsnaps)
			look_at(k, k->at + far, path, bad, want, d);
		if (far <= k->at)
			look_at(k, k->at - far, path, bad, want, d);
	}
	if (d->shared.n > 1)
		qsort(d->shared.v, d->shared.n, sizeof(*d->shared.v),
		    by_stamp);
}

static void
note(struct checker *k, json_t *j)
{
	if (k->c->found == NULL)
		k->c->found = json_array();
	(void)json_array_append_new(k->c->found, j);
}

static void
say_damage(struct checker *k, const char *path, const struct damage *d)
{
	const char *stamp = d->copy == NO_COPY ? "" : k->snaps[d->good].stamp;
	json_t *list = json_array();
	char copy[128];
	size_t i;

	if (d->copy == NO_COPY)
		(void)strlcpy(copy, "no good copy", sizeof(copy));
	else
		snprintf(copy, sizeof(copy), d->copy == SAME_CONTENT ?
		    "the same content is good in %s" :
		    "another version is good in %s", stamp);
	clear_progress(k);
	log_warnx("%s: /%s: damaged, in %zu snapshot%s from %s to %s; %s",
	    store_host(k->store), path, d->shared.n,
	    d->shared.n == 1 ? "" : "s",
	    d->shared.n > 0 ? d->shared.v[0] : k->snaps[k->at].stamp,
	    d->shared.n > 0 ? d->shared.v[d->shared.n - 1] :
	    k->snaps[k->at].stamp, copy);
	for (i = 0; i < d->shared.n; i++)
		(void)json_array_append_new(list, json_string(d->shared.v[i]));
	note(k, json_pack("{s:s, s:o, s:o, s:o, s:b}", "problem", "damaged",
	    "path", json_text(path), "snapshots", list, "good_copy",
	    d->copy != NO_COPY ? json_string(stamp) : json_null(),
	    "same_content", d->copy == SAME_CONTENT));
}

static void
say_unreadable(struct checker *k, const char *path, int error)
{
	clear_progress(k);
	log_warnx("%s: %s/%s: cannot be read: %s", store_host(k->store),
	    k->snaps[k->at].stamp, path, strerror(error));
	note(k, json_pack("{s:s, s:o, s:s, s:s}", "problem", "unreadable",
	    "path", json_text(path), "snapshot", k->snaps[k->at].stamp,
	    "error", strerror(error)));
	k->c->unreadable++;
}

/* The path of an entry of the folder that is being walked. */
static const char *
path_of(struct checker *k, const struct visit *v, const char *name)
{
	size_t n;

	if (visit_path(v, k->path, PATH_MOST) == -1)
		return name;
	n = strlen(k->path);
	snprintf(k->path + n, PATH_MOST - n, "%s%s", n > 0 ? "/" : "", name);
	return k->path;
}

static void
keep_late(struct checker *k)
{
	if (k->nlate > 0 && store_sums_append(k->store, k->late,
	    k->nlate) == -1)
		log_warn("%s: new checksums are not kept",
		    store_host(k->store));
	k->nlate = 0;
}

/* A file that has no checksum: take one. */
static void
add_late(struct checker *k, const struct statx *x, const uint8_t *hash)
{
	struct sum *s = &k->late[k->nlate];

	if (k->o->dry_run)
		return;
	sum_of_file(s, x);
	s->since = k->snaps[k->at].time;
	s->flags = SUM_LATE;
	memcpy(s->hash, hash, SUM_SIZE);
	if (++k->nlate == SUMS_BLOCK)
		keep_late(k);
}

static bool
is_in_part(const struct checker *k, const struct statx *x)
{
	return (x->stx_ino * UINT64_C(0x9E3779B97F4A7C15) >> 32) %
	    k->o->parts == k->o->part % k->o->parts;
}

static void
compare(struct checker *k, const struct visit *v, const char *name,
    const struct statx *x, const struct sum *s, const uint8_t *hash)
{
	struct damage d = { .copy = NO_COPY };
	char *path;

	if (memcmp(s->hash, hash, SUM_SIZE) == 0)
		return;
	k->c->damaged++;
	if ((path = strdup(path_of(k, v, name))) == NULL)
		return;
	look_around(k, path, x, s->hash, &d);
	say_damage(k, path, &d);
	strv_free(&d.shared);
	free(path);
}

/* A file that was not met yet. */
static int
check_file(struct checker *k, const struct visit *v, int dirfd,
    const char *name, const struct statx *x)
{
	const struct sum *s = sums_find(&k->sums, x, k->snaps[k->at].time);
	uint8_t hash[SUM_SIZE];

	if (s != NULL && (s->flags & SUM_UNKNOWN) != 0)
		s = NULL;
	k->c->files++;
	if (s != NULL && !k->live[s - k->sums.v]) {
		k->live[s - k->sums.v] = true;
		k->nlive++;
	}
	if (s == NULL) {
		k->c->unknown++;
		if (k->o->verbose)
			log_info("%s: %s/%s: has no checksum yet",
			    store_host(k->store), k->snaps[k->at].stamp,
			    path_of(k, v, name));
	}
	if (!is_in_part(k, x))
		return 0;
	if (sum_file(&k->reader, dirfd, name, x->stx_size, hash) == -1) {
		if (errno == EINTR)
			return -1;
		say_unreadable(k, path_of(k, v, name), errno);
		return 0;
	}
	k->c->read++;
	k->c->bytes += x->stx_size;
	check_progress(k);
	if (s == NULL)
		add_late(k, x, hash);
	else
		compare(k, v, name, x, s, hash);
	return 0;
}

static int
on_file(struct visit *v, int dirfd, const struct dirent_at *e)
{
	struct checker *k = v->arg;
	struct statx x;

	if (signal_caught() != 0) {
		errno = EINTR;
		return -1;
	}
	if (statx(dirfd, e->name, AT_SYMLINK_NOFOLLOW, STATX_WANT, &x) == -1) {
		say_unreadable(k, path_of(k, v, e->name), errno);
		k->whole = false;
		return 0;
	}
	if (!S_ISREG(x.stx_mode))
		return 0;
	switch (numset_add(&k->seen, identity(&x,
	    is_cloned(&k->snaps[k->at])))) {
	case -1:
		return -1;
	case 0:
		return 0;
	}
	return check_file(k, v, dirfd, e->name, &x);
}

/* Walk one snapshot, kept from rotation meanwhile. */
static void
check_snapshot(struct checker *k)
{
	struct visit v = { .file = on_file, .arg = k, .committed = true };
	int fd;

	if ((fd = store_snapshot_open(k->store, k->snaps[k->at].stamp)) ==
	    -1) {
		/* Rotated away since it was listed? */
		if (errno != ENOENT) {
			say_unreadable(k, "", errno);
			k->whole = false;
		}
		return;
	}
	if (visit_run(&v, fd) == -1) {
		k->whole = false;
		if (errno == EINTR && signal_caught() != 0)
			k->c->stopped = true;
		else
			say_unreadable(k, "", errno);
	}
	close(fd);
}

static int
by_since(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;

	return x->since < y->since ? -1 : x->since > y->since;
}

/* When most of the log is about files that are gone, write it anew. */
static void
tidy(struct checker *k)
{
	size_t i, n = 0, was = (size_t)(k->sums.bytes / 64);

	if (k->o->dry_run || !k->whole || k->c->stopped ||
	    was < TIDY_LEAST || k->nlive > was / 2)
		return;
	for (i = 0; i < k->sums.n; i++)
		if (k->live[i])
			k->sums.v[n++] = k->sums.v[i];
	if (n > 1)
		qsort(k->sums.v, n, sizeof(*k->sums.v), by_since);
	if (store_sums_rewrite(k->store, k->sums.v, n, k->sums.bytes) == -1)
		log_warn("%s: the log of checksums cannot be written anew",
		    store_host(k->store));
}

static int
check_open(struct checker *k, const char *root, const char *host)
{
	if ((k->store = store_open(root, host, 0)) == NULL ||
	    store_list(k->store, &k->snaps, &k->nsnaps) == -1 ||
	    store_sums_load(k->store, &k->sums) == -1 ||
	    (k->live = calloc(k->sums.n + 1, sizeof(*k->live))) == NULL ||
	    (k->late = calloc(SUMS_BLOCK, sizeof(*k->late))) == NULL ||
	    (k->path = malloc(PATH_MOST)) == NULL)
		return -1;
	k->reader.direct = true;
	k->reader.stop = signal_caught;
	k->whole = true;
	return sum_reader_init(&k->reader);
}

int
store_check(const char *root, const char *host,
    const struct check_options *o, struct check *c)
{
	struct checker k = { .o = o, .c = c };
	int rc, saved;

	memset(c, 0, sizeof(*c));
	if ((rc = check_open(&k, root, host)) == 0) {
		if (k.sums.lost > 0)
			log_warnx("%s: %llu bytes of the log of checksums are "
			    "damaged; the files in them are unknown", host,
			    (unsigned long long)k.sums.lost);
		for (k.at = 0; k.at < k.nsnaps && !c->stopped; k.at++)
			check_snapshot(&k);
		keep_late(&k);
		tidy(&k);
	}
	saved = errno;
	clear_progress(&k);
	sum_reader_fini(&k.reader);
	numset_free(&k.seen);
	sums_free(&k.sums);
	free(k.live);
	free(k.late);
	free(k.path);
	free(k.snaps);
	store_close(k.store);
	errno = saved;
	return rc;
}
