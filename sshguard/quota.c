/* quota.c: the room that a client's store may take, in bytes and in files.
 *
 * What the snapshots take is noted after each push and only added to; what
 * rotation frees makes the note too high, never too low, so all is counted anew
 * only when the note comes near the limit and a snapshot has gone.
 *
 * What a push brings is looked at while it comes: the new files are walked
 * through, ever again, as often as that costs little, and at once when the
 * file system's own figures say that much has come since.  So the limit can be
 * passed by what arrives during one look.  A single file cannot pass it at all:
 * the kernel holds RLIMIT_FSIZE against that.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "human.h"
#include "quota.h"
#include "relay.h"

#define TICK_MS		50	/* between looks at the file system's figures */
#define LOOK_MS		250	/* and between looks at all files, at least */
#define SHARE		20	/* of the time may go into looking: 1/SHARE */
#define HASTE		4	/* 1/HASTE of it where much has come */
#define BLIND		4	/* looks that may see not all */
#define FOLDER		4096	/* bytes that a folder takes, about */
#define NEAR		5	/* near the limit: less than 1/NEAR is left */
#define PUSH_DIR	".push"	/* of the store: see store.h */
#define WORK_DIR	"work"	/* in it: the kernel's own */
#define UPPER_DIR	"upper"	/* what rsync writes to */

bool
quota_is_set(const struct policy_client *c)
{
	return c->quota != 0 || c->quota_files != 0;
}

static int
full(struct quota *q, bool by_bytes, const char *verb)
{
	char may[HUMAN_SIZE];

	human_size(may, q->bytes);
	if (by_bytes)
		snprintf(q->why, sizeof(q->why), "the store may hold %s and "
		    "%s", may, verb);
	else
		snprintf(q->why, sizeof(q->why), "the store may hold %llu "
		    "files and folders and %s",
		    (unsigned long long)q->files, verb);
	q->over = true;
	errno = EDQUOT;
	return -1;
}

/* How many folders of HOST.snaps hold a snapshot, or the rest of one. */
static uint64_t
trees_in(int fd)
{
	struct dirent *e;
	time_t when;
	uint64_t n = 0;
	DIR *d;
	int copy;

	if ((copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return 0;
	if ((d = fdopendir(copy)) == NULL) {
		close(copy);
		return 0;
	}
	while ((e = readdir(d)) != NULL)
		n += stamp_parse(e->d_name, &when) == 0 ||
		    strncmp(e->d_name, ".expired.", 9) == 0 ||
		    strcmp(e->d_name, ".gone") == 0;
	closedir(d);
	return n;
}

/* Count all that is there but the push. */
static int
measure(struct quota *q, const char *newest)
{
	struct usage u = { 0 };

	memset(&q->used, 0, sizeof(q->used));
	/* First, so that what goes meanwhile is seen to have gone. */
	q->used.trees = trees_in(q->fd);
	if (usage_add(q->fd, ".", PUSH_DIR, NULL, &u) == -1)
		return -1;
	(void)strlcpy(q->used.stamp, newest, sizeof(q->used.stamp));
	q->used.bytes = u.bytes;
	q->used.files = u.millis / 1000;
	return usage_note_save(q->fd, &q->used);
}

/* Bring the note up to date with snapshots that were made since, without a
 * limit.  -1 if that cannot be done. */
static int
catch_up(struct usage_note *n, const struct snapshot *s, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(s[i].stamp, n->stamp) <= 0)
			continue;
		if (!s[i].recorded)
			return -1;
		n->bytes += s[i].bytes_new;
		n->files += 1 + s[i].entries - (s[i].linked < s[i].entries ?
		    s[i].linked : s[i].entries);
		n->trees++;
		(void)strlcpy(n->stamp, s[i].stamp, sizeof(n->stamp));
	}
	return 0;
}

static bool
is_near(const struct quota *q)
{
	return q->used.bytes > q->bytes - q->bytes / NEAR ||
	    q->used.files > q->files - q->files / NEAR;
}

static int
count_used(struct quota *q, const struct snapshot *s, size_t n)
{
	const char *newest = n > 0 ? s[n - 1].stamp : "";

	if (usage_note_load(q->fd, &q->used) == -1 ||
	    catch_up(&q->used, s, n) == -1 ||
	    (is_near(q) && trees_in(q->fd) < q->used.trees))
		return measure(q, newest);
	return 0;
}

/* The files of a snapshot, which rsync links, are all older than its folder,
 * and what it brings itself is younger; unless the clock was put back. */
static void
know_age(struct quota *q, const char *stamp)
{
	struct statx sx;

	if (statx(q->fd, stamp, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &sx) == -1 ||
	    (sx.stx_mask & STATX_BTIME) == 0 ||
	    sx.stx_btime.tv_sec > time(NULL))
		return;
	q->since.tv_sec = sx.stx_btime.tv_sec;
	q->since.tv_nsec = (long)sx.stx_btime.tv_nsec;
}

/* What is known of the base. */
static void
know_base(struct quota *q, const struct push *p, const struct snapshot *s,
    size_t n)
{
	while (n-- > 0)
		if (strcmp(s[n].stamp, push_base(p)) == 0)
			break;
	if (n == (size_t)-1 || !s[n].recorded)
		return;
	if (s[n].entries > s[n].linked + s[n].moved)
		q->folders = s[n].entries - s[n].linked - s[n].moved;
	switch (push_way(p)) {
	case STORE_WAY_LINKDEST:
		know_age(q, s[n].stamp);
		break;
	case STORE_WAY_BTRFS:
		/* It begins as all of base, and no folder need be made. */
		know_age(q, PUSH_DIR);
		q->folders = 0;
		break;
	case STORE_WAY_OVERLAY:
		break;
	}
}

static uint64_t
minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void
know_free(const struct quota *q, uint64_t *bytes, uint64_t *files)
{
	struct statvfs v;

	*bytes = *files = 0;
	if (fstatvfs(q->fd, &v) == -1)
		return;
	*bytes = (uint64_t)v.f_bfree * v.f_frsize;
	*files = v.f_ffree;
}

/* Look at what the push has brought.  pid: those that bring it, or 0. */
static void
look(struct quota *q, pid_t pid)
{
	struct usage u = { 0 };
	int64_t begin = relay_now();
	int fd;

	know_free(q, &q->free_bytes, &q->free_files);
	if ((fd = openat(q->fd, PUSH_DIR, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC)) != -1) {
		(void)usage_add(fd, q->in, WORK_DIR,
		    q->since.tv_sec != 0 ? &q->since : NULL, &u);
		close(fd);
	}
	if (pid != 0)
		usage_add_unnamed(pid, &u);
	q->left_bytes = minus(minus(q->bytes, q->used.bytes), u.bytes);
	q->left_files = minus(minus(q->files, q->used.files), u.millis / 1000);
	q->blind = u.hidden ? q->blind + 1 : 0;
	q->looked = relay_now();
	q->cost = q->looked - begin;
}

int
quota_begin(struct quota *q, struct store *st, const struct push *p,
    const struct policy_client *c)
{
	struct snapshot *s = NULL;
	size_t n = 0;
	int rc;

	memset(q, 0, sizeof(*q));
	q->bytes = c->quota != 0 ? c->quota : UINT64_MAX;
	q->files = c->quota_files != 0 ? c->quota_files : UINT64_MAX;
	q->fd = store_fd(st);
	/* What else is there links base ahead, or is what others left. */
	q->in = push_way(p) == STORE_WAY_LINKDEST ? "." : UPPER_DIR;
	if (store_list(st, &s, &n) == -1)
		return -1;
	if ((rc = count_used(q, s, n)) == 0)
		know_base(q, p, s, n);
	free(s);
	if (rc == -1)
		return -1;
	if (q->used.bytes + q->folders * FOLDER >= q->bytes)
		return full(q, true, "is full");
	if (q->used.files + q->folders >= q->files)
		return full(q, false, "is full");
	look(q, 0);
	return 0;
}

uint64_t
quota_file_max(const struct quota *q)
{
	/* rsync writes small files too, and sparse ones whole. */
	return q->bytes == UINT64_MAX ? 0 :
	    minus(q->bytes, q->used.bytes) + (1 << 20);
}

static bool
judge(struct quota *q)
{
	static const char past[] = "this push brings more";

	if (q->left_bytes <= q->folders * FOLDER && q->bytes != UINT64_MAX)
		(void)full(q, true, past);
	else if (q->left_files <= q->folders && q->files != UINT64_MAX)
		(void)full(q, false, past);
	else if (q->blind >= BLIND) {
		(void)full(q, q->bytes != UINT64_MAX,
		    "this push holds folders that the server cannot look into");
	}
	return !q->over;
}

/* Has the file system lost much since the last look? */
static bool
much_came(const struct quota *q)
{
	uint64_t bytes, files;

	know_free(q, &bytes, &files);
	return minus(q->free_bytes, bytes) > q->left_bytes / 4 ||
	    minus(q->free_files, files) > q->left_files / 4;
}

bool
quota_ok(void *arg, pid_t pid, int *next_ms)
{
	struct quota *q = arg;
	int64_t passed = relay_now() - q->looked;

	*next_ms = TICK_MS;
	if (passed < q->cost * HASTE ||
	    ((passed < LOOK_MS || passed < q->cost * SHARE) && !much_came(q)))
		return true;
	look(q, pid);
	return judge(q);
}

int
quota_fits(struct quota *q)
{
	look(q, 0);
	if (q->blind > 0)
		q->blind = BLIND;
	if (judge(q))
		return 0;
	errno = EDQUOT;
	return -1;
}

void
quota_made(struct quota *q, const struct snapshot *made)
{
	if (catch_up(&q->used, made, 1) == 0)
		(void)usage_note_save(q->fd, &q->used);
}
