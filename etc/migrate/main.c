/* main.c: backshelf-migrate(8), the command line.
 * find.c and from_*.c look at old trees, plan.c objects, act.c renames; rfxn.c
 * and authkeys.c read old configurations.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"
#include "migrate.h"
#include "option.h"
#include "output.h"
#include "spawn.h"
#include "version.h"

static int
cmd_irsync(const struct options *o, char **args)
{
	return cmd_tree(o, "irsync", find_irsync, args);
}

static int
cmd_rsnapshot(const struct options *o, char **args)
{
	return cmd_tree(o, "rsnapshot", find_rsnapshot, args);
}

static int
cmd_tmbackup(const struct options *o, char **args)
{
	return cmd_tree(o, "rsync-time-backup", find_tmbackup, args);
}

/* Options that a command takes, by what getopt_long(3) returns. */
enum {
	OPT_JSON = 256,
	OPT_POLICY,
	OPT_PARTIAL,
	OPT_COMPLETE,
	OPT_HELP,
	OPT_VERSION
};

static const struct command {
	const char	*name;
	int		(*run)(const struct options *, char **);
	int		 options[9];	/* ends in 0; all take -n */
	bool		 needs_root;	/* -r must be given */
	int		 min, max;	/* operands */
	const char	*usage;
} commands[] = {
	{ "vbladed", cmd_vbladed, { OPT_JSON }, false, 0, 1,
	    "[-n] [--json] vbladed [file]" },
	{ "vblade", cmd_vblade, { OPT_JSON }, false, 0,
	    OPERANDS_ANY,
	    "[-n] [--json] vblade [path ...]" },
	{ "keys", cmd_keys, { 'f', 'r', OPT_POLICY }, false, 1, OPERANDS_ANY,
	    "[-n] [-f sshguard.conf] [-r root] [--policy]\n"
	    "           keys authorized_keys [line=client ...]" },
	{ "irsync-conf", cmd_irsync_conf, { 'H' }, false, 0, 1,
	    "[-n] [-H host] irsync-conf [file]" },
	{ "irsync", cmd_irsync, { 'o', 'v', OPT_JSON, OPT_PARTIAL,
	    OPT_COMPLETE }, false, 1, OPERANDS_ANY,
	    "[-nv] [-o uid:gid] [--complete name] [--json]\n"
	    "           [--partial name] irsync root [host ...]" },
	{ "rsnapshot", cmd_rsnapshot, { 'r', 'v', OPT_JSON, OPT_PARTIAL },
	    true, 1, OPERANDS_ANY,
	    "[-nv] [--json] [--partial name] -r root\n"
	    "           rsnapshot snapshot_root [host[=folder] ...]" },
	{ "rsync-time-backup", cmd_tmbackup, { 'p', 'r', 'v', OPT_JSON,
	    OPT_PARTIAL, OPT_COMPLETE }, true, 2, 2,
	    "[-nv] [-p path] [--complete name] [--json]\n"
	    "           [--partial name] -r root rsync-time-backup folder "
	    "host" },
	{ "undo", cmd_undo, { 0 }, false, 1, 1, "[-n] undo file" },
};

static const struct option longs[] = {
	{ "complete",	required_argument,	NULL,	OPT_COMPLETE },
	{ "help",	no_argument,		NULL,	OPT_HELP },
	{ "json",	no_argument,		NULL,	OPT_JSON },
	{ "partial",	required_argument,	NULL,	OPT_PARTIAL },
	{ "policy",	no_argument,		NULL,	OPT_POLICY },
	{ "version",	no_argument,		NULL,	OPT_VERSION },
	{ NULL,		0,			NULL,	0 }
};

static void
usage(FILE *f)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(f, "%s backshelf-migrate %s\n",
		    i == 0 ? "usage:" : "      ", commands[i].usage);
}

static void __attribute__((noreturn))
usage_error(void)
{
	usage(stderr);
	exit(BS_USAGE);
}

static void
add(struct strv *to, const char *s)
{
	if (strv_add(to, s) == -1)
		err(BS_FAIL, NULL);
}

static void
take_option(struct options *o, int ch)
{
	switch (ch) {
	case 'f':
		o->file = optarg;
		break;
	case 'H':
		o->host = optarg;
		break;
	case 'n':
		o->dry = true;
		break;
	case 'o':
		o->owner = optarg;
		break;
	case 'p':
		o->path = optarg;
		break;
	case 'r':
		o->root = optarg;
		break;
	case 'v':
		o->verbose = true;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_POLICY:
		o->policy = true;
		break;
	case OPT_PARTIAL:
		add(&o->partial, optarg);
		break;
	case OPT_COMPLETE:
		add(&o->complete, optarg);
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

static bool
command_takes(const struct command *c, int option)
{
	const int *p;

	if (option == 'n')
		return true;
	for (p = c->options; *p != 0; p++)
		if (*p == option)
			return true;
	return false;
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

int
main(int argc, char **argv)
{
	struct options o = { .dry = false };
	const struct command *c;
	int ch, seen[32], n = 0, rc;

	if (spawn_fill_fds() == -1)
		return BS_FAIL;
	log_init("backshelf-migrate", LOG_TO_STDERR, 0);
	while ((ch = getopt_long(argc, argv, "f:H:no:p:r:v", longs,
	    NULL)) != -1) {
		take_option(&o, ch);
		if (n < 32)
			seen[n++] = ch;
	}
	argc -= optind;
	argv += optind;
	if (operands_check(argc, argv, 1, OPERANDS_ANY) == -1)
		usage_error();
	if ((c = command_find(argv[0])) == NULL) {
		warnx("%s: no such command", argv[0]);
		usage_error();
	}
	if (operands_check(argc - 1, argv + 1, c->min, c->max) == -1)
		usage_error();
	while (n > 0)
		if (!command_takes(c, seen[--n])) {
			option_misfit(longs, seen[n]);
			usage_error();
		}
	if (c->needs_root && o.root == NULL) {
		warnx("-r is missing");
		usage_error();
	}
	rc = c->run(&o, argv + 1);
	strv_free(&o.partial);
	strv_free(&o.complete);
	return output_end(rc);
}
