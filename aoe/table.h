/* table.h: the export table, aoed.conf(5), as the daemon sees it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_TABLE_H
#define AOE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "strv.h"

#define TABLE_SHELF_MAX		65534	/* 65535 is broadcast */
#define TABLE_SLOT_MAX		254	/* 255 is broadcast */
#define TABLE_ALIAS_MAX		63	/* bytes of an alias */
#define TABLE_BUFFERS		64	/* messages in flight, unless said */
#define TABLE_BUFFERS_MAX	1024

enum table_column {
	COL_SLOT, COL_FILE, COL_MAC, COL_IFACE, COL_ALIAS, COL_OPTIONS,
	COLUMNS
};

enum row_sync {
	SYNC_ALWAYS,		/* a write is answered when it is stable */
	SYNC_NONE		/* … when it is in the page cache */
};

struct row {
	unsigned	 line;			/* where it stands, from 1 */
	unsigned	 col[COLUMNS];		/* of each column; 0: not there */
	char		*bad;			/* why it cannot be served, or
						 * NULL; then line, col
						 * and alias are sure */
	uint16_t	 shelf;
	uint8_t		 slot;
	char		*file;			/* absolute path */
	uint64_t	*macs;			/* clients, MAC_ANY for all */
	size_t		 nmacs;
	struct strv	 ifaces;
	char		 alias[TABLE_ALIAS_MAX + 1];
	bool		 ro;
	bool		 direct;
	bool		 shared;		/* another target may serve the
						 * same address */
	enum row_sync	 sync;
	uint64_t	 offset;		/* sectors of 512 bytes */
	uint64_t	 length;		/* sectors; 0: to the end */
	unsigned	 buffers;
	unsigned	 maxsectors;		/* per message; 0: as the MTU
						 * allows */
};

struct table {
	struct row	*rows;
	size_t		 n;
	bool		 broken;	/* nothing of it may be served: SHELF
					 * is wrong, or every row is */
};

/* Parse a table.  0 if it is without fault.  -1 with every fault in *ds, in
 * order; then rows without one are still good, unless t->broken.  In either
 * case *t is set and to be freed.  Nothing is opened. */
int	table_parse(const char *text, size_t len, struct table *t,
	    struct diags *ds);

void	table_free(struct table *);

/* Do both rows say the same, wherever they stand in their files? */
bool	row_equal(const struct row *, const struct row *);

/* Make *to a copy of *from.  0, or -1 with errno and *to freed. */
int	row_copy(struct row *to, const struct row *from);
void	row_free(struct row *);

#endif
