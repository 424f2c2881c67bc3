/* priv_helper.c: opening an image, and keeping an export's state.
 *
 * Each is done in a process of its own: where the file system hangs, the
 * process hangs, and nobody else.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/prctl.h>

#include <errno.h>
#include <signal.h>
#include <syslog.h>
#include <unistd.h>

#include "image.h"
#include "priv_helper.h"
#include "state.h"

static int
open_row(const struct helper *h, struct priv_reply *rp)
{
	int fds[2];

	if (image_open(h->row, &rp->image) == -1) {
		rp->error = errno;
		return priv_send(h->sock, rp, NULL, NULL, 0);
	}
	fds[rp->nfds++] = rp->image.fd;
	if (rp->image.fd_plain != -1)
		fds[rp->nfds++] = rp->image.fd_plain;
	return priv_send(h->sock, rp, fds, NULL, 0);
}

static int
read_state(const struct helper *h, struct priv_reply *rp)
{
	static char text[STATE_MAX];
	ssize_t n;

	n = state_read(h->state_dir, h->rq->name, text, sizeof(text));
	if (n == -1)
		rp->error = errno;
	else
		rp->len = (uint32_t)n;
	return priv_send(h->sock, rp, NULL, text, 0);
}

static int
save_state(const struct helper *h, struct priv_reply *rp)
{
	if (state_write(h->state_dir, h->rq->name, h->rq->text,
	    h->rq->len) == -1)
		rp->error = errno;
	return priv_send(h->sock, rp, NULL, NULL, 0);
}

static int
work(const struct helper *h)
{
	struct priv_reply rp = { .id = h->rq->id, .image = IMAGE_NONE };

	if (h->rq->type == PRIV_OPEN)
		return open_row(h, &rp);
	if (h->rq->type == PRIV_STATE)
		return read_state(h, &rp);
	return save_state(h, &rp);
}

/* Nothing that it holds may outlive us: neither locks nor sockets. */
static void
let_go(int sock)
{
	closelog();
	if (sock > 3)
		(void)close_range(3, (unsigned)sock - 1, 0);
	(void)close_range((unsigned)sock + 1, ~0U, 0);
}

pid_t
helper_start(const struct helper *h)
{
	pid_t pid, parent = getpid();
	sigset_t none;

	if ((pid = fork()) != 0)
		return pid;
	let_go(h->sock);
	sigemptyset(&none);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent ||
	    sigprocmask(SIG_SETMASK, &none, NULL) == -1)
		_exit(1);
	_exit(work(h) == 0 ? 0 : 1);
}
