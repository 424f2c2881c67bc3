/* killat.c: run a command in a pid namespace of its own and kill all of it at a
 * chosen instant.
 *
 *   killat FILE WORD MICROSECONDS COMMAND...
 *
 * When a line of FILE, which the command appends to, begins with WORD, wait so
 * long and send SIGKILL to the namespace's first process, which takes the rest
 * along.  Exit status: 0 killed, 1 the command had ended before, 2 trouble.
 * Needs root.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void
pause_us(long us)
{
	struct timespec ts = {
		.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000
	};

	while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
		;
}

static bool
has_line(const char *file, const char *word)
{
	char buf[4096], *line, *rest = buf;
	ssize_t n;
	int fd;

	if ((fd = open(file, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strncmp(line, word, strlen(word)) == 0)
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	const char *errstr;
	long us;
	pid_t pid;

	if (argc < 5)
		errx(2, "usage: killat file word microseconds command ...");
	us = (long)strtonum(argv[3], 0, 1000000000, &errstr);
	if (errstr != NULL)
		errx(2, "%s: %s", argv[3], errstr);
	/* A fork into the namespace, so that we ourselves stay outside. */
	if ((pid = (pid_t)syscall(SYS_clone,
	    CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, NULL)) == -1)
		err(2, "clone");
	if (pid == 0) {
		/* Sanitizers look themselves up there. */
		if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
		    mount("proc", "/proc", "proc",
		    MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == -1)
			err(127, "/proc");
		execvp(argv[4], argv + 4);
		err(127, "%s", argv[4]);
	}
	while (!has_line(argv[1], argv[2])) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return 1;
		pause_us(100);
	}
	pause_us(us);
	if (waitpid(pid, NULL, WNOHANG) == pid)
		return 1;
	if (kill(pid, SIGKILL) == -1 || waitpid(pid, NULL, 0) == -1)
		err(2, "kill");
	return 0;
}
