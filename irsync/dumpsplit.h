/* dumpsplit.h: the stream of mysqldump(1), divided into a file for each table.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef IRSYNC_DUMPSPLIT_H
#define IRSYNC_DUMPSPLIT_H

#include <stdbool.h>
#include <stddef.h>

#define DUMP_NAME	1024	/* room for a file's name */
#define DUMP_HEADER	65536	/* bytes before the first table, at most */

/* What a stream is told to.  Each returns 0, or -1 to stop. */
struct dump_sink {
	/* A part begins: what follows belongs to this file.  Parts may come
	 * again (+views). */
	int	(*begin)(void *arg, const char *file);
	int	(*data)(void *arg, const char *, size_t);
	void	*arg;
};

/* Zero-initialise, set sink. */
struct dumpsplit {
	struct dump_sink sink;
	bool	 whole;		/* do not divide; one part, named "dump" */
	const char *done;	/* what the last line begins with */
	bool	 complete;	/* the last line says that all was dumped */
	/* Its own. */
	bool	 in_part;
	bool	 in_line;	/* past what a line is known by */
	bool	 in_body;	/* of a trigger or routine, whose text may be
				 * anything */
	size_t	 nhead;
	char	 head[DUMP_NAME];	/* the beginning of a line */
};

/* Take bytes of mysqldump(1)'s output.  A part is named after its table,
 * encoded by dump_file_name; "+routines", "+events", "+views", "+sequences"
 * hold the others; "+header" is what stands before the first and belongs
 * before each.  0, or -1 if the sink stopped. */
int	dumpsplit_feed(struct dumpsplit *, const char *, size_t);
int	dumpsplit_end(struct dumpsplit *);

/* A database's or table's name as a file's: what is not of [A-Za-z0-9_$.-] or
 * beyond ASCII, and a leading dot, is written %XX.  0, or -1 if it does not
 * fit a name of 255 bytes with its suffix. */
int	dump_file_name(char buf[DUMP_NAME], const char *name, size_t len);

#endif
