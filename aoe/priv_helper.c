/* priv_helper.c: opening images, and keeping exports' states.
 *
 * It is done in processes of their own: where the file system hangs, one of
 * them hangs, and nobody else.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/prctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "image.h"
#include "priv_helper.h"
#include "state.h"
#include "table.h"

static int
open_row(const struct helper *h, const struct helper_task *t, char *file,
    struct priv_reply *rp)
{
	const struct row r = { .file = file, .ro = t->ro != 0,
	    .direct = t->direct != 0 };
	int fds[2], rc;

	if (image_open(&r, &rp->image) == -1) {
		rp->error = errno;
		return priv_send(h->replies, rp, NULL, NULL, 0);
	}
	fds[rp->nfds++] = rp->image.fd;
	if (rp->image.fd_plain != -1)
		fds[rp->nfds++] = rp->image.fd_plain;
	rc = priv_send(h->replies, rp, fds, NULL, 0);
	image_close(&rp->image);
	return rc;
}

static int
read_state(const struct helper *h, const char *alias, struct priv_reply *rp)
{
	static char text[STATE_MAX];
	ssize_t n;

	n = state_read(h->state_dir, alias, text, sizeof(text));
	if (n == -1)
		rp->error = errno;
	else
		rp->len = (uint32_t)n;
	return priv_send(h->replies, rp, NULL, text, 0);
}

static int
save_state(const struct helper *h, const char *alias, const char *text,
    size_t len, struct priv_reply *rp)
{
	if (state_write(h->state_dir, alias, text, len) == -1)
		rp->error = errno;
	return priv_send(h->replies, rp, NULL, NULL, 0);
}

static int
work(const struct helper *h, const struct helper_task *t, char *name)
{
	struct priv_reply rp = { .id = t->id, .image = IMAGE_NONE };

	if (t->type == PRIV_OPEN)
		return open_row(h, t, name, &rp);
	if (t->type == PRIV_STATE)
		return read_state(h, name, &rp);
	return save_state(h, name, name + t->name_len, t->text_len, &rp);
}

/* The next task, with its name and text in buf; false: no more come. */
static bool
take(const struct helper *h, struct helper_task *t, char *buf, size_t size)
{
	struct iovec iov[2] = { { t, sizeof(*t) }, { buf, size } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	while ((n = recvmsg(h->tasks, &m, 0)) == -1 && errno == EINTR)
		;
	return n > (ssize_t)sizeof(*t) && !(m.msg_flags & MSG_TRUNC) &&
	    (size_t)n == sizeof(*t) + t->name_len + t->text_len;
}

static void __attribute__((noreturn))
serve(const struct helper *h)
{
	static char buf[PATH_MAX + PRIV_TEXT];
	struct helper_task t = { 0 };
	pid_t self = getpid();

	while (take(h, &t, buf, sizeof(buf))) {
		/* Whoever looks for what hangs finds it by ps(1). */
		setproctitle("helper: %s", buf);
		if (work(h, &t, buf) == -1 ||
		    write(h->done, &self, sizeof(self)) != sizeof(self))
			_exit(1);
	}
	_exit(0);
}

static int
compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Nothing that the parent holds may outlive it in us: neither locks nor
 * sockets. */
static void
let_go(const struct helper *h)
{
	int keep[] = { 2, h->replies, h->tasks, h->done }, i;

	closelog();
	qsort(keep, 4, sizeof(keep[0]), compare);
	for (i = 0; i < 3; i++)
		if (keep[i] + 1 < keep[i + 1])
			(void)close_range((unsigned)keep[i] + 1,
			    (unsigned)keep[i + 1] - 1, 0);
	(void)close_range((unsigned)keep[3] + 1, ~0U, 0);
}

pid_t
helper_start(const struct helper *h)
{
	pid_t pid, parent = getpid();
	sigset_t none;

	if ((pid = fork()) != 0)
		return pid;
	let_go(h);
	sigemptyset(&none);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent ||
	    sigprocmask(SIG_SETMASK, &none, NULL) == -1)
		_exit(1);
	serve(h);
}

int
helper_hand(int sock, const struct helper_task *t, const char *name,
    const char *text)
{
	struct iovec iov[] = {
		{ (void *)(uintptr_t)t, sizeof(*t) },	/* only read */
		{ (void *)(uintptr_t)name, t->name_len },
		{ (void *)(uintptr_t)text, t->text_len },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 3 };

	return sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == -1 ? -1 : 0;
}
