/* rsyncout.c: what rsync, ssh and the server print, line by line.
 * In: bytes of anyone's choosing.  Out: counts, the snapshot's line, and what
 * an exit status means.  Pure.
 *
 * The formats are those of rsync(1): --stats, --out-format "%i %n%L" and
 * --info=progress2, all with --no-human-readable.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "human.h"
#include "irsync.h"

#define ITEM_WIDTH	11	/* of %i */

void
lines_end(struct lines *l, line_fn *each, void *arg)
{
	if (l->n == 0)
		return;
	l->buf[l->n] = '\0';
	l->n = 0;
	each(arg, l->buf);
}

void
lines_feed(struct lines *l, const char *data, size_t len, line_fn *each,
    void *arg)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (data[i] == '\n' || data[i] == '\r')
			lines_end(l, each, arg);
		else if (l->n < sizeof(l->buf) - 1)
			l->buf[l->n++] = data[i] != '\0' ? data[i] : '?';
}

/* Digits at *sp, moved past, that fit.  0, or -1. */
static int
take_number(const char **sp, uint64_t *n)
{
	const char *s = *sp;
	uint64_t v = 0;

	if (!isdigit((unsigned char)*s))
		return -1;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -1;
	*n = v;
	*sp = s;
	return 0;
}

/* Is text at *sp?  Then move past it. */
static bool
take_text(const char **sp, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*sp, text, n) != 0)
		return false;
	*sp += n;
	return true;
}

/* One line of --stats. */
static bool
parse_stats(const char *line, struct rsync_counts *c)
{
	static const struct {
		const char	*text;
		size_t		 offset;
	} rows[] = {
		{ "Number of files: ", offsetof(struct rsync_counts, entries) },
		{ "Number of regular files transferred: ",
		    offsetof(struct rsync_counts, transferred) },
		{ "Total file size: ", offsetof(struct rsync_counts, size) },
		{ "Total transferred file size: ",
		    offsetof(struct rsync_counts, transferred_size) },
		{ "Total bytes sent: ", offsetof(struct rsync_counts, sent) },
		{ "Total bytes received: ",
		    offsetof(struct rsync_counts, received) },
	};
	const char *p = line;
	uint64_t n;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (take_text(&p, rows[i].text)) {
			if (take_number(&p, &n) == -1)
				return false;
			memcpy((char *)c + rows[i].offset, &n, sizeof(n));
			if (i == 0 && take_text(&p, " (reg: "))
				(void)take_number(&p, &c->files);
			c->complete = true;
			return true;
		}
	return false;
}

/* A line of --out-format: "<f+++++++++ NAME", ".d..t...... NAME/",
 * "*deleting   NAME".  A store's marks were never anyone's files. */
static bool
parse_item(const char *line, struct rsync_counts *c)
{
	size_t len = strlen(line);
	const char *slash = strrchr(line, '/');
	bool dir;

	if (len <= ITEM_WIDTH + 1 || line[ITEM_WIDTH] != ' ')
		return false;
	dir = line[len - 1] == '/';
	if (strncmp(line, "*deleting  ", ITEM_WIDTH) == 0) {
		if (store_is_mark(slash != NULL ? slash + 1 :
		    line + ITEM_WIDTH + 1))
			return false;
		c->deleted += !dir;
		c->gone++;
		return true;
	}
	if (strchr("<>ch.", line[0]) == NULL ||
	    strchr("fdLDS", line[1]) == NULL)
		return false;
	if (line[1] == 'd')
		return true;
	if (line[2] == '+')
		c->new++;
	else
		c->changed++;
	return true;
}

bool
progress_parse(const char *line, struct rsync_progress *pr)
{
	const char *p = line;
	uint64_t pct;

	memset(pr, 0, sizeof(*pr));
	p += strspn(p, " ");
	if (take_number(&p, &pr->bytes) == -1)
		return false;
	p += strspn(p, " ");
	if (take_number(&p, &pct) == -1 || pct > 100 || !take_text(&p, "% "))
		return false;
	pr->percent = (unsigned)pct;
	p += strspn(p, " ");
	(void)strlcpy(pr->rate, p, sizeof(pr->rate));
	pr->rate[strcspn(pr->rate, " ")] = '\0';
	p += strcspn(p, " ");
	p += strspn(p, " ");
	(void)strlcpy(pr->time, p, sizeof(pr->time));
	pr->time[strcspn(pr->time, " ")] = '\0';
	if (strspn(pr->rate, "0123456789.kMGTPB/s") != strlen(pr->rate) ||
	    strspn(pr->time, "0123456789:?") != strlen(pr->time))
		return false;
	if ((p = strstr(p, "(xfr#")) != NULL) {
		p += strlen("(xfr#");
		(void)take_number(&p, &pr->files);
	}
	return true;
}

enum out_kind
out_parse(const char *line, struct rsync_counts *c, struct rsync_progress *pr)
{
	if (parse_item(line, c))
		return OUT_ITEM;
	if (progress_parse(line, pr))
		return OUT_PROGRESS;
	if (parse_stats(line, c))
		return OUT_STATS;
	return OUT_OTHER;
}

/* "N entries, N linked, N moved, N dropped, SIZE on disk" */
static int
snapshot_counts(const char *p, struct snapshot *s)
{
	char size[HUMAN_SIZE];
	size_t n;

	if (take_number(&p, &s->entries) == -1 ||
	    !take_text(&p, " entries, ") ||
	    take_number(&p, &s->linked) == -1 ||
	    !take_text(&p, " linked, ") ||
	    take_number(&p, &s->moved) == -1 ||
	    !take_text(&p, " moved, ") ||
	    take_number(&p, &s->dropped) == -1 ||
	    !take_text(&p, " dropped, "))
		return -1;
	n = strcspn(p, "B");
	if (n + 1 >= sizeof(size) || strcmp(p + n, "B on disk") != 0)
		return -1;
	memcpy(size, p, n + 1);
	size[n + 1] = '\0';
	return human_parse_size(size, &s->bytes_new);
}

int
server_line_parse(const char *line, struct snapshot *s)
{
	static const enum snapshot_status all[] = {
		SNAPSHOT_COMPLETE, SNAPSHOT_VANISHED, SNAPSHOT_PARTIAL
	};
	const char *p = line;
	size_t i, n;

	memset(s, 0, sizeof(*s));
	if (!take_text(&p, "backshelf: snapshot ") ||
	    strlen(p) <= STAMP_LEN || p[STAMP_LEN] != ' ')
		return -1;
	memcpy(s->stamp, p, STAMP_LEN);
	if (stamp_parse(s->stamp, &s->time) == -1)
		return -1;
	p += STAMP_LEN + 1;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		n = strlen(snapshot_status_name(all[i]));
		if (strncmp(p, snapshot_status_name(all[i]), n) == 0 &&
		    p[n] == ':' && p[n + 1] == ' ') {
			s->status = all[i];
			s->recorded = true;
			return snapshot_counts(p + n + 2, s);
		}
	}
	return -1;
}

/* "Permission denied (publickey)" is ssh's; rsync's has errno's number. */
static bool
is_denied_by_ssh(const char *line)
{
	static const char text[] = "Permission denied (";
	const char *p = strstr(line, text);

	return p != NULL && !isdigit((unsigned char)p[sizeof(text) - 1]);
}

/* A status as the shell gives it: 128 and a signal's number. */
static bool
is_signal(int code)
{
	return code > 128 && code < 128 + 32;
}

/* The other side's status, which rsync has no name for. */
static bool
is_killed(const char *line)
{
	int code;

	return sscanf(line, "rsync error: unexplained error (code %3d)",
	    &code) == 1 && is_signal(code);
}

/* The names of files, which may be anything, stand in rsync's own lines: those
 * do not begin as the server's do. */
enum hint
hint_parse(const char *line)
{
	static const struct {
		const char	*start, *text;
		enum hint	 hint;
	} rows[] = {
		{ "sshval(", "ssh command rejected from ", HINT_REFUSED },
		{ "sshval(", "interactive shell rejected from ", HINT_REFUSED },
		{ "Host key verification failed", "", HINT_REFUSED },
		{ "Received disconnect", "Too many authentication failures",
		    HINT_REFUSED },
		{ "sshval(", "another push ", HINT_BUSY },
		{ "", "No space left on device", HINT_NOSPACE },
		{ "", "Disk quota exceeded", HINT_NOSPACE },
		{ "sshval(", "there are no snapshots yet", HINT_EMPTY },
		{ "", ".snaps/.meta\" failed: No such file", HINT_EMPTY },
		{ "sshval(", "", HINT_SERVER },
	};
	size_t i;

	if (is_denied_by_ssh(line))
		return HINT_REFUSED;
	if (is_killed(line))
		return HINT_KILLED;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strncmp(line, rows[i].start, strlen(rows[i].start)) == 0 &&
		    strstr(line, rows[i].text) != NULL)
			return rows[i].hint;
	return HINT_NONE;
}

/* rsync's own statuses (errcode.h); the server's BS_ ones come through rsync
 * unchanged, since it ends with the higher of its own and ssh's. */
int
exit_status(int code, enum hint hint)
{
	switch (code) {
	case 0:
		return BS_OK;
	case 23:
		return hint == HINT_NOSPACE ? BS_NOSPACE : BS_PARTIAL;
	case 24:
		return BS_VANISHED;
	case BS_NOSPACE:
	case BS_IO:
	case BS_BUSY:
	case BS_REFUSED:
		return code;
	case BS_CONFIG:		/* the server's, not ours */
		return BS_REFUSED;
	}
	switch (hint) {
	case HINT_REFUSED:
		return BS_REFUSED;
	case HINT_BUSY:
		return BS_BUSY;
	case HINT_NOSPACE:
		return BS_NOSPACE;
	case HINT_EMPTY:
	case HINT_SERVER:
		return code == 11 ? BS_IO : BS_FAIL;
	case HINT_KILLED:	/* as when the server is shut down */
		if (is_signal(code))
			return BS_UNREACHABLE;
		break;
	case HINT_NONE:
		break;
	}
	switch (code) {
	case 10:		/* socket I/O */
	case 12:		/* the connection broke */
	case 30:		/* --timeout */
	case 35:		/* waiting for a daemon */
	case 255:		/* ssh(1) */
		return BS_UNREACHABLE;
	case 11:		/* file I/O */
		return BS_IO;
	}
	return BS_FAIL;
}

const char *
rsync_code_text(int code)
{
	static const struct {
		int		 code;
		const char	*text;
	} rows[] = {
		{ 1, "rsync was given a wrong option" },
		{ 2, "the two rsyncs do not understand each other" },
		{ 5, "the server did not start the transfer" },
		{ 10, "the connection failed" },
		{ 11, "a file could not be read or written" },
		{ 12, "the connection broke" },
		{ 13, "rsync ended with an error" },
		{ 14, "rsync's processes lost each other" },
		{ 22, "rsync ran out of memory" },
		{ 23, "some files could not be transferred" },
		{ 24, "some files vanished while they were read" },
		{ 30, "nothing came over the connection for too long" },
		{ 126, "rsync could not be started" },
		{ 127, "rsync is not there, or not at the server" },
		{ 255, "ssh could not connect" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code)
			return rows[i].text;
	return is_signal(code) ? "rsync was killed" : NULL;
}
