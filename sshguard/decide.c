/* decide.c: a client, its policy and its command to a verdict, and a verdict
 * to the argument vector that runs.
 * Pure: it opens nothing and asks nothing; what a command would do to the
 * store is known from its words alone.
 *
 * To a client its store is a folder that holds HOST.full (the newest snapshot;
 * what it pushes into) and HOST.snaps (all of them).  It may call that folder
 * by nothing, by a leading slash or by the real name of the stores' root.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vis.h>

#include "cmdline.h"
#include "decide.h"
#include "store.h"

#define PATH_LIMIT	4000		/* bytes of one path */

/* Where in its store a client's path points. */
enum area {
	AREA_TOP,		/* the folder above HOST.full */
	AREA_FULL,		/* HOST.full or below */
	AREA_SNAPS,		/* HOST.snaps itself */
	AREA_STAMP,		/* a snapshot or below */
	AREA_META		/* the records */
};

struct target {
	enum area	 area;
	char		*path;		/* from the top, as the client wrote it,
					 * without doubled slashes */
	const char	*rest;		/* in path: behind HOST.full, or "" */
	char		 stamp[STAMP_SIZE];	/* AREA_STAMP */
	bool		 slash;		/* path ends in a slash */
};

static void refuse(struct verdict *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
refuse(struct verdict *v, const char *fmt, ...)
{
	char raw[sizeof(v->reason)], safe[4 * sizeof(raw) + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	strvis(safe, raw, VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
	(void)strlcpy(v->reason, safe, sizeof(v->reason));
	v->kind = VERDICT_REFUSED;
}

/* Refuse, and name what the client may do. */
static void
refuse_offer(struct verdict *v, const char *what)
{
	const struct policy_client *c = v->who;
	char also[300] = "";
	size_t i;

	for (i = 0; i < c->commands.n; i++) {
		(void)strlcat(also, i == 0 ? ", or \"" : "\", \"",
		    sizeof(also));
		(void)strlcat(also, c->commands.v[i], sizeof(also));
	}
	if (i > 0)
		(void)strlcat(also, "\"", sizeof(also));
	if (c->push && c->pull)
		refuse(v, "%s; allowed is rsync to %s.full, and from %s.full "
		    "and %s.snaps%s", what, c->name, c->name, c->name, also);
	else if (c->push)
		refuse(v, "%s; allowed is rsync to %s.full%s", what, c->name,
		    also);
	else if (c->pull)
		refuse(v, "%s; allowed is rsync from %s.full and %s.snaps%s",
		    what, c->name, c->name, also);
	else if (i > 0)
		refuse(v, "%s; allowed is %s", what, also + strlen(", or "));
	else
		refuse(v, "%s; the policy allows %s nothing", what, c->name);
}

/* Copy a path without doubled slashes and, unless `dots`, without ".". */
static void
path_clean(char *to, const char *from, bool dots)
{
	size_t n;

	while (*from != '\0') {
		from += strspn(from, "/");
		n = strcspn(from, "/");
		if (n == 0 || (n == 1 && from[0] == '.' && !dots)) {
			from += n;
			continue;
		}
		memcpy(to, from, n);
		to += n;
		from += n;
		if (*from == '/')
			*to++ = '/';
	}
	*to = '\0';
}

/* If path begins with the n bytes at dir as whole components, what follows
 * them (without a slash before it), else NULL. */
static const char *
path_below(const char *path, const char *dir, size_t n)
{
	if (strncmp(path, dir, n) != 0 || (path[n] != '\0' && path[n] != '/'))
		return NULL;
	return path + n + strspn(path + n, "/");
}

/* Past any "." components. */
static const char *
skip_dots(const char *p)
{
	while (p[0] == '.' && (p[1] == '/' || p[1] == '\0'))
		p += p[1] == '/' ? 2 : 1;
	return p;
}

static bool
has_dotdot(const char *p)
{
	size_t n;

	for (; *p != '\0'; p += n + (p[n] == '/')) {
		n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return true;
	}
	return false;
}

/* Within HOST.snaps: `rest` is what follows. */
static int
classify_snaps(struct target *t, const char *rest)
{
	size_t n;
	time_t when;

	rest = skip_dots(rest);
	n = strcspn(rest, "/");
	if (n == 0) {
		t->area = AREA_SNAPS;
		return 0;
	}
	if (n >= sizeof(t->stamp))
		return -1;
	memcpy(t->stamp, rest, n);
	t->stamp[n] = '\0';
	t->area = strcmp(t->stamp, ".meta") == 0 ? AREA_META : AREA_STAMP;
	return t->area == AREA_META ? 0 : stamp_parse(t->stamp, &when);
}

static int
classify(struct target *t, const char *host)
{
	char name[STORE_HOST_MAX + 8];
	const char *p = skip_dots(t->path), *rest;

	if (*p == '\0') {
		t->area = AREA_TOP;
		return 0;
	}
	snprintf(name, sizeof(name), "%s.full", host);
	if ((rest = path_below(p, name, strlen(name))) != NULL) {
		t->area = AREA_FULL;
		t->rest = rest;
		return 0;
	}
	snprintf(name, sizeof(name), "%s.snaps", host);
	if ((rest = path_below(p, name, strlen(name))) != NULL)
		return classify_snaps(t, rest);
	return -1;
}

/* Find out where a path points.  0; -1 with the verdict a refusal; memory is
 * in t->path either way. */
static int
target_parse(const struct inquiry *q, const char *arg, struct verdict *v,
    struct target *t)
{
	const char *below;
	size_t n = strlen(arg);
	char what[128];

	memset(t, 0, sizeof(*t));
	t->rest = "";
	if (n > PATH_LIMIT) {
		refuse(v, "a path is longer than %d bytes", PATH_LIMIT);
		return -1;
	}
	if ((t->path = malloc(n + 1)) == NULL) {
		refuse(v, "out of memory");
		return -1;
	}
	if ((below = path_below(arg, q->policy->root,
	    strlen(q->policy->root))) != NULL)
		arg = below;
	path_clean(t->path, arg, v->rq.sender);
	n = strlen(t->path);
	t->slash = n == 0 || t->path[n - 1] == '/';
	if (has_dotdot(t->path)) {
		refuse_offer(v, "\"..\" in a path");
		return -1;
	}
	if (classify(t, q->client) == -1) {
		snprintf(what, sizeof(what), "%.80s: not in this client's "
		    "store", arg);
		refuse_offer(v, what);
		return -1;
	}
	return 0;
}

static void
decide_push(const struct inquiry *q, struct verdict *v)
{
	struct target t = { 0 };
	size_t n;

	if (!v->who->push) {
		refuse_offer(v, "a push");
		return;
	}
	if (v->rq.args.n > 1) {
		refuse(v, "more than one destination; is there a blank in its "
		    "name, and rsync older than 3.2.4?");
		return;
	}
	if (target_parse(q, v->rq.args.n == 0 ? "" : v->rq.args.v[0], v,
	    &t) == -1)
		goto out;
	if (t.area != AREA_TOP && t.area != AREA_FULL) {
		refuse_offer(v, "a push into the snapshots");
		goto out;
	}
	n = strlen(t.rest);
	if ((v->subdir = strndup(t.rest, n - (n > 0 && t.slash))) == NULL) {
		refuse(v, "out of memory");
		goto out;
	}
	v->slash = t.slash;
	v->kind = VERDICT_PUSH;
	v->dry_run = (v->rq.effects & RSYNC_DRY_RUN) != 0;
out:
	free(t.path);
}

/* One source of a pull.  0, or -1 with the verdict a refusal. */
static int
add_source(const struct inquiry *q, const char *arg, struct verdict *v)
{
	struct target t;
	bool deep = (v->rq.effects & (RSYNC_RECURSE | RSYNC_FILES_FROM)) != 0;
	int rc = -1;

	if (target_parse(q, arg, v, &t) == -1)
		goto out;
	rc = 0;
	switch (t.area) {
	case AREA_TOP:
		v->full = true;
		rc = strv_addf(&v->paths, "%s.full/", q->client);
		goto out;
	case AREA_FULL:
		v->full = true;
		break;
	case AREA_SNAPS:
		v->all |= deep;
		break;
	case AREA_STAMP:
		rc = strv_add(&v->stamps, t.stamp);
		break;
	case AREA_META:
		v->meta = true;
		break;
	}
	if (rc == 0)
		rc = strv_add(&v->paths, t.path);
	if (rc == -1)
		refuse(v, "out of memory");
out:
	free(t.path);
	return rc;
}

static void
decide_pull(const struct inquiry *q, struct verdict *v)
{
	size_t i;

	if (!v->who->pull) {
		refuse_offer(v, "a pull");
		return;
	}
	if (v->rq.args.n == 0 && add_source(q, "", v) == -1)
		return;
	for (i = 0; i < v->rq.args.n; i++)
		if (add_source(q, v->rq.args.v[i], v) == -1)
			return;
	v->kind = VERDICT_PULL;
	v->dry_run = true;
}

/* Are these the words of one of the policy's commands? */
static bool
is_command(const struct policy_client *c, const struct strv *words)
{
	struct strv own = { 0 };
	struct diag d;
	bool same = false;
	size_t i, k;

	for (i = 0; !same && i < c->commands.n; i++) {
		if (cmdline_split(c->commands.v[i], strlen(c->commands.v[i]),
		    &own, &d) == 0 && own.n == words->n)
			for (k = 0, same = true; same && k < own.n; k++)
				same = strcmp(own.v[k], words->v[k]) == 0;
		strv_free(&own);
	}
	return same;
}

static void
decide_rsync(const struct inquiry *q, const struct strv *words,
    struct verdict *v)
{
	struct diag d = { 0 };

	if (!v->who->push && !v->who->pull)
		refuse_offer(v, "rsync");
	else if (rsync_request_parse(words, q->rest, &v->rq, &d) == -1)
		refuse(v, "%s", d.msg);
	else if (v->rq.secluded && q->rest == NULL)
		v->kind = VERDICT_SECLUDED;
	else if (v->rq.sender)
		decide_pull(q, v);
	else
		decide_push(q, v);
}

static void
decide_command(const struct inquiry *q, struct verdict *v)
{
	struct strv words = { 0 };
	struct diag d = { 0 };

	if (cmdline_split(q->command, strlen(q->command), &words, &d) == -1)
		refuse(v, "byte %u: %s", d.col, d.msg);
	else if (words.n == 0)
		v->kind = VERDICT_SHELL;
	else if (words.n == 1 && strcmp(words.v[0], "true") == 0)
		v->kind = VERDICT_TRUE;
	else if (is_command(v->who, &words)) {
		if (strv_addall(&v->command, &words) == -1)
			refuse(v, "out of memory");
		else
			v->kind = VERDICT_COMMAND;
	} else if (words.n < 2 || strcmp(words.v[1], "--server") != 0)
		refuse_offer(v, "not an rsync server command");
	else
		decide_rsync(q, &words, v);
	strv_free(&words);
}

void
decide(const struct inquiry *q, struct verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->kind = VERDICT_REFUSED;
	if (!store_host_valid(q->client) ||
	    (v->who = policy_find(q->policy, q->client)) == NULL)
		refuse(v, "the policy names no client \"%.100s\"", q->client);
	else if (!policy_from(v->who, q->address))
		refuse(v, "%s may not come from this address", q->client);
	else if (!policy_hours(v->who, q->minute))
		refuse(v, "%s may not come at this time of the day",
		    q->client);
	else if (q->command == NULL)
		v->kind = VERDICT_SHELL;
	else
		decide_command(q, v);
}

void
verdict_free(struct verdict *v)
{
	rsync_request_free(&v->rq);
	free(v->subdir);
	strv_free(&v->paths);
	strv_free(&v->stamps);
	strv_free(&v->command);
	memset(v, 0, sizeof(*v));
}

/* The lower one of two limits, of which 0 is none. */
static unsigned
lower(unsigned a, unsigned b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/* The speed of a client, KiB a second: the lower one of its own wish and the
 * policy's; 0: no limit. */
static unsigned
decide_bwlimit(const struct verdict *v)
{
	return lower(v->rq.bwlimit, v->who->bwlimit);
}

/* With --fake-super, rsync (3.2 to 3.5.0 at least) loses the ACL of a folder
 * that has attributes too, and of a file whose attributes alone changed: the
 * pass that removes attributes that the client has not got takes ours, which
 * hold the ACL, for such, and nothing writes them again.  A filter on
 * attributes keeps it from them.  It also ends rsync's rule to leave all but
 * user attributes alone, so it is no use where the server has others. */
#define KEEP_ACLS	"--filter=-x user.rsync.%?acl"

/* The rule that keeps --delete from a --partial-dir is added by the side that
 * was told of one, the client, and ours was not.  Perishable: it does not keep
 * a folder that is deleted itself. */
#define KEEP_PARTS	"--filter=Pp " STORE_PARTIAL_DIR "/"

static int
add_parts(const struct rsync_request *rq, struct strv *argv)
{
	int rc;

	if (rq->sender || (rq->effects & RSYNC_INPLACE) != 0)
		return 0;
	rc = strv_add(argv, "--partial-dir=" STORE_PARTIAL_DIR);
	if ((rq->effects & RSYNC_DELETE) != 0)
		rc |= strv_add(argv, KEEP_PARTS);
	return rc;
}

static int
add_options(const struct verdict *v, const struct scene *sc,
    struct strv *argv)
{
	const struct rsync_request *rq = &v->rq;
	unsigned timeout = lower(rq->timeout, v->who->timeout);
	size_t i;
	int rc = 0;

	if (rq->letters[0] != '\0' || rq->caps[0] != '\0')
		rc |= strv_addf(argv, "-%s%s%s", rq->letters,
		    rq->caps[0] != '\0' ? "e" : "", rq->caps);
	rc |= strv_addall(argv, &rq->opts);
	rc |= strv_add(argv, "--fake-super");
	rc |= add_parts(rq, argv);
	if (!rq->sender && strchr(rq->letters, 'X') != NULL && !sc->labelled)
		rc |= strv_add(argv, KEEP_ACLS);
	if (timeout != 0)
		rc |= strv_addf(argv, "--timeout=%u", timeout);
	if (decide_bwlimit(v) != 0)
		rc |= strv_addf(argv, "--bwlimit=%u", decide_bwlimit(v));
	if (sc->confine != NULL)
		rc |= strv_addf(argv, "--confine-root=%s", sc->confine);
	if (sc->walled)
		rc |= strv_add(argv, "--insecure-links");
	for (i = 0; sc->linkdests != NULL && i < sc->linkdests->n; i++)
		rc |= strv_addf(argv, "--link-dest=%s%s%s",
		    sc->linkdests->v[i], v->subdir[0] != '\0' ? "/" : "",
		    v->subdir);
	return rc;
}

/* A source, with HOST.full under the name that it has in the scene. */
static int
add_path(const char *path, const struct scene *sc, struct strv *argv)
{
	char name[STORE_HOST_MAX + 8];
	const char *p = skip_dots(path), *rest;

	snprintf(name, sizeof(name), "%s.full", sc->host);
	if (sc->full == NULL ||
	    (rest = path_below(p, name, strlen(name))) == NULL)
		return strv_add(argv, path);
	return strv_addf(argv, "%s%s%s", sc->full,
	    p[strlen(name)] == '/' ? "/" : "", rest);
}

int
decide_argv(const struct verdict *v, const struct scene *sc,
    struct strv *argv)
{
	size_t i;
	int rc = 0;

	rc |= strv_add(argv, sc->rsync);
	rc |= strv_add(argv, "--server");
	if (v->kind == VERDICT_PULL)
		rc |= strv_add(argv, "--sender");
	rc |= add_options(v, sc, argv);
	rc |= strv_add(argv, "--");
	rc |= strv_add(argv, ".");
	if (v->kind == VERDICT_PUSH)
		rc |= strv_addf(argv, "%s/%s%s", sc->dest, v->subdir,
		    v->slash && v->subdir[0] != '\0' ? "/" : "");
	for (i = 0; i < v->paths.n; i++)
		rc |= add_path(v->paths.v[i], sc, argv);
	if (rc != 0)
		errno = ENOMEM;
	return rc != 0 ? -1 : 0;
}
