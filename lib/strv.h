/* strv.h: a growing list of strings, NULL-terminated as execve(2) wants it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_STRV_H
#define BACKSHELF_STRV_H

#include <stddef.h>

/* Zero-initialise; free with strv_free. */
struct strv {
	char	**v;	/* n strings, then NULL; NULL itself while n is 0 */
	size_t	  n;
};

/* Append a copy.  0, or -1 with errno ENOMEM and the list unchanged. */
int	strv_add(struct strv *, const char *);

/* The same, formatted. */
int	strv_addf(struct strv *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* Append copies of all of another's. */
int	strv_addall(struct strv *, const struct strv *);

/* Is the string in the list? */
int	strv_has(const struct strv *, const char *);

void	strv_free(struct strv *);

#endif
