/* human.h: sizes and durations as people write and read them, the same in
 * every program.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_HUMAN_H
#define BACKSHELF_HUMAN_H

#include <stdint.h>

#define HUMAN_SIZE	24	/* room for any text written here */

/* "500G", "1.5T", "64 MiB", "123": bytes; K M G T P are powers of 1024, with
 * or without "B" or "iB", in either case.  0 and *bytes set, or -1 with errno
 * EINVAL (not a size) or ERANGE (past 2^63 - 1). */
int	human_parse_size(const char *, uint64_t *bytes);

/* "90s", "15m", "26h", "14d", "2w", or several in falling order ("1d12h");
 * a bare number counts in `unit` seconds.  0 and *secs set, or -1 with errno
 * EINVAL or ERANGE. */
int	human_parse_duration(const char *, uint64_t unit, uint64_t *secs);

/* "0 B", "999 B", "1.5 KiB", "12 MiB". */
void	human_size(char buf[HUMAN_SIZE], uint64_t bytes);

/* "42 s", "5 min", "3 h 20 min", "12 d". */
void	human_duration(char buf[HUMAN_SIZE], uint64_t secs);

#endif
