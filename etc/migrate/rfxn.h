/* rfxn.h: conf.irsync of R-fx Networks' irsync 1.1.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_MIGRATE_RFXN_H
#define BACKSHELF_MIGRATE_RFXN_H

#include <stddef.h>
#include <stdio.h>

#include "diag.h"
#include "strv.h"

enum rfxn_key {
	RFXN_INSTALL_PATH, RFXN_BACKUP_HOST, RFXN_BACKUP_STORAGE,
	RFXN_BACKUP_FILE, RFXN_EXCLUDE_FILE, RFXN_SNAPDAYS, RFXN_SSH_USER,
	RFXN_SSH_PORT, RFXN_SSH_KEY, RFXN_TIMEOUT, RFXN_MYSQL_HOTCOPY,
	RFXN_MYSQL_DUMP, RFXN_MYSQL_DUMP_GZ, RFXN_MYSQL_FLUSH,
	RFXN_MYSQL_PASS, RFXN_MYSQL_TMPDIR, RFXN_RATE_BEFORE, RFXN_RATE_DEV,
	RFXN_RATE_HOST, RFXN_RATE_LIMIT, RFXN_KEYS
};

/* Zero-initialise; free with rfxn_free. */
struct rfxn {
	char		*v[RFXN_KEYS];	/* NULL: not set */
	unsigned	 line[RFXN_KEYS];
};

/* Read it: assignments in the shell's way of quoting, in which variables that
 * were set before may stand, and nothing else.  0, or -1 with what is not
 * understood. */
int	rfxn_parse(const char *text, size_t len, struct rfxn *, struct diags *);
void	rfxn_free(struct rfxn *);

/* The lists of paths and of patterns, one a line.  0, or -1 with *ds. */
int	rfxn_paths(const char *text, struct strv *, struct diags *ds);
int	rfxn_excludes(const char *text, struct strv *, struct diags *ds);

/* Write irsync.conf(5).  host: the client's name, or NULL.  What does not
 * carry over is a comment in it, or, where a backup would lack something, in
 * *ds.  0, or -1 with *ds. */
int	rfxn_write(FILE *, const struct rfxn *, const char *host,
	    const struct strv *paths, const struct strv *excludes,
	    struct diags *ds);

#endif
