/* secluded.h: the words that --secluded-args sends on the stream.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_SECLUDED_H
#define BACKSHELF_SSHGUARD_SECLUDED_H

#include <stddef.h>

#include "diag.h"
#include "strv.h"

#define SECLUDED_MAX	65536	/* bytes of all words, with their NULs */
#define SECLUDED_WORDS	256

/* The block as far as it has come.  Zero-initialise; free with
 * secluded_free. */
struct secluded {
	struct strv	 words;
	char		*word;		/* the one that is not whole yet */
	size_t		 len;		/* bytes of it */
	size_t		 size;		/* its room */
	size_t		 total;		/* bytes taken */
};

/* Take the next byte.  Each word ends in a NUL, and an empty word ends the
 * block.  1 if it did, 0 if there is more to come, -1 with *d filled. */
int	secluded_take(struct secluded *, char, struct diag *d);
void	secluded_free(struct secluded *);

/* Read a block from fd to its last byte and no further: what follows is
 * rsync's.  It must be there within wait_ms.  0, or -1 with *d filled. */
int	secluded_read(int fd, int wait_ms, struct secluded *, struct diag *d);

#endif
