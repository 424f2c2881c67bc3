/* supervise.c: the serving process: its start without rights, its main
 * thread's loop, its end.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "confine.h"
#include "control.h"
#include "exits.h"
#include "log.h"
#include "priv.h"
#include "sandbox.h"
#include "service.h"
#include "supervise.h"
#include "view.h"
#include "worker.h"

#define PATIENCE_MS	3000	/* for a killed one's locks of images */
#define SETTLE_MS	3500	/* for files to open, before it says that it
				 * serves */

static int
signals_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
	    (fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
		fatal("signals");
	(void)signal(SIGPIPE, SIG_IGN);
	return fd;
}

/* True if it is time to end. */
static bool
take_signals(int fd, struct supervisor *sv)
{
	struct signalfd_siginfo si;
	bool end = false;

	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGHUP)
			(void)services_survey(sv, true);
		else
			end = true;
	}
	return end;
}

/* True if it is time to end. */
static bool
take_order(struct supervisor *sv)
{
	enum priv_order o;

	if (!priv_order(sv->priv, &o))
		return false;
	switch (o) {
	case PARENT_GONE:
		/* As if we had been killed: somebody may be about to start
		 * the next one. */
		log_warnx("the parent process is gone");
		_exit(BS_FAIL);
	case PARENT_RELOAD:
		(void)services_survey(sv, true);
		return false;
	case PARENT_END:
		break;
	}
	return true;
}

/* Tell whoever watches over us that all threads are alive, in time. */
static void
show_life(struct supervise *s)
{
	if (s->watchdog_ms == 0 || now_ms() < s->life_due)
		return;
	s->life_due = now_ms() + s->watchdog_ms / 2;
	if (workers_moved(s->sv->workers, s->sv->nworkers))
		priv_tell(s->sv->priv, NEWS_ALIVE, NULL);
	else
		log_warnx("a worker is stuck");
}

/* Say how many rows are served, if that has changed. */
static void
show_status(struct supervise *s)
{
	char text[sizeof(s->status)];
	struct reason why;
	size_t i, count[STATE_FAILED + 1] = { 0 };

	if (!s->told)
		return;
	for (i = 0; i < s->sv->n; i++)
		count[service_state(s->sv, &s->sv->services[i], &why)]++;
	snprintf(text, sizeof(text), "%zu rows: %zu serving, %zu waiting, "
	    "%zu stopped, %zu failed", s->sv->n, count[STATE_SERVING],
	    count[STATE_WAITING], count[STATE_STOPPED] +
	    count[STATE_STOPPING], count[STATE_FAILED]);
	if (strcmp(text, s->status) == 0)
		return;
	(void)strlcpy(s->status, text, sizeof(s->status));
	priv_tell(s->sv->priv, NEWS_STATUS, text);
}

/* Milliseconds until something is due, or -1. */
static int
patience(const struct supervise *s)
{
	int ms = control_timeout(s->control);
	int64_t left;

	if (s->watchdog_ms == 0)
		return ms;
	if ((left = s->life_due - now_ms()) < 0)
		left = 0;
	return ms == -1 || left < ms ? (int)left : ms;
}

static void
serve(struct supervise *s)
{
	struct pollfd v[3 + CONTROL_FDS];
	bool end = false;
	size_t n;
	int nr;

	while (!end) {
		v[0] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
		v[1] = (struct pollfd){ .fd = s->sv->poll_fd,
		    .events = POLLIN };
		v[2] = (struct pollfd){ .fd = priv_orders_fd(s->sv->priv),
		    .events = POLLIN };
		n = control_poll(s->control, v + 3);
		if (poll(v, 3 + n, patience(s)) == -1 && errno != EINTR)
			fatal("poll");
		if (v[0].revents & POLLIN)
			end = take_signals(s->signals, s->sv);
		if (v[2].revents != 0)
			end = take_order(s->sv) || end;
		services_turn(s->sv);
		control_turn(s->control, s->sv, v + 3, n);
		show_life(s);
		show_status(s);
		if ((nr = sandbox_refused()) != -1)
			log_warnx("system call %d was refused by the sandbox",
			    nr);
	}
}

/* Let the workers finish what is in flight.  -1: it would not end. */
static int
finish(struct supervise *s)
{
	struct supervisor *sv = s->sv;
	struct pollfd v[2] = {
		{ .fd = sv->poll_fd, .events = POLLIN },
		{ .fd = priv_orders_fd(sv->priv), .events = POLLIN },
	};
	int64_t end = now_ms() + SUPERVISE_END_S * 1000;

	services_stop(sv);
	services_turn(sv);
	while (!services_idle(sv)) {
		if (now_ms() >= end)
			return -1;
		if (poll(v, 2, 1000) > 0 && v[1].revents != 0)
			(void)take_order(sv);
		services_turn(sv);
	}
	return 0;
}

/* Nothing of the terminal is kept. */
static void
let_go_of_terminal(int null)
{
	if (dup2(null, 0) == -1 || dup2(null, 1) == -1 || dup2(null, 2) == -1)
		fatal("/dev/null");
}

int
supervise(struct supervise *s, const struct confine_user *user)
{
	struct supervisor *sv = s->sv;
	int notes;

	setproctitle("serve");
	/* 1. Another user, no rights; then what only needs to be had before
	 * the sandbox closes. */
	confine_child_user(user);
	s->signals = signals_open();
	if ((notes = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1 ||
	    services_init(sv, notes) == -1)
		fatal("what is to be waited for");
	/* 2. From here on no file, no process, few system calls. */
	confine_child_sandbox();
	/* 3. Threads, each of which makes its ring; after that nobody can
	 * make another. */
	if ((sv->view = view_new(0, NULL, 0, NULL, 0)) == NULL ||
	    workers_start(&sv->workers, sv->nworkers, notes,
	    sv->view) == -1)
		fatal("workers");
	confine_child_seal();
	/* 4. Images and interfaces, and with them the first outside byte. */
	sv->patience = now_ms() + PATIENCE_MS;
	services_settle(sv, SETTLE_MS);
	if (!s->foreground)
		let_go_of_terminal(s->null);
	log_info("%zu rows, %u workers, as %s", sv->n, sv->nworkers,
	    user->name);
	priv_tell(sv->priv, NEWS_READY, NULL);
	serve(s);
	log_info("ending");
	priv_tell(sv->priv, NEWS_STOPPING, NULL);
	if (finish(s) == -1) {
		control_close(s->control);
		fatalx("requests in flight did not end within %d s",
		    SUPERVISE_END_S);
	}
	workers_stop(sv->workers, sv->nworkers);
	control_close(s->control);
	services_free(sv);
	return BS_OK;
}
