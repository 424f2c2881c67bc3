/* usage_aoe.c: the exports, as `aoectl --json status` tells them.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spawn.h"
#include "usage.h"

#define ANSWER_MAX	(8 * 1024 * 1024)
#define WAIT_MS		10000

/* aoectl beside our own program.  0, or -1 with errno. */
static int
find_aoectl(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);
	char *slash;

	if (n == -1)
		return -1;
	buf[n] = '\0';
	if ((slash = strrchr(buf, '/')) == NULL) {
		errno = ENOENT;
		return -1;
	}
	slash[1] = '\0';
	if (strlcat(buf, "aoectl", size) >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return access(buf, X_OK);
}

/* Read to the end, for some seconds.  To be freed; NULL with errno. */
static char *
read_all(int fd, size_t *len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char *buf = malloc(ANSWER_MAX);
	time_t end = time(NULL) + WAIT_MS / 1000;
	ssize_t n = 1;

	for (*len = 0; buf != NULL && n > 0 && *len < ANSWER_MAX;
	    *len += (size_t)(n > 0 ? n : 0)) {
		if (time(NULL) > end || poll(&p, 1, WAIT_MS) <= 0) {
			errno = ETIMEDOUT;
			n = -1;
		} else
			n = read(fd, buf + *len, ANSWER_MAX - *len);
	}
	if (n == 0)
		return buf;
	free(buf);
	return NULL;
}

static void
why(struct usage *u, const char *text)
{
	(void)strlcpy(u->exports_why, text, sizeof(u->exports_why));
}

void
usage_ask_aoe(struct usage *u)
{
	char path[4096], name[] = "aoectl", json[] = "--json",
	    status[] = "status", *argv[] = { name, json, status, NULL };
	struct spawn sp = { .path = path, .argv = argv, .in = -1, .err = -1 };
	char *text = NULL;
	json_t *o = NULL;
	size_t len = 0;
	int fds[2];
	pid_t pid;

	why(u, "aoectl is not installed beside irsync-rotate");
	if (find_aoectl(path, sizeof(path)) == -1)
		return;
	why(u, "aoectl could not be started");
	if (pipe2(fds, O_CLOEXEC) == -1)
		return;
	sp.out = fds[1];
	pid = spawn_start(&sp);
	close(fds[1]);
	if (pid != -1) {
		text = read_all(fds[0], &len);
		if (text == NULL)
			kill(pid, SIGKILL);
		(void)spawn_wait(pid);
		why(u, "aoed does not answer");
	}
	close(fds[0]);
	if (text != NULL)
		o = json_loadb(text, len, 0, NULL);
	free(text);
	u->exports = json_incref(json_object_get(o, "exports"));
	if (!json_is_array(u->exports)) {
		json_decref(u->exports);
		u->exports = NULL;
	}
	json_decref(o);
}
