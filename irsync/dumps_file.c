/* dumps_file.c: the files of one database's dump: written beside the old ones,
 * compared with them, put in their place.
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

#include "dumps.h"
#include "log.h"
#include "spawn.h"
#include "store_tree.h"

#define NEW		".new"
#define REPLY_MAX	(16 * 1024 * 1024)

static const struct {
	const char	*suffix, *path;
	const char	*argv[5];
} compressors[] = {
	[COMPRESS_NONE] = { "", NULL, { NULL } },
	[COMPRESS_GZIP] = { ".gz", "/usr/bin/gzip",
	    { "gzip", "-n", "--rsyncable", NULL } },
	[COMPRESS_ZSTD] = { ".zst", "/usr/bin/zstd",
	    { "zstd", "-q", "-c", "--rsyncable", NULL } },
};

static int
failed(struct dump_writer *w, const char *what)
{
	if (w->why[0] == '\0')
		snprintf(w->why, sizeof(w->why), "%s: %s", what,
		    strerror(errno));
	return -1;
}

static int
write_all(int fd, const char *buf, size_t n)
{
	ssize_t done;

	for (; n > 0; buf += done, n -= (size_t)done)
		if ((done = write(fd, buf, n)) == -1)
			return -1;
	return 0;
}

/* Put a compressor before the file; w->fd becomes the pipe into it. */
static int
start_compressor(struct dump_writer *w)
{
	char *argv[5];
	struct spawn sp = { .path = compressors[w->compress].path,
	    .argv = argv, .out = w->fd, .err = 2 };
	int p[2];
	size_t i;

	for (i = 0; i < 5; i++)
		argv[i] = compressors[w->compress].argv[i] != NULL ?
		    strdup(compressors[w->compress].argv[i]) : NULL;
	if (pipe2(p, O_CLOEXEC) == -1)
		return failed(w, "pipe");
	sp.in = p[0];
	w->pid = spawn_start(&sp);
	close(p[0]);
	close(w->fd);
	w->fd = p[1];
	for (i = 0; i < 5; i++)
		free(argv[i]);
	if (w->pid != -1)
		return 0;
	w->pid = 0;
	return failed(w, sp.path);
}

/* End the part that is written. */
static int
part_end(struct dump_writer *w)
{
	int rc = 0;

	if (w->fd == -1)
		return 0;
	if (close(w->fd) == -1)
		rc = failed(w, "close");
	w->fd = -1;
	if (w->pid != 0 && spawn_wait(w->pid) != 0) {
		snprintf(w->why, sizeof(w->why), "%s failed",
		    compressors[w->compress].path);
		rc = -1;
	}
	w->pid = 0;
	return rc;
}

/* The last line of a part, for who looks at the file alone. */
static int
part_finish(struct dump_writer *w)
{
	if (w->fd != -1 && w->header != NULL &&
	    (write_all(w->fd, "\n", 1) == -1 ||
	    write_all(w->fd, w->done, strlen(w->done)) == -1 ||
	    write_all(w->fd, "\n", 1) == -1))
		return failed(w, "cannot write the dump");
	return part_end(w);
}

int
dump_begin(struct dump_writer *w, struct dumps *d, const char *done,
    enum compress compress)
{
	memset(w, 0, sizeof(*w));
	w->d = d;
	w->fd = w->dir = -1;
	w->done = done;
	w->compress = compress;
	if (tree_remove(d->dir, NEW) == -1 ||
	    mkdirat(d->dir, NEW, 0700) == -1 ||
	    (w->dir = openat(d->dir, NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1)
		return failed(w, d->path);
	return 0;
}

int
dump_part(void *arg, const char *file)
{
	struct dump_writer *w = arg;
	char *name;
	bool known;

	if (strcmp(file, "+header") == 0) {
		w->in_header = true;
		return 0;
	}
	w->in_header = false;
	if (part_finish(w) == -1 || asprintf(&name, "%s.sql%s", file,
	    compressors[w->compress].suffix) == -1)
		return -1;
	known = strv_has(&w->seen, name) != 0;
	w->fd = openat(w->dir, name, O_WRONLY | O_CREAT | O_APPEND |
	    O_CLOEXEC | O_NOFOLLOW | (known ? 0 : O_EXCL), 0600);
	if (w->fd == -1 || (!known && strv_add(&w->seen, name) == -1)) {
		(void)failed(w, name);
		free(name);
		return -1;
	}
	free(name);
	if (w->compress != COMPRESS_NONE && start_compressor(w) == -1)
		return -1;
	if (!known && w->nheader > 0 &&
	    write_all(w->fd, w->header, w->nheader) == -1)
		return failed(w, "cannot write the dump");
	return 0;
}

int
dump_data(void *arg, const char *buf, size_t n)
{
	struct dump_writer *w = arg;
	char *more;

	if (!w->in_header)
		return write_all(w->fd, buf, n) == -1 ?
		    failed(w, "cannot write the dump") : 0;
	if (w->nheader + n > DUMP_HEADER ||
	    (more = realloc(w->header, w->nheader + n)) == NULL) {
		errno = EFBIG;
		return failed(w, "what stands before the first table");
	}
	w->header = more;
	memcpy(w->header + w->nheader, buf, n);
	w->nheader += n;
	return 0;
}

/* Do two files hold the same? */
static bool
same(int a, int b)
{
	static const size_t chunk = 65536;
	char *buf;
	ssize_t na = 1, nb = 1;

	if ((buf = malloc(2 * chunk)) == NULL)
		return false;
	while (na > 0 && na == nb) {
		na = read(a, buf, chunk);
		nb = read(b, buf + chunk, chunk);
		if (na != nb || (na > 0 &&
		    memcmp(buf, buf + chunk, (size_t)na) != 0))
			nb = -2;
	}
	free(buf);
	return na == 0 && nb == 0;
}

/* If the old file of this name holds the same as the new one, it is moved in
 * its place, with its times. */
static int
keep_same(int new, int old, const char *name)
{
	struct stat a, b;
	int fa, fb, rc = 0;

	fa = openat(new, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	fb = openat(old, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fa != -1 && fb != -1 && fstat(fa, &a) == 0 &&
	    fstat(fb, &b) == 0 && S_ISREG(b.st_mode) &&
	    a.st_size == b.st_size && same(fa, fb))
		rc = renameat(old, name, new, name);
	if (fa != -1)
		close(fa);
	if (fb != -1)
		close(fb);
	return rc;
}

/* Open, and make if it is not there, a folder; -1 with errno. */
static int
folder(int dir, const char *name)
{
	if (mkdirat(dir, name, 0700) == -1 && errno != EEXIST)
		return -1;
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
}

int
dump_commit(struct dump_writer *w, const char *kind, const char *name)
{
	int kdir = -1, old = -1, rc = -1;
	size_t i;

	if (part_finish(w) == -1)
		return -1;
	if ((kdir = folder(w->d->dir, kind)) == -1 ||
	    (old = folder(kdir, name)) == -1) {
		(void)failed(w, name);
		goto out;
	}
	for (i = 0; i < w->seen.n; i++)
		if (keep_same(w->dir, old, w->seen.v[i]) == -1) {
			(void)failed(w, w->seen.v[i]);
			goto out;
		}
	if (tree_remove(kdir, name) == -1 ||
	    renameat(w->d->dir, NEW, kdir, name) == -1)
		(void)failed(w, name);
	else
		rc = 0;
out:
	if (old != -1)
		close(old);
	if (kdir != -1)
		close(kdir);
	return rc;
}

void
dump_end(struct dump_writer *w)
{
	(void)part_end(w);
	if (w->dir != -1)
		close(w->dir);
	(void)tree_remove(w->d->dir, NEW);
	strv_free(&w->seen);
	free(w->header);
}

static int
on_output(void *arg, const char *buf, size_t n)
{
	return dumpsplit_feed(arg, buf, n);
}

/* A part of our own making, before the dumper's. */
static int
add_prefix(struct dump_writer *w, const char *text)
{
	if (text == NULL)
		return 0;
	return dump_part(w, "+database") == -1 ||
	    dump_data(w, text, strlen(text)) == -1 ? -1 : part_end(w);
}

/* The folder's name.  0, or -1: it would be too long. */
static int
folder_name(char buf[DUMP_NAME], const struct dump_what *what)
{
	if (what->folder == NULL)
		return dump_file_name(buf, what->name, strlen(what->name));
	(void)strlcpy(buf, what->folder, DUMP_NAME);
	return 0;
}

int
dump_run(struct dumps *d, struct proc *p, const struct dump_what *what,
    const struct db_conf *db)
{
	struct dump_writer w;
	struct dumpsplit split = { .sink = { dump_part, dump_data, &w },
	    .whole = what->whole, .done = what->done };
	char file[DUMP_NAME], buf[256];
	const char *why = w.why;
	int rc = -1;

	if (folder_name(file, what) == -1) {
		dump_missing(d, what, "its name is too long");
		return -1;
	}
	p->out = on_output;
	p->arg = &split;
	p->timeout = db->timeout;
	if (dump_begin(&w, d, what->done, db->compress) == -1 ||
	    add_prefix(&w, what->prefix) == -1)
		goto out;
	(void)proc_run(p);
	p->arg = NULL;
	if (w.why[0] != '\0')
		goto out;
	if (p->code != 0 || p->timed_out)
		why = proc_why(p, buf, sizeof(buf));
	else if (dumpsplit_end(&split) == -1 || !split.complete)
		why = w.why[0] != '\0' ? w.why : "it ended before its end";
	else
		rc = dump_commit(&w, what->kind, file);
out:
	if (rc == -1)
		dump_missing(d, what, why);
	else
		d->made++;
	dump_end(&w);
	return rc;
}

void
dump_missing(struct dumps *d, const struct dump_what *what, const char *why)
{
	char file[DUMP_NAME], *line, *p;
	int kdir;

	/* Nothing will be backed up now: what there is may stay. */
	if (signal_caught() != 0)
		return;
	log_warnx("%s %s: not dumped: %s", what->kind, what->name, why);
	if (folder_name(file, what) == 0 &&
	    (kdir = folder(d->dir, what->kind)) != -1) {
		(void)tree_remove(kdir, file);
		close(kdir);
	}
	if (asprintf(&line, "%s %s: %s", what->kind, what->name, why) == -1)
		return;
	for (p = line; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	(void)strv_add(&d->missing, line);
	free(line);
}

/* Remove all folders but these. */
static void
forget(struct dumps *d, const char *kind, const struct strv *keep)
{
	struct dirent *de;
	DIR *dir;
	int fd;

	if ((fd = folder(d->dir, kind)) == -1 || (dir = fdopendir(fd)) ==
	    NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while ((de = readdir(dir)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0 &&
		    !strv_has(keep, de->d_name) &&
		    tree_remove(dirfd(dir), de->d_name) == -1)
			log_warn("%s/%s/%s", d->path, kind, de->d_name);
	closedir(dir);
}

void
dumps_none(struct dumps *d, const char *kind, const char *why)
{
	const struct dump_what all = { .kind = kind, .name = "all" };
	const struct strv none = { 0 };

	if (signal_caught() == 0)
		forget(d, kind, &none);
	dump_missing(d, &all, why);
}

void
dumps_finish(struct dumps *d, const char *kind, const struct db_conf *db,
    const struct strv *keep)
{
	struct dump_what absent = { .kind = kind };
	char file[DUMP_NAME];
	size_t i;

	/* Cut short, they are not all known. */
	if (signal_caught() != 0)
		return;
	for (i = 0; i < db->databases.n; i++) {
		absent.name = db->databases.v[i];
		if (folder_name(file, &absent) == -1 || !strv_has(keep, file))
			dump_missing(d, &absent, "there is no such database");
	}
	forget(d, kind, keep);
}

int
reply_add(void *arg, const char *buf, size_t n)
{
	struct reply *r = arg;
	char *more;

	if (r->len + n > REPLY_MAX ||
	    (more = realloc(r->text, r->len + n + 1)) == NULL)
		return -1;
	r->text = more;
	memcpy(r->text + r->len, buf, n);
	r->len += n;
	r->text[r->len] = '\0';
	return 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
unhex(char *s)
{
	char *out = s;
	int hi, lo;

	for (; *s != '\0'; s += 2) {
		if ((hi = hex_digit(s[0])) == -1 ||
		    (lo = hex_digit(s[1])) == -1 || hi + lo == 0)
			return -1;
		*out++ = (char)(hi * 16 + lo);
	}
	*out = '\0';
	return 0;
}

bool
db_wanted(const struct db_conf *db, const char *name)
{
	return (db->databases.n == 0 || strv_has(&db->databases, name)) &&
	    !strv_has(&db->skip, name);
}
