/* journal.c: what the guard says, in the words of the old validate-ssh.sh:
 *
 *   Nov 22 04:02:01 buserver3 sshval(13156): ssh command rejected from …
 *
 * A line is written by one write(2) on an O_APPEND descriptor, so that the
 * lines of many guards do not mix.  Nothing is ever written to descriptor 1:
 * that is rsync's stream.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <vis.h>

#include "journal.h"

void
journal_open(struct journal *j)
{
	snprintf(j->name, sizeof(j->name), "sshval(%ld)", (long)getpid());
	j->fd = -1;
	openlog(j->name, 0, LOG_AUTH);
}

int
journal_file(struct journal *j, const char *path)
{
	struct stat st;
	int fd;

	/* O_NONBLOCK: a pipe in the file's place must not hang us. */
	if ((fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC, 0640)) == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	j->fd = fd;
	return 0;
}

static void
write_file(const struct journal *j, const char *text)
{
	char host[65], stamp[32], *line;
	struct tm tm;
	time_t now = time(NULL);
	int n;

	if (gethostname(host, sizeof(host)) == -1)
		(void)strlcpy(host, "localhost", sizeof(host));
	host[sizeof(host) - 1] = '\0';
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	n = asprintf(&line, "%s %s %s: %s\n", stamp, host, j->name, text);
	if (n == -1)
		return;
	/* A full disk must not keep a client from its backup. */
	if (write(j->fd, line, (size_t)n) == -1)
		syslog(LOG_WARNING, "log file: %s", strerror(errno));
	free(line);
}

static void say(const struct journal *, int, const char *, va_list)
    __attribute__((format(printf, 3, 0)));

static void
say(const struct journal *j, int client, const char *fmt, va_list ap)
{
	char *raw = NULL, *safe = NULL;
	int saved = errno;

	if (vasprintf(&raw, fmt, ap) == -1)
		return;
	if (strlen(raw) > JOURNAL_LINE)
		strcpy(raw + JOURNAL_LINE - 4, "...");
	if ((safe = calloc(strlen(raw) + 1, 4)) != NULL) {
		strvis(safe, raw, VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
		syslog(LOG_INFO, "%s", safe);
		if (j->fd != -1)
			write_file(j, safe);
		if (client)
			dprintf(2, "%s: %s\n", j->name, safe);
	}
	free(safe);
	free(raw);
	errno = saved;
}

void
journal_log(const struct journal *j, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(j, 0, fmt, ap);
	va_end(ap);
}

void
journal_tell(const struct journal *j, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(j, 1, fmt, ap);
	va_end(ap);
}
