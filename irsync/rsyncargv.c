/* rsyncargv.c: configuration to argument vectors for rsync(1).
 * Pure: it looks at nothing but its arguments.
 *
 * A push sends every configured path under its full name (--relative).  So
 * that the snapshot holds what is configured and nothing older, the folders
 * above the paths are sent too, each without recursion: "S" rules show the
 * way down to the paths, an "H" rule hides everything else, and --delete
 * removes what is hidden.  The paths themselves stay arguments, because only
 * an argument is followed into a file system of its own with
 * --one-file-system.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "irsync.h"

#define SSH_ALIVE_INTERVAL	30	/* seconds between signs of life */
#define SSH_ALIVE_COUNT		4	/* missed ones that end it */

/* Append a string, in place of an earlier one.  0, or -1 with errno. */
static int
append(char **s, const char *text)
{
	char *new;

	if (asprintf(&new, "%s%s", *s != NULL ? *s : "", text) == -1)
		return -1;
	free(*s);
	*s = new;
	return 0;
}

/* A word as rsync's -e wants it: in single quotes, each of its own doubled
 * (rsync.1, --rsh). */
static int
append_word(char **s, const char *word)
{
	char one[2] = { 0 };

	if (append(s, *s != NULL ? " '" : "'") == -1)
		return -1;
	for (; *word != '\0'; word++) {
		one[0] = *word;
		if (append(s, *word == '\'' ? "''" : one) == -1)
			return -1;
	}
	return append(s, "'");
}

/* The private key.  ssh(1) expands what begins with a '%', but only after -i
 * has looked for the name as it stands: such a one goes in by -o, where '%' is
 * doubled and quotes are escaped. */
static int
add_identity(struct strv *w, const char *name)
{
	char *s, *out;
	int rc;

	if (strchr(name, '%') == NULL)
		return strv_add(w, "-i") | strv_add(w, name);
	if ((s = out = malloc(2 * strlen(name) + 1)) == NULL)
		return -1;
	for (; *name != '\0'; name++) {
		if (*name == '%')
			*out++ = '%';
		else if (*name == '"' || *name == '\\')
			*out++ = '\\';
		*out++ = *name;
	}
	*out = '\0';
	rc = strv_add(w, "-o") | strv_addf(w, "IdentityFile=\"%s\"", s);
	free(s);
	return rc;
}

static int
ssh_words(struct strv *w, const struct irsync_conf *c)
{
	size_t i;
	int rc = strv_add(w, c->ssh);

	if (c->storage->ssh_config != NULL)
		rc |= strv_add(w, "-F") | strv_add(w, c->storage->ssh_config);
	if (c->storage->port != 0)
		rc |= strv_add(w, "-p") | strv_addf(w, "%u", c->storage->port);
	if (c->storage->identity != NULL)
		rc |= add_identity(w, c->storage->identity) |
		    strv_add(w, "-o") | strv_add(w, "IdentitiesOnly=yes");
	/* ssh takes the first value of an option: the user's go first. */
	for (i = 0; i < c->storage->ssh_options.n; i++)
		rc |= strv_add(w, "-o") | strv_add(w, c->storage->ssh_options.v[i]);
	rc |= strv_add(w, "-o") | strv_add(w, "BatchMode=yes");
	rc |= strv_add(w, "-o") | strv_add(w, "ConnectTimeout=30");
	rc |= strv_add(w, "-o") | strv_addf(w, "ServerAliveInterval=%d",
	    SSH_ALIVE_INTERVAL);
	rc |= strv_add(w, "-o") | strv_addf(w, "ServerAliveCountMax=%d",
	    SSH_ALIVE_COUNT);
	rc |= strv_add(w, "-o") | strv_add(w, "ClearAllForwardings=yes");
	rc |= strv_add(w, "-T");
	return rc;
}

char *
ssh_command(const struct irsync_conf *c)
{
	struct strv words = { 0 };
	char *cmd = NULL;
	size_t i;
	int rc;

	rc = ssh_words(&words, c);
	for (i = 0; i < words.n && rc == 0; i++)
		rc = append_word(&cmd, words.v[i]);
	strv_free(&words);
	if (rc == 0)
		return cmd;
	free(cmd);
	errno = ENOMEM;
	return NULL;
}

int
ssh_argv(struct strv *argv, const struct irsync_conf *c, const char *command)
{
	const char *login = c->storage->login, *open = strchr(login, '[');
	int rc = ssh_words(argv, c);

	rc |= strv_add(argv, "--");
	/* rsync wants the brackets of an IPv6 address, ssh does not. */
	if (open != NULL)
		rc |= strv_addf(argv, "%.*s%.*s", (int)(open - login), login,
		    (int)strcspn(open + 1, "]"), open + 1);
	else
		rc |= strv_add(argv, login);
	return rc | strv_add(argv, command);
}

char *
remote_path(const struct irsync_conf *c, const char *rest)
{
	const struct storage *s = c->storage;
	const char *slash = "/";
	char *path;

	if (s->root[0] == '\0' || strcmp(s->root, "/") == 0)
		slash = "";
	if (asprintf(&path, "%s:%s%s%s", s->login, s->root, slash, rest) == -1)
		return NULL;
	return path;
}

/* A name as a pattern that matches just it.  rsync takes a backslash for
 * itself unless the pattern holds a wildcard (rsync.1, "PATTERN MATCHING"). */
char *
rsync_pattern(const char *name, bool has_wildcard)
{
	char *s, *out;

	if (strpbrk(name, "*?[") == NULL && !has_wildcard)
		return strdup(name);
	if ((out = s = malloc(2 * strlen(name) + 1)) == NULL)
		return NULL;
	for (; *name != '\0'; name++) {
		if (strchr("*?[\\", *name) != NULL)
			*out++ = '\\';
		*out++ = *name;
	}
	*out = '\0';
	return s;
}

/* --filter=RULE NAME, the name meant literally. */
static int
add_filter(struct strv *argv, char rule, const char *name)
{
	char *pat;
	int rc = -1;

	if ((pat = rsync_pattern(name, false)) != NULL)
		rc = strv_addf(argv, "--filter=%c %s", rule, pat);
	free(pat);
	return rc;
}

/* Does another configured path bring this one's surroundings anyway? */
static bool
is_nested(const struct strv *paths, size_t i)
{
	size_t j;

	for (j = 0; j < paths->n; j++)
		if (j != i && path_is_inside(paths->v[i], paths->v[j]))
			return true;
	return false;
}

/* The folders above a path, "/" first, without doubles; and if `rules`, the
 * rules that show the next step down from each. */
static int
add_above(const char *path, struct strv *above, struct strv *rules)
{
	const char *p, *end;
	char *step = NULL, *dir = NULL;
	int rc = 0;

	if (strcmp(path, "/") == 0)
		return 0;
	for (p = path; p != NULL && rc == 0; p = strchr(p + 1, '/')) {
		end = strchr(p + 1, '/');
		dir = p == path ? strdup("/") :
		    strndup(path, (size_t)(p - path));
		step = end == NULL ? strdup(path) :
		    strndup(path, (size_t)(end - path));
		if (dir == NULL || step == NULL)
			rc = -1;
		else if (!strv_has(above, dir))
			rc = strv_add(above, dir);
		if (rc == 0 && rules != NULL)
			rc = add_filter(rules, 'S', step);
		free(dir);
		free(step);
	}
	return rc;
}

static int
all_above(const struct irsync_conf *c, struct strv *above, struct strv *rules)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < c->paths.n; i++)
		if (!is_nested(&c->paths, i))
			rc |= add_above(c->paths.v[i], above, rules);
	return rc;
}

int
paths_above(const struct irsync_conf *c, struct strv *above)
{
	return all_above(c, above, NULL);
}

static int
add_path_rules(struct strv *argv, const struct irsync_conf *c,
    struct strv *above)
{
	char *pat;
	size_t i;
	int rc;

	rc = all_above(c, above, argv);
	for (i = 0; i < above->n && rc == 0; i++) {
		pat = rsync_pattern(strcmp(above->v[i], "/") == 0 ? "" : above->v[i],
		    true);
		rc = pat == NULL ? -1 : strv_addf(argv, "--filter=H %s/*",
		    pat);
		free(pat);
	}
	return rc;
}

/* The receiving rsync keeps ACLs in attributes of its own when it may not set
 * them (--fake-super).  Up to 3.5.0 at least, it takes them for surplus ones
 * and removes them from a folder that has other attributes too, unless a rule
 * for attributes ("x") protects them there ("r").  With such a rule rsync no
 * longer leaves out by itself what it cannot or must not copy: so that is
 * said as well. */
static int
add_xattr_rules(struct strv *argv, const struct push_options *o)
{
	int rc;

	rc = strv_add(argv, "--filter=-xr user.rsync.%*") |
	    strv_add(argv, "--filter=-xr security.selinux");
	if (!o->as_root)
		rc |= strv_add(argv, "--filter=-x system.*") |
		    strv_add(argv, "--filter=-x security.*") |
		    strv_add(argv, "--filter=-x trusted.*");
	return rc;
}

/* XFS shows root an ACL a second time, as trusted.SGI_ACL_FILE or _DEFAULT.  Of
 * a file that comes from another file system rsync takes that for a surplus
 * attribute, and removes the ACL with it at its next run.  With
 * --delete-excluded the first of each two rules is the sender's alone. */
static int
add_acl_rules(struct strv *argv)
{
	return strv_add(argv, "--filter=-x trusted.SGI_ACL_*") |
	    strv_add(argv, "--filter=-xr trusted.SGI_ACL_*") |
	    strv_add(argv, "--filter=-x system.*") |
	    strv_add(argv, "--filter=-xr system.*");
}

/* A path and the folders above it, before any rule of the user's. */
static int
add_always(struct strv *argv, const char *path)
{
	char *copy, *slash, *pat = rsync_pattern(path, true);
	int rc = pat != NULL ? strv_addf(argv, "--filter=+ %s/***", pat) : -1;

	free(pat);
	if ((copy = strdup(path)) == NULL)
		return -1;
	while (rc == 0 && (slash = strrchr(copy, '/')) != NULL &&
	    slash != copy) {
		*slash = '\0';
		rc = add_filter(argv, '+', copy);
	}
	free(copy);
	return rc;
}

static int
add_rules(struct strv *argv, const struct irsync_conf *c,
    const struct push_options *o, struct strv *above)
{
	size_t i;
	int rc;

	rc = 0;
	if (c->storage->remote || o->fake_super)
		rc = add_xattr_rules(argv, o);
	if (o->as_root)
		rc |= add_acl_rules(argv);
	/* What came of a big file before the connection broke. */
	if (c->storage->remote)
		rc |= add_filter(argv, 'P', STORE_PARTIAL_DIR);
	/* A store that is here must not go into itself or another. */
	for (i = 0; i < c->nstorages; i++)
		if (!c->storages[i].remote)
			rc |= add_filter(argv, '-', c->storages[i].root);
	if (strv_has(&c->paths, "/"))
		rc |= strv_add(argv, "--filter=- /proc/*") |
		    strv_add(argv, "--filter=- /sys/*");
	if (!o->closed)
		rc |= add_path_rules(argv, c, above);
	if (o->always != NULL)
		rc |= add_always(argv, o->always);
	for (i = 0; i < c->exclude.n; i++)
		rc |= strv_addf(argv, "--exclude=%s", c->exclude.v[i]);
	if (o->rules)
		rc |= strv_add(argv, "--from0") | strv_add(argv, "--filter=. -");
	return rc;
}

/* What every run over the net has. */
static int
add_transport(struct strv *argv, const struct irsync_conf *c)
{
	char *ssh;
	int rc;

	if (!c->storage->remote)
		return 0;
	if ((ssh = ssh_command(c)) == NULL)
		return -1;
	rc = strv_addf(argv, "--rsh=%s", ssh);
	free(ssh);
	rc |= strv_addf(argv, "--timeout=%u", c->storage->timeout);
	return rc;
}

static int
add_bwlimit(struct strv *argv, const struct irsync_conf *c)
{
	/* rsync counts in KiB a second; 0 would be no limit. */
	if (c->storage->bwlimit == 0)
		return 0;
	return strv_addf(argv, "--bwlimit=%llu",
	    (unsigned long long)(c->storage->bwlimit / 1024));
}

/* Everything that a file is: -a and hard links, ACLs, extended attributes;
 * holes; times to the nanosecond; owners as numbers.  To find holes, rsync
 * writes a KiB at a time, instead of 256. */
static int
add_all_kept(struct strv *argv, bool solid)
{
	return strv_add(argv, "--archive") | strv_add(argv, "--hard-links") |
	    strv_add(argv, "--acls") | strv_add(argv, "--xattrs") |
	    (solid ? 0 : strv_add(argv, "--sparse")) |
	    strv_add(argv, "--numeric-ids") |
	    strv_add(argv, "--modify-window=-1");
}

/* What irsync reads: one line for each change, numbers without commas. */
static int
add_output(struct strv *argv, bool progress)
{
	int rc;

	rc = strv_add(argv, "--stats") | strv_add(argv, "--no-human-readable") |
	    strv_add(argv, "--8-bit-output") |
	    strv_add(argv, "--out-format=%i %n%L");
	if (progress)
		rc |= strv_add(argv, "--info=progress2");
	return rc;
}

int
argv_push(struct strv *argv, const struct irsync_conf *c,
    const struct push_options *o, const char *dest)
{
	struct strv above = { 0 };
	size_t i;
	int rc;

	rc = strv_add(argv, "rsync") | add_all_kept(argv, o->solid) |
	    strv_add(argv, "--relative") | strv_add(argv, "--delete") |
	    strv_add(argv, "--delete-excluded");
	if (c->storage->remote)
		rc |= strv_add(argv, "--partial");
	else
		rc |= strv_add(argv, "--whole-file");
	if (o->dry_run)
		rc |= strv_add(argv, "--dry-run");
	if (paths_one_file_system(c))
		rc |= strv_add(argv, "--one-file-system");
	if (o->fake_super)
		rc |= strv_add(argv, "--remote-option=--fake-super");
	for (i = 0; o->linkdests != NULL && i < o->linkdests->n; i++)
		rc |= strv_addf(argv, "--link-dest=%s", o->linkdests->v[i]);
	rc |= add_output(argv, o->progress) | add_bwlimit(argv, c) |
	    add_transport(argv, c) | add_rules(argv, c, o, &above);
	rc |= strv_add(argv, "--") | strv_addall(argv, &above) |
	    strv_addall(argv, &c->paths) | strv_add(argv, dest);
	strv_free(&above);
	return rc == 0 ? 0 : -1;
}

int
argv_probe(struct strv *argv, const struct irsync_conf *c)
{
	char *rest, *dest = NULL;
	int rc = -1;

	if (asprintf(&rest, "%s.full/", c->host) == -1)
		return -1;
	/* A folder that is everywhere, without what is in it. */
	if ((dest = remote_path(c, rest)) != NULL)
		rc = strv_add(argv, "rsync") | strv_add(argv, "--dry-run") |
		    strv_add(argv, "--dirs") | add_transport(argv, c) |
		    strv_add(argv, "--") | strv_add(argv, "/dev") |
		    strv_add(argv, dest);
	free(dest);
	free(rest);
	return rc == 0 ? 0 : -1;
}

int
argv_records(struct strv *argv, const struct irsync_conf *c, const char *dest)
{
	char *rest, *src = NULL;
	int rc = -1;

	/* Plain files of a plain name and a small size, whatever is there. */
	if (asprintf(&rest, "%s.snaps/.meta/", c->host) == -1)
		return -1;
	if ((src = remote_path(c, rest)) != NULL)
		rc = strv_add(argv, "rsync") | strv_add(argv, "--recursive") |
		    strv_addf(argv, "--max-size=%d", STORE_RECORD_MAX) |
		    strv_add(argv, "--out-format=%i %n") |
		    strv_add(argv, "--include=/*.json") |
		    strv_add(argv, "--exclude=*") | add_transport(argv, c) |
		    strv_add(argv, "--") | strv_add(argv, src) |
		    strv_add(argv, dest);
	free(src);
	free(rest);
	return rc == 0 ? 0 : -1;
}

/* One source of a listing: "NAME", or with "" the folder of all snapshots. */
static int
add_listed(struct strv *argv, const struct irsync_conf *c, const char *name)
{
	char *rest, *src;
	int rc = -1;

	if (asprintf(&rest, "%s.snaps/%s", c->host, name) == -1)
		return -1;
	if (!c->storage->remote)
		rc = strv_addf(argv, "%s/%s", c->storage->root, rest);
	else if ((src = remote_path(c, rest)) != NULL) {
		rc = strv_add(argv, src);
		free(src);
	}
	free(rest);
	return rc;
}

int
argv_listing(struct strv *argv, const struct irsync_conf *c,
    const struct strv *deep, const char *format, bool fake_super)
{
	static const char *const flags[] = {
		"rsync", "--dry-run", "--links", "--perms", "--times",
		"--owner", "--group", "--devices", "--specials",
		"--hard-links", "--numeric-ids", "--no-human-readable",
		"--8-bit-output", "--ignore-missing-args",
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		rc |= strv_add(argv, flags[i]);
	rc |= strv_addf(argv, "--out-format=%s", format);
	if (deep->n > 0)
		rc |= strv_add(argv, "--recursive");
	else
		rc |= strv_add(argv, "--dirs") |
		    strv_add(argv, "--files-from=-") |
		    strv_add(argv, "--from0");
	if (storage_keeps_fake(c->storage))
		rc |= strv_add(argv, "--remote-option=--fake-super");
	if (fake_super)
		rc |= strv_add(argv, "--fake-super");
	rc |= add_transport(argv, c) | strv_add(argv, "--");
	for (i = 0; i < deep->n; i++)
		rc |= add_listed(argv, c, deep->v[i]);
	if (deep->n == 0)
		rc |= add_listed(argv, c, "");
	/* Nothing is there to compare with, ever. */
	rc |= strv_add(argv, "/proc/self/none/");
	return rc == 0 ? 0 : -1;
}

int
argv_restore(struct strv *argv, const struct irsync_conf *c, const char *src,
    bool some, const char *dest, const struct restore_options *o)
{
	int rc;

	/* A cut file never stands under its own name.  Where no file systems
	 * are below, one folder keeps them all: for one beside each file,
	 * rsync (3.5.0) opens every folder on the way to it.  No server is to
	 * put something in its place. */
	rc = strv_add(argv, "rsync") | add_all_kept(argv, o->solid);
	if (o->in_place)
		rc |= strv_add(argv, "--partial-dir=" RESTORE_PARTIAL);
	else
		rc |= strv_addf(argv, "--partial-dir=%s/" RESTORE_PARTIAL,
		    dest) | strv_add(argv, "--filter=- /" RESTORE_PARTIAL);
	if (!c->storage->remote)
		rc |= strv_add(argv, "--whole-file");
	if (o->dry_run)
		rc |= strv_add(argv, "--dry-run");
	if (o->in_place)
		rc |= strv_add(argv, "--no-implied-dirs");
	if (o->checksum)
		rc |= strv_add(argv, "--checksum");
	if (o->fake_super)
		rc |= strv_add(argv, "--fake-super") |
		    strv_add(argv, "--remote-option=--super");
	if (storage_keeps_fake(c->storage))
		rc |= strv_add(argv, "--remote-option=--fake-super");
	/* --files-from switches the recursion of --archive off. */
	if (some)
		rc |= strv_add(argv, "--files-from=-") |
		    strv_add(argv, "--from0") | strv_add(argv,
		    o->only_dirs ? "--dirs" : "--recursive");
	if (o->as_root)
		rc |= add_acl_rules(argv);
	if (o->unchanged)
		rc |= strv_add(argv, "--itemize-changes") |
		    strv_add(argv, "--itemize-changes");
	rc |= add_output(argv, o->progress) | add_bwlimit(argv, c) |
	    add_transport(argv, c) | strv_add(argv, "--") |
	    strv_addf(argv, "%s/", src) | strv_addf(argv, "%s/", dest);
	return rc == 0 ? 0 : -1;
}
