/* cmd_check.c: irsync check: is everything there that a backup needs?  One
 * line for each thing, "ok" or "not ok"; nothing is changed anywhere.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vis.h>

#include "dumps.h"
#include "exits.h"
#include "human.h"
#include "irsync.h"
#include "log.h"

struct check {
	struct irsync	*ir;
	unsigned	 bad;
};

static void say(struct check *, bool ok, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
say(struct check *k, bool ok, const char *fmt, ...)
{
	char text[1024], safe[4 * sizeof(text) + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strvis(safe, text, VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
	printf("%s %s\n", ok ? "ok    " : "not ok", safe);
	k->bad += !ok;
}

/* A program or script that is to be run. */
static void
check_program(struct check *k, const char *what, const char *path)
{
	struct stat st;

	if (access(path, X_OK) == -1 || stat(path, &st) == -1)
		say(k, false, "%s: %s: %s", what, path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		say(k, false, "%s: %s: not a program", what, path);
	else
		say(k, true, "%s: %s", what, path);
}

static void
check_identity(struct check *k, const struct storage *s)
{
	struct stat st;

	if (s->identity == NULL)
		return;
	if (stat(s->identity, &st) == -1)
		say(k, false, "%s: key: %s: %s", storage_shown(s), s->identity,
		    strerror(errno));
	else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		say(k, false, "%s: key: %s may be read by others (mode %04o)",
		    storage_shown(s), s->identity,
		    (unsigned)st.st_mode & 07777);
	else
		say(k, true, "%s: key: %s", storage_shown(s), s->identity);
}

static void
check_space(struct check *k, const struct storage *s)
{
	struct statvfs fs;
	char size[HUMAN_SIZE];

	if (statvfs(s->root, &fs) == -1) {
		say(k, false, "%s: %s", storage_shown(s), strerror(errno));
		return;
	}
	human_size(size, (uint64_t)fs.f_bavail * fs.f_frsize);
	say(k, fs.f_bavail > 0 && (fs.f_files == 0 || fs.f_favail > 0),
	    "%s: space: %s free, %llu inodes", storage_shown(s), size,
	    (unsigned long long)fs.f_favail);
	say(k, access(s->root, W_OK) == 0, "%s: may be written to",
	    storage_shown(s));
}

/* The server's answer, to a push of nothing that changes nothing. */
static void
check_server(struct check *k, const struct storage *s)
{
	struct irsync *ir = k->ir;
	struct run r = { .path = ir->conf.rsync, .in = -1, .quiet = true };
	struct strv argv = { 0 };
	char text[512];
	int code, status = BS_FAIL;

	if (argv_probe(&argv, &ir->conf) == 0) {
		r.argv = &argv;
		code = run_rsync(&r);
		r.argv = NULL;
		status = code == -1 ? BS_FAIL : exit_status(code, r.hint);
	}
	strv_free(&argv);
	if (status == BS_OK)
		say(k, true, "%s: the server lets %s push", storage_shown(s),
		    ir->conf.host);
	else {
		failure_text(text, sizeof(text), &r, status);
		say(k, false, "%s: %s", storage_shown(s), text);
	}
}

static void
check_storage(struct check *k, const struct storage *s)
{
	struct run r = { .in = -1 };
	char why[256];

	if (!s->remote) {
		check_space(k, s);
		return;
	}
	check_identity(k, s);
	if (!s->unmanaged) {
		check_server(k, s);
		return;
	}
	if (unmanaged_probe(k->ir, &r, why, sizeof(why)) == BS_OK)
		say(k, true, "%s: %s", storage_shown(s), why);
	else
		say(k, false, "%s: %s", storage_shown(s), r.why);
}

static void
check_paths(struct check *k)
{
	const struct irsync_conf *c = &k->ir->conf;
	struct guards none = k->ir->guards;
	struct facts before, now;
	struct strv objections = { 0 };
	size_t i;
	bool any;
	int fd;

	for (i = 0; i < c->paths.n; i++)
		if (access(c->paths.v[i], R_OK) == 0)
			say(k, true, "path: %s", c->paths.v[i]);
		else if (errno != ENOENT)
			say(k, false, "path: %s: %s", c->paths.v[i],
			    strerror(errno));
	if (facts_read(c, &before) == -1)
		say(k, false, "state: what was noted of the last backup "
		    "cannot be read");
	facts_forget_gone(&before);
	if (facts_now(c, &now) == -1 || guards_check(c, &none, &before, &now,
	    &objections) == -1)
		say(k, false, "cannot look at the machine: %s",
		    strerror(errno));
	for (i = 0; i < objections.n; i++)
		say(k, false, "path: %s", objections.v[i]);
	if ((fd = rules_fd(c, &any)) == -1)
		say(k, false, "what is left out: %s", strerror(errno));
	else
		close(fd);
	strv_free(&objections);
	facts_free(&before);
	facts_free(&now);
}

static void
check_databases(struct check *k)
{
	const struct irsync_conf *c = &k->ir->conf;
	char why[256];

	if (c->mysql.on) {
		check_program(k, "mysql", c->mysql.dump);
		if (mysql_login(c, why, sizeof(why)) == 0)
			say(k, true, "mysql: logged in");
		else
			say(k, false, "mysql: %s", why);
	}
	if (c->postgresql.on) {
		check_program(k, "postgresql", c->postgresql.dump);
		if (pg_login(c, why, sizeof(why)) == 0)
			say(k, true, "postgresql: logged in");
		else
			say(k, false, "postgresql: %s", why);
	}
}

/* The folder for what is remembered, or the one that it will be made in. */
static void
check_state(struct check *k)
{
	const char *state = k->ir->conf.state;
	char *parent, *slash;

	if (access(state, W_OK) == 0) {
		say(k, true, "state: %s", state);
		return;
	}
	if (errno != ENOENT || (parent = strdup(state)) == NULL) {
		say(k, false, "state: %s: %s", state, strerror(errno));
		return;
	}
	if ((slash = strrchr(parent, '/')) != NULL)
		slash[slash == parent] = '\0';
	if (access(parent, W_OK) == 0)
		say(k, true, "state: %s will be made", state);
	else
		say(k, false, "state: %s: %s", parent, strerror(errno));
	free(parent);
}

static void
check_programs(struct check *k)
{
	const struct irsync_conf *c = &k->ir->conf;
	bool ssh = false, rate = false;
	size_t i;

	for (i = 0; i < c->nstorages; i++) {
		ssh |= c->storages[i].remote;
		rate |= c->storages[i].rate != 0;
	}
	check_program(k, "rsync", c->rsync);
	if (ssh)
		check_program(k, "ssh", c->ssh);
	if (rate)
		check_program(k, "rate", c->tc);
	if (c->before.n > 0)
		check_program(k, "before", c->before.v[0]);
	if (c->after.n > 0)
		check_program(k, "after", c->after.v[0]);
	if (c->ping != NULL)
		check_program(k, "ping", c->curl);
	if (c->mail != NULL)
		check_program(k, "mail", c->sendmail);
}

int
cmd_check(struct irsync *ir, const struct strv *args)
{
	struct check k = { .ir = ir };
	const struct storage *only = ir->storage_name != NULL ?
	    ir->conf.storage : NULL;
	size_t i;

	(void)args;
	say(&k, true, "configuration: %s, host %s", ir->file, ir->conf.host);
	check_programs(&k);
	check_state(&k);
	check_paths(&k);
	check_databases(&k);
	for (i = 0; i < ir->conf.nstorages && signal_caught() == 0; i++) {
		ir->conf.storage = &ir->conf.storages[i];
		if (only == NULL || ir->conf.storage == only)
			check_storage(&k, ir->conf.storage);
	}
	return k.bad == 0 ? BS_OK : BS_FAIL;
}
