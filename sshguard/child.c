/* child.c: the confined rsync process, from its birth to the death of its last
 * descendant.
 *
 * With a jail it begins in namespaces of its own and is the first process of
 * its pid namespace: when it ends, the kernel kills whatever it started, before
 * wait(2) returns here.  Without one, what it leaves behind becomes our child
 * and is killed by us.  PR_SET_PDEATHSIG kills it when we are killed.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "spawn.h"

#define GRACE	10		/* seconds between SIGTERM and SIGKILL */
#define STRAYS	5000		/* ms to be rid of what a child left behind */

/* What the child is given. */
struct birth {
	const struct child	*c;
	int			 life[2];	/* ends when the parent does */
	int			 report[2];	/* says why there is no exec */
};

/* In the child: say that a step failed. */
static int
give_up(const struct birth *b, const char *what)
{
	dprintf(b->report[1], "%d %s", errno, what);
	return -1;
}

static int
confine(const struct birth *b)
{
	const struct child *c = b->c;

	if (sandbox_landlock(c->rules, c->n_rules) == -1 &&
	    (c->jail == NULL || errno != ENOSYS))
		return give_up(b, "Landlock");
	if (sandbox_seccomp(SANDBOX_RSYNC, c->argv[0]) == -1)
		return give_up(b, "seccomp");
	/* Last: an address sanitizer could not do the above under them. */
	if (sandbox_limits(SANDBOX_RSYNC, c->jail != NULL) == -1)
		return give_up(b, "resource limits");
	return 0;
}

/* spawn.h's setup: runs in the child. */
static int
child_setup(void *arg)
{
	const struct birth *b = arg;
	struct pollfd p = { .fd = b->life[0] };
	const char *what = "";

	close(b->life[1]);
	umask(022);
	if (b->c->jail != NULL) {
		if (jail_enter(b->c->jail, &what) == -1)
			return give_up(b, what);
	} else if (chdir(b->c->cwd) == -1)
		return give_up(b, b->c->cwd);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return give_up(b, "prctl");
	/* It may have died before it was asked to tell. */
	if (poll(&p, 1, 0) != 0)
		return -1;
	return b->c->sandbox ? confine(b) : 0;
}

/* Read the child's report until it has executed or is gone. */
static void
read_report(int fd, struct ending *e)
{
	char buf[160], *rest;
	size_t n = 0;
	ssize_t r;

	while (n < sizeof(buf) - 1 && ((r = read(fd, buf + n,
	    sizeof(buf) - 1 - n)) > 0 || (r == -1 && errno == EINTR)))
		if (r > 0)
			n += (size_t)r;
	buf[n] = '\0';
	e->started = n == 0;
	if (n == 0)
		return;
	e->error = (int)strtol(buf, &rest, 10);
	(void)strlcpy(e->why, rest + (*rest == ' '), sizeof(e->why));
}

static const int awaited[] = { SIGCHLD, SIGHUP, SIGINT, SIGTERM };

static void
awaited_set(sigset_t *set)
{
	size_t i;

	sigemptyset(set);
	for (i = 0; i < sizeof(awaited) / sizeof(awaited[0]); i++)
		sigaddset(set, awaited[i]);
}

void
child_block_signals(void)
{
	sigset_t set;

	awaited_set(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	/* An rsync that fails sends it to what it takes for its ssh. */
	(void)signal(SIGUSR1, SIG_IGN);
}

/* Wait for its end.  Exit status, or 128 + signal. */
static int
await(pid_t pid)
{
	struct timespec grace = { GRACE, 0 };
	bool ending = false;
	sigset_t set;
	pid_t got;
	int status, sig;

	awaited_set(&set);
	for (;;) {
		if ((got = waitpid(pid, &status, WNOHANG)) == pid)
			break;
		if (got == -1 && errno != EINTR)
			return 128 + SIGKILL;	/* cannot be */
		sig = sigtimedwait(&set, NULL, ending ? &grace : NULL);
		if (sig == -1 && errno == EAGAIN)
			(void)kill(pid, SIGKILL);
		else if (sig != -1 && sig != SIGCHLD && !ending) {
			(void)kill(pid, SIGTERM);
			ending = true;
		}
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

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

/* Wait until nothing that the child started is left.  -1 if that cannot be
 * had: it multiplies faster than it dies. */
static int
reap_strays(void)
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

/* Let go of rsync's stream, so that its other end sees it close. */
static void
drop_stream(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null != -1) {
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		if (null > 2)
			close(null);
	}
}

static void
close_pair(int fds[2])
{
	int i;

	for (i = 0; i < 2; i++)
		if (fds[i] != -1)
			close(fds[i]);
}

void
child_run(const struct child *c, struct ending *e)
{
	struct birth b = { c, { -1, -1 }, { -1, -1 } };
	struct spawn sp = { .path = c->argv[0], .argv = c->argv, .in = 0,
	    .out = 1, .err = 2, .setup = child_setup, .arg = &b };
	struct timespec t0, t1;
	pid_t pid;

	memset(e, 0, sizeof(*e));
	e->status = 1;
	clock_gettime(CLOCK_MONOTONIC, &t0);
	if (pipe2(b.life, O_CLOEXEC) == -1 || pipe2(b.report, O_CLOEXEC) == -1)
		goto fail;
	sp.namespaces = c->jail != NULL ? jail_namespaces() : 0;
	if (c->jail == NULL && prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		goto fail;
	if ((pid = spawn_start(&sp)) == -1)
		goto fail;
	close(b.report[1]);
	b.report[1] = -1;
	read_report(b.report[0], e);
	/* A child that could not be started leaves the stream for another. */
	if (e->started)
		drop_stream();
	e->status = await(pid);
	if (c->jail == NULL && reap_strays() == -1)
		e->status = 128 + SIGKILL;
	clock_gettime(CLOCK_MONOTONIC, &t1);
	e->seconds = (long)(t1.tv_sec - t0.tv_sec);
	goto out;
fail:
	e->error = errno;
	(void)strlcpy(e->why, c->jail != NULL ? "namespaces" : "process",
	    sizeof(e->why));
out:
	close_pair(b.life);
	close_pair(b.report);
}
