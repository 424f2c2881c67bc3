/* cmd_restore.c: irsync restore.
 * A restore goes into a folder of its own, new or empty, so that it can never
 * overwrite anything (inplace.c: unless asked to).  While it lasts, a marker in
 * that folder says what it is the restore of: the same command goes on with
 * it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vis.h>

#include "exits.h"
#include "human.h"
#include "log.h"
#include "look.h"
#include "store_tree.h"

#define MARKER		".~irsync-restore~"
#define MARKER_MAX	(1024 * 1024)	/* bytes */

/* Split the arguments into a snapshot and paths.  "/" is all of it. */
static int
split_args(const struct strv *args, const char **spec, struct strv *paths)
{
	size_t i = 0;

	*spec = "latest";
	if (args->n > 0 && args->v[0][0] != '/')
		*spec = args->v[i++];
	for (; i < args->n; i++) {
		if (!path_is_plain(args->v[i])) {
			log_warnx("%s: not an absolute path without '.' and "
			    "'..'", args->v[i]);
			return -1;
		}
		if (strv_add(paths, args->v[i]) == -1) {
			log_warn("%s", args->v[i]);
			return -1;
		}
	}
	for (i = 0; i < paths->n; i++)
		if (strspn(paths->v[i], "/") == strlen(paths->v[i])) {
			strv_free(paths);
			break;
		}
	return 0;
}

/* --in-place goes over the living files: then they are to be named, "/" if it
 * is all of them. */
static int
check_place(const struct irsync *ir, const struct strv *args)
{
	size_t i;

	if (!ir->in_place && !ir->yes && !ir->dry_run)
		return 0;
	if (!ir->in_place || ir->to != NULL) {
		log_warnx("--yes and --dry-run go with --in-place, --to does "
		    "not");
		return -1;
	}
	for (i = 0; i < args->n; i++)
		if (args->v[i][0] == '/')
			return 0;
	log_warnx("--in-place: name what is to be restored, / for all");
	return -1;
}

/* The name of the snapshot that is meant, and whether its files are known to
 * have no holes. */
static int
choose(struct irsync *ir, const char *spec, char stamp[STAMP_SIZE],
    bool *solid)
{
	struct run r = { .path = ir->conf.rsync, .in = -1,
	    .quiet = !ir->verbose };
	const struct snapshot *s;
	struct snapshot *v = NULL;
	const char *why = NULL;
	size_t n;
	time_t t;
	int status;

	*solid = false;
	status = storage_list(ir, &r, &v, &n);
	if (status != BS_OK)
		report_failure(ir, &r, status);
	else if ((s = snapshot_choose(v, n, spec, time(NULL),
	    &why)) != NULL) {
		(void)strlcpy(stamp, s->stamp, STAMP_SIZE);
		*solid = s->solid;
	} else if (ir->conf.storage->remote && stamp_parse(spec, &t) == 0) {
		log_info("%s: the server has no record of it; trying it "
		    "anyway", spec);
		(void)strlcpy(stamp, spec, STAMP_SIZE);
	} else {
		log_warnx("%s: %s", spec, why);
		status = BS_FAIL;
	}
	free(v);
	return status;
}

/* What the marker says: host, snapshot and paths, each ended by a NUL. */
static char *
marker_text(const struct irsync_conf *c, const char *stamp,
    const struct strv *paths, size_t *len)
{
	char *text = NULL;
	FILE *f;
	size_t i;

	if ((f = open_memstream(&text, len)) == NULL)
		return NULL;
	fprintf(f, "%s%c%s%c", c->host, '\0', stamp, '\0');
	for (i = 0; i < paths->n; i++)
		fprintf(f, "%s%c", paths->v[i], '\0');
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Nothing in it but the marker, and what mkfs leaves in a new file system? */
static bool
is_empty(int fd)
{
	struct dirent *de;
	DIR *dir;
	bool empty = true;
	int copy;

	if ((copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return false;
	if ((dir = fdopendir(copy)) == NULL) {
		close(copy);
		return false;
	}
	while (empty && (de = readdir(dir)) != NULL)
		empty = strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 ||
		    strcmp(de->d_name, "lost+found") == 0 ||
		    strcmp(de->d_name, MARKER) == 0;
	closedir(dir);
	return empty;
}

/* Is the marker there, with this text? */
static bool
marker_is(int fd, const char *text, size_t len)
{
	char *buf;
	ssize_t n = -1;
	int mfd;

	if ((mfd = openat(fd, MARKER, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK)) == -1)
		return false;
	if ((buf = malloc(MARKER_MAX)) != NULL)
		n = read(mfd, buf, MARKER_MAX);
	close(mfd);
	if (n != (ssize_t)len || memcmp(buf, text, len) != 0)
		n = -1;
	free(buf);
	return n != -1;
}

static int
marker_write(int fd, const char *text, size_t len)
{
	int mfd, rc = -1;

	if ((mfd = openat(fd, MARKER, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600)) == -1)
		return -1;
	if (write(mfd, text, len) == (ssize_t)len)
		rc = 0;
	if (close(mfd) == -1)
		rc = -1;
	if (rc == -1)
		(void)unlinkat(fd, MARKER, 0);
	return rc;
}

/* The marker, and the folder of cut files, which rsync leaves.  Taking them
 * away must not change the time of the folder they are in, which was
 * restored. */
static void
marker_remove(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1 || tree_remove(fd, RESTORE_PARTIAL) == -1 ||
	    unlinkat(fd, MARKER, 0) == -1) {
		log_warn("%s", MARKER);
		return;
	}
	(void)futimens(fd, (struct timespec[]){ st.st_atim, st.st_mtim });
}

/* Is this folder ours to restore into?  Then the marker is in it. */
static int
claim_dest(const char *dest, int fd, const char *text, size_t len)
{
	if (marker_is(fd, text, len)) {
		log_info("%s: going on with an interrupted restore", dest);
		return 0;
	}
	if (!is_empty(fd) || faccessat(fd, MARKER, F_OK,
	    AT_SYMLINK_NOFOLLOW) == 0) {
		log_warnx("%s: not empty; a restore goes into a folder of its "
		    "own", dest);
		return -1;
	}
	if (len > MARKER_MAX) {
		log_warnx("%s: too many paths", dest);
		return -1;
	}
	if (marker_write(fd, text, len) == -1) {
		log_warn("%s/%s", dest, MARKER);
		return -1;
	}
	return 0;
}

/* The real path that dest has or, while it is not there, will have its parent
 * in.  To be freed; NULL with errno. */
static char *
real_dest(const char *dest)
{
	char *real, *copy;

	if ((real = realpath(dest, NULL)) != NULL || errno != ENOENT)
		return real;
	if ((copy = strdup(dest)) == NULL)
		return NULL;
	real = realpath(dirname(copy), NULL);
	free(copy);
	return real;
}

/* Is that in the history that a local storage keeps, where nothing may be
 * written?  HOST.full leads there too. */
static bool
is_history(const struct irsync_conf *c, const char *dest)
{
	char *real, *root;
	const char *rest;
	size_t i, len;
	bool in = false;

	if ((real = real_dest(dest)) == NULL)
		return false;
	for (i = 0; i < c->nstorages && !in; i++) {
		if (c->storages[i].remote ||
		    (root = realpath(c->storages[i].root, NULL)) == NULL)
			continue;
		len = strlen(root);
		if (strncmp(real, root, len) == 0 && real[len] == '/') {
			rest = real + len + 1;
			len = strcspn(rest, "/");
			in = len > 6 && strncmp(rest + len - 6, ".snaps",
			    6) == 0;
		}
		free(root);
	}
	free(real);
	return in;
}

/* Make or check the folder.  Its descriptor, or -1 after saying why. */
static int
open_dest(const char *dest, const char *text, size_t len)
{
	int fd;

	if ((mkdir(dest, 0700) == -1 && errno != EEXIST) ||
	    (fd = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		log_warn("%s", dest);
		return -1;
	}
	if (claim_dest(dest, fd, text, len) == 0)
		return fd;
	close(fd);
	return -1;
}

/* After the restore: what is finished, or has not even begun, needs no
 * marker. */
static void
release_dest(int fd, int status)
{
	if (status == BS_OK || status == BS_PARTIAL ||
	    status == BS_VANISHED || is_empty(fd))
		marker_remove(fd);
}

static void
summary(const struct run *r, int status, const char *stamp, const char *dest)
{
	char size[HUMAN_SIZE], text[512], *safe;

	human_size(size, r->counts.transferred_size);
	if (stravis(&safe, dest, VIS_OCTAL | VIS_TAB | VIS_NL |
	    VIS_NOSLASH) == -1)
		return;
	if (status == BS_OK || status == BS_PARTIAL)
		printf("%s to %s: %s: %llu entries, %llu file%s with %s "
		    "received\n", stamp, safe, status == BS_OK ? "complete" :
		    "partial", (unsigned long long)r->counts.entries,
		    (unsigned long long)r->counts.transferred,
		    r->counts.transferred == 1 ? "" : "s", size);
	else {
		failure_text(text, sizeof(text), r, status);
		log_warnx("%s to %s: %s", stamp, dest, text);
	}
	free(safe);
}

/* Everything is known: run it. */
static int
restore(struct irsync *ir, const char *stamp, bool solid,
    const struct strv *paths, const char *dest, int fd)
{
	struct restore_options o = { .progress = ir->progress,
	    .solid = solid };
	struct run r = { .path = ir->conf.rsync, .in = -1,
	    .items = ir->verbose, .progress = ir->progress };
	char *path;
	int status;

	/* rsync would take "a:b" for a server's name. */
	if ((path = realpath(dest, NULL)) == NULL ||
	    (paths->n > 0 && (r.in = look_names(paths, -1)) == -1)) {
		log_warn("%s", dest);
		free(path);
		return BS_FAIL;
	}
	status = storage_restore(ir, stamp, paths, path, &o, &r);
	if (r.in != -1)
		close(r.in);
	free(path);
	release_dest(fd, status);
	if (status == BS_PARTIAL && r.counts.entries == 0) {
		log_warnx("%s: nothing of that is in it", stamp);
		return BS_FAIL;
	}
	if (signal_caught() == 0)
		summary(&r, status, stamp, dest);
	return status;
}

int
cmd_restore(struct irsync *ir, const struct strv *args)
{
	struct strv paths = { 0 };
	const char *spec;
	char stamp[STAMP_SIZE], *dest = NULL, *text = NULL;
	size_t len;
	int fd = -1, status = BS_FAIL;
	bool solid;

	if (split_args(args, &spec, &paths) == -1 || check_place(ir, args) ==
	    -1) {
		status = BS_USAGE;
		goto out;
	}
	if ((status = choose(ir, spec, stamp, &solid)) != BS_OK)
		goto out;
	if (ir->in_place) {
		status = restore_in_place(ir, stamp, &paths);
		goto out;
	}
	status = BS_FAIL;
	if (asprintf(&dest, "%s%s", ir->to != NULL ? ir->to : "restored-",
	    ir->to != NULL ? "" : stamp) == -1) {
		dest = NULL;
		goto out;
	}
	if (is_history(&ir->conf, dest)) {
		log_warnx("%s: in the storage's snapshots, which nobody "
		    "writes to; restore to another folder", dest);
		goto out;
	}
	if ((text = marker_text(&ir->conf, stamp, &paths, &len)) == NULL ||
	    (fd = open_dest(dest, text, len)) == -1)
		goto out;
	status = restore(ir, stamp, solid, &paths, dest, fd);
out:
	if (fd != -1)
		close(fd);
	free(text);
	free(dest);
	strv_free(&paths);
	return status;
}
