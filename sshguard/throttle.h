/* throttle.h: a client's stream at the speed that the policy allows.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_THROTTLE_H
#define BACKSHELF_SSHGUARD_THROTTLE_H

#include <sys/types.h>

/* Start a process that copies what comes from `in`, at most `kib` KiB in a
 * second, to a pipe whose read end comes back in *out (O_CLOEXEC).  It reads
 * nothing before a byte is written to *go, a descriptor too.  It ends with the
 * stream, or when nobody reads the pipe any more, or with us.  Its pid, to be
 * waited for, or -1 with errno. */
pid_t	throttle_start(int in, unsigned kib, int *out, int *go);

/* How long to wait, in ns, after `total` bytes since the beginning at `kib`
 * KiB a second, when `spent` ns have passed.  Pure. */
long long	throttle_wait(unsigned long long total, unsigned kib,
		    long long spent);

#endif
