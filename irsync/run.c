/* run.c: one rsync from start to end: what it prints is counted, shown or
 * passed on; a signal ends it cleanly.
 * It decides nothing: rsyncargv.c says what runs, rsyncout.c what came of it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "irsync.h"
#include "log.h"
#include "proc.h"
#include "spawn.h"

#define ERROR_LINES_MAX	1000	/* passed on; a server must not fill logs */
#define GRACE		10	/* seconds from SIGTERM to SIGKILL */
#define ORPHAN_TICKS	300	/* of 10 ms, to wait for ssh's end */
#define OUT_PIPE	(1024 * 1024)	/* bytes of rsync's output in wait */
#define OUT_PIPE_MIN	4096	/* the same where each line may end it */
#define OUT_FEW		32768	/* bytes: fewer, and more are waited for ... */
#define OUT_NAP_MS	10	/* ... for so long */

#define RERR_SOCKETIO	10	/* rsync's errcode.h */
#define RERR_STREAMIO	12

static volatile sig_atomic_t caught;

static void
on_signal(int sig)
{
	caught = sig;
}

int
signal_caught(void)
{
	return caught;
}

static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };

void
signals_catch(void)
{
	struct sigaction sa, old;
	size_t i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sigemptyset(&sa.sa_mask);
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		/* nohup(1) means it. */
		if (sigaction(sigs[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_IGN)
			continue;
		(void)sigaction(sigs[i], &sa, NULL);
	}
	sa.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &sa, NULL);
}

void
signals_block(sigset_t *old)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaddset(&set, sigs[i]);
	(void)sigprocmask(SIG_BLOCK, &set, old);
}

/* Sleep unless a signal comes. */
void
pause_for(unsigned seconds)
{
	struct timespec ts = { .tv_sec = seconds };
	sigset_t old;

	signals_block(&old);
	if (caught == 0)
		(void)ppoll(NULL, 0, &ts, &old);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
}

/* rsync tells of every file; ten times a second is what people and slow lines
 * can take. */
static bool
is_time_to_show(struct run *r)
{
	struct timespec now;
	int64_t ms;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (int64_t)(now.tv_sec - r->shown.tv_sec) * 1000 +
	    (now.tv_nsec - r->shown.tv_nsec) / 1000000;
	if (r->standing && ms < 100)
		return false;
	r->shown = now;
	return true;
}

static void
out_line(void *arg, const char *line)
{
	struct run *r = arg;
	struct rsync_progress pr;

	if (r->each != NULL) {
		r->each(r->each_arg, line);
		return;
	}
	switch (out_parse(line, &r->counts, &pr)) {
	case OUT_ITEM:
		if (r->items) {
			show_clear(&r->standing);
			show_item(line);
		}
		break;
	case OUT_PROGRESS:
		if (r->progress && is_time_to_show(r))
			show_progress(&pr, &r->standing);
		break;
	case OUT_STATS:
	case OUT_OTHER:
		break;
	}
}

static void
err_line(void *arg, const char *line)
{
	struct run *r = arg;
	struct snapshot s;
	enum hint hint;

	if (server_line_parse(line, &s) == 0) {
		r->snapshot = s;
		return;
	}
	hint = hint_parse(line);
	if (r->why[0] == '\0' || (hint != HINT_NONE && r->hint == HINT_NONE))
		(void)strlcpy(r->why, line, sizeof(r->why));
	if (r->hint == HINT_NONE)
		r->hint = hint;
	if (r->said != NULL)
		said_add(r->said, line);
	if (r->error_lines++ < ERROR_LINES_MAX && !r->quiet) {
		show_clear(&r->standing);
		log_warnx("%s", line);
	}
}

/* One read's worth of a pipe.  Its bytes, or -1 at the pipe's end. */
static ssize_t
drain(int fd, struct lines *l, line_fn *each, void *arg)
{
	char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0)
		lines_feed(l, buf, (size_t)n, each, arg);
	else if (n == -1 && (errno == EAGAIN || errno == EINTR))
		n = 0;
	else
		n = -1;
	return n;
}

/* What was already in a pipe when its writer ended.  Others may hold it open
 * for ever, as ssh's ControlPersist does, and write to it. */
static void
drain_rest(int fd, struct lines *l, line_fn *each, void *arg)
{
	char buf[4096];
	size_t want;
	ssize_t n;
	int left = 0;

	(void)ioctl(fd, FIONREAD, &left);
	for (; left > 0; left -= (int)n) {
		want = (size_t)left < sizeof(buf) ? (size_t)left : sizeof(buf);
		if ((n = read(fd, buf, want)) <= 0)
			break;
		lines_feed(l, buf, (size_t)n, each, arg);
	}
	lines_end(l, each, arg);
}

/* The first signal asks rsync to end, a second one or GRACE kills it. */
static void
pass_signal(pid_t pid, int *passed, struct timespec *wait, bool *limited)
{
	int sig = caught;

	if (sig == 0 || sig == *passed)
		return;
	if (*passed == 0)
		(void)kill(pid, SIGTERM);
	else
		(void)kill(pid, SIGKILL);
	*passed = sig;
	wait->tv_sec = GRACE;
	*limited = true;
}

/* rsync ends with ssh's exit status, the server's, if that is the higher one;
 * but where the connection broke it does not wait for ssh to end.  Then ssh
 * becomes our child, and we wait.  The status that counts. */
static int
orphans_status(int code)
{
	struct timespec tick = { .tv_nsec = 10000000 };
	int i, status;

	if (code != RERR_SOCKETIO && code != RERR_STREAMIO)
		return code;
	for (i = 0; i < ORPHAN_TICKS && caught == 0; i++)
		switch (waitpid(-1, &status, WNOHANG)) {
		case -1:
			return code;
		case 0:
			(void)nanosleep(&tick, NULL);
			break;
		default:
			if (WIFEXITED(status) && WEXITSTATUS(status) > code)
				code = WEXITSTATUS(status);
		}
	return code;
}

static void
note_shrunk(struct run *r)
{
	if (r->gone_max != 0 && r->counts.gone > r->gone_max)
		r->shrunk = true;
}

/* rsync writes a line for each file, each by itself: who took them one by one
 * would wake up a hundred thousand times.  So between two reads of its output
 * there is a nap, unless much has come, or lines are counted to end it. */
static int
watch(struct run *r, pid_t pid, int pidfd, int out, int err)
{
	const struct timespec nap = { .tv_nsec = OUT_NAP_MS * 1000000L };
	struct pollfd p[3] = {
		{ .fd = out, .events = POLLIN },
		{ .fd = err, .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN },
	};
	struct lines lout = { .n = 0 }, lerr = { .n = 0 };
	struct timespec limit = { 0 };
	sigset_t old;
	const bool counting = r->most != 0 || r->gone_max != 0;
	bool limited = false, napping = false;
	int n, passed = 0;
	ssize_t got;

	/* What is counted must not be over before it is read. */
	(void)fcntl(out, F_SETPIPE_SZ, counting ? OUT_PIPE_MIN : OUT_PIPE);
	signals_block(&old);
	for (;;) {
		pass_signal(pid, &passed, &limit, &limited);
		p[0].events = napping ? 0 : POLLIN;
		n = ppoll(p, 3, napping ? &nap : limited ? &limit : NULL, &old);
		if (n == 0 && !napping)
			(void)kill(pid, SIGKILL);
		napping = false;
		if (n <= 0)
			continue;
		if (p[0].revents != 0) {
			got = drain(out, &lout, out_line, r);
			napping = got != -1 && got < OUT_FEW && !counting;
			if (got == -1)
				p[0].fd = -1;
		}
		if (p[1].revents != 0 && drain(err, &lerr, err_line, r) == -1)
			p[1].fd = -1;
		if (p[2].revents != 0)
			break;
		note_shrunk(r);
		if ((r->most != 0 && r->counts.new > r->most) || r->shrunk)
			(void)kill(pid, SIGKILL);
	}
	drain_rest(out, &lout, out_line, r);
	note_shrunk(r);
	drain_rest(err, &lerr, err_line, r);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return orphans_status(spawn_wait(pid));
}

void
run_forget(struct run *r)
{
	r->code = 0;
	memset(&r->counts, 0, sizeof(r->counts));
	memset(&r->snapshot, 0, sizeof(r->snapshot));
	r->hint = HINT_NONE;
	r->why[0] = '\0';
	r->error_lines = 0;
	r->shrunk = false;
}

/* The command, for -v. */
static void
log_argv(const struct strv *argv)
{
	char line[2000] = "";
	size_t i;

	for (i = 0; i < argv->n; i++)
		if (strlcat(line, i > 0 ? " " : "", sizeof(line)) >=
		    sizeof(line) ||
		    strlcat(line, argv->v[i], sizeof(line)) >= sizeof(line))
			break;
	log_debug("%s", line);
}

/* In the child: rsync must not outlive us.  The first process of a pid
 * namespace may not have its handler yet, and would ignore a SIGTERM. */
static int
setup(void *arg)
{
	struct run *r = arg;

	if (prctl(PR_SET_PDEATHSIG,
	    r->namespaces != 0 ? SIGKILL : SIGTERM) == -1)
		return -1;
	/* All paths are absolute.  Where we were started may be gone, or for
	 * somebody else to unmount. */
	if (chdir("/") == -1)
		return -1;
	return r->setup != NULL ? r->setup(r->arg) : 0;
}

int
run_rsync(struct run *r)
{
	struct strv env = { 0 };
	struct spawn sp = { .path = r->path, .argv = r->argv->v,
	    .in = r->in, .namespaces = r->namespaces, .setup = setup,
	    .arg = r };
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, pidfd = -1, rc = -1;
	pid_t pid;

	if (caught != 0) {
		errno = EINTR;
		return -1;
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1 ||
	    proc_env(&env) != 0 ||
	    strv_add(&env, "TZ=UTC0") == -1 || pipe2(out, O_CLOEXEC) == -1 ||
	    pipe2(err, O_CLOEXEC) == -1)
		goto out;
	log_argv(r->argv);
	sp.envp = env.v;
	sp.out = out[1];
	sp.err = err[1];
	if ((pid = spawn_start(&sp)) == -1)
		goto out;
	close(out[1]);
	close(err[1]);
	out[1] = err[1] = -1;
	if ((pidfd = (int)syscall(SYS_pidfd_open, pid, 0)) == -1) {
		(void)kill(pid, SIGKILL);
		(void)spawn_wait(pid);
		goto out;
	}
	rc = watch(r, pid, pidfd, out[0], err[0]);
	show_clear(&r->standing);
	if (r->error_lines > ERROR_LINES_MAX && !r->quiet)
		log_warnx("%u more lines", r->error_lines - ERROR_LINES_MAX);
out:
	strv_free(&env);
	if (out[0] != -1)
		close(out[0]);
	if (out[1] != -1)
		close(out[1]);
	if (err[0] != -1)
		close(err[0]);
	if (err[1] != -1)
		close(err[1]);
	if (pidfd != -1)
		close(pidfd);
	r->code = rc;
	return rc;
}
