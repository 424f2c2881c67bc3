/* store_sums.c: the log of checksums in a store, and what a commit adds to it.
 *
 * The log is only appended to, under flock(2), a whole block by one write; a
 * block that did not fit is cut off again.  Nothing waits for it to be on
 * stable storage: the commit's own syncfs(2) takes it along, and what a crash
 * loses is unknown, not wrong.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "numset.h"
#include "store_dir.h"
#include "store_internal.h"
#include "store_pool.h"
#include "store_sums.h"

#define SUMS_TMP	"sums.tmp"
#define LOCK_TRIES	100		/* of 10 ms */
#define STATX_WANT	(STATX_BASIC_STATS | STATX_BTIME)

static int
meta_open(struct store *s)
{
	return dir_make_at(s->fd, STORE_META, 0700);
}

/* Is what stands under the log's name still this file? */
static bool
is_current(int metafd, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 &&
	    fstatat(metafd, STORE_SUMS, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	    a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* The log belongs to whoever the store does, also if root looks after it. */
static int
log_create(struct store *s, int metafd, const char *name)
{
	struct stat st;
	int fd;

	if ((fd = openat(metafd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600)) == -1)
		return -1;
	if (geteuid() == 0 && (fstat(s->fd, &st) == -1 ||
	    fchown(fd, st.st_uid, st.st_gid) == -1)) {
		close(fd);
		(void)unlinkat(metafd, name, 0);
		return -1;
	}
	return fd;
}

/* Open the log for writing, and lock it.  -1 with errno EWOULDBLOCK after a
 * second. */
static int
log_open(struct store *s, int metafd)
{
	const struct timespec tick = { .tv_nsec = 10000000 };
	int fd, i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if ((fd = openat(metafd, STORE_SUMS, O_RDWR | O_NOFOLLOW |
		    O_CLOEXEC)) == -1 && errno == ENOENT)
			fd = log_create(s, metafd, STORE_SUMS);
		if (fd == -1 && errno != EEXIST)
			return -1;
		if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
			if (is_current(metafd, fd))
				return fd;
		} else
			(void)nanosleep(&tick, NULL);
		if (fd != -1)
			close(fd);
	}
	errno = EWOULDBLOCK;
	return -1;
}

int
store_sums_load(struct store *s, struct sums *sums)
{
	struct stat st;
	void *map = MAP_FAILED;
	int metafd, fd = -1, rc = -1, saved;

	if ((metafd = dir_open_at(s->fd, STORE_META)) == -1)
		return errno == ENOENT ? 0 : -1;
	if ((fd = openat(metafd, STORE_SUMS, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC)) == -1) {
		rc = errno == ENOENT ? 0 : -1;
		goto out;
	}
	/* Nobody cuts the log shorter than it is under a shared lock. */
	if (flock(fd, LOCK_SH) == -1 || fstat(fd, &st) == -1)
		goto out;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		goto out;
	}
	if (st.st_size > 0 && (map = mmap(NULL, (size_t)st.st_size, PROT_READ,
	    MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		goto out;
	rc = st.st_size == 0 ? 0 :
	    sums_parse(map, (size_t)st.st_size, sums);
	sums->bytes = (uint64_t)st.st_size;
	sums_sort(sums);
out:
	saved = errno;
	if (map != MAP_FAILED)
		(void)munmap(map, (size_t)st.st_size);
	if (fd != -1)
		close(fd);
	close(metafd);
	errno = saved;
	return rc;
}

/* Write blocks of n entries at an offset, which moves on.  0, or -1. */
static int
blocks_write(int fd, const struct sum *v, size_t n, off_t *at)
{
	uint8_t *buf;
	size_t now, len;
	ssize_t done;
	int rc = 0, saved;

	if ((buf = malloc(SUMS_BLOCK_MAX)) == NULL)
		return -1;
	for (; n > 0 && rc == 0; v += now, n -= now) {
		for (now = 1; now < n && now < SUMS_BLOCK &&
		    v[now].since == v[0].since; now++)
			;
		len = sums_block(buf, v, now);
		done = pwrite(fd, buf, len, *at);
		if (done != (ssize_t)len) {
			if (done >= 0)
				errno = ENOSPC;
			rc = -1;
		} else
			*at += (off_t)len;
	}
	saved = errno;
	free(buf);
	errno = saved;
	return rc;
}

/* Append to the log, which is open and locked. */
static int
log_append(int fd, const struct sum *v, size_t n)
{
	struct stat st;
	off_t at;
	int saved;

	if (fstat(fd, &st) == -1)
		return -1;
	at = (st.st_size + 15) & ~(off_t)15;	/* a torn end */
	if (blocks_write(fd, v, n, &at) == 0)
		return 0;
	saved = errno;
	if (ftruncate(fd, st.st_size) == -1)
		log_warn("%s", STORE_SUMS);
	errno = saved;
	return -1;
}

int
store_sums_append(struct store *s, const struct sum *v, size_t n)
{
	int metafd, fd, rc = -1, saved;

	if ((metafd = meta_open(s)) == -1)
		return -1;
	if ((fd = log_open(s, metafd)) != -1)
		rc = log_append(fd, v, n);
	saved = errno;
	if (fd != -1)
		close(fd);
	close(metafd);
	errno = saved;
	return rc;
}

/* Copy what was appended since. */
static int
copy_rest(int from, int to, off_t at, off_t end)
{
	char buf[65536];
	struct stat st;
	ssize_t n;

	if (fstat(from, &st) == -1)
		return -1;
	while (at < st.st_size) {
		if ((n = pread(from, buf, sizeof(buf), at)) <= 0 ||
		    pwrite(to, buf, (size_t)n, end) != n) {
			if (n != -1)
				errno = ENOSPC;
			return -1;
		}
		at += n;
		end += n;
	}
	return 0;
}

/* Under the lock of the log `old`. */
static int
rewrite(struct store *s, int metafd, int old, const struct sum *v, size_t n,
    uint64_t was_bytes)
{
	off_t at = 0;
	int fd, rc = -1, saved;

	if (unlinkat(metafd, SUMS_TMP, 0) == -1 && errno != ENOENT)
		return -1;
	if ((fd = log_create(s, metafd, SUMS_TMP)) == -1)
		return -1;
	if (blocks_write(fd, v, n, &at) == 0 &&
	    copy_rest(old, fd, (off_t)((was_bytes + 15) & ~UINT64_C(15)),
	    at) == 0 && fsync(fd) == 0 &&
	    renameat(metafd, SUMS_TMP, metafd, STORE_SUMS) == 0)
		rc = dir_sync(metafd);
	saved = errno;
	close(fd);
	if (rc == -1)
		(void)unlinkat(metafd, SUMS_TMP, 0);
	errno = saved;
	return rc;
}

int
store_sums_rewrite(struct store *s, const struct sum *v, size_t n,
    uint64_t was_bytes)
{
	int metafd, fd, rc = -1, saved;

	if ((metafd = meta_open(s)) == -1)
		return -1;
	if ((fd = log_open(s, metafd)) != -1)
		rc = rewrite(s, metafd, fd, v, n, was_bytes);
	saved = errno;
	if (fd != -1)
		close(fd);
	close(metafd);
	errno = saved;
	return rc;
}

/*
 * A commit's checksums.
 */

struct sums_job {
	struct store	*store;
	int		 fresh;		/* what was pushed, and perhaps more */
	int		 base;		/* what is in it of this is not new;
					 * -1: all is */
	bool		 cloned;	/* fresh was a subvolume's clone of
					 * base */
	int64_t		 since;
	pthread_t	 thread;
	pthread_mutex_t	 lock;
	int		 metafd, log;	/* -1: nothing was added yet */
	struct numset	 seen;		/* inodes with several names */
	int		 error;		/* of the log: it is left alone then */
	size_t		 unread;	/* files that could not be read */
	char		 where[256];	/* one of them */
	int		 why;
};

struct summer {			/* one thread's part */
	struct sums_job		*job;
	struct sum_reader	 reader;
	struct dirents		 d;
	struct sum		*v;	/* SUMS_BLOCK of them */
	size_t			 n;
};

/* Put a thread's entries into the log. */
static void
flush(struct summer *m)
{
	struct sums_job *j = m->job;

	if (m->n == 0)
		return;
	pthread_mutex_lock(&j->lock);
	if (j->error == 0 && j->log == -1 &&
	    ((j->metafd = meta_open(j->store)) == -1 ||
	    (j->log = log_open(j->store, j->metafd)) == -1))
		j->error = errno;
	if (j->error == 0 && log_append(j->log, m->v, m->n) == -1)
		j->error = errno;
	pthread_mutex_unlock(&j->lock);
	m->n = 0;
}

static void
note_unread(struct sums_job *j, const char *name, int error)
{
	pthread_mutex_lock(&j->lock);
	if (j->unread++ == 0) {
		(void)strlcpy(j->where, name, sizeof(j->where));
		j->why = error;
	}
	pthread_mutex_unlock(&j->lock);
}

static void
file_sum(struct summer *m, int dirfd, const char *name)
{
	struct sums_job *j = m->job;
	struct statx x;
	struct sum *s = &m->v[m->n];
	bool first = true;

	if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_WANT, &x) == -1 ||
	    !S_ISREG(x.stx_mode))
		return;
	if (x.stx_nlink > 1) {
		pthread_mutex_lock(&j->lock);
		first = numset_add(&j->seen, x.stx_ino) != 0;
		pthread_mutex_unlock(&j->lock);
	}
	if (!first)
		return;
	sum_of_file(s, &x);
	s->since = j->since;
	if (sum_file(&m->reader, dirfd, name, x.stx_size, s->hash) == -1) {
		if (errno != EAGAIN)
			note_unread(j, name, errno);
		s->flags = SUM_UNKNOWN;
		memset(s->hash, 0, sizeof(s->hash));
	}
	if (++m->n == SUMS_BLOCK)
		flush(m);
}

/* Is this entry base's own: linked by rsync, or in a clone of base and
 * untouched? */
static bool
is_old(const struct sums_job *j, int base, int dirfd,
    const struct dirent_at *e)
{
	struct stat a, b;

	if (base == -1 ||
	    fstatat(base, e->name, &a, AT_SYMLINK_NOFOLLOW) == -1 ||
	    a.st_ino != e->ino)
		return false;
	return !j->cloned ||
	    (fstatat(dirfd, e->name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	    a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
	    a.st_ctim.tv_nsec == b.st_ctim.tv_nsec);
}

static bool
has_folder(int base, const char *name)
{
	struct stat st;

	return base != -1 &&
	    fstatat(base, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

/* A folder of what was pushed: UPPER, and the same of base: LOWER. */
static int
folder_sum(struct worker *w, struct node *n)
{
	struct summer *m = w->arg;
	struct timespec times[2] = { { .tv_nsec = 0 },
	    { .tv_nsec = UTIME_OMIT } };
	struct stat before, after;
	struct dirent_at e;
	int r;

	if (fstat(n->fd[UPPER], &before) == -1 ||
	    dirents_start(&m->d, n->fd[UPPER]) == -1)
		return -1;
	while ((r = dirents_next(&m->d, &e)) == 1) {
		if (e.type == DT_REG && !is_old(m->job,
		    n->fd[LOWER], n->fd[UPPER], &e))
			file_sum(m, n->fd[UPPER], e.name);
		else if (e.type == DT_DIR &&
		    strcmp(e.name, STORE_PARTIAL_DIR) != 0 &&
		    worker_add(w, n, e.name, has_folder(n->fd[LOWER], e.name),
		    true, false) == NULL)
			return -1;
	}
	/* Who asked rsync to keep access times is not to find ours. */
	if (fstat(n->fd[UPPER], &after) == 0 &&
	    (after.st_atim.tv_sec != before.st_atim.tv_sec ||
	    after.st_atim.tv_nsec != before.st_atim.tv_nsec)) {
		times[0] = before.st_atim;
		(void)futimens(n->fd[UPPER], times);
	}
	return r;
}

static void
walk(struct sums_job *j, struct summer *m, void **args, size_t threads)
{
	struct pool_job job = { .treat = folder_sum, .args = args,
	    .threads = threads, .fd = { j->base, j->fresh, -1 } };
	char where[256];
	size_t i;

	for (i = 0; i < threads; i++) {
		m[i].job = j;
		m[i].reader.cold_max = SUMS_COLD / threads;
		args[i] = &m[i];
		if (sum_reader_init(&m[i].reader) == -1 ||
		    dirents_init(&m[i].d) == -1 ||
		    (m[i].v = calloc(SUMS_BLOCK, sizeof(*m[i].v))) == NULL)
			goto out;
	}
	if (pool_run(&job, where, sizeof(where)) == -1)
		note_unread(j, where, errno);
	for (i = 0; i < threads; i++)
		flush(&m[i]);
out:
	for (i = 0; i < threads; i++) {
		sum_reader_fini(&m[i].reader);
		dirents_fini(&m[i].d);
		free(m[i].v);
	}
}

static void *
work(void *arg)
{
	struct sums_job *j = arg;
	size_t threads = pool_threads();
	struct summer *m = calloc(threads, sizeof(*m));
	void **args = calloc(threads, sizeof(*args));

	if (m != NULL && args != NULL)
		walk(j, m, args, threads);
	else
		note_unread(j, "", ENOMEM);
	free(m);
	free(args);
	return NULL;
}

static void
job_free(struct sums_job *j)
{
	if (j->fresh != -1)
		close(j->fresh);
	if (j->base != -1)
		close(j->base);
	if (j->log != -1)
		close(j->log);
	if (j->metafd != -1)
		close(j->metafd);
	numset_free(&j->seen);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

struct sums_job *
sums_start(struct push *p)
{
	struct sums_job *j;
	sigset_t all, old;
	time_t since;
	int rc;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		return NULL;
	j->store = p->store;
	j->fresh = j->base = j->metafd = j->log = -1;
	pthread_mutex_init(&j->lock, NULL);
	if (stamp_parse(p->c.stamp, &since) == -1 ||
	    (j->fresh = dir_open_at(p->fd, PUSH_UPPER)) == -1)
		goto fail;
	j->since = since;
	/* The overlay's upper layer holds nothing of base's. */
	if (p->c.way != STORE_WAY_OVERLAY && p->c.base[0] != '\0')
		j->base = dir_open_at(p->store->fd, p->c.base);
	j->cloned = p->c.way != STORE_WAY_OVERLAY &&
	    p->c.way != STORE_WAY_LINKDEST;
	sigfillset(&all);
	if (pthread_sigmask(SIG_BLOCK, &all, &old) != 0)
		goto fail;
	rc = pthread_create(&j->thread, NULL, work, j);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return j;
	errno = rc;
fail:
	log_warn("%s: checksums", p->store->host);
	job_free(j);
	return NULL;
}

void
sums_end(struct sums_job *j)
{
	int saved = errno;

	if (j == NULL)
		return;
	pthread_join(j->thread, NULL);
	if (j->error != 0) {
		errno = j->error;
		log_warn("%s: checksums are not kept", j->store->host);
	}
	if (j->unread > 0) {
		errno = j->why;
		log_warn("%s: %zu files without a checksum, the first %s",
		    j->store->host, j->unread, j->where);
	}
	job_free(j);
	errno = saved;
}
