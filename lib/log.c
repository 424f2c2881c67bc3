/* log.c: one line per event, to stderr until the program detaches, then to
 * syslog.  The destination is set once, before the first thread.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <vis.h>

#include "exits.h"
#include "log.h"

static const char	*log_name = "backshelf";
static enum log_dest	 log_dest = LOG_TO_STDERR;
static _Atomic int	 log_level = LOG_LEVEL_INFO;

void
log_init(const char *name, enum log_dest dest, int facility)
{
	log_name = name;
	log_dest = dest;
	if (dest == LOG_TO_SYSLOG)
		openlog(name, LOG_PID | LOG_NDELAY, facility);
}

void
log_setlevel(enum log_level level)
{
	atomic_store(&log_level, (int)level);
}

static void
escape(char safe[LOG_SAFE], const char *raw)
{
	/* A destination of four bytes for each always has room. */
	strvis(safe, raw, VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
}

void
log_escape(char safe[LOG_SAFE], const char *fmt, va_list ap)
{
	char raw[LOG_RAW];

	vsnprintf(raw, sizeof(raw), fmt, ap);
	escape(safe, raw);
}

static void log_line(int, int, const char *, va_list)
    __attribute__((format(printf, 3, 0)));

static void
log_line(int pri, int errnum, const char *fmt, va_list ap)
{
	char raw[LOG_RAW], safe[LOG_SAFE];
	size_t n;

	vsnprintf(raw, sizeof(raw), fmt, ap);
	n = strlen(raw);
	if (errnum != 0)
		snprintf(raw + n, sizeof(raw) - n, ": %s", strerror(errnum));
	escape(safe, raw);
	if (log_dest == LOG_TO_SYSLOG)
		syslog(pri, "%s", safe);
	else
		fprintf(stderr, "%s: %s\n", log_name, safe);
}

#define LOG_BODY(min, pri, errnum) do {					\
	int saved = errno;						\
	va_list ap;							\
									\
	if (atomic_load(&log_level) >= (int)(min)) {			\
		va_start(ap, fmt);					\
		log_line((pri), (errnum), fmt, ap);			\
		va_end(ap);						\
	}								\
	errno = saved;							\
} while (0)

void
log_warn(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_WARN, LOG_WARNING, saved);
}

void
log_warnx(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_WARN, LOG_WARNING, 0);
}

void
log_info(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_INFO, LOG_INFO, 0);
}

void
log_debug(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_DEBUG, LOG_DEBUG, 0);
}

void
fatal(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_WARN, LOG_CRIT, saved);
	exit(BS_FAIL);
}

void
fatalx(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_WARN, LOG_CRIT, 0);
	exit(BS_FAIL);
}
