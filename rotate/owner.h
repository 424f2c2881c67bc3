/* owner.h: acting with the rights of a store's owner.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_OWNER_H
#define BACKSHELF_OWNER_H

/* Take the effective rights of whoever owns a folder: as root those of that
 * account, with no other groups; as an account, none but our own, and the
 * folder must be ours.  0, or -1 with errno (EPERM: it is somebody else's). */
int	owner_enter(int dirfd);

/* Be root again, if that is what we were.  Does not return if it fails. */
void	owner_leave(void);

#endif
