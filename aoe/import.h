/* import.h: vblade's configurations, as Debian and others keep them, read as
 * text: nothing of them is run.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_IMPORT_H
#define AOE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "table.h"

/* Rows that were understood; zero-initialise, free with table_free. */

/* A file of /etc/vblade.conf.d, vblade-persistence(5): assignments to shelf,
 * slot, netif, filename and options in the shell's way of quoting, without
 * anything that a shell would expand or run.  `alias` is what the row is to
 * be called.  0 and the row appended, or -1 with what is not understood in
 * *ds and nothing appended. */
int	import_fragment(const char *text, size_t len, const char *alias,
	    struct table *, struct diags *ds);

/* /etc/vblade.conf: a line for each, "netif shelf slot file [mac,mac...]".
 * Lines that are not understood are in *ds, the others appended.  0, or -1 if
 * there is one. */
int	import_lines(const char *text, size_t len, struct table *,
	    struct diags *ds);

/* One folder of vblade-persist: the texts of its files env/SHELF, SLOT, NETIF
 * and SOURCE, final newlines and all, and the names in macs/, with commas
 * between them, "" for none.  As import_fragment. */
struct import_persist {
	const char	*shelf, *slot, *netif, *source, *macs;
};
int	import_persist(const struct import_persist *, const char *alias,
	    struct table *, struct diags *ds);

/* See to it that every alias of the table is one, and another than the
 * others'.  0, or -1 with errno. */
int	import_aliases(struct table *);

/* A row as a line of the table, without its newline, to be freed.  NULL with
 * errno. */
char	*import_format(const struct row *);

/* import_paths.c: print the table that is made of these files and folders, or
 * without any of what stands where Debian keeps it.  `check`: only say what is
 * not understood.  An exit status. */
int	import_print(char **paths, int n, bool json, bool check);

#endif
