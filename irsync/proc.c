/* proc.c: running a program that is not rsync: hooks, dumpers, curl, tc …
 * No shell, a clean environment, a session of its own, a time limit.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "irsync.h"
#include "proc.h"
#include "spawn.h"

#define GRACE		10	/* seconds from SIGTERM to SIGKILL */

/* A running program, and what is known of it. */
struct running {
	struct proc	*p;
	pid_t		 pid;
	int		 pidfd;
	int		 out;
	int		 err;
	size_t		 nerr;
	struct timespec	 until;		/* CLOCK_MONOTONIC */
	bool		 limited;	/* until counts */
	bool		 ending;	/* SIGTERM was sent */
};

struct account {
	bool	 set;
	uid_t	 uid;
	gid_t	 gid;
	char	 name[64];
};

int
proc_env(struct strv *env)
{
	static const char *const keep[] = {
		"HOME", "USER", "LOGNAME", "SSH_AUTH_SOCK", "TMPDIR",
	};
	const char *value;
	size_t i;
	int rc;

	rc = strv_add(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
	    "/usr/bin:/sbin:/bin") | strv_add(env, "LC_ALL=C");
	for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
		if ((value = getenv(keep[i])) != NULL)
			rc |= strv_addf(env, "%s=%s", keep[i], value);
	return rc;
}

static int
account_find(const char *name, struct account *a)
{
	const struct passwd *pw;

	memset(a, 0, sizeof(*a));
	if (name == NULL)
		return 0;
	errno = 0;
	if ((pw = getpwnam(name)) == NULL ||
	    strlcpy(a->name, name, sizeof(a->name)) >= sizeof(a->name)) {
		if (errno == 0)
			errno = ENOENT;
		return -1;
	}
	a->uid = pw->pw_uid;
	a->gid = pw->pw_gid;
	a->set = a->uid != geteuid();
	return 0;
}

/* In the child. */
static int
setup(void *arg)
{
	const struct account *a = arg;

	(void)setsid();
	if (a->set && (initgroups(a->name, a->gid) == -1 ||
	    setresgid(a->gid, a->gid, a->gid) == -1 ||
	    setresuid(a->uid, a->uid, a->uid) == -1)) {
		dprintf(2, "cannot become %s: %s\n", a->name, strerror(errno));
		return -1;
	}
	/* Behind the change of account, which clears it. */
	return prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static int
input_fd(const struct proc *p)
{
	int fd;

	if (p->input == NULL)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	if ((fd = memfd_create("input", MFD_CLOEXEC)) == -1)
		return -1;
	if (write(fd, p->input, p->input_len) != (ssize_t)p->input_len ||
	    lseek(fd, 0, SEEK_SET) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Keep the end of what is said. */
static void
err_add(struct running *r, const char *s, size_t n)
{
	char *err = r->p->err;
	size_t max = PROC_ERR - 1, drop;

	if (n > max) {
		s += n - max;
		n = max;
	}
	if (r->nerr + n > max) {
		drop = r->nerr + n - max;
		memmove(err, err + drop, r->nerr - drop);
		r->nerr -= drop;
	}
	for (; n > 0; n--, s++)
		err[r->nerr++] = *s != '\0' ? *s : '?';
	err[r->nerr] = '\0';
}

static void
end(struct running *r, int sig)
{
	(void)kill(-r->pid, sig);
	(void)kill(r->pid, sig);	/* before its setsid */
	r->ending = true;
	(void)clock_gettime(CLOCK_MONOTONIC, &r->until);
	r->until.tv_sec += GRACE;
	r->limited = true;
}

/* What came through one of the pipes. */
static void
take(struct running *r, int fd, const char *buf, size_t n)
{
	if (fd != r->out || r->p->out == NULL)
		err_add(r, buf, n);
	else if (!r->ending && r->p->out(r->p->arg, buf, n) != 0)
		end(r, SIGTERM);
}

/* One read's worth; false at the end. */
static bool
drain(struct running *r, int fd)
{
	char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n <= 0)
		return n == -1 && (errno == EAGAIN || errno == EINTR);
	take(r, fd, buf, (size_t)n);
	return true;
}

/* What the program has left in a pipe.  A child of it may hold the pipe open,
 * and write to it for ever: no more is read than is there now. */
static void
drain_rest(struct running *r, int fd)
{
	char buf[4096];
	size_t want;
	ssize_t n;
	int left;

	if (ioctl(fd, FIONREAD, &left) == -1)
		return;
	for (; left > 0; left -= (int)n) {
		want = (size_t)left < sizeof(buf) ? (size_t)left : sizeof(buf);
		if ((n = read(fd, buf, want)) <= 0)
			return;
		take(r, fd, buf, (size_t)n);
	}
}

/* Time left until something must happen, in *ts; NULL: for ever. */
static struct timespec *
left(const struct running *r, struct timespec *ts)
{
	struct timespec now;

	if (!r->limited)
		return NULL;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	ts->tv_sec = r->until.tv_sec - now.tv_sec;
	ts->tv_nsec = r->until.tv_nsec - now.tv_nsec;
	if (ts->tv_nsec < 0) {
		ts->tv_nsec += 1000000000;
		ts->tv_sec--;
	}
	if (ts->tv_sec < 0)
		ts->tv_sec = ts->tv_nsec = 0;
	return ts;
}

/* The time is over: ask, then kill. */
static void
expire(struct running *r)
{
	if (!r->ending) {
		r->p->timed_out = true;
		end(r, SIGTERM);
	} else
		end(r, SIGKILL);
}

static int
watch(struct running *r)
{
	struct pollfd p[3] = {
		{ .fd = r->out, .events = POLLIN },
		{ .fd = r->err, .events = POLLIN },
		{ .fd = r->pidfd, .events = POLLIN },
	};
	struct timespec ts;
	sigset_t old;
	int n, i;

	signals_block(&old);
	for (;;) {
		if (signal_caught() != 0 && !r->ending && !r->p->detached)
			end(r, SIGTERM);
		if ((n = ppoll(p, 3, left(r, &ts), &old)) == 0)
			expire(r);
		if (n <= 0)
			continue;
		for (i = 0; i < 2; i++)
			if (p[i].revents != 0 && !drain(r, p[i].fd))
				p[i].fd = -1;
		if (p[2].revents != 0)
			break;
	}
	for (i = 0; i < 2; i++)
		if (p[i].fd != -1)
			drain_rest(r, p[i].fd);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (r->ending)
		(void)kill(-r->pid, SIGKILL);
	return spawn_wait(r->pid);
}

static void
close_all(int *fds, size_t n)
{
	int saved = errno;

	for (; n > 0; n--, fds++)
		if (*fds != -1)
			close(*fds);
	errno = saved;
}

/* fds: standard input, two pipes; they are the caller's. */
static int
start(struct proc *p, struct account *a, const struct strv *env, int fds[6])
{
	struct spawn sp = { .path = p->path, .argv = p->argv->v,
	    .envp = env->v, .setup = setup, .arg = a };
	struct running r = { .p = p };
	int rc;

	if ((fds[0] = input_fd(p)) == -1 || pipe2(&fds[1], O_CLOEXEC) == -1 ||
	    pipe2(&fds[3], O_CLOEXEC) == -1)
		return -1;
	sp.in = fds[0];
	sp.out = fds[2];
	sp.err = fds[4];
	if ((r.pid = spawn_start(&sp)) == -1)
		return -1;
	if ((fds[5] = (int)syscall(SYS_pidfd_open, r.pid, 0)) == -1) {
		(void)kill(r.pid, SIGKILL);
		(void)spawn_wait(r.pid);
		return -1;
	}
	close(fds[2]);
	close(fds[4]);
	fds[2] = fds[4] = -1;
	r.out = fds[1];
	r.err = fds[3];
	r.pidfd = fds[5];
	if (p->timeout != 0) {
		(void)clock_gettime(CLOCK_MONOTONIC, &r.until);
		r.until.tv_sec += p->timeout;
		r.limited = true;
	}
	rc = watch(&r);
	while (r.nerr > 0 && (p->err[r.nerr - 1] == '\n' ||
	    p->err[r.nerr - 1] == '\r'))
		p->err[--r.nerr] = '\0';
	return rc;
}

int
proc_run(struct proc *p)
{
	struct account a;
	struct strv env = { 0 };
	int fds[6] = { -1, -1, -1, -1, -1, -1 };

	p->code = -1;
	p->timed_out = false;
	p->err[0] = '\0';
	if (signal_caught() != 0 && !p->detached) {
		errno = EINTR;
		return -1;
	}
	if (account_find(p->user, &a) == 0 && proc_env(&env) == 0 &&
	    (p->env == NULL || strv_addall(&env, p->env) == 0))
		p->code = start(p, &a, &env, fds);
	close_all(fds, 6);
	strv_free(&env);
	return p->code;
}

const char *
proc_why(const struct proc *p, char *buf, size_t size)
{
	const char *line = strrchr(p->err, '\n');

	line = line != NULL ? line + 1 : p->err;
	if (p->timed_out)
		snprintf(buf, size, "it took more than %u s", p->timeout);
	else if (p->code == -1)
		snprintf(buf, size, "cannot be run: %s", strerror(errno));
	else if (*line != '\0')
		snprintf(buf, size, "%s", line);
	else if (p->code > 128)
		snprintf(buf, size, "ended by signal %d", p->code - 128);
	else
		snprintf(buf, size, "ended with status %d", p->code);
	return buf;
}
