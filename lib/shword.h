/* shword.h: words as a shell would read them, as far as reading is all that it
 * would do.  Nothing is run.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SHWORD_H
#define BACKSHELF_SHWORD_H

#include <stdbool.h>
#include <stddef.h>

/* A place in a line. */
struct shword {
	const char	*p;
	size_t		 i, len;
	/* What $NAME stands for, borrowed, or NULL: it is not known.  Without
	 * it, a '$' is not understood. */
	const char	*(*lookup)(void *arg, const char *name, size_t len);
	void		*arg;
};

/* The word that begins at w->i, without its quotes, "" where there is none, to
 * be freed; w->i is behind it.  NULL with errno EINVAL for what a shell would
 * expand or run, for a quote that does not end and for a NUL; or ENOMEM. */
char	*shword_value(struct shword *);

/* Is there nothing more but blanks and perhaps a comment behind one?  If not,
 * w->i is behind the blanks. */
bool	 shword_end(struct shword *);

#endif
