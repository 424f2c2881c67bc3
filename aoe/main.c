/* main.c: aoed(8): options, the order of starting, the parent's process.  The
 * one that serves is in supervise.c.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "conf.h"
#include "confine.h"
#include "control.h"
#include "exits.h"
#include "log.h"
#include "option.h"
#include "output.h"
#include "priv.h"
#include "service.h"
#include "steer.h"
#include "spawn.h"
#include "supervise.h"
#include "version.h"

#define TABLE_PATH	"/etc/aoed.conf"
#define STATE_DIR	"/var/lib/aoed"
#define WORKERS_MAX	STEER_WORKERS_MAX

struct options {
	const char	*table;
	const char	*socket;
	const char	*state;
	const char	*user;		/* NULL: _aoed, or nobody */
	unsigned	 workers;	/* 0: one for each CPU */
	bool		 foreground;
	bool		 check;
	bool		 verbose;
};

static void
usage(FILE *f)
{
	fprintf(f, "usage: aoed [-dnv] [-f table] [-j workers] [-S statedir] "
	    "[-s socket]\n            [-u user]\n");
}

static void __attribute__((noreturn))
usage_error(void)
{
	usage(stderr);
	exit(BS_USAGE);
}

static void
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "df:j:nS:s:u:v", longs,
	    NULL)) != -1) {
		switch (c) {
		case 'd':
			o->foreground = true;
			break;
		case 'f':
			o->table = optarg;
			break;
		case 'j':
			if (option_number("-j", optarg, WORKERS_MAX,
			    &o->workers) == -1)
				usage_error();
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
		case 'u':
			o->user = optarg;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'h':
			usage(stdout);
			exit(output_end(BS_OK));
		case 'V':
			puts(BACKSHELF_VERSION);
			exit(output_end(BS_OK));
		default:
			usage_error();
		}
	}
	if (operands_check(argc - optind, argv + optind, 0, 0) == -1)
		usage_error();
}

/* The table's text.  It ends the process if there is none. */
static char *
read_table(const char *path)
{
	struct diags ds = { 0 };
	char *text;

	if ((text = conf_read(path, &ds)) == NULL) {
		diags_print(stderr, path, &ds);
		exit(BS_CONFIG);
	}
	return text;
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

/* Both processes begin with the same table, and each with its own copy. */
static void
load_table(struct supervisor *sv, struct parent *p)
{
	struct diags ds = { 0 }, same = { 0 };
	char *text;
	int rc;

	text = read_table(sv->table_path);
	rc = services_load(sv, text, &ds);
	diags_print(stderr, sv->table_path, &ds);
	diags_free(&ds);
	if (rc == -1)
		errx(BS_CONFIG, "%s: not served", sv->table_path);
	(void)table_parse(text, strlen(text), &p->tables[0], &same);
	p->ntables = 1;
	diags_free(&same);
	free(text);
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
		warn("%s: config strings and lists cannot be kept", path);
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

/* Those that we may use: an operator may have left others for other work. */
static unsigned
count_cpus(void)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	else
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

/* Paths are looked up again later, when we are elsewhere. */
static char *
absolute(const char *path)
{
	char *cwd = NULL, *full;

	if (path[0] != '/' && (cwd = getcwd(NULL, 0)) == NULL)
		err(BS_FAIL, "%s", path);
	if (asprintf(&full, "%s%s%s", cwd != NULL ? cwd : "",
	    cwd != NULL ? "/" : "", path) == -1)
		err(BS_FAIL, "%s", path);
	free(cwd);
	return full;
}

static void
find_user(const char *name, struct confine_user *u)
{
	char why[128];

	if (confine_find(name, u, why, sizeof(why)) == -1)
		errx(BS_CONFIG, "%s", why);
}

/* The parent's life: serve the child until it has ended. */
static int
parent(struct parent *p, struct supervisor *sv, struct control *control)
{
	int status;

	setproctitle("parent");
	services_unload(sv);	/* the child's */
	control_parent(control);
	if (confine_parent() == -1)
		log_warn("the parent keeps all its rights");
	status = parent_serve(p);
	control_close(control);
	parent_free(p);
	return status;
}

/* The child's, which has nothing of what makes the parent one. */
static int
child(struct parent *p, struct supervise *s, const struct confine_user *user)
{
	int status;

	parent_free(p);
	control_child(s->control);
	notify_close(&p->notify);
	if (p->verdict != -1)
		close(p->verdict);
	status = supervise(s, user);
	if (!s->sv->asking)
		priv_free(s->sv->priv);
	return status;
}

/* What may be wrong with how it was called. */
static void
prepare(const struct options *o, struct supervise *s, struct parent *p,
    struct confine_user *user)
{
	load_table(s->sv, p);
	find_user(o->user, user);
	raise_limits();
	make_state_dir(s->sv->state_dir);
	if ((s->control = control_open(o->socket)) == NULL) {
		if (errno == EWOULDBLOCK)
			errx(BS_BUSY, "%s: another aoed is there", o->socket);
		err(BS_FAIL, "%s", o->socket);
	}
}

/* Leave the terminal; from here on faults are in the log. */
static void
settle(const struct options *o, struct supervise *s, struct parent *p)
{
	if ((s->null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		err(BS_FAIL, "/dev/null");
	if (!o->foreground) {
		p->verdict = detach();
		control_claim(s->control);
	}
	log_init("aoed", o->foreground ? LOG_TO_STDERR : LOG_TO_SYSLOG,
	    LOG_DAEMON);
	if (notify_open(&p->notify) == -1)
		log_warn("NOTIFY_SOCKET");
	s->told = p->notify.fd != -1;
	s->watchdog_ms = s->told ? notify_watchdog_ms() : 0;
	p->null = o->foreground ? -1 : s->null;
}

/* Two processes.  The one with the rights reads nothing from the network, the
 * one that does has no rights. */
static int
run(const struct options *o)
{
	struct supervisor sv = { .table_path = o->table,
	    .state_dir = o->state, .nworkers = o->workers };
	struct parent p = { .table_path = o->table, .state_dir = o->state,
	    .nworkers = o->workers,
	    .patience_ms = (SUPERVISE_END_S + 5) * 1000, .verdict = -1 };
	struct supervise s = { .sv = &sv, .foreground = o->foreground };
	struct confine_user user;

	prepare(o, &s, &p, &user);
	settle(o, &s, &p);
	switch (priv_fork(&p, &sv.priv)) {
	case -1:
		fatal("fork");
	case 0:
		return child(&p, &s, &user);
	default:
		return parent(&p, &sv, s.control);
	}
}

int
main(int argc, char **argv)
{
	struct options o = { .table = TABLE_PATH, .socket = CONTROL_SOCKET,
	    .state = STATE_DIR };
	char *table, *state, *sock;
	int status;

	/* What our caller had open is none of ours. */
	if (spawn_fill_fds() == -1)
		err(BS_FAIL, "/dev/null");
	closefrom(STDERR_FILENO + 1);
	/* Frames are served without malloc(3).  With an arena for each thread,
	 * those that open files would leave a megabyte in every one. */
	(void)mallopt(M_ARENA_MAX, 1);
	setproctitle_init(argc, argv, environ);
	parse_options(argc, argv, &o);
	if (o.verbose)
		log_setlevel(LOG_LEVEL_DEBUG);
	if (o.check)
		return check_only(o.table);
	if (o.workers == 0)
		o.workers = count_cpus();
	o.table = table = absolute(o.table);
	o.state = state = absolute(o.state);
	o.socket = sock = absolute(o.socket);
	status = run(&o);
	free(table);
	free(state);
	free(sock);
	return status;
}
