/* cmd_keys.c: authorized_keys(5) with validate-ssh.sh or rrsync, into one with
 * validate-ssh(8), or into its policy.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sshguard/network.h"
#include "../../sshguard/policy.h"
#include "authkeys.h"
#include "conf.h"
#include "exits.h"
#include "migrate.h"
#include "text.h"

#define PROGRAM	"/usr/local/libexec/validate-ssh"

struct line {
	char		*text;
	struct authkey	 k;	/* AUTHKEY_OTHER: text stays */
	bool		 sure;	/* the user named the client */
};

struct keys {
	struct line	*v;
	size_t		 n;
	struct diags	 ds;
};

/* What the user says of a line: "3=apollo.example.net", or "3=-" for: leave
 * it.  NULL: nothing. */
static const char *
word_of(char **args, size_t line)
{
	char number[24];
	size_t n;

	n = (size_t)snprintf(number, sizeof(number), "%zu=", line);
	for (; *args != NULL; args++)
		if (strncmp(*args, number, n) == 0)
			return *args + n;
	return NULL;
}

static void
check_words(char **args, size_t lines)
{
	const char *wrong;
	char *copy, *eq;

	for (; *args != NULL; args++) {
		if ((copy = strdup(*args)) == NULL)
			err(BS_FAIL, NULL);
		if ((eq = strchr(copy, '=')) != NULL)
			*eq++ = '\0';
		(void)strtonum(copy, 1, (long long)lines, &wrong);
		if (eq == NULL || wrong != NULL || (strcmp(eq, "-") != 0 &&
		    !store_host_valid(eq)))
			errx(BS_USAGE, "%s: not LINE=CLIENT, with one of %zu "
			    "lines", *args, lines);
		free(copy);
	}
}

static void
take_line(struct keys *ks, char *text, char **args)
{
	struct diag d = { 0 };
	const char *word;
	struct line *l;

	if ((ks->v = reallocarray(ks->v, ks->n + 1, sizeof(*l))) == NULL)
		err(BS_FAIL, NULL);
	l = &ks->v[ks->n++];
	memset(l, 0, sizeof(*l));
	l->text = text;
	word = word_of(args, ks->n);
	if (word != NULL && strcmp(word, "-") == 0)
		return;
	if (authkey_parse(text, &l->k, &d) == -1) {
		diags_add(&ks->ds, (unsigned)ks->n, 0, "%s", d.msg);
		return;
	}
	if (l->k.kind == AUTHKEY_OTHER) {
		if (word != NULL)
			diags_add(&ks->ds, (unsigned)ks->n, 0,
			    "no line of validate-ssh.sh or rrsync");
		return;
	}
	if (word != NULL) {
		free(l->k.client);
		if ((l->k.client = strdup(word)) == NULL)
			err(BS_FAIL, NULL);
		l->sure = true;
	} else if (l->k.client == NULL || !store_host_valid(l->k.client))
		diags_add(&ks->ds, (unsigned)ks->n, 0, "nothing says whose "
		    "key this is; say %zu=CLIENT", ks->n);
}

/* Two lines of one client, or one key for two. */
static void
check_twice(struct keys *ks, size_t i)
{
	const struct authkey *a = &ks->v[i].k, *b;
	size_t j;

	for (j = 0; a->kind != AUTHKEY_OTHER && j < i; j++) {
		b = &ks->v[j].k;
		if (b->kind == AUTHKEY_OTHER)
			continue;
		if (strcmp(a->blob, b->blob) == 0)
			diags_add(&ks->ds, (unsigned)i + 1, 0, "the same key "
			    "as in line %zu: each client needs its own, or "
			    "sshd cannot tell them apart", j + 1);
		else if (a->client != NULL && b->client != NULL &&
		    !ks->v[i].sure && strcmp(a->client, b->client) == 0)
			diags_add(&ks->ds, (unsigned)i + 1, 0, "%s is line "
			    "%zu's client already; if it is this one's too, "
			    "say %zu=%s", a->client, j + 1, i + 1, a->client);
	}
}

/* Where validate-ssh is: beside us, or in the libexec beside our folder. */
static char *
program_find(void)
{
	static const char *const tails[] = { "/validate-ssh",
	    "/../libexec/validate-ssh", "/../libexec/backshelf/validate-ssh" };
	char self[PATH_MAX], *path, *full;
	ssize_t n;
	size_t i;

	if ((n = readlink("/proc/self/exe", self, sizeof(self) - 1)) > 0) {
		self[n] = '\0';
		*strrchr(self, '/') = '\0';
		for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
			if (asprintf(&path, "%s%s", self, tails[i]) == -1)
				err(BS_FAIL, NULL);
			full = realpath(path, NULL);
			free(path);
			if (full != NULL && text_is_plain(full))
				return full;
			free(full);
		}
	}
	if ((full = strdup(PROGRAM)) == NULL)
		err(BS_FAIL, NULL);
	return full;
}

static void
print_keys(const struct keys *ks, const char *conf)
{
	char *program = program_find();
	const struct authkey *k;
	size_t i;

	for (i = 0; i < ks->n; i++) {
		k = &ks->v[i].k;
		if (k->kind == AUTHKEY_OTHER) {
			puts(ks->v[i].text);
			continue;
		}
		printf("command=\"%s%s%s %s\",restrict", program,
		    conf != NULL ? " -f " : "", conf != NULL ? conf : "",
		    k->client);
		if (k->from != NULL)
			printf(",from=\"%s\"", k->from);
		printf("%s %s%s%s\n", k->more != NULL ? k->more : "", k->blob,
		    k->comment[0] != '\0' ? " " : "", k->comment);
	}
	free(program);
}

/* The addresses of from="", if the policy can say all of them. */
static void
print_from(const char *from)
{
	struct network net;
	char *copy, *rest, *word, text[NETWORK_TEXT];
	int pass;
	bool ok = true;

	for (pass = 0; from != NULL && ok && pass < 2; pass++) {
		if ((copy = rest = strdup(from)) == NULL)
			err(BS_FAIL, NULL);
		if (pass == 1)
			printf("\tfrom = {");
		while ((word = strsep(&rest, ",")) != NULL) {
			if (network_parse(word, &net) == -1) {
				ok = false;
				break;
			}
			network_format(&net, text);
			if (pass == 1)
				printf(" \"%s\"%s", text,
				    rest != NULL ? "," : " }\n");
		}
		free(copy);
	}
}

/* Has an earlier line named the client? */
static bool
is_named(const struct keys *ks, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (ks->v[j].k.kind != AUTHKEY_OTHER &&
		    strcmp(ks->v[j].k.client, ks->v[i].k.client) == 0)
			return true;
	return false;
}

static void
print_policy(const struct keys *ks, const char *root)
{
	const struct authkey *k;
	size_t i;

	printf("# Made of authorized_keys by backshelf-migrate.\nroot = ");
	text_quote(stdout, root);
	putchar('\n');
	for (i = 0; i < ks->n; i++) {
		k = &ks->v[i].k;
		if (k->kind == AUTHKEY_OTHER || is_named(ks, i))
			continue;
		printf("\nclient \"%s\" {\n\tpush = %s\n\tpull = %s\n",
		    k->client, k->push ? "true" : "false",
		    k->pull ? "true" : "false");
		print_from(k->from);
		printf("}\n");
	}
}

/* The folder that the stores are to be in: rrsync's folders lie in it. */
static char *
root_find(struct keys *ks, const char *given)
{
	char *root = NULL, *parent;
	size_t i;

	if (given != NULL)
		root = strdup(given);
	for (i = 0; given == NULL && i < ks->n; i++) {
		if (ks->v[i].k.folder == NULL)
			continue;
		if ((parent = strdup(ks->v[i].k.folder)) == NULL)
			err(BS_FAIL, NULL);
		*strrchr(parent, '/') = '\0';
		if (root == NULL)
			root = parent;
		else {
			if (strcmp(root, parent) != 0)
				diags_add(&ks->ds, (unsigned)i + 1, 0,
				    "in another folder than %s; say -r ROOT",
				    root);
			free(parent);
		}
	}
	if (root == NULL)
		root = strdup(STORE_ROOT);
	if (root == NULL)
		err(BS_FAIL, NULL);
	return root;
}

static void
keys_free(struct keys *ks)
{
	size_t i;

	for (i = 0; i < ks->n; i++)
		authkey_free(&ks->v[i].k);
	free(ks->v);
	diags_free(&ks->ds);
}

int
cmd_keys(const struct options *o, char **args)
{
	struct keys ks = { .v = NULL };
	const char *path = *args++;
	char *text, *rest, *line, *root;
	size_t i;
	int rc;

	if (o->file != NULL && !text_is_plain(o->file))
		errx(BS_USAGE, "-f: %s: letters, digits and / only", o->file);
	if ((text = rest = conf_read(path, &ks.ds)) == NULL) {
		diags_print(stderr, path, &ks.ds);
		return BS_FAIL;
	}
	while ((line = strsep(&rest, "\n")) != NULL)
		if (rest != NULL || *line != '\0') {
			line[strcspn(line, "\r")] = '\0';
			take_line(&ks, line, args);
		}
	check_words(args, ks.n);
	for (i = 0; i < ks.n; i++)
		check_twice(&ks, i);
	root = root_find(&ks, o->root);
	diags_sort(&ks.ds);
	diags_print(stderr, path, &ks.ds);
	rc = diags_any(&ks.ds) ? BS_FAIL : BS_OK;
	if (rc == BS_OK && !o->dry && o->policy)
		print_policy(&ks, root);
	else if (rc == BS_OK && !o->dry)
		print_keys(&ks, o->file);
	keys_free(&ks);
	free(root);
	free(text);
	return rc;
}
