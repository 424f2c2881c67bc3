/* store_merge.c: the passes that make a snapshot's tree out of the base and of
 * what was pushed.
 *
 * Three shapes, which one walk may mix:
 *
 * apart     lower, upper and out are three folders.  What upper holds is moved
 *           to out, whiteouts are left behind, and what lower holds besides is
 *           linked into out unless it is hidden.  Upper and lower may each be
 *           missing.
 * applied   the same, but out holds all of lower already (MERGE_APPLY): what
 *           is hidden or replaced is taken out of it, and of lower only the
 *           names that were pushed are looked at.
 * in place  what was pushed stands in out already, and nothing of lower is to
 *           be added: a folder of upper that was moved whole, because lower
 *           has none of that name or is hidden there.
 *
 * A pass that was cut off at any instant is begun again and comes to the same
 * tree: nothing is taken out of upper but by a rename into out, whiteouts and
 * the folders that are apart stay in upper to the end, a name that is in out
 * is never put there from lower again, and the attributes of a folder are set
 * last.  What a second run of MERGE_APPLY counts is wrong, though, and the
 * folders that the first one moved may not have been looked through: it is to
 * be followed by MERGE_PLACED, which does both.
 *
 * Upper is a client's: nothing in it is followed, and of overlayfs's marks
 * only whiteouts (device 0:0) and opaque folders mean anything.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_merge.h"
#include "store_pool.h"
#include "store_tree.h"

/* Modes of a node. */
enum {
	SHOW	= 1,	/* what lower holds is in the snapshot, unless it was
			 * pushed over */
	INPLACE	= 2,
	ABOVE	= 4,	/* above the folder that was pushed to; rest is the
			 * way there */
	COUNT	= 8	/* only in lower, and not in the snapshot */
};

/* Folders that rsync keeps its unfinished files in. */
static bool
is_rsyncs(const struct dirent_at *e)
{
	return e->type == DT_DIR && strcmp(e->name, STORE_PARTIAL_DIR) == 0;
}

static struct node *
below(struct worker *w, struct node *n, const char *name, int mode,
    bool lower, bool upper, bool out)
{
	struct node *b;

	if ((b = worker_add(w, n, name, lower, upper, out)) != NULL)
		b->mode = mode;
	return b;
}

/* Was all of base counted as part of the tree before? */
static bool
is_applied(const struct merger *g)
{
	return g->m->kind == MERGE_APPLY;
}

/* A name of base that is not in the snapshot any more, or not as it was:
 * `gone` counts the name itself. */
static int
lower_hidden(struct worker *w, struct node *n, const char *name,
    unsigned char type, bool gone)
{
	struct merger *g = w->arg;

	if (gone)
		g->st.dropped++;
	if (type == DT_DIR) {
		g->st.entries -= is_applied(g);
		return below(w, n, name, COUNT, true, false, false) == NULL ?
		    -1 : 0;
	}
	if (is_applied(g) && file_uncount(g, n->fd[LOWER], name) == -1)
		return -1;
	return file_hidden(g, n->fd[LOWER], name, type);
}

static int
out_mkdir(struct node *n, const char *name)
{
	return mkdirat(n->fd[OUT], name, 0700) == -1 && errno != EEXIST ?
	    -1 : 0;
}

/* A folder of lower that is to be in out.  In a second run something else may
 * stand there, moved from upper by the first. */
static int
lower_folder(struct worker *w, struct node *n, const char *name)
{
	struct merger *g = w->arg;
	struct stat st;

	if (out_mkdir(n, name) == -1)
		return -1;
	if (g->m->rerun) {
		if (fstatat(n->fd[OUT], name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			return -1;
		if (!S_ISDIR(st.st_mode))
			return lower_hidden(w, n, name, DT_DIR, false) == -1 ?
			    -1 : file_pushed(g, n->fd[OUT], name,
			    IFTODT(st.st_mode));
	}
	g->st.entries++;
	return below(w, n, name, SHOW, true, false, true) == NULL ? -1 : 0;
}

/* An entry of lower that nothing was pushed over. */
static int
lower_entry(struct worker *w, struct node *n, const struct dirent_at *e)
{
	struct merger *g = w->arg;

	if ((n->mode & SHOW) == 0)
		return lower_hidden(w, n, e->name, e->type, true);
	if (e->type != DT_DIR)
		return link_lower(g, n->fd[LOWER], n->fd[OUT], e);
	return lower_folder(w, n, e->name);
}

static int
lower_walk(struct worker *w, struct node *n)
{
	struct merger *g = w->arg;
	struct dirent_at e;
	struct pushed *p;
	int r;

	if (n->fd[LOWER] == -1)
		return 0;
	if (dirents_start(&g->d, n->fd[LOWER]) == -1)
		return -1;
	while ((r = dirents_next(&g->d, &e)) == 1) {
		if ((p = names_find(&g->names, e.name)) != NULL) {
			p->lower_type = e.type;
			p->lower_ino = e.ino;
		} else if (lower_entry(w, n, &e) == -1)
			return -1;
	}
	return r;
}

/* MERGE_APPLY: what lower has under the names that were pushed. */
static int
lower_look(struct merger *g, struct node *n)
{
	struct pushed *p;
	struct stat st;
	size_t i;

	for (i = 0; n->fd[LOWER] != -1 && i < g->names.n; i++) {
		p = &g->names.v[i];
		if (fstatat(n->fd[LOWER], p->name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0) {
			p->lower_type = IFTODT(st.st_mode);
			p->lower_ino = st.st_ino;
		} else if (errno != ENOENT)
			return -1;
	}
	return 0;
}

/* Base has something else under this name. */
static int
replaced(struct worker *w, struct node *n, const struct pushed *p)
{
	if (p->lower_type == 0)
		return 0;
	return lower_hidden(w, n, p->name, p->lower_type, false);
}

/* What a pushed folder below this one is: whether lower shows in it, and
 * whether it still lies above the one that was pushed to. */
static int
pushed_mode(const struct merge *m, const struct node *n, const char *name,
    const char **rest)
{
	size_t len = strlen(name);

	*rest = NULL;
	if ((n->mode & ABOVE) == 0)
		return n->mode & SHOW;
	if (strncmp(n->rest, name, len) != 0 ||
	    (n->rest[len] != '/' && n->rest[len] != '\0'))
		return SHOW;			/* beside it */
	if (n->rest[len] == '\0')
		return m->deletes ? 0 : SHOW;
	*rest = n->rest + len + 1;
	return n->mode;
}

/* Is this name of out lower's file, with nothing done to it?  1, 0 or -1. */
static int
is_lowers(struct merger *g, struct node *n, const struct pushed *p)
{
	struct stat a, b;

	if (p->lower_type == 0 || p->lower_type == DT_DIR ||
	    p->lower_ino != p->ino || g->copies->apart != g->m->cloned)
		return 0;
	if (!g->m->cloned)
		return 1;
	if (fstatat(n->fd[LOWER], p->name, &a, AT_SYMLINK_NOFOLLOW) == -1 ||
	    fstatat(n->fd[OUT], p->name, &b, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	return a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
	    a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

/* A pushed file that stands in out. */
static int
file_count(struct worker *w, struct node *n, const struct pushed *p)
{
	struct merger *g = w->arg;
	int old;

	/* The linkdest way: rsync has linked it itself. */
	if ((old = is_lowers(g, n, p)) == -1)
		return -1;
	if (old)
		return file_linked(g, n->fd[OUT], p->name, p->type);
	if (p->lower_type == p->type && file_is_copy(g, p->ino, p->lower_ino))
		return file_copied(g, n->fd[OUT], p->name, p->type);
	if (replaced(w, n, p) == -1 ||
	    file_pushed(g, n->fd[OUT], p->name, p->type) == -1)
		return -1;
	if (p->lower_type != p->type)
		return 0;
	return file_torn(g, n->fd[LOWER], n->fd[OUT], p->name);
}

static int
inplace_entry(struct worker *w, struct node *n, const struct pushed *p)
{
	struct merger *g = w->arg;

	if (p->type != DT_DIR)
		return file_count(w, n, p);
	if (p->lower_type != DT_DIR && replaced(w, n, p) == -1)
		return -1;
	g->st.entries += !is_applied(g) || p->lower_type != DT_DIR;
	return below(w, n, p->name, INPLACE, p->lower_type == DT_DIR, false,
	    true) == NULL ? -1 : 0;
}

/* Move an entry of upper.  A folder that is moved is written to, to let ".."
 * say so; an ordinary user may have to be given the right. */
static int
upper_rename(struct node *n, const char *name)
{
	struct stat st;
	int up = n->fd[UPPER], out = n->fd[OUT];

	if (renameat(up, name, out, name) == 0)
		return 0;
	if (errno != EACCES ||
	    fstatat(up, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISDIR(st.st_mode) ||
	    fchmodat(up, name, (st.st_mode & 07777) | 0700, 0) == -1)
		return -1;
	return renameat(up, name, out, name);
}

/* MERGE_APPLY: take what base has under this name out of the tree, if it would
 * be in the way of a rename, or is to go. */
static int
applied_clear(struct merger *g, struct node *n, const struct pushed *p)
{
	if (!is_applied(g) || p->lower_type == 0)
		return 0;
	return tree_remove(n->fd[OUT], p->name);
}

/* Does a pushed folder hide all that lower has there?  1, 0 or -1. */
static int
folder_hides(struct node *n, const char *name)
{
	int fd, rc, saved;

	if ((fd = folder_open(n->fd[UPPER], name, UPPER)) == -1)
		return -1;
	rc = overlay_is_opaque(fd);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

/* MERGE_APPLY: a folder that is merged with lower's is gone into; any other is
 * moved whole, in the place of what lower has. */
static int
applied_folder(struct worker *w, struct node *n, const struct pushed *p)
{
	struct merger *g = w->arg;
	bool lower = p->lower_type == DT_DIR;
	int hides = 1;

	if (lower) {
		if ((hides = folder_hides(n, p->name)) == -1)
			return -1;
	} else if (replaced(w, n, p) == -1)
		return -1;
	if (!hides)
		return below(w, n, p->name, SHOW, true, true, true) == NULL ?
		    -1 : 0;
	g->st.entries += !lower;
	if (applied_clear(g, n, p) == -1 || upper_rename(n, p->name) == -1)
		return -1;
	return below(w, n, p->name, INPLACE, lower, false, true) == NULL ?
	    -1 : 0;
}

static int
upper_folder(struct worker *w, struct node *n, const struct pushed *p)
{
	struct merger *g = w->arg;
	bool lower = p->lower_type == DT_DIR;
	const char *rest;
	struct node *b;
	int mode;

	if (is_applied(g))
		return applied_folder(w, n, p);
	if (!lower && replaced(w, n, p) == -1)
		return -1;
	g->st.entries++;
	mode = pushed_mode(g->m, n, p->name, &rest);
	/* Were it moved whole, a second run would let lower show through. */
	if (rest == NULL && ((mode & SHOW) == 0 || p->lower_type == 0)) {
		if (upper_rename(n, p->name) == 0)
			return below(w, n, p->name, INPLACE, lower, false,
			    true) == NULL ? -1 : 0;
		if (errno != EEXIST && errno != ENOTEMPTY)
			return -1;
	}
	if (out_mkdir(n, p->name) == -1 || (b = below(w, n, p->name, mode,
	    lower, true, true)) == NULL)
		return -1;
	b->rest = rest;
	return 0;
}

static int
upper_is_whiteout(const struct merge *m, struct node *n,
    const struct pushed *p)
{
	struct stat st;

	if (p->type != DT_CHR || !m->overlay)
		return 0;
	if (fstatat(n->fd[UPPER], p->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	return st.st_rdev == makedev(0, 0);
}

static int
upper_entry(struct worker *w, struct node *n, const struct pushed *p)
{
	struct merger *g = w->arg;

	if (p->moved)
		return inplace_entry(w, n, p);
	if (p->type == DT_DIR)
		return upper_folder(w, n, p);
	switch (upper_is_whiteout(g->m, n, p)) {
	case 1:
		if (applied_clear(g, n, p) == -1)
			return -1;
		return p->lower_type == 0 ? 0 :
		    lower_hidden(w, n, p->name, p->lower_type, true);
	case -1:
		return -1;
	}
	if (p->lower_type == DT_DIR && applied_clear(g, n, p) == -1)
		return -1;
	return upper_rename(n, p->name) == -1 ? -1 : file_count(w, n, p);
}

/* In a second run: what the first one moved out of upper is in out alone.
 * Where lower is hidden, all that is in out was moved there. */
static int
moved_read(struct merger *g, struct node *n)
{
	struct dirent_at e;
	int r;

	if (dirents_start(&g->d, n->fd[OUT]) == -1)
		return -1;
	/* One that is in both is yet to be moved. */
	while ((r = dirents_next(&g->d, &e)) == 1)
		if (names_add(&g->names, &e, true) == -1)
			return -1;
	names_sort(&g->names);
	names_unique(&g->names);
	return r;
}

/* Where it shows, what lower has not is what was moved; link_lower has met the
 * rest. */
static int
moved_unknown(struct worker *w, struct node *n)
{
	struct merger *g = w->arg;
	struct pushed p = { .moved = true };
	struct dirent_at e;
	struct stat st;
	int r;

	if (dirents_start(&g->d, n->fd[OUT]) == -1)
		return -1;
	while ((r = dirents_next(&g->d, &e)) == 1) {
		if (names_find(&g->names, e.name) != NULL)
			continue;
		if (n->fd[LOWER] != -1) {
			if (fstatat(n->fd[LOWER], e.name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0)
				continue;
			if (errno != ENOENT)
				return -1;
		}
		p.name = e.name;
		p.ino = e.ino;
		p.type = e.type;
		if (inplace_entry(w, n, &p) == -1)
			return -1;
	}
	return r;
}

/* Remove what is in place and no part of the snapshot. */
static int
inplace_drop(struct merger *g, struct node *n, const struct dirent_at *e)
{
	struct stat st;

	if (is_rsyncs(e))
		return dir_stash_times(n->fd[OUT], &n->times) == -1 ||
		    tree_remove(n->fd[OUT], e->name) == -1 ? -1 : 1;
	if (e->type != DT_CHR || !g->m->overlay)
		return 0;
	if (fstatat(n->fd[OUT], e->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (st.st_rdev != makedev(0, 0))
		return 0;
	return dir_stash_times(n->fd[OUT], &n->times) == -1 ||
	    unlinkat(n->fd[OUT], e->name, 0) == -1 ? -1 : 1;
}

/* Read what was pushed into this folder. */
static int
pushed_read(struct merger *g, struct node *n)
{
	bool inplace = n->mode & INPLACE;
	int fd = n->fd[inplace ? OUT : UPPER], r, drop;
	struct dirent_at e;

	names_clear(&g->names);
	if (fd == -1)
		return 0;
	if (dirents_start(&g->d, fd) == -1)
		return -1;
	while ((r = dirents_next(&g->d, &e)) == 1) {
		if (inplace) {
			if ((drop = inplace_drop(g, n, &e)) == -1)
				return -1;
			if (drop)
				continue;
		} else if (is_rsyncs(&e))
			continue;
		if (names_add(&g->names, &e, false) == -1)
			return -1;
	}
	names_sort(&g->names);
	if (r == -1 || inplace || g->m->kind != MERGE_BOTH || !g->m->rerun ||
	    (n->mode & SHOW))
		return r;
	return moved_read(g, n);
}

static int
flags_of(struct merger *g, int fd, bool strip, int mask)
{
	int found;

	if ((found = overlay_xattrs_find(fd, strip)) == -1)
		return -1;
	if (found & mask)
		g->st.overlay_xattrs = true;
	if ((found & OVERLAY_ESCAPED) && g->m->overlay)
		g->st.escaped = true;
	return 0;
}

static int
attrs_from(struct merger *g, struct node *n, enum side side)
{
	bool upper = side == UPPER && g->m->overlay;

	if (side == UPPER || !g->m->base_clean)
		if (flags_of(g, n->fd[side], false,
		    upper ? OVERLAY_ESCAPED : OVERLAY_ANY) == -1)
			return -1;
	if (attrs_copy_dir(n->fd[side], n->fd[OUT], upper) == -1)
		return -1;
	return side == UPPER ? dir_unstash_times(n->fd[OUT], &n->times) : 0;
}

/* The copy of a folder of base that was made ahead is gone again. */
static int
folder_uncount(struct merger *g, struct node *n)
{
	struct stat st;

	if (!is_applied(g) || n->fd[LOWER] == -1)
		return 0;
	if (fstat(n->fd[LOWER], &st) == -1)
		return -1;
	g->st.bytes_new -= (uint64_t)st.st_blocks * 512;
	return 0;
}

/* Set what the folder itself is, now that nothing more is added to it. */
static int
folder_finish(struct merger *g, struct node *n)
{
	struct stat st;
	int rc;

	if (n->mode & INPLACE) {
		rc = flags_of(g, n->fd[OUT], g->m->overlay, OVERLAY_ANY);
		if (rc == 0)
			rc = dir_unstash_times(n->fd[OUT], &n->times);
	} else if (n->fd[UPPER] == -1 ||
	    ((n->mode & ABOVE) && n->fd[LOWER] != -1))
		rc = attrs_from(g, n, LOWER);
	else
		rc = attrs_from(g, n, UPPER);
	if (rc == -1 || fstat(n->fd[OUT], &st) == -1)
		return -1;
	if (!is_applied(g) || (n->mode & INPLACE))
		g->st.bytes_new += (uint64_t)st.st_blocks * 512;
	return n->mode & INPLACE ? folder_uncount(g, n) : 0;
}

/* A folder of base that is not in the snapshot. */
static int
count_treat(struct worker *w, struct node *n)
{
	struct merger *g = w->arg;
	struct dirent_at e;
	int r;

	if (folder_uncount(g, n) == -1)
		return -1;
	if (dirents_start(&g->d, n->fd[LOWER]) == -1)
		return -1;
	while ((r = dirents_next(&g->d, &e)) == 1)
		if (lower_hidden(w, n, e.name, e.type, true) == -1)
			return -1;
	return r;
}

static int
folder_treat(struct worker *w, struct node *n)
{
	struct merger *g = w->arg;
	bool apply = is_applied(g) && (n->mode & INPLACE) == 0;
	int opaque;
	size_t i;

	if (n->mode & COUNT)
		return count_treat(w, n);
	/* What is moved out of a folder changes its times. */
	if (n->fd[UPPER] != -1 &&
	    dir_stash_times(n->fd[UPPER], &n->times) == -1)
		return -1;
	if (n->fd[UPPER] != -1 && g->m->overlay && !apply) {
		if ((opaque = overlay_is_opaque(n->fd[UPPER])) == -1)
			return -1;
		if (opaque)
			n->mode &= ~SHOW;
	}
	if (pushed_read(g, n) == -1 ||
	    (apply ? lower_look(g, n) : lower_walk(w, n)) == -1)
		return -1;
	for (i = 0; i < g->names.n; i++)
		if ((n->mode & INPLACE ? inplace_entry : upper_entry)(w, n,
		    &g->names.v[i]) == -1)
			return -1;
	if (g->m->kind == MERGE_BOTH && g->m->rerun &&
	    (n->mode & (INPLACE | SHOW)) == SHOW && moved_unknown(w, n) == -1)
		return -1;
	return folder_finish(g, n);
}

static void
stats_add(struct merge_stats *to, const struct merge_stats *st)
{
	to->entries += st->entries;
	to->linked += st->linked;
	to->moved += st->moved;
	to->dropped += st->dropped;
	to->copied += st->copied;
	to->bytes += st->bytes;
	to->bytes_new += st->bytes_new;
	to->overlay_xattrs |= st->overlay_xattrs;
	to->escaped |= st->escaped;
	to->holes |= st->holes;
}

static int
top_mode(const struct merge *m)
{
	if (m->kind == MERGE_PLACED)
		return INPLACE;
	if (m->kind == MERGE_LINK || m->overlay)
		return SHOW;
	if (m->subdir[0] != '\0')
		return SHOW | ABOVE;
	return m->deletes ? 0 : SHOW;
}

int
merge_run(const struct merge *m, struct merge_stats *st, char *where,
    size_t size)
{
	struct merger *g = NULL;
	void **args = NULL;
	struct copies copies;
	struct pool_job job = {
		.treat = folder_treat, .fd = { m->lower, m->upper, m->out },
		.mode = top_mode(m), .rest = m->subdir
	};
	size_t i;
	int rc = -1;

	if (m->kind != MERGE_APPLY)
		memset(st, 0, sizeof(*st));
	where[0] = '\0';
	if (copies_open(&copies, m->push, m->lower, m->out) == -1)
		return -1;
	job.threads = pool_threads();
	if ((g = calloc(job.threads, sizeof(*g))) == NULL ||
	    (args = calloc(job.threads, sizeof(*args))) == NULL)
		goto out;
	for (i = 0; i < job.threads; i++) {
		g[i].m = m;
		g[i].copies = &copies;
		args[i] = &g[i];
		if (dirents_init(&g[i].d) == -1)
			goto out;
	}
	job.args = args;
	rc = pool_run(&job, where, size);
	for (i = 0; i < job.threads; i++)
		stats_add(st, &g[i].st);
	if (rc == 0)
		rc = copies_relink(&copies, m->out, st);
out:
	for (i = 0; g != NULL && i < job.threads; i++) {
		dirents_fini(&g[i].d);
		names_free(&g[i].names);
	}
	free(args);
	free(g);
	copies_close(&copies);
	return rc;
}
