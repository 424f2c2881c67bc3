/* numset.h: a growing set of numbers.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_NUMSET_H
#define BACKSHELF_NUMSET_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; free with numset_free. */
struct numset {
	uint64_t	*v;		/* 0: free */
	size_t		 n, cap;
	int		 zero;		/* 0 is in it */
};

/* Add a number.  1 if it is new, 0 if it was there, -1 with errno ENOMEM. */
int	numset_add(struct numset *, uint64_t);
void	numset_free(struct numset *);

#endif
