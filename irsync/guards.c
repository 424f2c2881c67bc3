/* guards.c: is this the machine, and are these the folders, that were backed
 * up the last time?  Pure.  Each objection names the one flag that lets it
 * pass.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>

#include "facts.h"
#include "irsync.h"

#define GONE_MIN	10	/* names: so small a snapshot may lose all */

static int
check_machine(const struct guards *g, const struct facts *before,
    const struct facts *now, struct strv *out)
{
	int rc = 0;

	if (!before->known)
		return 0;
	if (!g->allow_other_host && strcmp(before->machine, now->machine) != 0)
		rc |= strv_addf(out, "this machine is %s, and the snapshots "
		    "before were of %s; is it a copy of that one? "
		    "--allow-other-host", now->machine, before->machine);
	if (!g->allow_clock_back && now->clock + CLOCK_SLACK < before->clock)
		rc |= strv_addf(out, "the clock has gone back by %lld s since "
		    "the last backup; --allow-clock-back",
		    (long long)(before->clock - now->clock));
	return rc;
}

static int
check_mounts(const struct irsync_conf *c, const struct guards *g,
    const struct facts *before, const struct facts *now, struct strv *out)
{
	const char *mount;
	size_t i, j;
	bool ours;
	int rc = 0;

	if (g->allow_unmounted)
		return 0;
	for (i = 0; i < before->mounts.n; i++) {
		mount = before->mounts.v[i];
		if (strv_has(&now->mounts, mount))
			continue;
		ours = false;
		for (j = 0; j < c->paths.n; j++)
			ours |= path_is_inside(c->paths.v[j], mount) ||
			    path_is_inside(mount, c->paths.v[j]);
		if (ours)
			rc |= strv_addf(out, "%s: nothing is mounted there, "
			    "as it was at the last backup; --allow-unmounted",
			    mount);
	}
	return rc;
}

static int
check_path(const struct irsync_conf *c, const struct guards *g,
    const struct facts *before, const struct facts *now, const char *path,
    struct strv *out)
{
	if (strv_has(&now->missing, path) && !g->allow_missing &&
	    !path_optional(c, path))
		return strv_addf(out, "%s: it is configured, and not there; "
		    "--allow-missing", path);
	if (strv_has(&now->empty, path) && !g->allow_empty &&
	    !path_optional(c, path) && !strv_has(&before->empty, path))
		return strv_addf(out, "%s: there is nothing in it; is it not "
		    "mounted? --allow-empty", path);
	return 0;
}

int
guards_check(const struct irsync_conf *c, const struct guards *g,
    const struct facts *before, const struct facts *now, struct strv *out)
{
	size_t i;
	int rc;

	rc = check_machine(g, before, now, out) |
	    check_mounts(c, g, before, now, out);
	for (i = 0; i < c->paths.n; i++)
		rc |= check_path(c, g, before, now, c->paths.v[i], out);
	return rc;
}

uint64_t
guards_gone_max(uint64_t entries)
{
	return entries / 2 > GONE_MIN ? entries / 2 : GONE_MIN;
}
