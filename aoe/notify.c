/* notify.c: a datagram to the service manager.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "notify.h"

int
notify_open(struct notify *n)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len;
	int saved;

	n->fd = -1;
	if (path == NULL)
		return 0;
	len = strlen(path);
	/* An '@' stands for the NUL of the abstract name space. */
	if ((path[0] != '/' && path[0] != '@') || len < 2 ||
	    len >= sizeof(sun.sun_path)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(sun.sun_path, path, len);
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd == -1)
		return -1;
	if (connect(n->fd, (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0)
		return 0;
	saved = errno;
	close(n->fd);
	n->fd = -1;
	errno = saved;
	return -1;
}

void
notify_close(struct notify *n)
{
	if (n->fd != -1)
		close(n->fd);
	n->fd = -1;
}

void
notify_send(const struct notify *n, const char *text)
{
	if (n->fd != -1)
		(void)send(n->fd, text, strlen(text), MSG_NOSIGNAL);
}

unsigned
notify_watchdog_parse(const char *usec, const char *pid, long self)
{
	const char *bad;
	long long n;

	if (usec == NULL)
		return 0;
	if (pid != NULL) {
		n = strtonum(pid, 1, LONG_MAX, &bad);
		if (bad != NULL || n != self)
			return 0;
	}
	n = strtonum(usec, 1, LLONG_MAX, &bad);
	if (bad != NULL)
		return 0;
	n /= 1000;
	return n < 1 ? 1 : n > INT_MAX ? INT_MAX : (unsigned)n;
}

unsigned
notify_watchdog_ms(void)
{
	return notify_watchdog_parse(getenv("WATCHDOG_USEC"),
	    getenv("WATCHDOG_PID"), (long)getpid());
}
