/* keeper.h: the process between us and an rsync without namespaces.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_KEEPER_H
#define BACKSHELF_SSHGUARD_KEEPER_H

/* Fork.  The child returns 0 and goes on to become rsync; its parent, which is
 * the caller, never returns: it waits for the child, kills whatever else came
 * to be below it, and ends with the child's exit status, or 128 + signal.  It
 * passes SIGTERM on.  When the pipe whose read end is `life` loses its writer,
 * because the guard was killed, it kills all of them at once.
 * -1 with errno if there is no child.  All signals are to be blocked. */
int	keeper_fork(int life);

/* Kill our children, and those that become ours by that, until there is none.
 * 0; -1 if they multiply faster than they die for some seconds. */
int	keeper_reap(void);

#endif
