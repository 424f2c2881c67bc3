/* remote.c: a store on a server, behind ssh(1) and validate-ssh(8).
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "irsync.h"
#include "log.h"
#include "scratch.h"

#define RECORDS_MAX	20000	/* a server cannot make us take more */

/* Run what *argv holds; frees it. */
static int
run_argv(struct strv *argv, struct run *r)
{
	int code;

	r->argv = argv;
	code = run_rsync(r);
	r->argv = NULL;
	strv_free(argv);
	return code == -1 ? BS_FAIL : exit_status(code, r->hint);
}

/* A plain rsync server would have been written to, and no snapshot made: that
 * is no backup. */
static int
check_snapshot(const struct irsync *ir, struct run *r, int status)
{
	if (r->snapshot.stamp[0] != '\0' || (status != BS_OK &&
	    status != BS_PARTIAL && status != BS_VANISHED))
		return status;
	snprintf(r->why, sizeof(r->why), "%s reported no snapshot: is the key "
	    "behind validate-ssh(8) there?", ir->conf.storage->login);
	return BS_FAIL;
}

int
remote_push(struct irsync *ir, const struct push_options *o, struct run *r)
{
	struct strv argv = { 0 };
	char *rest = NULL, *dest = NULL;
	int status, rc = -1;

	if (asprintf(&rest, "%s.full/", ir->conf.host) != -1 &&
	    (dest = remote_path(&ir->conf, rest)) != NULL)
		rc = argv_push(&argv, &ir->conf, o, dest);
	free(rest);
	free(dest);
	if (rc == -1) {
		strv_free(&argv);
		return BS_FAIL;
	}
	status = run_argv(&argv, r);
	return o->dry_run ? status : check_snapshot(ir, r, status);
}

/* Read one record's file, which is a regular one.  Its length, 0 if it is too
 * long or cannot be read. */
static size_t
read_record(int dirfd, const char *name, char buf[STORE_RECORD_MAX + 1])
{
	ssize_t len;
	int fd;

	if ((fd = openat(dirfd, name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) == -1)
		return 0;
	len = read(fd, buf, STORE_RECORD_MAX + 1);
	close(fd);
	return len < 0 || len > STORE_RECORD_MAX ? 0 : (size_t)len;
}

static int
by_stamp(const void *a, const void *b)
{
	const struct snapshot *x = a, *y = b;

	return strcmp(x->stamp, y->stamp);
}

/* One file of the folder that the records came into. */
static int
take_record(int dirfd, const char *name, struct snapshot **v, size_t *n)
{
	char buf[STORE_RECORD_MAX + 1], stamp[STAMP_SIZE];
	struct snapshot *more;
	struct stat st;
	size_t len;
	time_t t;

	if (strlen(name) != STAMP_LEN + strlen(".json") ||
	    strcmp(name + STAMP_LEN, ".json") != 0)
		return 0;
	memcpy(stamp, name, STAMP_LEN);
	stamp[STAMP_LEN] = '\0';
	if (stamp_parse(stamp, &t) == -1 ||
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode))
		return 0;
	if (*n >= RECORDS_MAX) {
		errno = EFBIG;
		return -1;
	}
	if ((more = reallocarray(*v, *n + 1, sizeof(**v))) == NULL)
		return -1;
	*v = more;
	len = read_record(dirfd, name, buf);
	if (store_record_parse(buf, len, stamp,
	    &more[*n]) == -1)
		log_warnx("%s: the server's record cannot be read", name);
	(*n)++;
	return 0;
}

/* Read the records, STAMP.json, in a folder that somebody else filled.  0 with
 * *v, oldest first, to be freed, or -1 with errno. */
static int
records_read(int dirfd, struct snapshot **v, size_t *n)
{
	struct dirent *de;
	DIR *dir = NULL;
	int fd, rc = 0;

	*v = NULL;
	*n = 0;
	if ((fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	while (rc == 0 && (de = readdir(dir)) != NULL)
		rc = take_record(dirfd, de->d_name, v, n);
	closedir(dir);
	if (rc == -1) {
		free(*v);
		*v = NULL;
		*n = 0;
		return -1;
	}
	if (*n > 1)
		qsort(*v, *n, sizeof(**v), by_stamp);
	return 0;
}

int
remote_list(struct irsync *ir, struct run *r, struct snapshot **v, size_t *n)
{
	struct strv argv = { 0 };
	struct scratch s;
	char *dest = NULL;
	int status = BS_FAIL;

	*v = NULL;
	*n = 0;
	if (scratch_make(&s) == -1)
		return BS_FAIL;
	if (asprintf(&dest, "%s/", s.path) == -1 ||
	    argv_records(&argv, &ir->conf, dest) == -1) {
		log_warn("%s", s.path);
		strv_free(&argv);
		goto out;
	}
	r->most = RECORDS_MAX;
	status = run_argv(&argv, r);
	if (r->counts.new > RECORDS_MAX)
		snprintf(r->why, sizeof(r->why), "more than %d records",
		    RECORDS_MAX);
	if (r->hint == HINT_EMPTY)
		status = BS_OK;
	if (status == BS_OK && records_read(s.fd, v, n) == -1) {
		log_warn("%s", s.path);
		status = BS_FAIL;
	}
out:
	scratch_remove(&s);
	free(dest);
	return status;
}

int
remote_restore(struct irsync *ir, const char *stamp,
    const struct strv *paths, const char *dest, struct restore_options *o,
    struct run *r)
{
	struct strv argv = { 0 };
	char *rest = NULL, *src = NULL;
	int rc = -1;

	if (asprintf(&rest, "%s.snaps/%s", ir->conf.host, stamp) != -1 &&
	    (src = remote_path(&ir->conf, rest)) != NULL)
		rc = argv_restore(&argv, &ir->conf, src, paths->n > 0, dest,
		    o);
	free(rest);
	free(src);
	if (rc == -1) {
		strv_free(&argv);
		return BS_FAIL;
	}
	return run_argv(&argv, r);
}
