/* priv.c: the privileged parent: a fixed list of requests, one function each.
 *
 * What is asked for is a line of the table that this process has read itself,
 * an interface or an alias that stands in it, never a path.  A child that has
 * been taken over gets what root has given to its clients anyway, and nothing
 * else.  Nothing here waits: what may is done by helpers.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "exits.h"
#include "helpers.h"
#include "log.h"
#include "net.h"
#include "priv.h"

#define COMPLAIN_MS	10000	/* between lines about what was refused */
#define HELPERS_SPARE	64	/* requests, beside two for each row */

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t
now_ms(void)
{
	return now_us() / 1000;
}

/* The child asked for what it may not have. */
static void
complain(struct parent *p, const struct priv_request *rq, const char *what)
{
	if (p->complained != 0 && now_ms() < p->complained + COMPLAIN_MS)
		return;
	p->complained = now_ms();
	log_warnx("refused to the serving process: %s (request %d, line %u, "
	    "'%s')", what, (int)rq->type, rq->line, rq->name);
}

/* The row of a table at that line; NULL if there is none to be served. */
static const struct row *
find_line(const struct parent *p, uint32_t number, uint32_t line)
{
	const struct table *t;
	size_t k, i;

	for (k = 0; k < p->ntables; k++) {
		if (p->numbers[k] != number)
			continue;
		t = &p->tables[k];
		for (i = 0; i < t->n; i++)
			if (t->rows[i].line == line && t->rows[i].bad == NULL)
				return &t->rows[i];
	}
	return NULL;
}

static bool
is_number(const struct parent *p, uint32_t number)
{
	size_t k;

	for (k = 0; k < p->ntables; k++)
		if (p->numbers[k] == number)
			return true;
	return false;
}

static bool
row_has(const struct row *r, const char *iface)
{
	size_t i;

	for (i = 0; i < r->ifaces.n; i++)
		if (strcmp(r->ifaces.v[i], iface) == 0)
			return true;
	return false;
}

/* Frames that are likely to come by an interface at once: half of what the
 * clients of its rows may have in flight. */
static size_t
frames_of(const struct table *t, const char *iface)
{
	size_t i, n = 0;

	for (i = 0; i < t->n; i++)
		if (row_has(&t->rows[i], iface))
			n += t->rows[i].buffers;
	return n / 2;
}

/* Is it the name of an interface, or an alias, of a good row? */
static bool
is_named(const struct parent *p, const char *name, bool alias)
{
	const struct row *r;
	size_t t, i;

	for (t = 0; t < p->ntables; t++)
		for (i = 0; i < p->tables[t].n; i++) {
			r = &p->tables[t].rows[i];
			if (r->bad == NULL && (alias ?
			    strcmp(r->alias, name) == 0 : row_has(r, name)))
				return true;
		}
	return false;
}

/* A reply without descriptors.  -1: the child does not read what it asked
 * for. */
static int
reply(int sock, uint32_t id, int error, const char *text)
{
	struct priv_reply rp = { .id = id, .error = error,
	    .image = IMAGE_NONE };

	if (text != NULL)
		rp.len = (uint32_t)strlen(text);
	return priv_send(sock, &rp, NULL, text, MSG_DONTWAIT);
}

static int
do_nothing(struct parent *p, const struct priv_request *rq, int error)
{
	return reply(priv_is_call(rq->type) ? p->calls : p->asks, rq->id,
	    error, NULL);
}

/* A table's text, which may be too long for a message, in a file of its own. */
static int
text_file(const char *text)
{
	size_t len = strlen(text);
	int fd;

	if ((fd = memfd_create("table", MFD_CLOEXEC)) == -1)
		return -1;
	if (write(fd, text, len) == (ssize_t)len)
		return fd;
	close(fd);
	return -1;
}

static int
do_table(struct parent *p, const struct priv_request *rq)
{
	struct priv_reply rp = { .id = rq->id, .image = IMAGE_NONE };
	struct diags ds = { 0 };
	char *text;
	int fd, rc;

	if (p->ntables == 2)
		table_free(&p->tables[1]);
	p->ntables = 1;
	if ((text = conf_read(p->table_path, &ds)) == NULL) {
		rc = reply(p->calls, rq->id, EINVAL, ds.n > 0 ? ds.v[0].msg :
		    "it cannot be read");
		diags_free(&ds);
		return rc;
	}
	/* The child finds the same faults, and says them. */
	(void)table_parse(text, strlen(text), &p->tables[1], &ds);
	diags_free(&ds);
	p->numbers[1] = rp.table = ++p->last_number;
	p->ntables = 2;
	fd = text_file(text);
	free(text);
	if (fd == -1)
		return do_nothing(p, rq, errno);
	rp.nfds = 1;
	rc = priv_send(p->calls, &rp, &fd, NULL, MSG_DONTWAIT);
	close(fd);
	return rc;
}

static int
do_keep(struct parent *p, const struct priv_request *rq)
{
	if (p->ntables == 2) {
		if (p->numbers[1] == rq->arg) {
			table_free(&p->tables[0]);
			p->tables[0] = p->tables[1];
			p->numbers[0] = p->numbers[1];
		} else
			table_free(&p->tables[1]);
		p->ntables = 1;
	}
	return do_nothing(p, rq, 0);
}

/* Send an interface's sockets, as many to a message as it holds. */
static int
send_iface(struct parent *p, uint32_t id, struct iface *ifc)
{
	struct priv_reply rp = { .id = id, .image = IMAGE_NONE,
	    .index = ifc->index, .mtu = atomic_load(&ifc->mtu),
	    .frames = (uint32_t)ifc->frames, .mac = atomic_load(&ifc->mac) };
	int fds[PRIV_REPLY_FDS];
	size_t i, n = iface_sockets(ifc);

	for (i = 0; i < n; i++) {
		fds[rp.nfds++] = *iface_socket(ifc, i);
		rp.more = i + 1 < n;
		if (rp.more && rp.nfds < PRIV_REPLY_FDS)
			continue;
		if (priv_send(p->calls, &rp, fds, NULL, MSG_DONTWAIT) == -1)
			return -1;
		rp.nfds = 0;
	}
	return 0;
}

static int
do_iface(struct parent *p, const struct priv_request *rq)
{
	struct iface *ifc;
	size_t frames;
	int rc;

	if (!is_named(p, rq->name, false)) {
		complain(p, rq, "an interface that no row names");
		return do_nothing(p, rq, EPERM);
	}
	/* The newest is about to be served, or is already. */
	frames = frames_of(&p->tables[p->ntables - 1], rq->name);
	if ((ifc = iface_open(rq->name, p->nworkers, frames)) == NULL)
		return do_nothing(p, rq, errno);
	rc = send_iface(p, rq->id, ifc);
	iface_close(ifc);
	return rc;
}

static int
ask_helpers(struct parent *p, const struct priv_request *rq,
    const struct row *r)
{
	size_t i, most = HELPERS_SPARE;

	for (i = 0; i < p->ntables; i++)
		most += 2 * p->tables[i].n;
	if (helpers_busy(p->helpers) >= most) {
		complain(p, rq, "too much at once");
		return do_nothing(p, rq, EAGAIN);
	}
	if (helpers_ask(p->helpers, rq, r) == -1)
		return do_nothing(p, rq, errno);
	return 0;
}

static int
do_open(struct parent *p, const struct priv_request *rq)
{
	const struct row *r;

	if ((r = find_line(p, rq->arg, rq->line)) == NULL) {
		if (!is_number(p, rq->arg))
			return do_nothing(p, rq, EIDRM);
		complain(p, rq, "a line of the table with no good row");
		return do_nothing(p, rq, EPERM);
	}
	return ask_helpers(p, rq, r);
}

static int
do_state(struct parent *p, const struct priv_request *rq)
{
	if (!is_named(p, rq->name, true)) {
		complain(p, rq, "an alias that no row has");
		return do_nothing(p, rq, EPERM);
	}
	return ask_helpers(p, rq, NULL);
}

/* Whoever started us may go. */
static void
give_verdict(struct parent *p)
{
	if (p->verdict == -1)
		return;
	if (p->null != -1 && (dup2(p->null, 0) == -1 ||
	    dup2(p->null, 1) == -1 || dup2(p->null, 2) == -1 ||
	    chdir("/") == -1))
		log_warn("/dev/null");
	if (write(p->verdict, "", 1) != 1)
		log_debug("nobody waits for the start");
	close(p->verdict);
	p->verdict = -1;
}

static int
do_tell(struct parent *p, const struct priv_request *rq)
{
	char text[64 + PRIV_STATUS];

	switch ((enum priv_news)rq->arg) {
	case NEWS_READY:
		give_verdict(p);
		notify_send(&p->notify, "READY=1");
		break;
	case NEWS_RELOADING:
		snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%"
		    PRId64, now_us());
		notify_send(&p->notify, text);
		break;
	case NEWS_STOPPING:
		notify_send(&p->notify, "STOPPING=1");
		break;
	case NEWS_STATUS:
		snprintf(text, sizeof(text), "STATUS=%.*s", (int)rq->len,
		    rq->text);
		notify_send(&p->notify, text);
		break;
	case NEWS_ALIVE:
		notify_send(&p->notify, "WATCHDOG=1");
		break;
	case NEWS:
		break;
	}
	return 0;
}

int
parent_request(struct parent *p, bool calls, const void *buf, size_t len)
{
	static int (*const carry_out[PRIV_TYPES])(struct parent *,
	    const struct priv_request *) = {
		[PRIV_TABLE] = do_table, [PRIV_KEEP] = do_keep,
		[PRIV_IFACE] = do_iface, [PRIV_OPEN] = do_open,
		[PRIV_STATE] = do_state, [PRIV_SAVE] = do_state,
		[PRIV_TELL] = do_tell,
	};
	struct priv_request rq;

	if (priv_decode(buf, len, &rq) == -1 ||
	    calls != priv_is_call(rq.type)) {
		errno = EBADMSG;
		return -1;
	}
	return carry_out[rq.type](p, &rq);
}

/* One request, if there is one.  -1: the child is not to be served further. */
static int
take_request(struct parent *p, bool calls)
{
	static char buf[PRIV_REQUEST_MAX];
	unsigned nfds = 0;
	ssize_t n;

	n = priv_receive(calls ? p->calls : p->asks, buf, sizeof(buf), NULL,
	    &nfds, MSG_DONTWAIT);
	if (n == -1 && errno == EAGAIN)
		return 0;
	if (n > 0 && parent_request(p, calls, buf, (size_t)n) == 0)
		return 0;
	if (n != 0 && errno != EPIPE && errno != ECONNRESET)
		log_warn("the serving process is not served any longer");
	return -1;
}

static void
order(const struct parent *p, enum priv_order o)
{
	char c = (char)o;

	if (write(p->orders, &c, 1) != 1)
		log_warn("the serving process");
}

static void
begin_end(struct parent *p)
{
	if (p->ending)
		return;
	p->ending = true;
	p->deadline = now_ms() + p->patience_ms;
}

/* Take away those that have ended.  True if the child is one, with our exit
 * status in *status. */
static bool
reap(struct parent *p, int *status)
{
	bool ended = false;
	pid_t pid;
	int st;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		if (pid != p->child) {
			(void)helpers_reaped(p->helpers, pid, st);
			continue;
		}
		ended = true;
		*status = WIFEXITED(st) ? WEXITSTATUS(st) : BS_FAIL;
		if (WIFSIGNALED(st))
			log_warnx("the serving process was ended by signal "
			    "%d", WTERMSIG(st));
	}
	return ended;
}

static bool
take_signals(struct parent *p, int fd, int *status)
{
	struct signalfd_siginfo si;
	bool ended = false;

	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD) {
			ended = reap(p, status) || ended;
		} else if (si.ssi_signo == SIGHUP) {
			order(p, PARENT_RELOAD);
		} else {
			order(p, PARENT_END);
			begin_end(p);
		}
	}
	return ended;
}

/* The child would not end.  What it has locked stays locked for as long as it
 * is there. */
static int
give_up(struct parent *p)
{
	log_warnx("the serving process does not end: requests hang at a disk");
	(void)kill(p->child, SIGKILL);
	return BS_FAIL;
}

/* Milliseconds until something is due, or -1. */
static int
patience(const struct parent *p)
{
	int ms = helpers_timeout(p->helpers);

	return p->ending && (ms == -1 || ms > 1000) ? 1000 : ms;
}

/* Signals are asked for by signalfd(2); they wait until somebody does. */
static void
signals_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGCHLD);
}

int
parent_serve(struct parent *p)
{
	struct pollfd v[4];
	int status = BS_FAIL, fd;
	sigset_t set;

	signals_set(&set);
	if ((fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
		fatal("signals");
	v[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
	v[1] = (struct pollfd){ .fd = p->calls, .events = POLLIN };
	v[2] = (struct pollfd){ .fd = p->asks, .events = POLLIN };
	v[3] = (struct pollfd){ .fd = helpers_fd(p->helpers),
	    .events = POLLIN };
	for (;;) {
		if (poll(v, 4, patience(p)) == -1 && errno != EINTR)
			fatal("poll");
		if (v[0].revents != 0 && take_signals(p, fd, &status))
			return status;
		if ((v[1].revents != 0 && take_request(p, true) == -1) ||
		    (v[2].revents != 0 && take_request(p, false) == -1)) {
			v[1].fd = v[2].fd = -1;
			close(p->orders);	/* it ends */
			p->orders = -1;
			begin_end(p);
		}
		helpers_turn(p->helpers);
		if (p->ending && now_ms() >= p->deadline)
			return give_up(p);
	}
}

void
parent_free(struct parent *p)
{
	while (p->ntables > 0)
		table_free(&p->tables[--p->ntables]);
	helpers_free(p->helpers);
	p->helpers = NULL;
}

static int
block_signals(void)
{
	sigset_t set;

	signals_set(&set);
	(void)signal(SIGPIPE, SIG_IGN);
	return sigprocmask(SIG_BLOCK, &set, NULL);
}

static int
pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds);
}

pid_t
priv_fork(struct parent *p, struct priv **child)
{
	int calls[2], asks[2], orders[2];

	if (block_signals() == -1 || pair(calls) == -1 || pair(asks) == -1 ||
	    pipe2(orders, O_CLOEXEC) == -1)
		return -1;
	if ((p->child = fork()) == -1)
		return -1;
	if (p->child == 0) {
		close(calls[0]);
		close(asks[0]);
		close(orders[1]);
		*child = priv_child(calls[1], asks[1], orders[0]);
		return *child == NULL ? -1 : 0;
	}
	close(calls[1]);
	close(asks[1]);
	close(orders[0]);
	p->calls = calls[0];
	p->asks = asks[0];
	p->orders = orders[1];
	p->helpers = helpers_new(p->asks, p->state_dir);
	return p->helpers == NULL ? -1 : p->child;
}
