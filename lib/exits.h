/* exits.h: the exit statuses of every program of the toolkit.
 * sysexits(3) where it has a fitting one, rsync's own where the meaning is
 * rsync's, so that a monitoring system needs one table.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_EXITS_H
#define BACKSHELF_EXITS_H

enum {
	BS_OK		= 0,	/* all of it was done */
	BS_FAIL		= 1,	/* it failed; the message says what */
	BS_PARTIAL	= 23,	/* done, but some files could not be read or
				 * written (rsync's RERR_PARTIAL) */
	BS_VANISHED	= 24,	/* done; files vanished while they were read
				 * (rsync's RERR_VANISHED) */
	BS_USAGE	= 64,	/* EX_USAGE: bad command line */
	BS_UNREACHABLE	= 69,	/* EX_UNAVAILABLE: server or daemon not there */
	BS_NOSPACE	= 73,	/* EX_CANTCREAT: disk or quota full */
	BS_IO		= 74,	/* EX_IOERR: the disk failed */
	BS_BUSY		= 75,	/* EX_TEMPFAIL: another run holds the lock */
	BS_REFUSED	= 77,	/* EX_NOPERM: policy says no */
	BS_CONFIG	= 78	/* EX_CONFIG: bad configuration file */
};

/* A held lock is BS_BUSY, a full disk or quota BS_NOSPACE, a disk that fails
 * BS_IO, all else BS_FAIL. */
int	exit_of_errno(int error);

#endif
