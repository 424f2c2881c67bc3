/* main.c: validate-ssh(8), the forced command of a client's key.
 * Reads its command line, the policy and what sshd left in the environment;
 * has it judged by decide.c and carried out by run.c.
 * Nothing is read from the client before that, and nothing but rsync ever
 * writes to descriptor 1.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <arpa/inet.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#include <vis.h>

#include "conf.h"
#include "decide.h"
#include "exits.h"
#include "journal.h"
#include "log.h"
#include "policy.h"
#include "run.h"
#include "spawn.h"
#include "store.h"
#include "version.h"

#define SHOWN	1000		/* bytes of a command in a message */

static void
usage(FILE *f)
{
	fprintf(f, "usage: validate-ssh [-nv] [-f sshguard.conf] client\n");
}

/* The address that the client came from, of the environment that sshd made;
 * NULL if there is none. */
static const char *
peer_address(char *buf, size_t size)
{
	const char *s;
	unsigned char a[16];
	size_t n;

	if ((s = getenv("SSH_CONNECTION")) == NULL &&
	    (s = getenv("SSH_CLIENT")) == NULL)
		return NULL;
	n = strcspn(s, " %");		/* a link-local one has a scope */
	if (n == 0 || n >= size)
		return NULL;
	memcpy(buf, s, n);
	buf[n] = '\0';
	return inet_pton(AF_INET, buf, a) == 1 ||
	    inet_pton(AF_INET6, buf, a) == 1 ? buf : NULL;
}

/* Read the policy.  0, or -1 with every error reported. */
static int
load_policy(const char *path, struct policy *p, const struct journal *j,
    bool explain)
{
	struct diags ds = { 0 };
	char *text, *report = NULL;
	size_t size = 0, i;
	FILE *f;
	int rc = -1;

	if ((text = conf_read(path, &ds)) != NULL)
		rc = policy_parse(text, p, &ds);
	free(text);
	if (rc == -1 && explain)
		diags_print(stderr, path, &ds);
	else if (rc == -1 && (f = open_memstream(&report, &size)) != NULL) {
		diags_print(f, path, &ds);
		fclose(f);
		for (i = 0; i < size; i++)
			if (report[i] == '\n')
				report[i] = i + 1 < size ? ';' : '\0';
		journal_log(j, "%s", report);
	}
	free(report);
	diags_free(&ds);
	return rc;
}

/* Print one word, with anything strange in it escaped. */
static void
print_word(const char *s)
{
	char *safe;

	if ((safe = calloc(strlen(s) + 1, 4)) != NULL) {
		strvis(safe, s, VIS_OCTAL | VIS_WHITE);
		printf(" %s", safe);
	}
	free(safe);
}

static void
explain_run(const struct inquiry *q, const struct verdict *v)
{
	char full[STORE_HOST_MAX + 16];
	struct scene sc;
	struct strv argv = { 0 };
	size_t i;

	run_scene(q, &sc, full, sizeof(full));
	if (v->kind == VERDICT_PUSH)
		printf("accepted: a push into %s%s%s%s\n", full + 1,
		    v->subdir[0] != '\0' ? "/" : "", v->subdir,
		    v->dry_run ? "; a trial run, which changes nothing" :
		    ", to become a snapshot");
	else
		printf("accepted: a pull\n");
	if (decide_argv(v, &sc, &argv) == 0) {
		printf("runs:");
		for (i = 0; i < argv.n; i++)
			print_word(argv.v[i]);
		printf("\n");
	}
	strv_free(&argv);
}

/* -n: show the verdict, carry nothing out. */
static int
explain(const struct inquiry *q, const struct verdict *v)
{
	switch (v->kind) {
	case VERDICT_REFUSED:
		printf("refused: %s\n", v->reason);
		return BS_REFUSED;
	case VERDICT_SHELL:
		printf("refused: an interactive shell\n");
		return BS_REFUSED;
	case VERDICT_TRUE:
		printf("accepted: a check of the connection; nothing runs\n");
		return BS_OK;
	case VERDICT_PUSH:
	case VERDICT_PULL:
		break;
	}
	explain_run(q, v);
	return BS_OK;
}

static int
carry_out(const struct inquiry *q, const struct verdict *v,
    const struct journal *j)
{
	const char *from = q->address != NULL ? q->address : "here";
	const char *cmd = q->command != NULL ? q->command : "";
	const char *cut = strlen(cmd) > SHOWN ? "..." : "";

	switch (v->kind) {
	case VERDICT_REFUSED:
		journal_tell(j, "ssh command rejected from %s: %.*s%s: %s",
		    from, SHOWN, cmd, cut, v->reason);
		return BS_REFUSED;
	case VERDICT_SHELL:
		journal_tell(j, "interactive shell rejected from %s", from);
		return BS_REFUSED;
	case VERDICT_TRUE:
	case VERDICT_PUSH:
	case VERDICT_PULL:
		break;
	}
	journal_log(j, "ssh command accepted from %s: %.*s%s", from, SHOWN,
	    cmd, cut);
	return v->kind == VERDICT_TRUE ? BS_OK : run_verdict(q, v, j);
}

/* Judge and carry out, or explain. */
static int
serve(struct inquiry q, const char *file, bool dry, struct journal *j)
{
	struct policy policy;
	struct verdict v;
	int rc;

	if (load_policy(file, &policy, j, dry) == -1) {
		if (!dry)
			journal_tell(j, "%s: refused: the policy on the "
			    "server is broken", q.client);
		return BS_CONFIG;
	}
	if (!dry && policy.log != NULL && journal_file(j, policy.log) == -1)
		journal_log(j, "%s: %m", policy.log);
	q.policy = &policy;
	decide(&q, &v);
	if (dry)
		rc = explain(&q, &v);
	else if (geteuid() == 0) {
		journal_tell(j, "refused: the account of the backups must not "
		    "be root");
		rc = BS_CONFIG;
	} else
		rc = carry_out(&q, &v, j);
	verdict_free(&v);
	policy_free(&policy);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *file = POLICY_FILE;
	struct inquiry q = { 0 };
	struct journal j;
	char address[64];
	bool dry = false;
	int ch;

	if (spawn_fill_fds() == -1)
		return BS_FAIL;
	while ((ch = getopt_long(argc, argv, "f:nv", longopts, NULL)) != -1)
		switch (ch) {
		case 'f':
			file = optarg;
			break;
		case 'n':
			dry = true;
			break;
		case 'v':
			log_setlevel(LOG_LEVEL_DEBUG);
			break;
		case 'h':
			usage(stdout);
			return BS_OK;
		case 'V':
			printf("%s\n", BACKSHELF_VERSION);
			return BS_OK;
		default:
			usage(stderr);
			return BS_USAGE;
		}
	if (argc - optind != 1) {
		usage(stderr);
		return BS_USAGE;
	}
	log_init("validate-ssh", dry ? LOG_TO_STDERR : LOG_TO_SYSLOG,
	    LOG_AUTH);
	journal_open(&j);
	q.client = argv[optind];
	q.address = peer_address(address, sizeof(address));
	q.command = getenv("SSH_ORIGINAL_COMMAND");
	return serve(q, file, dry, &j);
}
