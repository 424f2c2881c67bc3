/* dumps.h: databases, dumped into files that are then backed up.
 *
 *   STATE/HOST.dumps/mysql/DATABASE/TABLE.sql
 *   STATE/HOST.dumps/postgresql/DATABASE/dump.sql
 *   STATE/HOST.dumps/postgresql/+globals/dump.sql
 *   STATE/HOST.dumps/MISSING        what could not be dumped, and why
 *   STATE/HOST.dumps/.new/          being written
 *
 * A dump that has not changed keeps its file, so that the next snapshot shares
 * it; one that failed has no file.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef IRSYNC_DUMPS_H
#define IRSYNC_DUMPS_H

#include "dumpsplit.h"
#include "irsync.h"
#include "proc.h"

struct dumps {
	const struct irsync_conf *c;
	char		*path;		/* STATE/HOST.dumps */
	int		 dir;		/* it */
	struct strv	 missing;	/* "mysql shop: why", printable */
	unsigned	 made;		/* databases dumped */
};

/* Where they are, whether or not there are any; to be freed. */
char	*dumps_path(const struct irsync_conf *);

/* Dump all that is configured.  0, or -1 with *missing telling what is not
 * there.  missing is to be freed by strv_free. */
int	dumps_run(const struct irsync_conf *, struct strv *missing);

/* dumps_file.c: one database's files. */

struct dump_writer {
	struct dumps	*d;
	enum compress	 compress;
	int		 dir;		/* of the new files */
	int		 fd;		/* what is written to; -1: none */
	int		 pid;		/* of the compressor, or 0 */
	struct strv	 seen;		/* files begun */
	char		*header;	/* what stands before each part */
	size_t		 nheader;
	bool		 in_header;
	const char	*done;		/* the line that ends each part */
	char		 why[256];	/* after a failure */
};

/* Begin the files of kind/name, in .new.  0, or -1 with why. */
int	dump_begin(struct dump_writer *, struct dumps *, const char *done,
	    enum compress);

/* A sink for dumpsplit.h. */
int	dump_part(void *arg, const char *file);
int	dump_data(void *arg, const char *, size_t);

/* All is there: put the new files in the place of the old; those that are the
 * same stay what they are.  0, or -1 with why. */
int	dump_commit(struct dump_writer *, const char *kind, const char *name);

/* Free it; what was not committed is removed. */
void	dump_end(struct dump_writer *);

/* One dump. */
struct dump_what {
	const char	*kind;		/* "mysql", "postgresql" */
	const char	*name;		/* of the database, for messages */
	const char	*folder;	/* in place of one named after it, or
					 * NULL: no database's begins with a
					 * '+' */
	const char	*done;		/* the line that ends it */
	bool		 whole;		/* not divided */
	const char	*prefix;	/* +database.sql, or NULL */
};

/* Run a dumper whose output goes into its folder.  0, or -1: it is missing, and
 * that is noted. */
int	dump_run(struct dumps *, struct proc *, const struct dump_what *,
	    const struct db_conf *);

/* Note what is missing, and remove what an earlier run left of it. */
void	dump_missing(struct dumps *, const struct dump_what *,
	    const char *why);

/* The server could not be asked: nothing of it is there. */
void	dumps_none(struct dumps *, const char *kind, const char *why);

/* All that there is has been dumped, into the folders `keep`: note what is
 * configured and was not there, and remove the folders of databases that are
 * no more. */
void	dumps_finish(struct dumps *, const char *kind,
	    const struct db_conf *, const struct strv *keep);

/* Collect what a query prints, up to some MiB. */
struct reply {			/* zero-initialise; free text */
	char	*text;
	size_t	 len;
};

int	reply_add(void *arg, const char *, size_t);

/* "6162" to "ab", in place of it.  0, or -1. */
int	unhex(char *);

/* Is this database wanted? */
bool	db_wanted(const struct db_conf *, const char *name);

/* dumps_mysql.c, dumps_pg.c */
void	mysql_dump_all(struct dumps *);
void	pg_dump_all(struct dumps *);

/* Log in and ask for nothing, for `irsync check`.  0, or -1 with why. */
int	mysql_login(const struct irsync_conf *, char *why, size_t size);
int	pg_login(const struct irsync_conf *, char *why, size_t size);

#endif
