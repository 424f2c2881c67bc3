/* squeeze.c: making room where the rules keep more than there is place for.
 *
 * Each client's snapshots are measured in the order in which they would go
 * (plan_order), so that what each of them frees at its turn is known; fair.c
 * says how many go, client.c takes them out.  Nobody is measured unless room is
 * wanted.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "fair.h"
#include "human.h"
#include "squeeze.h"

/* What a client could give. */
struct offer {
	size_t			*order;		/* indices, first to go first */
	size_t			 n;
	struct sweep_share	*gain;		/* of each of them */
	uint64_t		 total;		/* bytes of all that is kept */
};

static void
offer_free(struct offer *o)
{
	free(o->order);
	free(o->gain);
	memset(o, 0, sizeof(*o));
}

/* The snapshots that are kept, those first that never go, then the last to go
 * and so on to the first; v[n - 1 - k] is order[k]. */
static struct sweep_item *
items_of(const struct client *c, struct store *s, const struct offer *o,
    size_t *n)
{
	struct sweep_item *v = calloc(c->n + 1, sizeof(*v));
	bool *goes = calloc(c->n + 1, sizeof(*goes));
	size_t i;

	*n = 0;
	for (i = 0; v != NULL && goes != NULL && i < o->n; i++)
		goes[o->order[i]] = true;
	for (i = 0; v != NULL && goes != NULL && i < c->n; i++)
		if (c->plan.v[i].why != 0 && !goes[i])
			v[(*n)++] = (struct sweep_item){ store_fd(s),
			    c->snaps[i].stamp };
	for (i = o->n; v != NULL && goes != NULL && i-- > 0;)
		v[(*n)++] = (struct sweep_item){ store_fd(s),
		    c->snaps[o->order[i]].stamp };
	if (goes == NULL) {
		free(v);
		v = NULL;
	}
	free(goes);
	return v;
}

/* Measure what a client's kept snapshots would free, in their order. */
static int
measure(struct run *run, struct client *c, struct store *s, struct offer *o)
{
	struct sweep_opts opts = { .jobs = run->jobs, .stop = run->stop };
	struct sweep_share *shares = NULL;
	struct sweep_item *items;
	size_t i, n;
	int rc = -1;

	if ((items = items_of(c, s, o, &n)) == NULL ||
	    (shares = calloc(n + 1, sizeof(*shares))) == NULL)
		goto out;
	/* A file that cannot be looked at gains nothing: it is no reason to
	 * let anything else go. */
	if (sweep_shares(items, n, &opts, shares) == -1 && errno == EINTR)
		goto out;
	for (i = 0; i < n; i++)
		o->total += shares[i].bytes;
	for (i = 0; i < o->n; i++)
		o->gain[i] = shares[n - 1 - i];
	rc = 0;
out:
	free(items);
	free(shares);
	return rc;
}

/* What can this client give?  0, or -1 if it is not known. */
static int
offer_make(struct run *run, struct client *c, struct offer *o)
{
	struct store *s;
	int rc = -1;

	memset(o, 0, sizeof(*o));
	if (c->failed || c->busy || c->n == 0 ||
	    (s = client_open(run, c)) == NULL)
		return -1;
	o->order = calloc(c->n + 1, sizeof(*o->order));
	o->gain = calloc(c->n + 1, sizeof(*o->gain));
	if (o->order != NULL && o->gain != NULL) {
		o->n = plan_order(&c->plan, c->snaps, c->r->floor, o->order);
		rc = measure(run, c, s, o);
	}
	client_close(s);
	if (rc == -1)
		offer_free(o);
	return rc;
}

/* max-size of one client. */
static void
squeeze_client(struct run *run, struct client *c)
{
	char has[HUMAN_SIZE], may[HUMAN_SIZE];
	struct fair f = { 0 };
	struct offer o;
	uint64_t then;

	if (offer_make(run, c, &o) == -1)
		return;
	f.gain = o.gain;
	f.n = o.n;
	then = fair_limit(&f, o.total, c->r->max_size);
	client_squeeze(run, c, o.order, f.taken, o.gain, PLAN_MAX_SIZE);
	if (then > c->r->max_size) {
		human_size(has, then);
		human_size(may, c->r->max_size);
		client_warn(run, c, "still takes %s, which is more than "
		    "max-size %s: what is left may not go", has, may);
	}
	offer_free(&o);
}

/* What is missing. */
struct want {
	uint64_t	bytes;
	uint64_t	inodes;
};

static struct want
want_now(const struct run *run, int rootfd)
{
	const struct retention_conf *conf = run->conf;
	struct space sp = space_of(rootfd);
	uint64_t bytes, inodes;
	size_t i;

	/* A dry run has freed nothing yet. */
	for (i = 0; run->dry && i < run->n; i++) {
		sp.bytes += run->v[i].swept.bytes;
		sp.inodes += run->v[i].swept.inodes;
	}
	bytes = retention_reserve(&conf->min_free, sp.all_bytes);
	inodes = sp.all_inodes == 0 ? 0 :
	    retention_reserve(&conf->min_inodes, sp.all_inodes);
	return (struct want){ bytes > sp.bytes ? bytes - sp.bytes : 0,
	    inodes > sp.inodes ? inodes - sp.inodes : 0 };
}

/* Is the client's store on the root's file system?  One that is not would give
 * for nothing. */
static bool
is_there(const struct run *run, const struct client *c, int rootfd)
{
	struct stat root, st;
	struct store *s;
	bool there;

	if ((s = store_open(run->root, c->host, 0)) == NULL)
		return false;
	there = fstat(store_fd(s), &st) == 0 && fstat(rootfd, &root) == 0 &&
	    (st.st_dev == root.st_dev ||
	    subvol_same_disk(store_fd(s), rootfd));
	store_close(s);
	return there;
}

/* min-free and min-free-inodes. */
static void
squeeze_all(struct run *run, int rootfd, const struct want *want)
{
	struct offer *offers = calloc(run->n + 1, sizeof(*offers));
	struct fair *fairs = calloc(run->n + 1, sizeof(*fairs));
	size_t i;

	if (offers == NULL || fairs == NULL)
		goto out;
	for (i = 0; i < run->n && !run_is_stopped(run); i++)
		if (is_there(run, &run->v[i], rootfd) &&
		    offer_make(run, &run->v[i], &offers[i]) == 0)
			fairs[i] = (struct fair){ offers[i].gain, offers[i].n,
			    0 };
	if (run_is_stopped(run))
		goto out;
	if (!fair_gain(fairs, run->n, want->bytes, want->inodes))
		run_warn(run, "%s: less is free than %s asks for, and no more"
		    " may go", run->root, want->bytes != 0 ? "min-free" :
		    "min-free-inodes");
	for (i = 0; i < run->n && !run_is_stopped(run); i++)
		client_squeeze(run, &run->v[i], offers[i].order,
		    fairs[i].taken, offers[i].gain, want->bytes != 0 ?
		    PLAN_MIN_FREE : PLAN_MIN_INODES);
out:
	for (i = 0; offers != NULL && i < run->n; i++)
		offer_free(&offers[i]);
	free(offers);
	free(fairs);
}

void
squeeze(struct run *run, int rootfd)
{
	uint64_t subvols = 0;
	struct want want;
	size_t i;

	for (i = 0; i < run->n && !run_is_stopped(run); i++)
		if (run->v[i].r->max_size != 0)
			squeeze_client(run, &run->v[i]);
	if (retention_reserve(&run->conf->min_free, 100) == 0 &&
	    retention_reserve(&run->conf->min_inodes, 100) == 0)
		return;
	/* What was freed counts, though the file system may be slow to say
	 * so. */
	if (!run->dry)
		(void)syncfs(rootfd);
	want = want_now(run, rootfd);
	if (want.bytes == 0 && want.inodes == 0)
		return;
	for (i = 0; i < run->n; i++)
		subvols += run->v[i].swept.subvols;
	if (subvols != 0 && !run->dry) {
		run_warn(run, "%s: less is free than is asked for, but %llu "
		    "subvolumes are still being cleaned up: left to the next "
		    "run", run->root, (unsigned long long)subvols);
		return;
	}
	squeeze_all(run, rootfd, &want);
}
