/* main.c: irsync-rotate(8): the command line.
 * cmd_*.c do what it says; retention.c reads the rules, plan.c decides, prune.c
 * acts, run.c joins them, report.c tells.
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
#include <unistd.h>

#include "cmd.h"
#include "conf.h"
#include "exits.h"
#include "log.h"
#include "option.h"
#include "output.h"
#include "spawn.h"
#include "version.h"

#define CONF_FILE	"/etc/backshelf/rotate.conf"
#define JOBS_MAX	256
#define RATE_MAX	1000000000
#define LOAD_MAX	1e6

static volatile sig_atomic_t got_signal;

enum {
	OPT_JSON = 256,
	OPT_HTML,
	OPT_MAX_LOAD,
	OPT_METRICS,
	OPT_RATE,
	OPT_WALK,
	OPT_HELP,
	OPT_VERSION,
	OPT_END
};

static const struct option longs[] = {
	{ "json",	no_argument,		NULL,	OPT_JSON },
	{ "html",	required_argument,	NULL,	OPT_HTML },
	{ "max-load",	required_argument,	NULL,	OPT_MAX_LOAD },
	{ "metrics",	required_argument,	NULL,	OPT_METRICS },
	{ "rate",	required_argument,	NULL,	OPT_RATE },
	{ "walk",	no_argument,		NULL,	OPT_WALK },
	{ "help",	no_argument,		NULL,	OPT_HELP },
	{ "version",	no_argument,		NULL,	OPT_VERSION },
	{ NULL,		0,			NULL,	0 }
};

/* What can be done, by which word, and with which options; all take -f. */
static const struct command {
	const char	*name;
	int		(*run)(const struct options *,
			    const struct retention_conf *, int, char **);
	int		 min, max;	/* operands */
	const int	 takes[8];	/* options; the rest is 0 */
} commands[] = {
	{ "pin",	cmd_pin,	3, 3,	{ 0 } },
	{ "unpin",	cmd_unpin,	2, 2,	{ 0 } },
	{ "list",	cmd_pins,	0, 1,	{ OPT_JSON } },
	{ "usage",	cmd_usage,	0, 1,	{ 'j', OPT_HTML, OPT_JSON,
						  OPT_WALK } },
	{ NULL,		cmd_rotate,	0, 1,	{ 'j', 'n', 'v', OPT_JSON,
						  OPT_MAX_LOAD, OPT_METRICS,
						  OPT_RATE } },
};

static void
on_signal(int sig)
{
	got_signal = sig;
}

static void
usage(FILE *f)
{
	fputs("usage: irsync-rotate [-nv] [-f rotate.conf] [-j jobs] [--json]"
	    "\n"
	    "           [--max-load load] [--metrics file] [--rate files] "
	    "[root]\n"
	    "       irsync-rotate pin [-f rotate.conf] host stamp reason\n"
	    "       irsync-rotate unpin [-f rotate.conf] host stamp\n"
	    "       irsync-rotate list [-f rotate.conf] [--json] [host]\n"
	    "       irsync-rotate usage [-f rotate.conf] [-j jobs] "
	    "[--html file] [--json]\n"
	    "           [--walk] [root]\n", f);
}

static void __attribute__((noreturn))
usage_error(void)
{
	usage(stderr);
	exit(BS_USAGE);
}

static unsigned
number_of(const char *option, const char *text, unsigned max)
{
	unsigned n;

	if (option_number(option, text, max, &n) == -1)
		usage_error();
	return n;
}

static double
load_of(const char *text)
{
	char *end;
	double load;

	load = strtod(text, &end);
	if (end == text || *end != '\0' || !(load > 0 && load < LOAD_MAX)) {
		warnx("--max-load: %s: not a load such as 1.5", text);
		usage_error();
	}
	return load;
}

static void
parse_option(struct options *o, int ch)
{
	switch (ch) {
	case 'f':
		o->conf = optarg;
		break;
	case 'j':
		o->jobs = number_of("-j", optarg, JOBS_MAX);
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
	case OPT_HTML:
		o->html = optarg;
		break;
	case OPT_MAX_LOAD:
		o->max_load = load_of(optarg);
		break;
	case OPT_METRICS:
		o->metrics = optarg;
		break;
	case OPT_RATE:
		o->rate = number_of("--rate", optarg, RATE_MAX);
		break;
	case OPT_WALK:
		o->walk = true;
		break;
	case OPT_HELP:
		usage(stdout);
		exit(output_end(BS_OK));
	case OPT_VERSION:
		puts(BACKSHELF_VERSION);
		exit(output_end(BS_OK));
	default:
		usage_error();
	}
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

/* The command that the first word names; else to rotate. */
static const struct command *
command_of(const char *word)
{
	const struct command *c;

	for (c = commands; c->name != NULL; c++)
		if (word != NULL && strcmp(word, c->name) == 0)
			break;
	return c;
}

/* An option that the command does not take may have been meant to keep it from
 * doing something, like -n. */
static void
check_option(const struct command *cmd, int ch)
{
	size_t i;

	for (i = 0; cmd->takes[i] != 0; i++)
		if (cmd->takes[i] == ch)
			return;
	option_misfit(longs, ch);
	usage_error();
}

int
main(int argc, char **argv)
{
	struct options o = { .conf = CONF_FILE, .stop = &got_signal };
	struct retention_conf conf;
	const struct command *cmd;
	bool given[OPT_END] = { false };
	int ch, status;

	(void)spawn_fill_fds();
	while ((ch = getopt_long(argc, argv, "f:j:nv", longs, NULL)) != -1) {
		parse_option(&o, ch);
		given[ch] = true;
	}
	argc -= optind;
	argv += optind;
	cmd = command_of(argv[0]);
	given['f'] = false;
	for (ch = 0; ch < OPT_END; ch++)
		if (given[ch])
			check_option(cmd, ch);
	if (cmd->name != NULL) {
		argc--;
		argv++;
	}
	if (operands_check(argc, argv, cmd->min, cmd->max) == -1)
		usage_error();
	read_conf(&o, &conf);
	log_init("irsync-rotate", LOG_TO_SYSLOG, LOG_DAEMON);
	prepare();
	status = cmd->run(&o, &conf, argc, argv);
	retention_free(&conf);
	if (status == BS_USAGE)
		usage_error();
	return output_end(status);
}
