/* unmanaged.c: a store on a server that has a shell and rsync, and none of our
 * programs.  What validate-ssh(8) does elsewhere is done here by small scripts
 * of sh(1): prepare, commit.  The scripts are constant; what varies are their
 * arguments, each quoted.
 *
 *   HOST.snaps/.push/tree.TOKEN  what rsync writes into: new, with --link-dest
 *   HOST.snaps/.push/part.TOKEN  what an interrupted push left: linked to as
 *                                well
 *   HOST.snaps/.push/boot        the boot during which they were written
 *
 * rsync never writes into a folder whose files a snapshot shares.  Where a
 * connection breaks, a script may go on at the server while the next attempt
 * begins.  Each attempt has a token of its own, so that a belated commit finds
 * its own tree, or none, and never a newer one that is half filled.
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

#define TOKEN_MAX	64
#define PARTS_MAX	8	/* link-dests of rsync's 20 */

/* No script holds a '!', which csh(1) would take for itself. */

/* $1: HOST.snaps in full, $2: the token.  Prints "part TOKEN" for each one to
 * link to, then the names in HOST.snaps.  After a power cut, sizes and times
 * may be right where the contents never reached the disk: that is thrown away,
 * and so are the records of what is no longer there. */
static const char prepare[] =
    "set -eu; umask 077; mkdir -p -- \"$1/.push\" \"$1/.meta\"; cd -- \"$1\"; "
    "boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo none); "
    "was=$(cat .push/boot 2>/dev/null || :); "
    "drop() { chmod -R u+rwX \"$1\"; rm -rf \"$1\"; }; "
    "if [ \"$was\" = \"$boot\" ]; then :; else drop .push; mkdir .push; fi; "
    "for d in .push/tree.*; do if [ -d \"$d\" ]; then "
    "mv \"$d\" \".push/part.${d#.push/tree.}\"; fi; done; "
    "n=0; for d in .push/part.*; do n=$((n + 1)); done; "
    "for d in .push/part.*; do if [ \"$n\" -gt 8 ]; then "
    "drop \"$d\"; n=$((n - 1)); fi; done; "
    "for f in .meta/*.json; do d=${f#.meta/}; "
    "if [ -d \"${d%.json}\" ]; then :; else rm -f -- \"$f\"; fi; done; "
    "printf '%s\\n' \"$boot\" >.push/boot; mkdir \".push/tree.$2\"; "
    "for d in .push/part.*; do if [ -d \"$d\" ]; then "
    "echo \"part ${d#.push/part.}\"; fi; done; ls -1";

/* $1: HOST.snaps, $2: the stamp, $3: its record, $4: HOST, $5: the token.  One
 * rename makes the snapshot, after all is on the disk; the symlink follows. */
static const char commit[] =
    "set -eu; umask 077; cd -- \"$1\"; "
    "if [ -e \"$2\" ]; then echo \"$2 is there\" >&2; exit 1; fi; "
    "fail() { rm -f -- \".meta/$1.json\"; exit 1; }; "
    "printf '%s\\n' \"$3\" >\".meta/$2.json\" || fail \"$2\"; "
    "sync -f \".push/tree.$5\" 2>/dev/null || sync; "
    "mv \".push/tree.$5\" \"$2\" || fail \"$2\"; "
    "sync -f . 2>/dev/null || sync; "
    "rm -f \"../$4.full.new\"; ln -s \"$4.snaps/$2\" \"../$4.full.new\"; "
    "mv -T \"../$4.full.new\" \"../$4.full\" 2>/dev/null || "
    "{ rm -f \"../$4.full\"; mv \"../$4.full.new\" \"../$4.full\"; }; "
    "for d in .push/tree.*; do if [ -d \"$d\" ]; then exit 0; fi; done; "
    "chmod -R u+rwX .push; rm -rf .push";

/* Append a word for the server's shell, which may be any: sh(1), csh(1) and
 * fish(1) agree on single quotes, but not on a backslash or a '!' in them. */
static int
quote(FILE *f, const char *word)
{
	fputs(" '", f);
	for (; *word != '\0'; word++)
		if (strchr("'\\!", *word) != NULL)
			fprintf(f, "'\\%c'", *word);
		else
			fputc(*word, f);
	fputs("'", f);
	return ferror(f) ? -1 : 0;
}

/* A script of sh(1) and its arguments as one command line, whatever is in
 * them.  To be freed; NULL with errno. */
static char *
shell_command(const char *script, const char *const *args)
{
	char *text = NULL;
	size_t len;
	FILE *f;
	int rc = 0;

	if ((f = open_memstream(&text, &len)) == NULL)
		return NULL;
	/* Not by exec, which a restricted shell refuses. */
	fputs("sh -c", f);
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
	bool	 too_long;
};

static int
collect(void *arg, const char *buf, size_t n)
{
	struct collected *c = arg;
	char *more;

	c->too_long = c->len + n > REPLY_MAX;
	if (c->too_long ||
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

/* Run a script at the server, for so many seconds at most.  The status; *reply
 * is to be freed. */
static int
run_script(struct irsync *ir, const char *script, const char *const *args,
    unsigned timeout, struct run *r, struct collected *reply)
{
	struct strv argv = { 0 };
	struct proc p = { .path = ir->conf.ssh, .argv = &argv,
	    .timeout = timeout, .out = collect, .arg = reply };
	char *command;
	int status = BS_FAIL;

	memset(reply, 0, sizeof(*reply));
	if ((command = shell_command(script, args)) != NULL &&
	    ssh_argv(&argv, &ir->conf, command) == 0) {
		(void)proc_run(&p);
		status = script_status(&p, r);
		if (reply->too_long)
			(void)strlcpy(r->why, "the server's answer has no "
			    "end", sizeof(r->why));
	}
	free(command);
	strv_free(&argv);
	return status;
}

/* This push's, unlike any other's; it sorts by the time. */
static void
token_make(char token[TOKEN_MAX])
{
	snprintf(token, TOKEN_MAX, "%020lld-%08x%08x", (long long)time(NULL),
	    arc4random(), arc4random());
}

static bool
is_token(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len < TOKEN_MAX &&
	    strspn(s, "0123456789abcdef-") == len;
}

/* What `prepare` printed: the newest snapshot, and the parts. */
static int
take_reply(char *text, char newest[STAMP_SIZE], struct strv *parts)
{
	char *line;
	time_t t;

	newest[0] = '\0';
	while ((line = strsep(&text, "\n")) != NULL) {
		if (strncmp(line, "part ", 5) == 0 && is_token(line + 5) &&
		    parts->n < PARTS_MAX) {
			if (strv_add(parts, line + 5) == -1)
				return -1;
		} else if (strlen(line) == STAMP_LEN &&
		    stamp_parse(line, &t) == 0 && strcmp(line, newest) > 0)
			memcpy(newest, line, STAMP_SIZE);
	}
	return 0;
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

/* A push on its way. */
struct push {
	struct irsync		*ir;
	struct push_options	*o;
	struct run		*r;
	const char		*snaps;		/* HOST.snaps in full */
	char			 token[TOKEN_MAX];
	char			 newest[STAMP_SIZE];
	struct strv		 parts;		/* tokens */
	time_t			 began;
};

/* rsync has ended well: the snapshot. */
static int
make_snapshot(struct push *p)
{
	struct collected reply;
	const char *args[6] = { p->snaps, NULL, NULL, p->ir->conf.host,
	    p->token, NULL };
	char stamp[STAMP_SIZE], *record = NULL;
	int status = BS_FAIL;

	if (next_stamp(stamp, p->newest) == -1)
		return BS_FAIL;
	fill_record(p->r, stamp, p->newest, p->began);
	if ((record = store_record_format(&p->r->snapshot)) != NULL) {
		/* csh(1) knows no newline in quotes. */
		record[strcspn(record, "\n")] = '\0';
		args[1] = stamp;
		args[2] = record;
		status = run_script(p->ir, commit, args, SCRIPT_TIMEOUT, p->r,
		    &reply);
		free(reply.text);
	}
	free(record);
	if (status != BS_OK)
		p->r->snapshot.stamp[0] = '\0';
	return status;
}

static int
link_dests(const struct push *p, struct strv *links)
{
	size_t i;
	int rc = 0;

	/* The newest first: it has most. */
	for (i = p->parts.n; i > 0 && rc == 0; i--)
		rc = strv_addf(links, "%s/.push/part.%s", p->snaps,
		    p->parts.v[i - 1]);
	if (rc == 0 && p->newest[0] != '\0')
		rc = strv_addf(links, "%s/%s", p->snaps, p->newest);
	return rc;
}

/* Push into this folder of HOST.snaps. */
static int
run_push(struct push *p, const char *into)
{
	struct irsync *ir = p->ir;
	struct strv argv = { 0 }, links = { 0 };
	char *dest = NULL;
	int code = -1;

	p->o->linkdests = &links;
	p->o->fake_super = storage_keeps_fake(ir->conf.storage);
	if (link_dests(p, &links) == 0 && asprintf(&dest, "%s:%s/%s",
	    ir->conf.storage->login, p->snaps, into) != -1 &&
	    argv_push(&argv, &ir->conf, p->o, dest) == 0) {
		p->r->argv = &argv;
		code = run_rsync(p->r);
		p->r->argv = NULL;
	}
	p->o->linkdests = NULL;
	free(dest);
	strv_free(&argv);
	strv_free(&links);
	return code == -1 ? BS_FAIL : exit_status(code, p->r->hint);
}

/* Run one of the two scripts that tell what is there. */
static int
ask(struct push *p, const char *script)
{
	const char *args[3] = { p->snaps, p->token, NULL };
	struct collected reply;
	int status;

	status = run_script(p->ir, script, args, SCRIPT_TIMEOUT, p->r, &reply);
	if (take_reply(reply.text, p->newest, &p->parts) == -1)
		status = BS_FAIL;
	free(reply.text);
	return status;
}

/* A trial: only look which snapshot is the newest. */
static int
push_dry(struct push *p)
{
	static const char look[] = "ls -1 -- \"$1\" 2>/dev/null || :";
	int status;

	if ((status = ask(p, look)) != BS_OK)
		return status;
	return run_push(p, p->newest[0] != '\0' ? p->newest : ".none");
}

static int
push(struct push *p)
{
	char into[TOKEN_MAX + 16];
	int status, made;

	if ((status = ask(p, prepare)) != BS_OK)
		return status;
	snprintf(into, sizeof(into), ".push/tree.%s/", p->token);
	status = run_push(p, into);
	if (status != BS_OK && status != BS_VANISHED && status != BS_PARTIAL)
		return status;
	if (p->o->entries_min > p->r->counts.entries)
		p->r->shrunk = true;
	if (p->r->shrunk)
		return BS_REFUSED;
	/* A failure of rsync's stays what it was if the commit goes well.  One
	 * whose answer was lost is tried again: a snapshot too many is better
	 * than none. */
	made = make_snapshot(p);
	return made == BS_OK ? status : made;
}

int
unmanaged_push(struct irsync *ir, const struct push_options *given,
    struct run *r)
{
	struct push_options o = *given;
	struct push p = { .ir = ir, .o = &o, .r = r, .began = time(NULL) };
	char *snaps;
	int status;

	if (asprintf(&snaps, "%s/%s.snaps", ir->conf.storage->root,
	    ir->conf.host) == -1)
		return BS_FAIL;
	p.snaps = snaps;
	token_make(p.token);
	status = o.dry_run ? push_dry(&p) : push(&p);
	strv_free(&p.parts);
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
	unsigned long long kib;
	int status, n = 0;

	status = run_script(ir, look, args, ir->conf.storage->timeout, r,
	    &reply);
	if (status == BS_OK && (reply.len > 20 ||
	    sscanf(reply.text != NULL ? reply.text : "", "%llu%n", &kib,
	    &n) != 1 || reply.text[n] != '\n')) {
		(void)strlcpy(r->why, "the server's answer is not that of a "
		    "shell", sizeof(r->why));
		status = BS_FAIL;
	} else if (status == BS_OK && kib == 0) {
		(void)strlcpy(r->why, "no space is free", sizeof(r->why));
		status = BS_NOSPACE;
	}
	if (status == BS_OK) {
		human_size(room, kib << 10);
		snprintf(text, size, "the server lets us in; space: %s free",
		    room);
	}
	free(reply.text);
	return status;
}
