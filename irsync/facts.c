/* facts.c: what irsync's guards look at, from the machine and from a file.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"
#include "file.h"
#include "irsync.h"
#include "store_json.h"

#define MOUNTINFO_MAX	(16 * 1024 * 1024)

bool
path_is_inside(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return true;
	return strncmp(path, dir, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}

/* Does a file system of this type keep what is written to it? */
static bool
is_real(const char *type)
{
	static const char *const not[] = { "autofs", "binfmt_misc", "bpf",
	    "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs",
	    "efivarfs", "fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal",
	    "fusectl", "hugetlbfs", "mqueue", "nsfs", "overlay", "proc",
	    "pstore", "ramfs", "rpc_pipefs", "securityfs", "selinuxfs",
	    "squashfs", "sysfs", "tmpfs", "tracefs" };
	size_t i;

	for (i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (strcmp(type, not[i]) == 0)
			return false;
	return true;
}

/* "\040" and its like to bytes, in place. */
static void
unescape(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++)
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' &&
		    s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7' &&
		    (s[1] != '0' || s[2] != '0' || s[3] != '0')) {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
			    (s[3] - '0'));
			s += 3;
		} else
			*out++ = *s;
	*out = '\0';
}

/* One line: "ID PARENT M:N ROOT POINT OPTIONS [TAG…] - TYPE SOURCE OPTIONS" */
static int
take_mount(char *line, bool real, struct strv *mounts)
{
	char *word, *point = NULL;
	int i;

	for (i = 0; (word = strsep(&line, " ")) != NULL; i++) {
		if (i == 4)
			point = word;
		if (i >= 6 && strcmp(word, "-") == 0)
			break;
	}
	if (word == NULL || point == NULL || point[0] != '/' ||
	    (word = strsep(&line, " ")) == NULL || (real && !is_real(word)))
		return 0;
	unescape(point);
	return strv_has(mounts, point) ? 0 : strv_add(mounts, point);
}

int
mounts_parse(const char *text, bool real, struct strv *mounts)
{
	char *copy, *rest, *line;
	int rc = 0;

	if ((copy = strdup(text)) == NULL)
		return -1;
	for (rest = copy; rc == 0 && (line = strsep(&rest, "\n")) != NULL;)
		rc = take_mount(line, real, mounts);
	free(copy);
	return rc;
}

static int
read_mounts(bool real, struct strv *mounts)
{
	char *text;
	size_t len;
	int rc;

	if ((text = file_read("/proc/self/mountinfo", MOUNTINFO_MAX,
	    &len)) == NULL)
		return -1;
	rc = mounts_parse(text, real, mounts);
	free(text);
	return rc;
}

int
mounts_read(struct strv *mounts)
{
	return read_mounts(false, mounts);
}

/* Does a mount point matter to a path? */
static bool
matters(const struct irsync_conf *c, const char *mount)
{
	const char *path;
	size_t i;

	if (strcmp(mount, "/") == 0)
		return false;
	for (i = 0; i < c->paths.n; i++) {
		path = c->paths.v[i];
		if (path_is_inside(path, mount) ||
		    (path_is_inside(mount, path) &&
		    !path_one_file_system(c, path)))
			return true;
	}
	return false;
}

int
path_is_empty(const char *path)
{
	struct dirent *de;
	struct stat st;
	DIR *dir;
	int empty = 1;

	if (lstat(path, &st) == -1)
		return errno == ENOENT || errno == ENOTDIR ? -1 : 0;
	if (!S_ISDIR(st.st_mode) || (dir = opendir(path)) == NULL)
		return 0;
	while (empty == 1 && (de = readdir(dir)) != NULL)
		empty = strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 ||
		    strcmp(de->d_name, "lost+found") == 0;
	closedir(dir);
	return empty;
}

int
facts_now(const struct irsync_conf *c, struct facts *f)
{
	struct strv all = { 0 };
	size_t i;
	int rc;

	memset(f, 0, sizeof(*f));
	f->known = true;
	f->clock = time(NULL);
	if (gethostname(f->machine, sizeof(f->machine)) == -1)
		return -1;
	f->machine[sizeof(f->machine) - 1] = '\0';
	rc = read_mounts(true, &all);
	for (i = 0; i < all.n && rc == 0; i++)
		if (matters(c, all.v[i]))
			rc = strv_add(&f->mounts, all.v[i]);
	strv_free(&all);
	for (i = 0; i < c->paths.n && rc == 0; i++)
		switch (path_is_empty(c->paths.v[i])) {
		case 1:
			rc = strv_add(&f->empty, c->paths.v[i]);
			break;
		case -1:
			rc = strv_add(&f->missing, c->paths.v[i]);
			break;
		}
	return rc;
}

void
facts_forget_gone(struct facts *f)
{
	struct stat st;
	size_t i, n = 0;

	for (i = 0; i < f->mounts.n; i++)
		if (lstat(f->mounts.v[i], &st) == 0)
			f->mounts.v[n++] = f->mounts.v[i];
		else
			free(f->mounts.v[i]);
	f->mounts.n = n;
	if (f->mounts.v != NULL)
		f->mounts.v[n] = NULL;
}

static int
get_list(const json_t *j, const char *key, struct strv *out)
{
	const json_t *list = json_object_get(j, key);
	json_t *one;
	char *s;
	size_t i;
	int rc = json_is_array(list) ? 0 : -1;

	for (i = 0; rc == 0 && i < json_array_size(list); i++) {
		one = json_pack("{s:O}", "x", json_array_get(list, i));
		s = one != NULL ? json_get_bytes(one, "x") : NULL;
		rc = s == NULL ? -1 : strv_add(out, s);
		free(s);
		json_decref(one);
	}
	return rc;
}

int
facts_parse(const char *buf, size_t len, struct facts *f)
{
	json_t *j;
	int64_t clock, version;
	int rc = -1;

	memset(f, 0, sizeof(*f));
	if (len > FACTS_MAX || (j = json_object_parse(buf, len)) == NULL)
		return -1;
	if (json_get_int(j, "version", 1, 1, &version) == 0 &&
	    json_get_int(j, "clock", 0, INT64_C(253402300799), &clock) == 0 &&
	    json_get_text(j, "machine", f->machine,
	    sizeof(f->machine)) == 0 &&
	    get_list(j, "mounts", &f->mounts) == 0 &&
	    get_list(j, "empty", &f->empty) == 0) {
		f->clock = (time_t)clock;
		f->known = true;
		rc = 0;
	} else
		facts_free(f);
	json_decref(j);
	return rc;
}

static json_t *
list_json(const struct strv *sv)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < sv->n; i++)
		if (json_array_append_new(list, json_bytes(sv->v[i])) == -1) {
			json_decref(list);
			return NULL;
		}
	return list;
}

char *
facts_format(const struct facts *f)
{
	return json_line(json_pack("{s:i, s:I, s:o, s:o, s:o}", "version", 1,
	    "clock", (json_int_t)f->clock, "machine", json_ascii(f->machine),
	    "mounts", list_json(&f->mounts), "empty", list_json(&f->empty)));
}

void
facts_free(struct facts *f)
{
	strv_free(&f->mounts);
	strv_free(&f->empty);
	strv_free(&f->missing);
	memset(f, 0, sizeof(*f));
}

static char *
facts_path(const struct irsync_conf *c)
{
	char *path;

	return asprintf(&path, "%s/%s.facts.json", c->state, c->host) == -1 ?
	    NULL : path;
}

int
facts_read(const struct irsync_conf *c, struct facts *f)
{
	char *path, *text = NULL;
	size_t len;
	int rc = -1;

	memset(f, 0, sizeof(*f));
	if ((path = facts_path(c)) == NULL)
		return -1;
	if ((text = file_read(path, FACTS_MAX, &len)) == NULL)
		rc = errno == ENOENT ? 0 : -1;
	else if ((rc = facts_parse(text, len, f)) == -1)
		errno = EINVAL;
	free(text);
	free(path);
	return rc;
}

int
facts_write(const struct irsync_conf *c, const struct facts *f)
{
	char *path, *text;
	int rc = -1;

	path = facts_path(c);
	text = facts_format(f);
	if (path != NULL && text != NULL)
		rc = file_replace(path, text, strlen(text), 0600, true);
	free(text);
	free(path);
	return rc;
}
