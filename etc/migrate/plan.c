/* plan.c: from what was found to what will be done: stamps, records, and every
 * objection.  It looks at all that would be moved and changes nothing.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "human.h"
#include "json.h"
#include "migrate.h"
#include "store_dir.h"
#include "text.h"

#define FUTURE	(15 * 60)	/* seconds that a clock may be ahead */

/* What stays the same while one client's snapshots are looked at. */
struct looking {
	struct find	*f;
	int		 dirfd;
	struct stat	 root;
	struct numset	 seen;
	uint64_t	 last_sum;	/* of the snapshot before */
	const struct move *last;	/* or NULL */
};

/* What the user says of a snapshot wins. */
static void
take_words(struct find *f, const struct strv *names, enum snapshot_status to)
{
	size_t i, j;
	bool known;

	for (i = 0; i < names->n; i++) {
		known = false;
		for (j = 0; j < f->m.n; j++)
			if (strcmp(f->m.v[j].from, names->v[i]) == 0) {
				f->m.v[j].s.status = to;
				f->m.v[j].s.rsync_exit =
				    to == SNAPSHOT_PARTIAL ? 23 : 0;
				known = true;
			}
		if (!known)
			find_refused(f, "%s: nothing of that name was found",
			    names->v[i]);
	}
}

static int
by_host_and_time(const void *a, const void *b)
{
	const struct move *x = a, *y = b;
	int c;

	if ((c = strcmp(x->host, y->host)) != 0)
		return c;
	if (x->s.time != y->s.time)
		return x->s.time < y->s.time ? -1 : 1;
	return strcmp(x->from, y->from);
}

static void
set_stamp(struct find *f, struct move *mv, const struct move *before)
{
	time_t now = time(NULL);

	if (stamp_format(mv->s.stamp, mv->s.time) == -1)
		find_refused(f, "%s: no time that a snapshot can have",
		    mv->from);
	else if (mv->s.time > now + FUTURE)
		find_refused(f, "%s: its time, %s, is in the future",
		    mv->from, mv->s.stamp);
	else if (before != NULL && strcmp(before->host, mv->host) == 0 &&
	    before->s.time == mv->s.time)
		find_refused(f, "%s: the same time as %s, %s", mv->from,
		    before->from, mv->s.stamp);
	mv->s.recorded = true;
	mv->s.way = STORE_WAY_LINKDEST;
	strlcpy(mv->s.client, f->m.source, sizeof(mv->s.client));
	if (before != NULL && strcmp(before->host, mv->host) == 0)
		strlcpy(mv->s.base, before->s.stamp, sizeof(mv->s.base));
}

/* Is anything of the new names there? */
static void
check_target(struct find *f, const struct move *mv, int rootfd)
{
	char name[2 * STORE_HOST_MAX];
	struct stat st;

	snprintf(name, sizeof(name), "%s.snaps/%s", mv->host, mv->s.stamp);
	if (fstatat(rootfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		find_refused(f, "%s: %s is there already", mv->from, name);
	snprintf(name, sizeof(name), "%s.full", mv->host);
	if (strcmp(f->m.source, "irsync") != 0 &&
	    fstatat(rootfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISLNK(st.st_mode))
		find_refused(f, "%s: %s is there already", mv->from, name);
}

static bool
is_full(const char *from)
{
	size_t n = strlen(from);

	return n > 5 && strcmp(from + n - 5, ".full") == 0 &&
	    strchr(from, '/') == NULL;
}

/* HOST.full of irsync is the newest snapshot, or somebody must say what it
 * is. */
static void
check_full(const struct looking *l, const struct move *mv, uint64_t sum)
{
	const struct options *o = l->f->o;

	if (strcmp(l->f->m.source, "irsync") != 0 || !is_full(mv->from) ||
	    strv_has(&o->partial, mv->from) ||
	    strv_has(&o->complete, mv->from) || l->last == NULL)
		return;
	if (l->last_sum != sum && !strv_has(&o->partial, l->last->from))
		find_refused(l->f, "%s: not the same as the newest snapshot, "
		    "%s: one of them was cut off; say --partial of it, or "
		    "--complete %s", mv->from, l->last->from, mv->from);
}

static void
check_owners(const struct looking *l, const struct move *mv,
    const struct census *c)
{
	if (geteuid() == 0 || c->foreign == 0)
		return;
	find_refused(l->f, "%s: %llu files are not yours; run this as root",
	    mv->from, (unsigned long long)c->foreign);
}

static void
look(struct looking *l, struct move *mv)
{
	struct census c = { .dev = l->root.st_dev, .seen = &l->seen,
	    .uid = l->root.st_uid };
	struct stat st;
	int fd;

	if ((fd = dir_open_below(l->dirfd, mv->from)) == -1 ||
	    fstat(fd, &st) == -1) {
		find_refused(l->f, "%s: %s", mv->from, strerror(errno));
		return;
	}
	if (st.st_dev != l->root.st_dev)
		find_refused(l->f, "%s: on another file system than %s",
		    mv->from, l->f->m.root);
	else if (census_take(&c, fd, &mv->s) == -1)
		find_refused(l->f, "%s%s%s: %s", mv->from,
		    c.where[0] != '\0' ? "/" : "", c.where, errno == EXDEV ?
		    "holds another file system" : strerror(errno));
	else {
		check_owners(l, mv, &c);
		check_full(l, mv, c.sum);
	}
	l->last_sum = c.sum;
	l->last = mv;
	close(fd);
}

int
moves_plan(struct find *f, int dirfd)
{
	struct looking l = { .f = f, .dirfd = dirfd };
	struct moves *m = &f->m;
	size_t i;
	int rootfd;

	take_words(f, &f->o->partial, SNAPSHOT_PARTIAL);
	take_words(f, &f->o->complete, SNAPSHOT_COMPLETE);
	if ((rootfd = open(m->root, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1 || fstat(rootfd, &l.root) == -1)
		err(BS_FAIL, "%s", m->root);
	if (geteuid() != 0 && geteuid() != l.root.st_uid)
		find_refused(f, "%s: not yours; run this as root or as its "
		    "owner", m->root);
	if (m->n > 0)
		qsort(m->v, m->n, sizeof(*m->v), by_host_and_time);
	for (i = 0; i < m->n; i++) {
		set_stamp(f, &m->v[i], i > 0 ? &m->v[i - 1] : NULL);
		check_target(f, &m->v[i], rootfd);
		if (i == 0 || strcmp(m->v[i].host, m->v[i - 1].host) != 0) {
			numset_free(&l.seen);
			memset(&l.seen, 0, sizeof(l.seen));
			l.last = NULL;
		}
		look(&l, &m->v[i]);
	}
	numset_free(&l.seen);
	close(rootfd);
	return f->refused.n == 0 ? 0 : -1;
}

static void
print_move(const struct moves *m, const struct move *mv)
{
	char size[HUMAN_SIZE];

	human_size(size, mv->s.bytes);
	fputs("move     ", stdout);
	text_print(stdout, mv->from);
	printf(" -> %s.snaps/%s%s", mv->host, mv->s.stamp,
	    m->prefix[0] != '\0' ? "/" : "");
	text_print(stdout, m->prefix);
	printf("  %s, %llu names, %s\n", snapshot_status_name(mv->s.status),
	    (unsigned long long)mv->s.entries, size);
}

static json_t *
list_json(const struct strv *l)
{
	json_t *a = json_array();
	size_t i;
	char *s;

	for (i = 0; i < l->n; i++) {
		s = text_escape(l->v[i]);
		(void)json_array_append_new(a, json_string(s));
		free(s);
	}
	return a;
}

static void
print_json(const struct find *f)
{
	json_t *a = json_array(), *o;
	const struct move *mv;
	char *from;
	size_t i;

	for (i = 0; i < f->m.n; i++) {
		mv = &f->m.v[i];
		from = text_escape(mv->from);
		(void)json_array_append_new(a, json_pack("{ss ss ss ss sI sI}",
		    "from", from, "host", mv->host, "stamp", mv->s.stamp,
		    "status", snapshot_status_name(mv->s.status),
		    "entries", (json_int_t)mv->s.entries,
		    "bytes", (json_int_t)mv->s.bytes));
		free(from);
	}
	o = json_pack("{sb so so so}", "ok", f->refused.n == 0, "moves", a,
	    "left", list_json(&f->left), "refused", list_json(&f->refused));
	if (o == NULL)
		errx(BS_FAIL, "out of memory");
	(void)json_print(stdout, o, JSON_INDENT(2));
}

static void
print_list(const char *word, const struct strv *l, FILE *to)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		fputs(word, to);
		text_print(to, l->v[i]);
		fputc('\n', to);
	}
}

void
moves_print(const struct find *f)
{
	size_t i;

	if (f->o->json) {
		print_json(f);
		return;
	}
	for (i = 0; i < f->m.n; i++)
		print_move(&f->m, &f->m.v[i]);
	print_list("leave    ", &f->left, stdout);
	fflush(stdout);
	print_list("backshelf-migrate: ", &f->refused, stderr);
}
