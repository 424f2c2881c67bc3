/* cmdline.h: SSH_ORIGINAL_COMMAND to words.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_CMDLINE_H
#define BACKSHELF_CMDLINE_H

#include <stddef.h>

#include "diag.h"
#include "strv.h"

#define CMDLINE_MAX	65536	/* bytes of a command */
#define CMDLINE_WORDS	256	/* words of a command */

/* Split a command of len bytes as the stock rsync client quotes it: words are
 * separated by blanks; a backslash makes the next byte an ordinary one.
 * Whatever else would make a shell do something (quotes, variables, command
 * and process substitution, redirections, lists, comments) is an error, and
 * so are control characters that no backslash precedes, and NUL.  Wildcards,
 * tildes and braces are bytes like any other.
 * 0 with the words appended to *words, or -1 with *d filled: col is the byte
 * at fault.  ENOMEM is a diag too. */
int	cmdline_split(const char *cmd, size_t len, struct strv *words,
	    struct diag *d);

#endif
