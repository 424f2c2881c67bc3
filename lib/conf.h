/* conf.h: libconfuse fed from a buffer, its errors turned into diags with a
 * line and a column.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_CONF_H
#define BACKSHELF_CONF_H

#include <confuse.h>

#include "diag.h"

#define CONF_MAX	(1024 * 1024)	/* bytes; no configuration is larger */

/* Read a configuration file whole.  Regular files of at most CONF_MAX bytes
 * without NUL bytes.  A NUL-terminated buffer that the caller frees, or NULL
 * with a diag (line 0) that says why. */
char	*conf_read(const char *path, struct diags *);

/* Parse a NUL-terminated text by a table of libconfuse options.  The cfg_t,
 * for the caller to cfg_free, or NULL with at least one diag.  Unknown keys
 * are errors; the nearest known one is named; so is what conf_twice finds.
 * Whole numbers are decimal.  The table is changed so far.  `include` and
 * $VARIABLES are not available: include is unknown to the table, and a '$' must
 * be escaped or stand in single quotes. */
cfg_t	*conf_parse(const char *text, cfg_opt_t *opts, struct diags *);

/* Is a key set twice in one section, or is there a section twice?  0, or -1
 * with a diag for each one that is too many, which names the first.  "+=" adds
 * to a list, and may come again.  The text may be any. */
int	 conf_twice(const char *text, struct diags *);

/* Where the comment that begins at p ends, or NULL if none begins there. */
const char	*conf_comment_end(const char *p);

/* Find a place for a message about key = value after the parse: the line and
 * column where `word` first stands as a word, and not in a comment, in the text
 * at or after `line` (1 for the whole text).  0s if it does not. */
void	 conf_place(const char *text, unsigned line, const char *word,
	    unsigned *found_line, unsigned *found_col);

#endif
