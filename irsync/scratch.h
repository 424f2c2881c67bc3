/* scratch.h: a folder for a moment, below $TMPDIR or /tmp.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_IRSYNC_SCRATCH_H
#define BACKSHELF_IRSYNC_SCRATCH_H

struct scratch {
	char		*path;
	const char	*name;	/* its last part */
	int		 parent;
	int		 fd;	/* open, and locked for as long as we live */
};

/* Make one, empty and ours alone.  What a run that was killed has left there
 * is removed.  0, or -1 after a message. */
int	scratch_make(struct scratch *);

/* Remove it with all that is in it. */
void	scratch_remove(struct scratch *);

#endif
