/* keys.c: validate-ssh keys, the lines of authorized_keys(5) for the clients of
 * a policy.
 * In: a policy, and files with public keys, each named after its client.
 * Out: lines that let each key start validate-ssh for its client and nothing
 * else, from where the policy lets it come.
 *
 * A public key file comes from the client's machine, so it is not trusted.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <ctype.h>
#include <err.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "keys.h"
#include "store.h"

#define BASE64	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
		"0123456789+/"
/* What needs no quoting by sshd(8) nor by the account's shell. */
#define PLAIN	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
		"0123456789/._-+@%,:"

static const char *const types[] = {
	"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
};

static int
bad(struct diag *d, const char *msg)
{
	(void)strlcpy(d->msg, msg, sizeof(d->msg));
	return -1;
}

static bool
is_type(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i]) == n && memcmp(types[i], s, n) == 0)
			return true;
	return false;
}

/* Does the base64 text begin with the length and the bytes of the type? */
static bool
is_blob_of(const char *b64, size_t n, const char *type, size_t type_len)
{
	unsigned char head[64];
	const char *p;
	size_t i, have = 0;
	unsigned bits = 0, acc = 0;

	for (i = 0; i < n && have < 4 + type_len && have < sizeof(head); i++) {
		if ((p = strchr(BASE64, b64[i])) == NULL)
			return false;
		acc = (acc << 6 | (unsigned)(p - BASE64)) & 0xffff;
		if ((bits += 6) >= 8)
			head[have++] = (unsigned char)(acc >> (bits -= 8));
	}
	return have == 4 + type_len && head[0] == 0 && head[1] == 0 &&
	    head[2] == 0 && head[3] == type_len &&
	    memcmp(head + 4, type, type_len) == 0;
}

/* A copy without what is not printable. */
static char *
clean_comment(const char *s)
{
	char *copy = strdup(s), *p;

	for (p = copy; p != NULL && *p != '\0'; p++)
		if (!isascii((unsigned char)*p) || !isprint((unsigned char)*p))
			*p = '?';
	return copy;
}

int
pubkey_parse(const char *line, struct pubkey *k, struct diag *d)
{
	const char *b64, *end;
	size_t type_len, n;

	memset(k, 0, sizeof(*k));
	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#')
		return 0;
	if (strstr(line, "PRIVATE KEY") != NULL)
		return bad(d, "a private key; the public one is wanted");
	type_len = strcspn(line, " \t");
	if (!is_type(line, type_len))
		return bad(d, "no known type of key begins the line");
	b64 = line + type_len + strspn(line + type_len, " \t");
	n = strspn(b64, BASE64);
	end = b64 + n + strspn(b64 + n, "=");
	if (end - b64 > 4096 || (*end != '\0' && *end != ' ' && *end != '\t') ||
	    !is_blob_of(b64, n, line, type_len))
		return bad(d, "not a key of that type");
	if (asprintf(&k->blob, "%.*s %.*s", (int)type_len, line,
	    (int)(end - b64), b64) == -1) {
		k->blob = NULL;
		return bad(d, "out of memory");
	}
	if ((k->comment = clean_comment(end + strspn(end, " \t"))) == NULL) {
		pubkey_free(k);
		return bad(d, "out of memory");
	}
	return 1;
}

void
pubkey_free(struct pubkey *k)
{
	free(k->blob);
	free(k->comment);
	memset(k, 0, sizeof(*k));
}

/* What stays the same while the lines are made. */
struct maker {
	const struct policy	*policy;
	const char		*program;	/* absolute */
	const char		*policy_file;	/* or NULL */
	struct strv		 lines;
	struct strv		 blobs;		/* keys seen */
	struct strv		 owners;	/* and whose they are */
};

static int
add_line(struct maker *m, const struct policy_client *c,
    const struct pubkey *k)
{
	char net[NETWORK_TEXT], *from = NULL;
	size_t size = 0, i;
	FILE *f;
	int rc;

	if ((f = open_memstream(&from, &size)) == NULL)
		return -1;
	for (i = 0; i < c->n_from; i++) {
		network_format(&c->from[i], net);
		fprintf(f, "%s%s", i == 0 ? ",from=\"" : ",", net);
	}
	fprintf(f, "%s", i > 0 ? "\"" : "");
	fclose(f);
	rc = strv_addf(&m->lines, "command=\"%s%s%s %s\",restrict%s %s%s%s",
	    m->program, m->policy_file != NULL ? " -f " : "",
	    m->policy_file != NULL ? m->policy_file : "", c->name, from,
	    k->blob, k->comment[0] != '\0' ? " " : "", k->comment);
	free(from);
	return rc;
}

/* Whose is this key already?  NULL: nobody's. */
static const char *
owner_of(const struct maker *m, const struct pubkey *k)
{
	size_t i;

	for (i = 0; i < m->blobs.n; i++)
		if (strcmp(m->blobs.v[i], k->blob) == 0)
			return m->owners.v[i];
	return NULL;
}

static int
take_key(struct maker *m, const struct policy_client *c, const char *line,
    struct diag *d)
{
	struct pubkey k;
	const char *owner;
	int rc;

	if ((rc = pubkey_parse(line, &k, d)) != 1)
		return rc;
	if ((owner = owner_of(m, &k)) != NULL) {
		/* sshd would take the first line for all of them. */
		snprintf(d->msg, sizeof(d->msg), "the key is %s's already",
		    owner);
		rc = -1;
	} else if (add_line(m, c, &k) == -1 ||
	    strv_add(&m->blobs, k.blob) == -1 ||
	    strv_add(&m->owners, c->name) == -1)
		rc = bad(d, "out of memory");
	pubkey_free(&k);
	return rc;
}

/* The keys of one file.  -1 with errors said. */
static int
take_keys(struct maker *m, const struct policy_client *c, const char *path,
    char *text)
{
	struct diag d = { 0 };
	char *line;
	unsigned no = 0, found = 0;
	int r, rc = 0;

	while ((line = strsep(&text, "\n")) != NULL) {
		no++;
		line[strcspn(line, "\r")] = '\0';
		if ((r = take_key(m, c, line, &d)) == -1) {
			warnx("%s:%u: %s", path, no, d.msg);
			rc = -1;
		}
		found += r != 0;
	}
	if (found == 0) {
		warnx("%s: no key in it", path);
		return -1;
	}
	return rc;
}

/* The client whose key file this is, or NULL with an error said. */
static const struct policy_client *
client_of(const struct policy *p, const char *path)
{
	const char *base = strrchr(path, '/');
	const struct policy_client *c;
	char name[STORE_HOST_MAX + 1];
	size_t n;

	base = base != NULL ? base + 1 : path;
	n = strlen(base);
	if (n < 5 || strcmp(base + n - 4, ".pub") != 0 ||
	    n - 4 >= sizeof(name)) {
		warnx("%s: not named CLIENT.pub", path);
		return NULL;
	}
	memcpy(name, base, n - 4);
	name[n - 4] = '\0';
	if ((c = policy_find(p, name)) == NULL)
		warnx("%s: the policy names no client \"%s\"", path, name);
	return c;
}

static int
take_file(struct maker *m, const char *path)
{
	const struct policy_client *c;
	struct diags ds = { 0 };
	char *text;
	int rc = -1;

	if ((c = client_of(m->policy, path)) == NULL)
		return -1;
	if ((text = conf_read(path, &ds)) == NULL)
		diags_print(stderr, path, &ds);
	else
		rc = take_keys(m, c, path, text);
	free(text);
	diags_free(&ds);
	return rc;
}

/* The absolute path of a file, in plain letters.  NULL with an error said. */
static char *
plain_path(const char *path)
{
	char *full;

	if ((full = realpath(path, NULL)) == NULL)
		warn("%s", path);
	else if (full[strspn(full, PLAIN)] != '\0') {
		warnx("%s: authorized_keys and a shell would take something "
		    "in this name for their own", full);
		free(full);
		full = NULL;
	}
	return full;
}

int
keys_print(const struct policy *p, const char *policy_file, char *names[])
{
	struct maker m = { .policy = p };
	char *program = NULL, *conf = NULL;
	size_t i;
	int rc = 0;

	if ((program = plain_path("/proc/self/exe")) == NULL ||
	    (policy_file != NULL && (conf = plain_path(policy_file)) == NULL))
		rc = -1;
	m.program = program != NULL ? program : "";
	m.policy_file = conf;
	for (; *names != NULL; names++)
		if (take_file(&m, *names) == -1)
			rc = -1;
	for (i = 0; rc == 0 && i < m.lines.n; i++)
		printf("%s\n", m.lines.v[i]);
	free(program);
	free(conf);
	strv_free(&m.lines);
	strv_free(&m.blobs);
	strv_free(&m.owners);
	return rc;
}
