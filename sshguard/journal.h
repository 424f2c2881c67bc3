/* journal.h: what the guard says, to syslog, to its log file and to the
 * client.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_JOURNAL_H
#define BACKSHELF_SSHGUARD_JOURNAL_H

#define JOURNAL_NAME	32	/* room for "sshval(PID)" */

/* Zero-initialise fd to -1 by journal_open. */
struct journal {
	char	name[JOURNAL_NAME];	/* "sshval(13156)" */
	int	fd;			/* the log file, or -1 */
};

/* Ready syslog (facility auth).  j stays where it is until the end of the
 * process. */
void	journal_open(struct journal *j);

/* Write to this file too: appended to, made if it is not there, never through
 * a symlink, one write(2) per line.  0, or -1 with errno. */
int	journal_file(struct journal *j, const char *path);

/* One line for the operator.  Bytes that are not printable are escaped, and
 * what is longer than JOURNAL_LINE is cut.  Keeps errno. */
void	journal_log(const struct journal *j, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* The same for the operator and for the client, who reads descriptor 2. */
void	journal_tell(const struct journal *j, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

#define JOURNAL_LINE	8192	/* bytes of one message, before escaping */

#endif
