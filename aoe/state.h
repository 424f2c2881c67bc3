/* state.h: what an export remembers over a restart, on disk: one small JSON
 * file for each alias.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_STATE_H
#define AOE_STATE_H

#include <sys/types.h>

#include "diag.h"
#include "query.h"

#define STATE_MAX	65536	/* bytes of a state file */

/* Parse a state file's bytes.  0, or -1 with *st empty and what is wrong in
 * *ds: no JSON, not ours, a member that this version does not know. */
int	state_parse(const char *, size_t len, struct state *, struct diags *ds);

/* Write it as text, NUL-terminated, to be freed.  NULL with errno. */
char	*state_format(const struct state *);

/* Read the file dir/ALIAS.json, up to STATE_MAX bytes of it.  How many; 0 if
 * there is none; -1 with errno, ENODATA for an empty one. */
ssize_t	state_read(const char *dir, const char *alias, char *, size_t);

/* Replace it; it is on stable storage when this returns 0.  -1 with errno: a
 * restart finds the old state or, if only the last step failed, the new. */
int	state_write(const char *dir, const char *alias, const char *,
	    size_t len);

#endif
