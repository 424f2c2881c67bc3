/* unmanaged.c: a store on a server that has a shell and rsync, and none of our
 * programs.  What validate-ssh(8) does elsewhere is done here by three small
 * scripts of sh(1): prepare, settle after a failure, commit.  The scripts are
 * constant; what varies are their arguments, each quoted.
 *
 *   HOST.snaps/.push/tree    what rsync writes into: new, with --link-dest
 *   HOST.snaps/.push/part    what an interrupted push left: linked to as well
 *   HOST.snaps/.push/boot    the boot during which they were written
 *
 * rsync never writes into a folder whose files a snapshot shares.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "human.h"
#include "irsync.h"
#include "log.h"
#include "proc.h"

#define SCRIPT_TIMEOUT	3600	/* seconds; sync(1) may take long */
#define REPLY_MAX	(4 * 1024 * 1024)

/* $1: HOST.snaps in full.  Prints "part" if there is one to link to, then the
 * names in HOST.snaps.  After a power cut, sizes and times may be right where
 * the contents never reached the disk: that is thrown away. */
static const char prepare[] =
    "set -eu; umask 077; mkdir -p -- \"$1/.push\" \"$1/.meta\"; cd -- \"$1\"; "
    "boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo none); "
    "if [ \"$(cat .push/boot 2>/dev/null || :)\" != \"$boot\" ]; then "
    "chmod -R u+rwX .push; rm -rf .push; mkdir .push; fi; "
    "if [ -d .push/tree ]; then "
    "if [ -d .push/part ]; then mv .push/part .push/old; fi; "
    "mv .push/tree .push/part; fi; "
    "if [ -d .push/old ]; then chmod -R u+rwX .push/old; "
    "rm -rf .push/old; fi; "
    "printf '%s\\n' \"$boot\" >.push/boot; mkdir .push/tree; "
    "if [ -d .push/part ]; then echo part; fi; ls -1";

/* $1: HOST.snaps, $2: the stamp, $3: its record, $4: HOST.  One rename makes
 * the snapshot, after all is on the disk; the symlink follows. */
static const char commit[] =
    "set -eu; umask 077; cd -- \"$1\"; [ ! -e \"$2\" ]; "
    "printf '%s' \"$3\" >\".meta/$2.json\"; "
    "sync -f .push/tree 2>/dev/null || sync; mv .push/tree \"$2\"; "
    "sync -f . 2>/dev/null || sync; "
    "rm -f \"../$4.full.new\"; ln -s \"$4.snaps/$2\" \"../$4.full.new\"; "
    "mv -T \"../$4.full.new\" \"../$4.full\" 2>/dev/null || "
    "{ rm -f \"../$4.full\"; mv \"../$4.full.new\" \"../$4.full\"; }; "
    "if [ -d .push/part ]; then chmod -R u+rwX .push/part; fi; rm -rf .push";

/* Append a word for the server's shell. */
static int
quote(FILE *f, const char *word)
{
	fputs(" '", f);
	for (; *word != '\0'; word++)
		if (*word == '\'')
			fputs("'\\''", f);
		else
			fputc(*word, f);
	fputs("'", f);
	return ferror(f) ? -1 : 0;
}

char *
shell_command(const char *script, const char *const *args)
{
	char *text = NULL;
	size_t len;
	FILE *f;
	int rc = 0;

	if ((f = open_memstream(&text, &len)) == NULL)
		return NULL;
	fputs("exec sh -c", f);
	rc |= quote(f, script) | quote(f, "sh");
	for (; *args != NULL; args++)
		rc |= quote(f, *args);
	if (fclose(f) != 0 || rc != 0) {
		free(text);
		return NULL;
	}
	return text;
}

struct collected {
	char	*text;
	size_t	 len;
};

static int
collect(void *arg, const char *buf, size_t n)
{
	struct collected *c = arg;
	char *more;

	if (c->len + n > REPLY_MAX ||
	    (more = realloc(c->text, c->len + n + 1)) == NULL)
		return -1;
	c->text = more;
	memcpy(more + c->len, buf, n);
	c->len += n;
	more[c->len] = '\0';
	return 0;
}

/* What ssh's end comes to. */
static int
script_status(const struct proc *p, struct run *r)
{
	const char *line = strrchr(p->err, '\n');
	char why[256];

	if (p->code == 0)
		return BS_OK;
	line = line != NULL ? line + 1 : p->err;
	(void)strlcpy(r->why, proc_why(p, why, sizeof(why)), sizeof(r->why));
	r->hint = hint_parse(line);
	r->code = p->code;
	return exit_status(p->code == 0 ? 1 : p->code, r->hint);
}

/* Run a script at the server.  The status; *reply is to be freed. */
static int
run_script(struct irsync *ir, const char *script, const char *const *args,
    struct run *r, struct collected *reply)
{
	struct strv argv = { 0 };
	struct proc p = { .path = ir->conf.ssh, .argv = &argv,
	    .timeout = SCRIPT_TIMEOUT, .out = collect, .arg = reply };
	char *command;
	int status = BS_FAIL;

	memset(reply, 0, sizeof(*reply));
	if ((command = shell_command(script, args)) != NULL &&
	    ssh_argv(&argv, &ir->conf, command) == 0) {
		(void)proc_run(&p);
		status = script_status(&p, r);
	}
	free(command);
	strv_free(&argv);
	return status;
}

/* What `prepare` printed: the newest snapshot, and whether there is a part. */
static void
take_reply(char *text, char newest[STAMP_SIZE], bool *part)
{
	char *line;
	time_t t;

	newest[0] = '\0';
	*part = false;
	while ((line = strsep(&text, "\n")) != NULL) {
		if (strcmp(line, "part") == 0)
			*part = true;
		else if (strlen(line) == STAMP_LEN &&
		    stamp_parse(line, &t) == 0 && strcmp(line, newest) > 0)
			memcpy(newest, line, STAMP_SIZE);
	}
}

/* The next name: now, or a second more than the newest one. */
static int
next_stamp(char stamp[STAMP_SIZE], const char *newest)
{
	time_t now = time(NULL), last;

	if (newest[0] != '\0' && stamp_parse(newest, &last) == 0 &&
	    last >= now)
		now = last + 1;
	return stamp_format(stamp, now);
}

static void
fill_record(struct run *r, const char *stamp, const char *base, time_t began)
{
	struct snapshot *s = &r->snapshot;
	const struct rsync_counts *n = &r->counts;

	memset(s, 0, sizeof(*s));
	memcpy(s->stamp, stamp, STAMP_SIZE);
	(void)stamp_parse(stamp, &s->time);
	memcpy(s->base, base, STAMP_SIZE);
	s->recorded = true;
	s->status = r->code == 0 ? SNAPSHOT_COMPLETE :
	    r->code == 24 ? SNAPSHOT_VANISHED : SNAPSHOT_PARTIAL;
	s->way = STORE_WAY_LINKDEST;
	(void)strlcpy(s->client, "unmanaged", sizeof(s->client));
	s->started = began;
	s->ended = time(NULL);
	s->rsync_exit = r->code;
	s->entries = n->entries;
	s->moved = n->transferred;
	s->linked = n->files > n->transferred ? n->files - n->transferred : 0;
	s->bytes = n->size;
	s->bytes_new = n->transferred_size;
}

/* rsync has ended well: the snapshot. */
static int
make_snapshot(struct irsync *ir, struct run *r, const char *snaps,
    const char *newest, time_t began)
{
	struct collected reply;
	const char *args[5] = { snaps, NULL, NULL, ir->conf.host, NULL };
	char stamp[STAMP_SIZE], *record = NULL;
	int status = BS_FAIL;

	if (next_stamp(stamp, newest) == -1)
		return BS_FAIL;
	fill_record(r, stamp, newest, began);
	if ((record = store_record_format(&r->snapshot)) != NULL) {
		args[1] = stamp;
		args[2] = record;
		status = run_script(ir, commit, args, r, &reply);
		free(reply.text);
	}
	free(record);
	if (status != BS_OK)
		r->snapshot.stamp[0] = '\0';
	return status;
}

static int
run_push(struct irsync *ir, struct push_options *o, const char *snaps,
    const char *newest, bool part, struct run *r)
{
	struct strv argv = { 0 }, links = { 0 };
	char *dest = NULL;
	int rc = 0, code = -1;

	if (part)
		rc |= strv_addf(&links, "%s/.push/part", snaps);
	if (newest[0] != '\0')
		rc |= strv_addf(&links, "%s/%s", snaps, newest);
	o->linkdests = &links;
	o->fake_super = storage_keeps_fake(ir->conf.storage);
	if (rc == 0 && asprintf(&dest, "%s:%s/%s", ir->conf.storage->login,
	    snaps, o->dry_run ? newest : ".push/tree/") != -1 &&
	    argv_push(&argv, &ir->conf, o, dest) == 0) {
		r->argv = &argv;
		code = run_rsync(r);
		r->argv = NULL;
	}
	o->linkdests = NULL;
	free(dest);
	strv_free(&argv);
	strv_free(&links);
	return code == -1 ? BS_FAIL : exit_status(code, r->hint);
}

/* A trial: only look which snapshot is the newest. */
static int
push_dry(struct irsync *ir, struct push_options *o, const char *snaps,
    struct run *r)
{
	static const char look[] = "ls -1 -- \"$1\" 2>/dev/null || :";
	const char *args[2] = { snaps, NULL };
	struct collected reply;
	char newest[STAMP_SIZE];
	bool part;
	int status;

	status = run_script(ir, look, args, r, &reply);
	take_reply(reply.text, newest, &part);
	free(reply.text);
	return status == BS_OK ? run_push(ir, o, snaps,
	    newest[0] != '\0' ? newest : ".none", false, r) : status;
}

static int
push(struct irsync *ir, struct push_options *o, const char *snaps,
    struct run *r)
{
	const char *args[2] = { snaps, NULL };
	struct collected reply;
	char newest[STAMP_SIZE];
	time_t began = time(NULL);
	bool part;
	int status;

	status = run_script(ir, prepare, args, r, &reply);
	take_reply(reply.text, newest, &part);
	free(reply.text);
	if (status != BS_OK)
		return status;
	status = run_push(ir, o, snaps, newest, part, r);
	if (status != BS_OK && status != BS_VANISHED && status != BS_PARTIAL)
		return status;
	if (o->entries_min > r->counts.entries) {
		r->shrunk = true;
		return BS_REFUSED;
	}
	/* A failure of rsync's stays what it was if the commit goes well. */
	if (make_snapshot(ir, r, snaps, newest, began) != BS_OK)
		return BS_FAIL;
	return status;
}

int
unmanaged_push(struct irsync *ir, const struct push_options *given,
    struct run *r)
{
	struct push_options o = *given;
	char *snaps;
	int status;

	if (asprintf(&snaps, "%s/%s.snaps", ir->conf.storage->root,
	    ir->conf.host) == -1)
		return BS_FAIL;
	status = o.dry_run ? push_dry(ir, &o, snaps, r) :
	    push(ir, &o, snaps, r);
	free(snaps);
	return status;
}

int
unmanaged_probe(struct irsync *ir, struct run *r, char *text, size_t size)
{
	static const char look[] = "set -eu; cd -- \"$1\"; [ -w . ] || "
	    "{ echo \"$1: may not be written to\" >&2; exit 1; }; "
	    "command -v rsync >/dev/null || "
	    "{ echo 'there is no rsync' >&2; exit 1; }; "
	    "df -Pk . | { read -r head; read -r a b c free rest; "
	    "echo \"$free\"; }";
	const char *args[2] = { ir->conf.storage->root, NULL };
	struct collected reply;
	char room[HUMAN_SIZE];
	int status;

	status = run_script(ir, look, args, r, &reply);
	if (status == BS_OK) {
		human_size(room, reply.text != NULL ?
		    strtoull(reply.text, NULL, 10) << 10 : 0);
		snprintf(text, size, "the server lets us in; space: %s free",
		    room);
	}
	free(reply.text);
	return status;
}
