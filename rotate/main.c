/* main.c: irsync-rotate(8): options, and the order of things.
 * retention.c reads the rules, plan.c decides, prune.c acts, run.c joins them,
 * report.c tells.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/resource.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "exits.h"
#include "log.h"
#include "report.h"
#include "version.h"

#define CONF_FILE	"/etc/backshelf/rotate.conf"
#define JOBS_MAX	256

struct options {
	const char	*conf;
	const char	*root;		/* NULL: the configuration's */
	unsigned	 jobs;		/* 0: as many as processors */
	bool		 dry;
	bool		 verbose;
	bool		 json;
};

static volatile sig_atomic_t got_signal;

static void
on_signal(int sig)
{
	got_signal = sig;
}

static void
usage(FILE *f)
{
	fputs("usage: irsync-rotate [-nv] [-f rotate.conf] [-j jobs] [--json] "
	    "[root]\n", f);
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
	enum { OPT_JSON = 256, OPT_HELP, OPT_VERSION };
	static const struct option longs[] = {
		{ "json",	no_argument,	NULL,	OPT_JSON },
		{ "help",	no_argument,	NULL,	OPT_HELP },
		{ "version",	no_argument,	NULL,	OPT_VERSION },
		{ NULL,		0,		NULL,	0 }
	};
	const char *wrong;
	int ch;

	while ((ch = getopt_long(argc, argv, "f:j:nv", longs, NULL)) != -1)
		switch (ch) {
		case 'f':
			o->conf = optarg;
			break;
		case 'j':
			o->jobs = (unsigned)strtonum(optarg, 1, JOBS_MAX,
			    &wrong);
			if (wrong != NULL) {
				warnx("-j: %s: %s", optarg, wrong);
				usage_error();
			}
			break;
		case 'n':
			o->dry = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_HELP:
			usage(stdout);
			exit(BS_OK);
		case OPT_VERSION:
			puts(BACKSHELF_VERSION);
			exit(BS_OK);
		default:
			usage_error();
		}
	if (argc - optind > 1)
		usage_error();
	o->root = argv[optind];
}

static void
read_conf(const struct options *o, struct retention_conf *conf)
{
	struct diags ds = { 0 };
	char *text;

	if ((text = conf_read(o->conf, &ds)) == NULL ||
	    retention_parse(text, conf, &ds) == -1) {
		diags_print(stderr, o->conf, &ds);
		exit(BS_CONFIG);
	}
	free(text);
}

/* A signal ends the run between two files.  Children of the thread pool take
 * as many descriptors as we may have. */
static void
prepare(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };
	struct rlimit rl;
	size_t i;

	sigemptyset(&sa.sa_mask);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

int
main(int argc, char **argv)
{
	struct options o = { .conf = CONF_FILE };
	struct retention_conf conf;
	struct run run = { 0 };
	int status, rc;

	parse_options(argc, argv, &o);
	read_conf(&o, &conf);
	log_init("irsync-rotate", LOG_TO_SYSLOG, LOG_DAEMON);
	prepare();
	run.root = o.root != NULL ? o.root : conf.root;
	run.conf = &conf;
	run.began = time(NULL);
	run.dry = o.dry;
	run.jobs = o.jobs;
	run.stop = &got_signal;
	if (run_all(&run) == -1) {
		if (errno == EWOULDBLOCK)
			errx(BS_BUSY, "%s: another rotation is at work",
			    run.root);
		err(BS_FAIL, "%s", run.root);
	}
	rc = o.json ? report_json(stdout, &run) :
	    report_text(stdout, &run, o.dry || o.verbose);
	if (rc == -1)
		warn("stdout");
	status = run_status(&run);
	if (status == BS_OK && rc == -1)
		status = BS_FAIL;
	run_free(&run);
	retention_free(&conf);
	return status;
}
