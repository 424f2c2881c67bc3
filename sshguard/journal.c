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
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <vis.h>

#include "journal.h"

#define CLIENT_MS	5000	/* for the client to read a little */

void
journal_open(struct journal *j)
{
	snprintf(j->name, sizeof(j->name), "sshval(%ld)", (long)getpid());
	j->file = NULL;
	openlog(j->name, 0, LOG_AUTH);
}

static int
open_file(const char *path)
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
	return fd;
}

int
journal_file(struct journal *j, const char *path)
{
	int fd;

	j->file = NULL;
	if (path == NULL)
		return 0;
	if ((fd = open_file(path)) == -1)
		return -1;
	close(fd);
	j->file = path;
	return 0;
}

static void
write_file(const struct journal *j, const char *text)
{
	char host[65], stamp[32], *line;
	struct tm tm;
	time_t now = time(NULL);
	int fd, n;

	if (gethostname(host, sizeof(host)) == -1)
		(void)strlcpy(host, "localhost", sizeof(host));
	host[sizeof(host) - 1] = '\0';
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	n = asprintf(&line, "%s %s %s: %s\n", stamp, host, j->name, text);
	if (n == -1)
		return;
	/* A full disk must not keep a client from its backup. */
	if ((fd = open_file(j->file)) == -1 ||
	    write(fd, line, (size_t)n) == -1)
		syslog(LOG_WARNING, "%s: %s", j->file, strerror(errno));
	if (fd != -1)
		close(fd);
	free(line);
}

/* Write to the client, who may not be reading. */
static void
write_client(const char *text, size_t n)
{
	struct pollfd p = { .fd = 2, .events = POLLOUT };
	ssize_t w;

	for (; n > 0; text += w, n -= (size_t)w) {
		if (poll(&p, 1, CLIENT_MS) != 1 ||
		    (p.revents & POLLOUT) == 0)
			return;
		if ((w = write(2, text, n < PIPE_BUF ? n : PIPE_BUF)) == -1)
			return;
	}
}

static void
say_client(const char *name, const char *safe)
{
	char *line;
	int n;

	n = asprintf(&line, "%s: %s\n", name, safe);
	if (n == -1)
		return;
	write_client(line, (size_t)n);
	free(line);
}

/* The text, escaped and cut; NULL if memory is short. */
static char *make_safe(const char *, va_list)
    __attribute__((format(printf, 1, 0)));

static char *
make_safe(const char *fmt, va_list ap)
{
	char *raw = NULL, *safe;

	if (vasprintf(&raw, fmt, ap) == -1)
		return NULL;
	if (strlen(raw) > JOURNAL_LINE)
		strcpy(raw + JOURNAL_LINE - 4, "...");
	if ((safe = calloc(strlen(raw) + 1, 4)) != NULL)
		strvis(safe, raw, VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
	free(raw);
	return safe;
}

static void say(const struct journal *, int, const char *, va_list)
    __attribute__((format(printf, 3, 0)));

static void
say(const struct journal *j, int client, const char *fmt, va_list ap)
{
	int saved = errno;
	char *safe;

	if ((safe = make_safe(fmt, ap)) != NULL) {
		syslog(LOG_INFO, "%s", safe);
		if (j->file != NULL)
			write_file(j, safe);
		if (client)
			say_client(j->name, safe);
	}
	free(safe);
	errno = saved;
}

void
journal_client(const char *fmt, ...)
{
	va_list ap;
	char *safe;

	va_start(ap, fmt);
	if ((safe = make_safe(fmt, ap)) != NULL)
		say_client("backshelf", safe);
	va_end(ap);
	free(safe);
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
