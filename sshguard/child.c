/* child.c: the confined rsync process, from its birth to the death of its last
 * descendant.
 *
 * With a jail it begins in namespaces of its own and is the first process of
 * its pid namespace: when it ends, the kernel kills whatever it started, before
 * wait(2) returns here; PR_SET_PDEATHSIG kills it when we are killed.  Without
 * one, keeper.c stands between and does the same.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "keeper.h"
#include "relay.h"
#include "spawn.h"
#include "throttle.h"

#define GRACE	10000		/* ms between SIGTERM and SIGKILL */
#define LAST_WORDS 5000		/* ms for the client to read the last errors */

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

	if (c->profile == SANDBOX_RSYNC &&
	    sandbox_landlock(c->rules, c->n_rules) == -1 &&
	    (c->jail == NULL || errno != ENOSYS))
		return give_up(b, "Landlock");
	if (sandbox_seccomp(c->profile, c->argv[0]) == -1)
		return give_up(b, "seccomp");
	/* Last: an address sanitizer could not do the above under them. */
	if (sandbox_limits(c->profile, c->jail != NULL) == -1)
		return give_up(b, "resource limits");
	return 0;
}

static int
limit_files(uint64_t most)
{
	struct rlimit r = { most, most };

	return most == 0 ? 0 : setrlimit(RLIMIT_FSIZE, &r);
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
	else if (keeper_fork(b->life[0]) == -1)
		return give_up(b, "process");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return give_up(b, "prctl");
	/* It may have died before it was asked to tell. */
	if (poll(&p, 1, 0) != 0)
		return -1;
	if (limit_files(b->c->file_max) == -1)
		return give_up(b, "resource limits");
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

/* A program that runs, and what its end waits for. */
struct run {
	const struct child	*c;
	struct ending		*e;
	pid_t			 pid;
	int			 sigs;		/* signalfd */
	int			 io;		/* its /proc/PID/io, or -1 */
	int64_t			 kill_at;	/* ms; 0: it was not asked to
						 * end */
	int64_t			 watch_at;	/* ms */
	struct relay		 errors;
};

/* What it read and wrote, with all that it has waited for, is in a file that
 * opens only once it has executed and before it has ended. */
static void
open_counts(struct run *r)
{
	char path[40];

	if (r->io != -1)
		return;
	snprintf(path, sizeof(path), "/proc/%ld/io", (long)r->pid);
	r->io = open(path, O_RDONLY | O_CLOEXEC);
}

static void
read_counts(const struct run *r)
{
	unsigned long long in = 0, out = 0;
	char text[512];
	ssize_t n;

	if (r->io == -1 || (n = read(r->io, text, sizeof(text) - 1)) <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "rchar: %llu\nwchar: %llu", &in, &out) == 2) {
		r->e->bytes_in = in;
		r->e->bytes_out = out;
	}
}

/* Has it ended?  Then e->status is its exit status, or 128 + signal. */
static bool
has_ended(struct run *r)
{
	siginfo_t si = { 0 };
	int status;

	if (waitid(P_PID, (id_t)r->pid, &si, WEXITED | WNOHANG | WNOWAIT) ==
	    -1) {
		if (errno == EINTR)
			return false;
		r->e->status = 128 + SIGKILL;	/* cannot be */
		return true;
	}
	if (si.si_pid != r->pid)
		return false;
	read_counts(r);
	(void)waitpid(r->pid, &status, 0);
	r->e->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status);
	return true;
}

/* A signal for us: ask it to end. */
static void
take_signals(struct run *r)
{
	struct signalfd_siginfo si;

	while (read(r->sigs, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo != SIGCHLD && r->kill_at == 0) {
			(void)kill(r->pid, SIGTERM);
			r->kill_at = relay_now() + GRACE;
		}
}

/* Do what is due; how many ms until something is, or -1. */
static int
take_time(struct run *r)
{
	const struct watch *w = &r->c->watch;
	int64_t now = relay_now(), next = -1;
	int ms;

	if (w->ok != NULL && now >= r->watch_at && !r->e->stopped) {
		if (!w->ok(w->arg, r->pid, &ms)) {
			r->e->stopped = true;
			(void)kill(r->pid, SIGKILL);
		}
		now = relay_now();
		r->watch_at = now + ms;
	}
	if (w->ok != NULL && !r->e->stopped)
		next = r->watch_at - now;
	if (r->kill_at != 0 && now >= r->kill_at)
		(void)kill(r->pid, SIGKILL);
	else if (r->kill_at != 0 && (next == -1 || r->kill_at - now < next))
		next = r->kill_at - now;
	return next > 60000 ? 60000 : (int)next;
}

/* Wait for its end, and pass on what it says. */
static void
await(struct run *r)
{
	struct pollfd p[3];
	int ms, relay_ms;

	while (!has_ended(r)) {
		open_counts(r);
		ms = take_time(r);
		relay_ms = relay_poll(&r->errors, p + 1);
		if (ms == -1 || (relay_ms != -1 && relay_ms < ms))
			ms = relay_ms;
		p[0].fd = r->sigs;
		p[0].events = POLLIN;
		if (poll(p, 3, ms) == -1)
			continue;
		take_signals(r);
		relay_move(&r->errors, p + 1);
	}
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

/* What the program is given as its descriptors. */
struct streams {
	int	err[2];		/* a pipe */
	int	in;		/* a slow one, or 0 */
	int	go;		/* a byte to it starts the pump, or 0 */
	pid_t	pump;		/* fills `in`, or -1 */
};

static int
streams_open(struct streams *s, const struct child *c)
{
	if (pipe2(s->err, O_CLOEXEC) == -1)
		return -1;
	if (c->in_kib == 0)
		return 0;
	s->pump = throttle_start(0, c->in_kib, &s->in, &s->go);
	return s->pump == -1 ? -1 : 0;
}

static void
pump_stop(struct streams *s)
{
	if (s->pump > 0) {
		(void)kill(s->pump, SIGKILL);
		(void)waitpid(s->pump, NULL, 0);
	}
	s->pump = -1;
}

static void
streams_close(struct streams *s)
{
	close_pair(s->err);
	if (s->in > 0)
		close(s->in);
	if (s->go > 0)
		close(s->go);
	pump_stop(s);
}

/* It runs, or says why not: see it through to its end. */
static void
see_through(struct run *r, struct birth *b, struct streams *s)
{
	close(b->report[1]);
	b->report[1] = -1;
	close(s->err[1]);
	s->err[1] = -1;
	read_report(b->report[0], r->e);
	/* A child that could not be started leaves the stream for another. */
	if (s->go > 0 && r->e->started)
		(void)!write(s->go, "", 1);
	if (r->e->started)
		drop_stream();
	if (s->in > 0) {
		close(s->in);	/* it is the program's now */
		s->in = 0;
	}
	relay_init(&r->errors, s->err[0], 2, r->c->patience);
	await(r);
	pump_stop(s);
	if (r->c->jail == NULL && keeper_reap() == -1)
		r->e->status = 128 + SIGKILL;
	relay_finish(&r->errors, LAST_WORDS);
}

void
child_run(const struct child *c, struct ending *e)
{
	struct birth b = { c, { -1, -1 }, { -1, -1 } };
	struct streams s = { { -1, -1 }, 0, 0, -1 };
	struct run r = { .c = c, .e = e, .sigs = -1, .io = -1 };
	struct spawn sp = { .path = c->argv[0], .argv = c->argv,
	    .envp = c->envp, .out = 1, .setup = child_setup, .arg = &b };
	int64_t begin = relay_now();
	sigset_t set;

	memset(e, 0, sizeof(*e));
	e->status = 1;
	awaited_set(&set);
	if (pipe2(b.life, O_CLOEXEC) == -1 ||
	    pipe2(b.report, O_CLOEXEC) == -1 || streams_open(&s, c) == -1 ||
	    (r.sigs = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
		goto fail;
	sp.in = s.in;
	sp.err = s.err[1];
	sp.namespaces = c->jail != NULL ? jail_namespaces() : 0;
	if (c->jail == NULL && prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		goto fail;
	if ((r.pid = spawn_start(&sp)) == -1)
		goto fail;
	see_through(&r, &b, &s);
	e->seconds = (long)((relay_now() - begin) / 1000);
	goto out;
fail:
	e->error = errno;
	(void)strlcpy(e->why, c->jail != NULL ? "namespaces" : "process",
	    sizeof(e->why));
out:
	close_pair(b.life);
	close_pair(b.report);
	streams_close(&s);
	if (r.sigs != -1)
		close(r.sigs);
	if (r.io != -1)
		close(r.io);
}
