/* pidns.c: a child whose descendants cannot outlive it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "pidns.h"

/* Wait for the namespace's first process, and end as it ended.  All signals
 * that we are sent are passed on, not handled. */
static void
stay_behind(pid_t first)
{
	sigset_t set;
	int sig, status;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		if (sigwait(&set, &sig) != 0)
			continue;
		if (sig != SIGCHLD)
			(void)kill(first, sig);
		else if (waitpid(first, &status, WNOHANG) == first)
			break;
	}
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status));
}

int
pidns_enter(void)
{
	struct pollfd alive = { .events = 0 };
	sigset_t all;
	pid_t pid;
	int fds[2];

	/* An ignored SIGCHLD would never come. */
	(void)signal(SIGCHLD, SIG_DFL);
	sigfillset(&all);
	if (sigprocmask(SIG_BLOCK, &all, NULL) == -1 ||
	    unshare(CLONE_NEWPID) == -1 || pipe(fds) == -1 ||
	    (pid = fork()) == -1)
		return -1;
	if (pid != 0) {
		/* Of the parent's pipes only what the first process holds
		 * counts. */
		(void)dup2(fds[1], 0);
		closefrom(1);
		stay_behind(pid);
	}
	/* Had the other one died before the prctl, its end of the pipe would
	 * be closed; getppid(2) says 0 to a namespace's first process. */
	close(fds[1]);
	alive.fd = fds[0];
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || poll(&alive, 1, 0) != 0)
		_exit(1);
	close(fds[0]);
	return 0;
}
