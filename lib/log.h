/* log.h: one line per event, to stderr or syslog.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_LOG_H
#define BACKSHELF_LOG_H

#include <stdarg.h>

enum log_dest {
	LOG_TO_STDERR,
	LOG_TO_SYSLOG
};

enum log_level {
	LOG_LEVEL_WARN,		/* failures only */
	LOG_LEVEL_INFO,		/* and events an operator acts on (default) */
	LOG_LEVEL_DEBUG		/* and everything */
};

/* Where lines go and under which name.  `name` is borrowed for ever;
 * `facility` is syslog(3)'s (LOG_DAEMON, LOG_AUTH), used for syslog only.
 * Call before the first thread. */
void	log_init(const char *name, enum log_dest, int facility);

/* What is said from now on; safe at any time. */
void	log_setlevel(enum log_level);

/* log_warn and fatal add strerror(errno); the forms with x do not.
 * All keep errno.  Every line is passed through vis(3): what a peer sent can
 * neither end it nor move a terminal's cursor. */
void	log_warn(const char *, ...) __attribute__((format(printf, 1, 2)));
void	log_warnx(const char *, ...) __attribute__((format(printf, 1, 2)));
void	log_info(const char *, ...) __attribute__((format(printf, 1, 2)));
void	log_debug(const char *, ...) __attribute__((format(printf, 1, 2)));

/* Format a line into `safe`, passed through vis(3) in the same way. */
#define LOG_RAW		2048
#define LOG_SAFE	(4 * LOG_RAW + 1)
void	log_escape(char safe[LOG_SAFE], const char *, va_list)
	    __attribute__((format(printf, 2, 0)));

/* Log, then exit(BS_FAIL).  For start-up only: nothing that a client or a
 * disk does may end a daemon. */
void	fatal(const char *, ...)
	    __attribute__((format(printf, 1, 2), noreturn));
void	fatalx(const char *, ...)
	    __attribute__((format(printf, 1, 2), noreturn));

#endif
