/* journal.h: what the guard says, to syslog, to its log file and to the
 * client.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_JOURNAL_H
#define BACKSHELF_SSHGUARD_JOURNAL_H

#define JOURNAL_NAME	32	/* room for "sshval(PID)" */

/* Made by journal_open. */
struct journal {
	char		 name[JOURNAL_NAME];	/* "sshval(13156)" */
	const char	*file;			/* the log file, or NULL */
};

/* Ready syslog (facility auth).  j stays where it is until the end of the
 * process. */
void	journal_open(struct journal *j);

/* Write to this file too: appended to, made if it is not there, never through
 * a symlink, one write(2) per line, and opened anew for each, so that it can
 * be renamed at any time.  path is borrowed until the next call; NULL: no more.
 * 0, or -1 with errno if it cannot be opened: then nothing is written to it. */
int	journal_file(struct journal *j, const char *path);

/* One line for the operator.  Bytes that are not printable are escaped, and
 * what is longer than JOURNAL_LINE is cut.  Keeps errno. */
void	journal_log(const struct journal *j, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* The same for the operator and for the client, who reads descriptor 2.  A
 * client that does not read is not waited for for long. */
void	journal_tell(const struct journal *j, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* One line for the client alone. */
void	journal_client(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2)));

#define JOURNAL_LINE	8192	/* bytes of one message, before escaping */

#endif
