/* store_ahead.c: overlay way: while rsync still compares, base is linked into
 * the tree to be, so that the commit has only to apply what was pushed.
 *
 * A process of its own does it, with little claim to processor and disk.  It
 * holds the store's lock as its parent does, dies with it, and may be killed at
 * any instant: what is complete is called .push/ahead, what is not
 * .push/ahead.part, and is gone on with.  The tree depends on base alone: it
 * serves the push that takes up this one just as well.
 *
 * Linking changes base's files in one thing, the number of links (and ctime
 * with it), as a commit always did; now also while they are the lower layer of
 * a mount.  overlayfs reads folders and contents from there, which do not
 * change, and rsync looks at neither number nor ctime.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_dir.h"
#include "store_internal.h"
#include "store_json.h"

#define SUM_MAX		4096	/* bytes of .push/ahead.sum */
#define NICE		10
#define IOPRIO_WHO_PROCESS	1
#define IOPRIO_LOW	((2 << 13) | 7)	/* best effort, the last of it */

/* The numbers of .push/ahead.sum, as JSON; to be freed. */
char *
ahead_sum_format(const struct merge_stats *st)
{
	return json_line(json_pack("{sI sI sI sI}",
	    "entries", (json_int_t)st->entries,
	    "linked", (json_int_t)st->linked,
	    "copied", (json_int_t)st->copied,
	    "bytes_new", (json_int_t)st->bytes_new));
}

/* 0 and *st filled, the rest of it zero; or -1 with errno EINVAL. */
int
ahead_sum_parse(const char *buf, size_t len, struct merge_stats *st)
{
	json_t *o;
	int rc = -1;

	memset(st, 0, sizeof(*st));
	if ((o = json_object_parse(buf, len)) != NULL &&
	    json_get_u64(o, "entries", &st->entries) == 0 &&
	    json_get_u64(o, "linked", &st->linked) == 0 &&
	    json_get_u64(o, "copied", &st->copied) == 0 &&
	    json_get_u64(o, "bytes_new", &st->bytes_new) == 0)
		rc = 0;
	json_decref(o);
	if (rc == -1)
		errno = EINVAL;
	return rc;
}

int
ahead_sum_load(int pushfd, struct merge_stats *st)
{
	char *text;
	size_t len;
	int rc;

	if ((text = file_read_at(pushfd, PUSH_AHEAD_SUM, SUM_MAX,
	    &len)) == NULL)
		return -1;
	rc = ahead_sum_parse(text, len, st);
	free(text);
	return rc;
}

static int
sum_save(int pushfd, const struct merge_stats *st)
{
	char *text;
	int rc;

	if ((text = ahead_sum_format(st)) == NULL)
		return -1;
	rc = file_replace_at(pushfd, PUSH_AHEAD_SUM, text, strlen(text), 0600,
	    false);
	free(text);
	return rc;
}

/* See to it that .push/ahead is there.  0, or -1 with errno. */
int
ahead_make(int pushfd, int base)
{
	struct merge m = {
		.kind = MERGE_LINK, .lower = base, .upper = -1,
		.push = pushfd, .overlay = true, .subdir = "",
		.base_clean = true, .base_known = true
	};
	struct merge_stats st;
	char where[PATH_MAX];
	int rc, saved;

	if (faccessat(pushfd, PUSH_AHEAD, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	m.rerun = mkdirat(pushfd, PUSH_AHEAD_PART, 0700) == -1;
	if ((m.rerun && errno != EEXIST) ||
	    (m.out = dir_open_at(pushfd, PUSH_AHEAD_PART)) == -1)
		return -1;
	rc = merge_run(&m, &st, where, sizeof(where));
	saved = errno;
	close(m.out);
	errno = saved;
	if (rc == -1 || sum_save(pushfd, &st) == -1)
		return -1;
	return renameat(pushfd, PUSH_AHEAD_PART, pushfd, PUSH_AHEAD);
}

static int
by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Let go of everything but these; the client waits for the end of what its
 * ssh talks through. */
static void
close_others(int *keep, size_t n)
{
	unsigned from = 0;
	size_t i;
	int fd;

	qsort(keep, n, sizeof(*keep), by_number);
	for (i = 0; i < n; i++) {
		if ((unsigned)keep[i] > from)
			(void)close_range(from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	(void)close_range(from, ~0U, 0);
	/* What is opened next must not become standard output. */
	while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1 && fd < 2)
		;
}

/* The process.  Exit status: 0 or an errno. */
static int
link_ahead(struct push *p, pid_t parent)
{
	int keep[] = { p->fd, p->store->fd, p->store->lock_fd };
	int base, rc;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		return ESRCH;
	close_others(keep, sizeof(keep) / sizeof(keep[0]));
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_LOW);
	if ((base = dir_open_at(p->store->fd, p->c.base)) == -1)
		return errno;
	rc = ahead_make(p->fd, base) == -1 ? errno : 0;
	close(base);
	return rc;
}

/* Begin.  Where that fails, the commit does all of it. */
void
ahead_start(struct push *p)
{
	sigset_t all, old;
	pid_t parent = getpid(), pid;

	p->ahead = 0;
	if (p->c.way != STORE_WAY_OVERLAY || p->c.base[0] == '\0' ||
	    faccessat(p->fd, PUSH_AHEAD, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	/* No handler of the parent's may run in it. */
	sigfillset(&all);
	if (sigprocmask(SIG_BLOCK, &all, &old) == -1)
		return;
	if ((pid = fork()) == 0)
		_exit(link_ahead(p, parent));
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid != -1)
		p->ahead = pid;
}

/* Wait until it is done.  Whether it has succeeded is seen by what is there. */
void
ahead_join(struct push *p)
{
	if (p->ahead == 0)
		return;
	while (waitpid(p->ahead, NULL, 0) == -1 && errno == EINTR)
		;
	p->ahead = 0;
}

/* End it at once, if it is running. */
void
ahead_stop(struct push *p)
{
	int saved = errno;

	/* Only while it is known to be ours: a caller that waits for all of
	 * its children may have taken it, and the number be another's. */
	if (p->ahead != 0 && waitpid(p->ahead, NULL, WNOHANG) == 0)
		(void)kill(p->ahead, SIGKILL);
	ahead_join(p);
	errno = saved;
}
