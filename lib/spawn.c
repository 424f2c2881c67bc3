/* spawn.c: starting a child with an argument vector, never a shell.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/sched.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spawn.h"

int
spawn_fill_fds(void)
{
	int fd;

	do {
		if ((fd = open("/dev/null", O_RDWR)) == -1)
			return -1;
	} while (fd <= 2);
	return close(fd);
}

static void
reset_signals(void)
{
	struct sigaction sa;
	sigset_t none;
	int sig;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	for (sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &sa, NULL);	/* KILL, STOP refuse */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Make fds[0..2] the descriptors 0..2.  Each is first copied out of the way,
 * so that none is overwritten before it is used. */
static int
place_fds(int in, int out, int err)
{
	int fds[3] = { in, out, err }, null, i;

	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		return -1;
	for (i = 0; i < 3; i++)
		if ((fds[i] = fcntl(fds[i] == -1 ? null : fds[i],
		    F_DUPFD_CLOEXEC, 3)) == -1)
			return -1;
	for (i = 0; i < 3; i++)
		if (dup2(fds[i], i) == -1)
			return -1;
	return 0;
}

static void
child(const struct spawn *sp)
{
	static char *const empty[] = { NULL };

	if (place_fds(sp->in, sp->out, sp->err) == -1)
		_exit(SPAWN_EXEC_FAILED);
	if (sp->setup != NULL && sp->setup(sp->arg) != 0)
		_exit(SPAWN_SETUP_FAILED);
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == -1)
		closefrom(3);
	reset_signals();
	execve(sp->path, sp->argv, sp->envp != NULL ? sp->envp : empty);
	dprintf(2, "%s: %s\n", sp->path, strerror(errno));
	_exit(SPAWN_EXEC_FAILED);
}

/* fork(2), into new namespaces if there are to be any. */
static pid_t
fork_into(int namespaces)
{
	struct clone_args args = { 0 };

	if (namespaces == 0)
		return fork();
	args.flags = (unsigned)namespaces;
	args.exit_signal = SIGCHLD;
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

pid_t
spawn_start(const struct spawn *sp)
{
	sigset_t all, old;
	pid_t pid;
	int saved;

	/* A signal that came between fork and reset_signals would run the
	 * parent's handler in the child. */
	sigfillset(&all);
	if (sigprocmask(SIG_BLOCK, &all, &old) == -1)
		return -1;
	if ((pid = fork_into(sp->namespaces)) == 0)
		child(sp);
	saved = errno;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return pid;
}

int
spawn_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}
