/* text.h: names from outside, made fit to be printed; and files, read and
 * written once.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_MIGRATE_TEXT_H
#define BACKSHELF_MIGRATE_TEXT_H

#include <stdio.h>

/* With what is not printable ASCII, and backslashes, as vis(3) writes them.
 * To be freed; exits where memory is too short. */
char	*text_escape(const char *);
void	 text_print(FILE *, const char *);

/* In double quotes, as libconfuse reads it back. */
void	 text_quote(FILE *, const char *);

/* May it stand in the middle of a double-quoted option of authorized_keys(5)
 * and of a shell's command? */
int	 text_is_plain(const char *);

#endif
