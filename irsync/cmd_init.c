/* cmd_init.c: irsync init: a first configuration, a key, and the server's own
 * key, which is shown before it is believed.  What is there is never replaced.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vis.h>

#include "exits.h"
#include "file.h"
#include "irsync.h"
#include "log.h"
#include "proc.h"

#define KEYGEN		"/usr/bin/ssh-keygen"
#define KEYSCAN		"/usr/bin/ssh-keyscan"
#define KEY_TIMEOUT	60	/* seconds */
#define KEYS_MAX	65536	/* bytes of a server's keys */

struct init {
	struct irsync	*ir;
	struct storage	 storage;	/* text NULL: none was named */
	char		*host;
	char		*identity;
	char		*known;		/* IDENTITY.known_hosts */
	bool		 pinned;
};

struct text {
	char	*s;
	size_t	 len;
};

static int
collect(void *arg, const char *buf, size_t n)
{
	struct text *t = arg;
	char *more;

	if (t->len + n > KEYS_MAX ||
	    (more = realloc(t->s, t->len + n + 1)) == NULL)
		return -1;
	t->s = more;
	memcpy(more + t->len, buf, n);
	t->len += n;
	more[t->len] = '\0';
	return 0;
}

/* Run a program with these words, ended by NULL.  0, or -1 after saying why. */
static int
run(const char *path, const char *const *words, const char *input,
    struct text *out)
{
	struct strv argv = { 0 };
	struct proc p = { .path = path, .argv = &argv, .input = input,
	    .input_len = input != NULL ? strlen(input) : 0,
	    .timeout = KEY_TIMEOUT, .out = out != NULL ? collect : NULL,
	    .arg = out };
	char why[256];
	int rc = 0;

	for (; *words != NULL; words++)
		rc |= strv_add(&argv, *words);
	if (rc == 0)
		rc = proc_run(&p) == 0 ? 0 : -1;
	if (rc == -1)
		log_warnx("%s: %s", path, proc_why(&p, why, sizeof(why)));
	strv_free(&argv);
	return rc;
}

static void
print_lines(char *text, const char *before)
{
	char safe[4 * 1024 + 1], *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (line[0] == '\0')
			continue;
		(void)strnvis(safe, line, sizeof(safe),
		    VIS_OCTAL | VIS_TAB | VIS_NOSLASH);
		printf("%s%s\n", before, safe);
	}
}

static int
make_key(struct init *in)
{
	const char *words[] = { "ssh-keygen", "-q", "-t", "ed25519", "-N", "",
	    "-C", NULL, "-f", in->identity, NULL };
	char *comment, *slash;
	int rc;

	if (access(in->identity, F_OK) == 0) {
		printf("The key %s is there already.\n", in->identity);
		return 0;
	}
	if ((slash = strrchr(in->identity, '/')) != NULL &&
	    slash != in->identity) {
		*slash = '\0';
		if (mkdir(in->identity, 0700) == -1 && errno != EEXIST)
			log_warn("%s", in->identity);
		*slash = '/';
	}
	if (asprintf(&comment, "irsync@%s", in->host) == -1)
		return -1;
	words[7] = comment;
	if ((rc = run(KEYGEN, words, NULL, NULL)) == 0)
		printf("Made the key %s.\n", in->identity);
	free(comment);
	return rc;
}

/* The server's name as ssh-keyscan(1) wants it. */
static char *
server_name(const struct storage *s)
{
	const char *at = strchr(s->login, '@');
	const char *name = at != NULL ? at + 1 : s->login;
	size_t n = strlen(name);

	return name[0] == '[' ? strndup(name + 1, n - 2) : strdup(name);
}

/* Ask the person who runs us. */
static bool
agreed(const struct irsync *ir)
{
	char answer[16] = "";

	if (ir->yes)
		return true;
	printf("Is that the server's? Compare it with what the server's own "
	    "console shows.\nWrite \"yes\" to pin it: ");
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	    strcmp(answer, "yes\n") == 0;
}

/* Show the fingerprints of the keys and keep these, if they are the right
 * ones.  A status. */
static int
accept_keys(struct init *in, const char *keys)
{
	static const char *const print[] = { "ssh-keygen", "-l", "-f", "-",
	    NULL };
	struct text prints = { 0 };
	int status = BS_REFUSED;

	if (run(KEYGEN, print, keys, &prints) == -1 || prints.s == NULL) {
		free(prints.s);
		return BS_FAIL;
	}
	printf("The server shows these keys:\n");
	print_lines(prints.s, "    ");
	if (!agreed(in->ir))
		log_warnx("the server's key is not pinned; nothing is "
		    "configured");
	else if (file_replace(in->known, keys, strlen(keys), 0644,
	    true) == -1)
		log_warn("%s", in->known);
	else {
		printf("Pinned in %s.\n", in->known);
		in->pinned = true;
		status = BS_OK;
	}
	free(prints.s);
	return status;
}

static int
pin_server(struct init *in)
{
	const char *words[] = { "ssh-keyscan", "-T", "10", "-p",
	    in->ir->port != NULL ? in->ir->port : "22", "--", NULL, NULL };
	struct text keys = { 0 };
	char *name;
	int status = BS_UNREACHABLE;

	if (access(in->known, F_OK) == 0) {
		printf("A server's key is pinned in %s already.\n", in->known);
		in->pinned = true;
		return BS_OK;
	}
	if ((name = server_name(&in->storage)) == NULL)
		return BS_FAIL;
	words[6] = name;
	if (run(KEYSCAN, words, NULL, &keys) == 0 && keys.len > 0)
		status = accept_keys(in, keys.s);
	else
		log_warnx("%s: the server does not show its key", name);
	free(name);
	free(keys.s);
	return status;
}

/* A text in the configuration's double quotes. */
static void
put_text(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s != '\0'; s++) {
		if (strchr("\"\\$", *s) != NULL)
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('"', f);
}

static void
put_storage(FILE *f, const struct init *in)
{
	fputs("# A server, or an absolute path for a disk of this machine; a "
	    "list for several.\nstorage = ", f);
	put_text(f, in->storage.text != NULL ? in->storage.text :
	    "irsync@backup.example.net:");
	fputs("\n\n# ssh's private key.\nidentity = ", f);
	put_text(f, in->identity);
	fputc('\n', f);
	if (in->ir->port != NULL)
		fprintf(f, "port = %s\n", in->ir->port);
	if (in->pinned) {
		fputs("\n# The server's key as it was shown when this was "
		    "made.\nssh_options = { ", f);
		fputs("\"UserKnownHostsFile=\\\"", f);
		fputs(in->known, f);
		fputs("\\\"\", \"StrictHostKeyChecking=yes\" }\n", f);
	}
}

/* What most machines want to keep.  A folder in which there is nothing yet must
 * be optional, or the guard against disks that are not mounted refuses it. */
static void
put_paths(FILE *f)
{
	static const char *const paths[] = { "/etc", "/home", "/root", "/var" };
	const size_t n = sizeof(paths) / sizeof(paths[0]);
	const char *comma = "";
	size_t i;

	fputs("\n# Stored under their full names.\npaths = {", f);
	for (i = 0; i < n; i++)
		if (path_is_empty(paths[i]) == 0) {
			fprintf(f, "%s \"%s\"", comma, paths[i]);
			comma = ",";
		}
	fputs(" }\n", f);
	for (i = 0; i < n; i++)
		if (path_is_empty(paths[i]) != 0)
			fprintf(f, "path \"%s\" { optional = true }\t# "
			    "empty when this was made\n", paths[i]);
}

static int
write_conf(const struct init *in)
{
	static const char rest[] =
	    "\n# Patterns of rsync(1); those that begin with a slash are full "
	    "names.\n"
	    "exclude = { \"/var/cache/*\", \"/var/tmp/*\" }\n"
	    "\n# Folders that are marked as caches, or by a file .nobackup.\n"
	    "#cachedir_tag = true\n#skip_marked = { \".nobackup\" }\n"
	    "\n# Databases are dumped first, and the dumps backed up.\n"
	    "#mysql { option_file = \"/root/.my.cnf\" }\n#postgresql {}\n"
	    "\n# Told of failures, and of success.\n"
	    "#mail = \"root\"\n#ping = \"https://hc.example.net/ping/ID\"\n"
	    "#prometheus = "
	    "\"/var/lib/prometheus/node-exporter/irsync.prom\"\n";
	char *text = NULL;
	size_t len;
	FILE *f;
	int rc = -1;

	if ((f = open_memstream(&text, &len)) == NULL)
		return -1;
	fprintf(f, "# %s: what irsync backs up, and where to.  See "
	    "irsync.conf(5).\n\n", in->ir->file);
	put_storage(f, in);
	fputs("\n# The name that the snapshots are kept under.\nhost = ", f);
	put_text(f, in->host);
	fputc('\n', f);
	put_paths(f);
	fputs(rest, f);
	if (fclose(f) == 0 && (rc = file_replace(in->ir->file, text, len,
	    0600, true)) == -1)
		log_warn("%s", in->ir->file);
	free(text);
	return rc;
}

/* Where validate-ssh is on a server that was installed as this client was: by
 * the packages, or by `make install`. */
static const char *
guard_path(void)
{
	static const char packaged[] = "/usr/bin/";
	char self[sizeof(packaged) - 1];

	if (readlink("/proc/self/exe", self, sizeof(self)) ==
	    (ssize_t)sizeof(self) && memcmp(self, packaged, sizeof(self)) == 0)
		return "/usr/libexec/validate-ssh";
	return "/usr/local/libexec/validate-ssh";
}

/* What the server must be told. */
static int
print_authorized(const struct init *in)
{
	char *path, *key;
	size_t len;

	if (asprintf(&path, "%s.pub", in->identity) == -1)
		return -1;
	if ((key = file_read(path, KEYS_MAX, &len)) == NULL)
		log_warn("%s", path);
	else {
		key[strcspn(key, "\r\n")] = '\0';
		printf("Put this line into the authorized_keys of the server's "
		    "account:\n\ncommand=\"%s %s\",restrict ", guard_path(),
		    in->host);
		print_lines(key, "");
		printf("\nThen look at %s and try: irsync check\n",
		    in->ir->file);
	}
	free(path);
	free(key);
	return key != NULL ? 0 : -1;
}

/* Read the command line.  0, or -1 after saying what is wrong. */
static int
take_args(struct init *in, const struct strv *args)
{
	struct irsync_conf c = { 0 };
	struct diags ds = { 0 };
	const char *why, *home = getenv("HOME");

	if (args->n > 1 || (args->n == 1 &&
	    storage_parse(args->v[0], &in->storage, &why) == -1)) {
		log_warnx("%s: %s", args->v[args->n - 1], args->n > 1 ?
		    "one storage at most" : why);
		return -1;
	}
	if (in->ir->host != NULL)
		c.host = strdup(in->ir->host);
	if (in->ir->identity != NULL)
		in->identity = strdup(in->ir->identity);
	else if (home != NULL && asprintf(&in->identity, "%s/.ssh/irsync",
	    home) == -1)
		in->identity = NULL;
	if (irsync_conf_complete(&c, &ds) == 0 && store_host_valid(c.host))
		in->host = strdup(c.host);
	diags_free(&ds);
	irsync_conf_free(&c);
	if (in->host == NULL)
		log_warnx("--host: not a client's name");
	else if (in->identity == NULL || in->identity[0] != '/' ||
	    strpbrk(in->identity, "\"\\$%\n\r") != NULL)
		log_warnx("-i: a full path without quotes is needed");
	else if (asprintf(&in->known, "%s.known_hosts", in->identity) != -1)
		return 0;
	return -1;
}

int
cmd_init(struct irsync *ir, const struct strv *args)
{
	struct init in = { .ir = ir };
	int status = BS_FAIL;

	if (take_args(&in, args) == -1)
		status = BS_USAGE;
	else if (access(ir->file, F_OK) == 0 || errno != ENOENT)
		log_warnx("%s: it is there already; nothing is changed",
		    ir->file);
	else if (make_key(&in) == 0) {
		status = in.storage.remote ? pin_server(&in) : BS_OK;
		if (status == BS_OK && write_conf(&in) == -1)
			status = BS_FAIL;
		if (status == BS_OK)
			printf("Wrote %s.\n", ir->file);
		if (status == BS_OK && (in.storage.text == NULL ||
		    in.storage.remote) && print_authorized(&in) == -1)
			status = BS_FAIL;
	}
	storage_free(&in.storage);
	free(in.host);
	free(in.identity);
	free(in.known);
	return status;
}
