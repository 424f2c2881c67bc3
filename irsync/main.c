/* main.c: irsync(1), the command line: two tables, of commands and of options.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "conf.h"
#include "exits.h"
#include "irsync.h"
#include "log.h"
#include "look.h"
#include "option.h"
#include "output.h"
#include "spawn.h"
#include "term.h"
#include "version.h"

/* What may stand in for a configuration. */
#define FROM	"from host identity port "
#define WRONG_CONF	"the configuration is wrong"

static const struct command {
	const char	*name;
	int		(*run)(struct irsync *, const struct strv *);
	const char	*options;	/* long names, each with a blank behind
					 * it; all commands take -f and -v */
	int		 min, max;	/* arguments */
	const char	*usage;
} commands[] = {
	{ "backup", cmd_backup, "allow-clock-back allow-empty allow-missing "
	    "allow-other-host allow-shrink allow-unmounted dry-run json "
	    "storage ", 0, 0,
	    "[-nv] [-f file] [--allow-clock-back] [--allow-empty]\n"
	    "              [--allow-missing] [--allow-other-host] "
	    "[--allow-shrink]\n"
	    "              [--allow-unmounted] [--json] [--storage name] "
	    "backup" },
	{ "check", cmd_check, "storage ", 0, 0,
	    "[-v] [-f file] [--storage name] check" },
	{ "init", cmd_init, "host identity port yes ", 0, 1,
	    "[-v] [-f file] [--host name] [-i identity] [-p port] [--yes]\n"
	    "              init [storage]" },
	{ "list", cmd_list, FROM "json storage ", 0, OPERANDS_ANY,
	    "[-v] [-f file] [--json] [--storage name] list [path ...]" },
	{ "diff", cmd_diff, FROM "json storage ", 1, 2,
	    "[-v] [-f file] [--json] [--storage name]\n"
	    "              diff snapshot [snapshot]" },
	{ "restore", cmd_restore, FROM "dry-run in-place storage to yes ",
	    0, OPERANDS_ANY, "[-nv] [-f file] [--storage name]\n"
	    "              [--to directory | --in-place [--yes]]\n"
	    "              restore [snapshot] [path ...]" },
	{ "status", cmd_status, FROM "json max-age storage store ",
	    0, OPERANDS_ANY, "[-v] [-f file] [--json] [--max-age age] [--storage name]\n"
	    "              status\n"
	    "       irsync [-v] [--json] [--max-age age] --store directory "
	    "status\n"
	    "              [host ...]" },
	{ "verify", cmd_verify, FROM "all dry-run json part sample storage "
	    "store ", 0, OPERANDS_ANY,
	    "[-v] [-f file] [--json] [--storage name]\n"
	    "              [--all | --sample number] verify\n"
	    "       irsync [-nv] [--json] [--part k/n] --store directory "
	    "verify\n"
	    "              [host ...]" },
};

/* Where an option's value goes: a bool, or with an argument a const char *, of
 * struct irsync.  Some have a short form. */
static const struct given {
	const char	*name;
	int		 letter;	/* 0: no short form */
	int		 has_arg;
	size_t		 offset;
} givens[] = {
#define ALLOW(name, field)						\
	{ "allow-" name, 0, no_argument,				\
	    offsetof(struct irsync, guards.allow_##field) }
	ALLOW("clock-back", clock_back),
	ALLOW("empty", empty),
	ALLOW("missing", missing),
	ALLOW("other-host", other_host),
	ALLOW("shrink", shrink),
	ALLOW("unmounted", unmounted),
#undef ALLOW
	{ "all", 0, no_argument, offsetof(struct irsync, all) },
	{ "dry-run", 'n', no_argument, offsetof(struct irsync, dry_run) },
	{ "file", 'f', required_argument, offsetof(struct irsync, file) },
	{ "from", 0, required_argument, offsetof(struct irsync, from) },
	{ "help", 0, no_argument, offsetof(struct irsync, help) },
	{ "host", 0, required_argument, offsetof(struct irsync, host) },
	{ "identity", 'i', required_argument,
	    offsetof(struct irsync, identity) },
	{ "in-place", 0, no_argument, offsetof(struct irsync, in_place) },
	{ "json", 0, no_argument, offsetof(struct irsync, json) },
	{ "max-age", 0, required_argument, offsetof(struct irsync, max_age) },
	{ "part", 0, required_argument, offsetof(struct irsync, part) },
	{ "port", 'p', required_argument, offsetof(struct irsync, port) },
	{ "sample", 0, required_argument, offsetof(struct irsync, sample) },
	{ "storage", 0, required_argument,
	    offsetof(struct irsync, storage_name) },
	{ "store", 0, required_argument, offsetof(struct irsync, store) },
	{ "to", 0, required_argument, offsetof(struct irsync, to) },
	{ "verbose", 'v', no_argument, offsetof(struct irsync, verbose) },
	{ "version", 0, no_argument, offsetof(struct irsync, version) },
	{ "yes", 0, no_argument, offsetof(struct irsync, yes) },
};

#define GIVENS	(sizeof(givens) / sizeof(givens[0]))
#define LONG(i)	(256 + (int)(i))	/* what getopt_long(3) returns */

static void
usage(FILE *f)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(f, "%s irsync %s\n", i == 0 ? "usage:" : "      ",
		    commands[i].usage);
	fputs("       irsync --from storage [--host name] [-i identity] "
	    "[-p port] ...\n"
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

/* The option that getopt_long(3) has found, or GIVENS. */
static size_t
given_find(int ch)
{
	size_t i;

	for (i = 0; i < GIVENS; i++)
		if (ch == LONG(i) || (ch == givens[i].letter && ch != 0))
			break;
	return i;
}

/* Read the options into *ir; seen[i] tells which.  0, or -1. */
static int
options(int argc, char **argv, struct irsync *ir, bool seen[GIVENS])
{
	struct option longs[GIVENS + 1];
	char *to;
	size_t i;
	int ch;

	memset(longs, 0, sizeof(longs));
	for (i = 0; i < GIVENS; i++)
		longs[i] = (struct option){ givens[i].name, givens[i].has_arg,
		    NULL, LONG(i) };
	while ((ch = getopt_long(argc, argv, "f:i:np:v", longs, NULL)) != -1) {
		if ((i = given_find(ch)) == GIVENS)
			return -1;
		seen[i] = true;
		to = (char *)ir + givens[i].offset;
		if (givens[i].has_arg == required_argument)
			*(const char **)(void *)to = optarg;
		else
			*(bool *)to = true;
	}
	return 0;
}

/* Does a command take this option? */
static bool
takes(const struct command *c, const struct given *g)
{
	char word[64];

	if (g->letter == 'f' || g->letter == 'v')
		return true;
	snprintf(word, sizeof(word), "%s ", g->name);
	return strstr(c->options, word) != NULL;
}

/* Of the configuration and what stands in its place there is one at most. */
static bool
options_agree(const struct command *c, const struct irsync *ir)
{
	const char *why = NULL;

	if (ir->store != NULL && (ir->file != NULL || ir->from != NULL ||
	    ir->storage_name != NULL))
		why = "--store does not go with -f, --from or --storage";
	else if (ir->from != NULL && ir->file != NULL)
		why = "--from does not go with -f";
	else if (ir->from == NULL && c->run != cmd_init &&
	    (ir->host != NULL || ir->identity != NULL || ir->port != NULL))
		why = "--host, -i and -p go with --from";
	if (why != NULL)
		log_warnx("%s", why);
	return why == NULL;
}

/* The command, if its options and arguments are its own; or NULL. */
static const struct command *
command_check(int argc, char **argv, const struct irsync *ir,
    const bool seen[GIVENS])
{
	const struct command *c;
	size_t i;

	if (operands_check(argc, argv, 1, OPERANDS_ANY) == -1)
		return NULL;
	if ((c = command_find(argv[0])) == NULL)
		log_warnx("%s: no such command", argv[0]);
	if (c == NULL ||
	    operands_check(argc - 1, argv + 1, c->min, c->max) == -1)
		return NULL;
	for (i = 0; i < GIVENS; i++)
		if (seen[i] && !takes(c, &givens[i])) {
			log_warnx("--%s does not go with this",
			    givens[i].name);
			return NULL;
		}
	return options_agree(c, ir) ? c : NULL;
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

/* A value of a configuration, in quotes. */
static int
quote(FILE *f, const char *key, const char *value)
{
	if (value == NULL)
		return 0;
	fprintf(f, "%s = \"", key);
	for (; *value != '\0'; value++) {
		if (strchr("\\\"$", *value) != NULL)
			fputc('\\', f);
		fputc(*value, f);
	}
	return fputs("\"\n", f);
}

/* The key's file, from the root on; NULL with errno. */
static char *
full_path(const char *path)
{
	char *cwd, *full;

	if (path[0] == '/' || path[0] == '\0')
		return strdup(path);
	if ((cwd = getcwd(NULL, 0)) == NULL)
		return NULL;
	if (asprintf(&full, "%s/%s", cwd, path) == -1)
		full = NULL;
	free(cwd);
	return full;
}

/* --from: a configuration of that storage and nothing else.  On a terminal ssh
 * may ask about a host key or for a passphrase. */
static int
load_from(struct irsync *ir)
{
	struct diags ds = { 0 };
	char *text = NULL, *key = NULL;
	size_t len;
	FILE *f;
	int rc = -1;

	memset(&ir->conf, 0, sizeof(ir->conf));
	if (ir->identity != NULL && (key = full_path(ir->identity)) == NULL) {
		log_warn("%s", ir->identity);
		return -1;
	}
	if ((f = open_memstream(&text, &len)) == NULL) {
		free(key);
		return -1;
	}
	(void)quote(f, "storage", ir->from);
	(void)quote(f, "host", ir->host);
	(void)quote(f, "identity", key);
	if (ir->port != NULL)
		fprintf(f, "port = %s\n", ir->port);
	if (isatty(STDIN_FILENO) == 1)
		fputs("ssh_options = { \"BatchMode=no\" }\n", f);
	fputs("paths = { \"/\" }\n", f);
	if (fclose(f) == 0 && irsync_conf_parse(text, &ir->conf, &ds) == 0 &&
	    irsync_conf_complete(&ir->conf, &ds) == 0)
		rc = 0;
	diags_print(stderr, "--from", &ds);
	diags_free(&ds);
	free(text);
	free(key);
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

/* --storage: work on that one. */
static int
choose_storage(struct irsync *ir)
{
	const struct storage *s;

	if (ir->storage_name == NULL)
		return 0;
	if ((s = irsync_conf_storage(&ir->conf, ir->storage_name)) == NULL) {
		log_warnx("--storage %s: %s knows no storage of this name",
		    ir->storage_name, ir->file);
		return -1;
	}
	ir->conf.storage = s;
	return 0;
}

static int
load_any(struct irsync *ir)
{
	if (ir->store != NULL)
		return 0;
	return ir->from != NULL ? load_from(ir) : load(ir->file, &ir->conf);
}

static int
run(struct irsync *ir, const struct command *cmd, char **argv)
{
	struct strv args = { 0 };
	int status;

	/* init is what makes the configuration. */
	if (cmd->run != cmd_init &&
	    (load_any(ir) == -1 || choose_storage(ir) == -1)) {
		irsync_conf_free(&ir->conf);
		memset(&ir->conf, 0, sizeof(ir->conf));
		if (cmd->run == cmd_status)
			return status_unknown(ir, WRONG_CONF);
		if (ir->json)
			look_json_error(ir, BS_CONFIG, WRONG_CONF);
		return BS_CONFIG;
	}
	for (; *argv != NULL; argv++)
		if (strv_add(&args, *argv) == -1)
			fatal("%s", *argv);
	signals_catch();
	status = cmd->run(ir, &args);
	strv_free(&args);
	irsync_conf_free(&ir->conf);
	return status;
}

int
main(int argc, char **argv)
{
	struct irsync ir = { 0 };
	const struct command *cmd;
	bool seen[GIVENS] = { false };
	int status;

	if (spawn_fill_fds() == -1)
		return BS_FAIL;
	log_init("irsync", LOG_TO_STDERR, LOG_DAEMON);
	if (options(argc, argv, &ir, seen) == -1) {
		usage(stderr);
		return BS_USAGE;
	}
	if (ir.help || ir.version) {
		if (ir.help)
			usage(stdout);
		else
			puts(BACKSHELF_VERSION);
		return output_end(BS_OK);
	}
	if ((cmd = command_check(argc - optind, argv + optind, &ir,
	    seen)) == NULL) {
		usage(stderr);
		return BS_USAGE;
	}
	if (ir.file == NULL)
		ir.file = IRSYNC_CONF;
	if (ir.verbose)
		log_setlevel(LOG_LEVEL_DEBUG);
	ir.progress = term_columns(stderr) > 0;
	status = run(&ir, cmd, argv + optind + 1);
	end_by_signal();
	return output_end(status);
}
