/* main.c: aoed(8): options, the order of starting, the supervisor's loop.
 * Nothing of the protocol.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "exits.h"
#include "log.h"
#include "service.h"
#include "version.h"
#include "view.h"
#include "worker.h"

#define TABLE_PATH	"/etc/aoed.conf"
#define STATE_DIR	"/var/lib/aoed"
#define WORKERS_MAX	256
#define PATIENCE_MS	3000	/* for a killed one's locks of images */
#define END_SECONDS	30	/* for what is in flight at the end */

struct options {
	const char	*table;
	const char	*socket;
	const char	*state;
	unsigned	 workers;	/* 0: one for each CPU */
	bool		 foreground;
	bool		 check;
	bool		 verbose;
};

static void
usage(FILE *f)
{
	fprintf(f, "usage: aoed [-dnv] [-f table] [-j workers] [-S statedir] "
	    "[-s socket]\n");
}

static void
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	const char *bad;
	int c;

	while ((c = getopt_long(argc, argv, "df:j:nS:s:v", longs,
	    NULL)) != -1) {
		switch (c) {
		case 'd':
			o->foreground = true;
			break;
		case 'f':
			o->table = optarg;
			break;
		case 'j':
			o->workers = (unsigned)strtonum(optarg, 1,
			    WORKERS_MAX, &bad);
			if (bad != NULL)
				errx(BS_USAGE, "-j %s: %s", optarg, bad);
			break;
		case 'n':
			o->check = true;
			break;
		case 'S':
			o->state = optarg;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'h':
			usage(stdout);
			exit(BS_OK);
		case 'V':
			puts(BACKSHELF_VERSION);
			exit(BS_OK);
		default:
			usage(stderr);
			exit(BS_USAGE);
		}
	}
	if (optind < argc) {
		usage(stderr);
		exit(BS_USAGE);
	}
}

static int
check_only(const char *table)
{
	struct diags ds = { 0 };
	int rc;

	rc = services_check(table, &ds);
	diags_print(stderr, table, &ds);
	diags_free(&ds);
	return rc == 0 ? BS_OK : BS_FAIL;
}

static void
load_table(struct supervisor *sv)
{
	struct diags ds = { 0 };
	int rc;

	rc = services_load(sv, &ds);
	diags_print(stderr, sv->table_path, &ds);
	diags_free(&ds);
	if (rc == -1)
		errx(BS_CONFIG, "%s: not served", sv->table_path);
}

/* Descriptors: two for each worker and interface, two for each export. */
static void
raise_limits(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static void
make_state_dir(const char *path)
{
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		warn("%s: config strings cannot be kept", path);
}

/* Leave the terminal.  The parent stays until the child serves, and ends with
 * its verdict.  Returns in the child, with the pipe to write it to. */
static int
detach(void)
{
	int fds[2], status;
	char ok;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		err(BS_FAIL, "fork");
	if (pid == 0) {
		close(fds[0]);
		if (setsid() == -1)
			err(BS_FAIL, "setsid");
		return fds[1];
	}
	close(fds[1]);
	if (read(fds[0], &ok, 1) == 1)
		_exit(BS_OK);
	warnx("it did not start; the system's log says why");
	_exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : BS_FAIL);
}

static void
detached(int fd)
{
	int null;

	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1 ||
	    dup2(null, 0) == -1 || dup2(null, 1) == -1 ||
	    dup2(null, 2) == -1 || chdir("/") == -1)
		fatal("/dev/null");
	if (null > 2)
		close(null);
	if (write(fd, "", 1) != 1)
		log_debug("nobody waits for the start");
	close(fd);
}

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

static void
reload(struct supervisor *sv)
{
	struct diags ds = { 0 };
	size_t i;

	if (services_reload(sv, &ds) == -1) {
		for (i = 0; i < ds.n; i++)
			log_warnx("%s:%u:%u: %s", sv->table_path,
			    ds.v[i].line, ds.v[i].col, ds.v[i].msg);
		log_warnx("%s: not reloaded, nothing has changed",
		    sv->table_path);
	} else
		log_info("%s: reloaded", sv->table_path);
	diags_free(&ds);
	services_converge(sv);
}

/* True if it is time to end. */
static bool
take_signals(int fd, struct supervisor *sv)
{
	struct signalfd_siginfo si;
	bool end = false;

	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGHUP)
			reload(sv);
		else
			end = true;
	}
	return end;
}

static void
take_notes(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) == -1 && errno != EAGAIN)
		log_warn("eventfd");
}

static void
serve(struct supervisor *sv, struct control *control, int signals, int notes)
{
	struct pollfd v[2 + CONTROL_FDS];
	size_t n;
	bool end = false;

	while (!end) {
		v[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
		v[1] = (struct pollfd){ .fd = notes, .events = POLLIN };
		n = control_poll(control, v + 2);
		if (poll(v, 2 + n, control_timeout(control)) == -1 &&
		    errno != EINTR)
			fatal("poll");
		if (v[1].revents & POLLIN) {
			take_notes(notes);
			services_collect(sv);
		}
		if (v[0].revents & POLLIN)
			end = take_signals(signals, sv);
		control_turn(control, sv, v + 2, n);
	}
}

/* Let the workers finish what is in flight.  -1: it would not end. */
static int
finish(struct supervisor *sv, int notes)
{
	struct pollfd v = { .fd = notes, .events = POLLIN };
	struct timespec ts;
	time_t end;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	end = ts.tv_sec + END_SECONDS;
	services_stop(sv);
	services_converge(sv);
	while (!services_idle(sv)) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		if (ts.tv_sec >= end)
			return -1;
		if (poll(&v, 1, 1000) > 0)
			take_notes(notes);
		services_collect(sv);
	}
	return 0;
}

static unsigned
count_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

static int
run(const struct options *o)
{
	struct supervisor sv = { .table_path = o->table,
	    .state_dir = o->state, .nworkers = o->workers };
	struct control *control;
	int signals, notes, parent = -1;

	load_table(&sv);
	raise_limits();
	make_state_dir(o->state);
	if ((control = control_open(o->socket)) == NULL) {
		if (errno == EWOULDBLOCK)
			errx(BS_BUSY, "%s: another aoed is there", o->socket);
		err(BS_FAIL, "%s", o->socket);
	}
	if (!o->foreground) {
		parent = detach();
		control_claim(control);
	}
	log_init("aoed", o->foreground ? LOG_TO_STDERR : LOG_TO_SYSLOG,
	    LOG_DAEMON);
	signals = signals_open();
	if ((notes = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1 ||
	    (sv.view = view_new(0, NULL, 0, NULL, 0)) == NULL ||
	    workers_start(&sv.workers, sv.nworkers, notes, sv.view) == -1)
		fatal("workers");
	sv.patience_ms = PATIENCE_MS;
	services_converge(&sv);
	sv.patience_ms = 0;
	if (parent != -1)
		detached(parent);
	log_info("%zu rows, %u workers", sv.n, sv.nworkers);
	serve(&sv, control, signals, notes);
	log_info("ending");
	if (finish(&sv, notes) == -1) {
		control_close(control);
		fatalx("requests in flight did not end within %d s",
		    END_SECONDS);
	}
	workers_stop(sv.workers, sv.nworkers);
	control_close(control);
	services_free(&sv);
	return BS_OK;
}

int
main(int argc, char **argv)
{
	struct options o = { .table = TABLE_PATH, .socket = CONTROL_SOCKET,
	    .state = STATE_DIR };

	parse_options(argc, argv, &o);
	if (o.verbose)
		log_setlevel(LOG_LEVEL_DEBUG);
	if (o.check)
		return check_only(o.table);
	if (o.workers == 0)
		o.workers = count_cpus();
	return run(&o);
}
