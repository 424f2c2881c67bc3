/* keeper.c: the process between us and an rsync without namespaces.
 *
 * In a pid namespace the kernel kills what rsync started when rsync ends, and
 * rsync when we end.  Without one, PR_SET_PDEATHSIG reaches only the process
 * that we started, and not the receiver that this one forks.  So a process of
 * ours stands between, as subreaper: what rsync leaves behind becomes its
 * child, however we or rsync ended, and is killed.  It holds the store's lock
 * as well until it has done so, because it never executes anything.
 * Killed itself, it takes rsync along by PR_SET_PDEATHSIG, and the rest becomes
 * the child of validate-ssh, which does the same.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "keeper.h"

#define STRAYS	5000		/* ms to be rid of what a child left behind */

/* Kill the children that we have; each may have become one just now. */
static void
kill_children(void)
{
	char text[4096], *p = text, *end;
	ssize_t n;
	long pid;
	int fd;

	if ((fd = open("/proc/thread-self/children",
	    O_RDONLY | O_CLOEXEC)) == -1)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* What was cut off at the end is killed in the next round. */
	while ((pid = strtol(p, &end, 10)) > 1 && *end == ' ') {
		(void)kill((pid_t)pid, SIGKILL);
		p = end;
	}
}

int
keeper_reap(void)
{
	struct timespec pause = { 0, 1000000 };
	int i;

	for (i = 0; i < STRAYS; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD)
			return 0;
		kill_children();
		nanosleep(&pause, NULL);
	}
	return -1;
}

/* The child's exit status, once it has ended; -1 while it runs. */
static int
ended(pid_t pid)
{
	int status;

	/* A process that has itself traced is seen to stop. */
	if (waitpid(pid, &status, WNOHANG) != pid || WIFSTOPPED(status))
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

static void
pass_on(int sigs, pid_t pid)
{
	struct signalfd_siginfo si;

	while (read(sigs, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo == SIGTERM)
			(void)kill(pid, SIGTERM);
}

static void
keep(pid_t pid, int life)
{
	struct pollfd p[2] = { { .fd = life }, { .events = POLLIN } };
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	p[1].fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	while ((status = ended(pid)) == -1) {
		/* Without a signalfd: look every now and then. */
		if (poll(p, 2, p[1].fd == -1 ? 50 : -1) > 0 &&
		    p[0].revents != 0)
			break;		/* the guard is gone */
		if (p[1].fd != -1)
			pass_on(p[1].fd, pid);
	}
	if (keeper_reap() == -1 || status == -1)
		status = 128 + SIGKILL;
	_exit(status);
}

/* Let go of every pipe and socket but one: who waits for the end of rsync's
 * streams, or for the report of its start, must not wait for us.  Locks are
 * kept. */
static void
let_go(int life)
{
	struct dirent *e;
	struct stat st;
	DIR *d;
	int fd;

	if ((d = opendir("/proc/self/fd")) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		fd = (int)strtol(e->d_name, NULL, 10);
		if (fd > 2 && fd != life && fd != dirfd(d) &&
		    fstat(fd, &st) == 0 &&
		    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
			close(fd);
	}
	closedir(d);
}

int
keeper_fork(int life)
{
	pid_t pid;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1 || prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		return -1;
	if ((pid = fork()) == -1)
		return -1;
	if (pid == 0) {
		close(null);
		return 0;
	}
	(void)dup2(null, 0);
	(void)dup2(null, 1);
	(void)dup2(null, 2);
	let_go(life);
	keep(pid, life);
	return -1;		/* not reached */
}
