/* json.h: what the programs' --json is made with, beyond jansson.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_JSON_H
#define BACKSHELF_JSON_H

#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

/* A text as JSON; one that is not UTF-8, as a file's name may be, is escaped as
 * by vis(3) first.  NULL: out of memory. */
json_t	*json_text(const char *);

/* Print an answer and a newline, with jansson's flags; takes it.  It is not
 * flushed.  0, or -1 with errno: not all could be written; or, where it is NULL,
 * what should have made it was out of memory. */
int	 json_print(FILE *, json_t *, size_t flags);

#endif
