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
#include <time.h>
#include <unistd.h>
#include <vis.h>

#include "conf.h"
#include "decide.h"
#include "exits.h"
#include "human.h"
#include "journal.h"
#include "keys.h"
#include "log.h"
#include "option.h"
#include "output.h"
#include "policy.h"
#include "run.h"
#include "secluded.h"
#include "spawn.h"
#include "store.h"
#include "version.h"

#define SHOWN	1000		/* bytes of a command in a message */
#define SECLUDED_MS 60000	/* for a client to send --secluded-args */

static void
usage(FILE *f)
{
	fprintf(f, "usage: validate-ssh [-nv] [-f sshguard.conf] client\n"
	    "       validate-ssh keys [-f sshguard.conf] client.pub ...\n");
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
explain_words(const struct strv *words)
{
	size_t i;

	printf("runs:");
	for (i = 0; i < words->n; i++)
		print_word(words->v[i]);
	printf("\n");
}

/* What the policy holds against a client that was let in. */
static void
explain_limits(const struct policy_client *c, bool push)
{
	char text[HUMAN_SIZE];

	if (push && c->quota != 0) {
		human_size(text, c->quota);
		printf("limit: %s for the whole store\n", text);
	}
	if (push && c->quota_files != 0)
		printf("limit: %llu files and folders in the whole store\n",
		    (unsigned long long)c->quota_files);
	if (push && c->interval != 0) {
		human_duration(text, c->interval);
		printf("limit: a snapshot every %s\n", text);
	}
	if (c->bwlimit != 0) {
		human_size(text, c->bwlimit * 1024ULL);
		printf("limit: %s a second\n", text);
	}
	if (c->sessions != 0)
		printf("limit: %u at a time\n", c->sessions);
}

static void
explain_run(const struct inquiry *q, const struct verdict *v)
{
	char full[STORE_HOST_MAX + 16];
	struct scene sc;
	struct strv argv = { 0 };

	run_scene(q, &sc, full, sizeof(full));
	if (v->kind == VERDICT_PUSH)
		printf("accepted: a push into %s%s%s%s\n", full + 1,
		    v->subdir[0] != '\0' ? "/" : "", v->subdir,
		    v->dry_run ? "; a trial run, which changes nothing" :
		    ", to become a snapshot");
	else
		printf("accepted: a pull\n");
	if (decide_argv(v, &sc, &argv) == 0)
		explain_words(&argv);
	strv_free(&argv);
	explain_limits(v->who, v->kind == VERDICT_PUSH && !v->dry_run);
}

/* -n: show the verdict, carry nothing out. */
static int
explain(const struct inquiry *q, const struct verdict *v)
{
	switch (v->kind) {
	case VERDICT_SECLUDED:
	case VERDICT_REFUSED:
		printf("refused: %s\n", v->reason);
		return BS_REFUSED;
	case VERDICT_SHELL:
		printf("refused: an interactive shell\n");
		return BS_REFUSED;
	case VERDICT_TRUE:
		printf("accepted: a check of the connection; nothing runs\n");
		return BS_OK;
	case VERDICT_COMMAND:
		printf("accepted: a command that the policy names\n");
		explain_words(&v->command);
		return BS_OK;
	case VERDICT_PUSH:
	case VERDICT_PULL:
		break;
	}
	explain_run(q, v);
	return BS_OK;
}

/* The command as the log has it, with what --secluded-args added.  To be
 * freed; NULL if memory is short. */
static char *
shown_command(const struct inquiry *q)
{
	const char *cmd = q->command != NULL ? q->command : "";
	const char *cut = strlen(cmd) > SHOWN ? "..." : "";
	char *text = NULL;
	size_t size = 0, i;
	FILE *f;

	if ((f = open_memstream(&text, &size)) == NULL)
		return NULL;
	fprintf(f, "%.*s%s", SHOWN, cmd, cut);
	for (i = 1; q->rest != NULL && i < q->rest->n; i++) {
		if (ftell(f) > 2 * SHOWN) {
			fprintf(f, "...");
			break;
		}
		fprintf(f, " %.*s", SHOWN, q->rest->v[i]);
	}
	fclose(f);
	return text;
}

static int
carry_out(const struct inquiry *q, const struct verdict *v,
    const struct journal *j)
{
	const char *from = q->address != NULL ? q->address : "here";
	char *cmd = shown_command(q);
	int rc = BS_REFUSED;

	switch (v->kind) {
	case VERDICT_SECLUDED:
	case VERDICT_REFUSED:
		journal_tell(j, "ssh command rejected from %s: %s: %s", from,
		    cmd != NULL ? cmd : "", v->reason);
		break;
	case VERDICT_SHELL:
		journal_tell(j, "interactive shell rejected from %s", from);
		break;
	case VERDICT_TRUE:
	case VERDICT_COMMAND:
	case VERDICT_PUSH:
	case VERDICT_PULL:
		journal_log(j, "ssh command accepted from %s: %s", from,
		    cmd != NULL ? cmd : "");
		rc = v->kind == VERDICT_TRUE ? BS_OK : run_verdict(q, v, j);
		break;
	}
	free(cmd);
	return rc;
}

/* The minute of the day, where the server is. */
static unsigned
minute_now(void)
{
	struct tm tm;
	time_t now = time(NULL);

	localtime_r(&now, &tm);
	return (unsigned)(tm.tm_hour * 60 + tm.tm_min);
}

/* Judge, and read what belongs to the command from the stream if it does. */
static void
judge(struct inquiry *q, struct secluded *rest, struct verdict *v)
{
	struct diag d = { 0 };

	decide(q, v);
	if (v->kind != VERDICT_SECLUDED)
		return;
	if (secluded_read(0, SECLUDED_MS, rest, &d) == -1) {
		v->kind = VERDICT_REFUSED;
		(void)strlcpy(v->reason, d.msg, sizeof(v->reason));
		return;
	}
	q->rest = &rest->words;
	verdict_free(v);
	decide(q, v);
}

/* Judge and carry out, or explain. */
static int
serve(struct inquiry q, const char *file, bool dry, struct journal *j)
{
	struct secluded rest = { 0 };
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
	q.minute = minute_now();
	if (!dry && geteuid() == 0) {
		journal_tell(j, "refused: the account of the backups must not "
		    "be root");
		policy_free(&policy);
		return BS_CONFIG;
	}
	judge(&q, &rest, &v);
	rc = dry ? explain(&q, &v) : carry_out(&q, &v, j);
	verdict_free(&v);
	secluded_free(&rest);
	policy_free(&policy);
	return rc;
}

struct options {
	const char	*file;
	bool		 keys;		/* the first word was "keys" */
	bool		 dry;
};

/* -1 to go on, or an exit status. */
static int
read_options(int argc, char *argv[], struct options *o)
{
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int ch;

	while ((ch = getopt_long(argc, argv, o->keys ? "+f:" : "+f:nv",
	    longopts, NULL)) != -1)
		switch (ch) {
		case 'f':
			o->file = optarg;
			break;
		case 'n':
			o->dry = true;
			break;
		case 'v':
			log_setlevel(LOG_LEVEL_DEBUG);
			break;
		case 'h':
			usage(stdout);
			return output_end(BS_OK);
		case 'V':
			puts(BACKSHELF_VERSION);
			return output_end(BS_OK);
		default:
			usage(stderr);
			return BS_USAGE;
		}
	if (operands_check(argc - optind, argv + optind, 1,
	    o->keys ? OPERANDS_ANY : 1) == -1) {
		usage(stderr);
		return BS_USAGE;
	}
	return -1;
}

/* validate-ssh keys. */
static int
print_keys(const char *file, char *names[])
{
	struct policy policy;
	int rc;

	if (load_policy(file, &policy, NULL, true) == -1)
		return BS_CONFIG;
	rc = keys_print(&policy, strcmp(file, POLICY_FILE) == 0 ? NULL : file,
	    names) == -1 ? BS_FAIL : BS_OK;
	policy_free(&policy);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct options o = { .file = POLICY_FILE };
	struct inquiry q = { 0 };
	struct journal j;
	char address[64];
	int rc;

	if (spawn_fill_fds() == -1)
		return BS_FAIL;
	if (argc > 1 && strcmp(argv[1], "keys") == 0) {
		o.keys = true;
		argc--;
		argv++;
	}
	if ((rc = read_options(argc, argv, &o)) != -1)
		return rc;
	if (o.keys)
		return output_end(print_keys(o.file, argv + optind));
	log_init("validate-ssh", o.dry ? LOG_TO_STDERR : LOG_TO_SYSLOG,
	    LOG_AUTH);
	journal_open(&j);
	q.client = argv[optind];
	q.address = peer_address(address, sizeof(address));
	q.command = getenv("SSH_ORIGINAL_COMMAND");
	/* Some of the rest may be the client's (AcceptEnv of sshd_config(5)),
	 * such as the time zone that hours are reckoned in. */
	clearenv();
	return output_end(serve(q, o.file, o.dry, &j));
}
