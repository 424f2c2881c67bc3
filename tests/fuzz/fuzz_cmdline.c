/* fuzz_cmdline.c: any bytes as SSH_ORIGINAL_COMMAND and, behind the first NUL,
 * as what --secluded-args sends, through the whole judgement.  Beyond the
 * sanitizers: an argument vector that would be run must read as confined to the
 * client by a second, stricter reader, written apart from the first.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sshguard/decide.h"
#include "sshguard/secluded.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char text[] = "root = '/r'\nclient 'h' { pull = true  "
    "commands = {'/bin/df -h'}  bwlimit = '1M' }\n";

static int
starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* Is no component of the path ".."? */
static int
stays(const char *s)
{
	const char *p;

	for (p = s; (p = strstr(p, "..")) != NULL; p += 2)
		if ((p == s || p[-1] == '/') && (p[2] == '\0' || p[2] == '/'))
			return 0;
	return 1;
}

/* A long option: nothing that names a file, a program or a mode of running. */
static void
check_long(const char *o)
{
	static const char *const never[] = {
		"--daemon", "--config", "--dparam", "--log-file", "--rsh",
		"--rsync-path", "--remote-option", "--server", "--write-",
		"--read-batch", "--only-write", "--password", "--early",
		"--copy-", "--link-dest", "--compare-dest", "--temp-dir",
		"--super", "--no-fake", "--insecure", "--munge", "--no-munge",
		"--exclude-from", "--include-from", "--remove-",
		"--debug", "--max-alloc", "--address", "--port", "--sockopts",
		"--secluded", "--protect", "--trust", "--confine", "--iconv",
	};
	size_t i;

	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert(!starts(o, never[i]));
	if (starts(o, "--filter"))
		assert(strcmp(o, "--filter=-x user.rsync.%?acl") == 0 ||
		    strcmp(o, "--filter=Pp .~backshelf-partial~/") == 0);
	if (starts(o, "--files-from"))
		assert(strcmp(o, "--files-from=-") == 0);
	if (starts(o, "--partial-dir"))
		assert(strcmp(o, "--partial-dir=.~backshelf-partial~") == 0);
	if (starts(o, "--backup-dir="))
		assert(stays(o + 13) && o[13] != '/');
	if (starts(o, "--bwlimit="))
		assert(strtol(o + 10, NULL, 10) >= 1 &&
		    strtol(o + 10, NULL, 10) <= 1024);
	if (starts(o, "--timeout="))
		assert(strtol(o + 10, NULL, 10) >= 1 &&
		    strtol(o + 10, NULL, 10) <= 3600);
	if (starts(o, "--suffix="))
		assert(strchr(o, '/') == NULL);
}

static void
check_cluster(const char *o)
{
	const char *e = strchr(o, 'e');
	size_t n = e != NULL ? (size_t)(e - o) : strlen(o);

	assert(strcspn(o, "sLKkMTfF@B/=. ") >= n);
	if (e != NULL)
		assert(e[1 + strspn(e + 1, "0123456789.ABCDEFGHIJKLMNOPQRSTUV"
		    "WXYZabcdefghijklmnopqrstuvwxyz")] == '\0' &&
		    strchr(e, '.') != NULL);
}

static void
check_argv(const struct strv *a, int pull)
{
	size_t i = 2;
	int fake = 0, limits = 0, clusters = 0;

	assert(a->n >= 5 && strcmp(a->v[0], "/usr/bin/rsync") == 0);
	assert(strcmp(a->v[1], "--server") == 0);
	assert((strcmp(a->v[2], "--sender") == 0) == pull);
	for (i += (size_t)pull; i < a->n && strcmp(a->v[i], "--") != 0; i++) {
		assert(a->v[i][0] == '-');
		fake += strcmp(a->v[i], "--fake-super") == 0;
		limits += starts(a->v[i], "--bwlimit=");
		limits += starts(a->v[i], "--timeout=");
		if (a->v[i][1] == '-') {
			check_long(a->v[i]);
			continue;
		}
		check_cluster(a->v[i]);
		assert(++clusters == 1);
	}
	assert(fake == 1 && limits == 2 && i + 2 < a->n && strcmp(a->v[i + 1], ".") == 0);
	for (i += 2; i < a->n; i++) {
		const char *p = a->v[i];

		assert(stays(p) && p[0] != '-' && (pull || i + 1 == a->n));
		if (pull)
			while (starts(p, "./"))
				p += 2;
		assert(pull ? p[0] != '/' : starts(p, "/h.full/"));
		assert(starts(p, pull ? "h.full" : "/h.full") ||
		    starts(p, "h.snaps"));
		p = strchr(p + 1, '.') + 1;
		p += strspn(p, "fulsnap");
		assert(*p == '\0' || *p == '/');
	}
}

/* What a verdict lets run is confined to the client. */
static void
check_verdict(const struct verdict *v)
{
	struct scene sc = { .rsync = "/usr/bin/rsync", .dest = "/h.full",
	    .host = "h" };
	struct strv argv = { 0 };

	if (v->kind == VERDICT_PUSH || v->kind == VERDICT_PULL) {
		assert(decide_argv(v, &sc, &argv) == 0);
		check_argv(&argv, v->kind == VERDICT_PULL);
	} else if (v->kind == VERDICT_REFUSED)
		assert(v->reason[0] != '\0');
	else if (v->kind == VERDICT_COMMAND)
		assert(v->command.n == 2 &&
		    strcmp(v->command.v[0], "/bin/df") == 0 &&
		    strcmp(v->command.v[1], "-h") == 0);
	strv_free(&argv);
}

/* The bytes of a block up to where it ends, or breaks.  1 if it is whole. */
static int
take_block(struct secluded *s, const uint8_t *data, size_t size)
{
	struct diag d = { 0 };
	int rc = 0;

	for (; size > 0 && rc == 0; data++, size--)
		rc = secluded_take(s, (char)*data, &d);
	assert(rc != -1 || d.msg[0] != '\0');
	return rc == 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct policy policy;
	struct diags ds = { 0 };
	struct inquiry q = { .policy = &policy, .client = "h",
	    .address = "192.0.2.1" };
	struct secluded rest = { 0 };
	struct verdict v;
	size_t len;
	char *cmd;

	if (policy.n == 0 && policy_parse(text, &policy, &ds) == -1)
		abort();
	len = strnlen((const char *)data, size);
	if ((cmd = malloc(len + 1)) == NULL)
		return 0;
	memcpy(cmd, data, len);
	cmd[len] = '\0';
	q.command = cmd;
	decide(&q, &v);
	check_verdict(&v);
	if (v.kind == VERDICT_SECLUDED && len < size &&
	    take_block(&rest, data + len + 1, size - len - 1)) {
		verdict_free(&v);
		q.rest = &rest.words;
		decide(&q, &v);
		assert(v.kind != VERDICT_SECLUDED && v.kind != VERDICT_TRUE &&
		    v.kind != VERDICT_COMMAND);
		check_verdict(&v);
	}
	verdict_free(&v);
	secluded_free(&rest);
	free(cmd);
	return 0;
}
