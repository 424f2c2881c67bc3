/* main.c: irsync(1), the command line.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "conf.h"
#include "exits.h"
#include "irsync.h"
#include "log.h"
#include "spawn.h"
#include "version.h"

enum { OPT_JSON = 256, OPT_HELP, OPT_VERSION };

static const struct command {
	const char	*name;
	int		(*run)(struct irsync *, const struct strv *);
	const char	*options;	/* besides -f and -v; j is --json */
	bool		 takes_args;
} commands[] = {
	{ "backup", cmd_backup, "nj", false },
	{ "list", cmd_list, "j", false },
	{ "restore", cmd_restore, "t", true },
};

static void
usage(FILE *f)
{
	fputs("usage: irsync [-nv] [-f file] [--json] backup\n"
	    "       irsync [-v] [-f file] [--json] list\n"
	    "       irsync [-v] [-f file] [--to directory] restore "
	    "[snapshot] [path ...]\n"
	    "       irsync --help | --version\n", f);
}

static const struct command *
command_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Read the options; *given collects the letters of those that not every
 * command takes.  -1 to go on, or an exit status. */
static int
options(int argc, char **argv, struct irsync *ir, const char **file,
    char *given, size_t size)
{
	static const struct option longs[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "to", required_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ NULL, 0, NULL, 0 }
	};
	size_t n = 0;
	int ch;

	given[0] = '\0';
	while ((ch = getopt_long(argc, argv, "f:nt:v", longs, NULL)) != -1) {
		switch (ch) {
		case 'f':
			*file = optarg;
			continue;
		case 'n':
			ir->dry_run = true;
			break;
		case 't':
			ir->to = optarg;
			break;
		case 'v':
			ir->verbose = true;
			continue;
		case OPT_JSON:
			ir->json = true;
			ch = 'j';
			break;
		case OPT_HELP:
			usage(stdout);
			return BS_OK;
		case OPT_VERSION:
			puts(BACKSHELF_VERSION);
			return BS_OK;
		default:
			usage(stderr);
			return BS_USAGE;
		}
		if (strchr(given, ch) == NULL && n < size - 1) {
			given[n++] = (char)ch;
			given[n] = '\0';
		}
	}
	return -1;
}

/* The command, if its options and arguments are its own; or NULL. */
static const struct command *
command_check(int argc, char **argv, const char *given)
{
	const struct command *c;

	if (argc == 0 || (c = command_find(argv[0])) == NULL ||
	    strspn(given, c->options) != strlen(given) ||
	    (argc > 1 && !c->takes_args)) {
		usage(stderr);
		return NULL;
	}
	return c;
}

/* The file names programs that we run: nobody else may have written it. */
static void
check_owner(const char *file, struct diags *ds)
{
	struct stat st;

	if (stat(file, &st) == -1)
		return;		/* conf_read says it better */
	if (st.st_uid != 0 && st.st_uid != geteuid())
		diags_add(ds, 0, 0, "belongs to another user (%u)",
		    (unsigned)st.st_uid);
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    S_ISREG(st.st_mode))
		diags_add(ds, 0, 0, "may be written by others (mode %04o)",
		    (unsigned)st.st_mode & 07777);
}

static int
load(const char *file, struct irsync_conf *c)
{
	struct diags ds = { 0 };
	char *text;
	int rc = -1;

	memset(c, 0, sizeof(*c));
	check_owner(file, &ds);
	if ((text = conf_read(file, &ds)) != NULL && !diags_any(&ds) &&
	    irsync_conf_parse(text, c, &ds) == 0 &&
	    irsync_conf_complete(c, &ds) == 0)
		rc = 0;
	diags_print(stderr, file, &ds);
	diags_free(&ds);
	free(text);
	return rc;
}

/* A signal ended it: so end by that signal, as the caller expects. */
static void
end_by_signal(void)
{
	int sig = signal_caught();

	if (sig == 0)
		return;
	fflush(stdout);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

int
main(int argc, char **argv)
{
	struct irsync ir = { 0 };
	const struct command *cmd;
	struct strv args = { 0 };
	const char *file = IRSYNC_CONF;
	char given[8];
	int i, status;

	if (spawn_fill_fds() == -1)
		return BS_FAIL;
	log_init("irsync", LOG_TO_STDERR, LOG_DAEMON);
	if ((status = options(argc, argv, &ir, &file, given,
	    sizeof(given))) != -1)
		return status;
	if ((cmd = command_check(argc - optind, argv + optind, given)) == NULL)
		return BS_USAGE;
	if (ir.verbose)
		log_setlevel(LOG_LEVEL_DEBUG);
	ir.progress = isatty(STDERR_FILENO) == 1;
	if (load(file, &ir.conf) == -1) {
		irsync_conf_free(&ir.conf);
		return BS_CONFIG;
	}
	for (i = optind + 1; i < argc; i++)
		if (strv_add(&args, argv[i]) == -1)
			fatal("%s", argv[i]);
	signals_catch();
	status = cmd->run(&ir, &args);
	strv_free(&args);
	irsync_conf_free(&ir.conf);
	end_by_signal();
	if (fflush(stdout) != 0 && status == BS_OK) {
		log_warn("standard output");
		status = BS_IO;
	}
	return status;
}
