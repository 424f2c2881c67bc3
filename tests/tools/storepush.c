/* storepush.c: one push into a snapshot store, as validate-ssh or irsync would
 * make it, by the local rsync and without any confinement.
 *
 *   storepush [-w overlay|linkdest|btrfs|best] [-s SUBDIR] [-d] [-x EXIT] [-l FILE]
 *       [-o FILE] [-r RSYNC] ROOT HOST -- RSYNC-OPTIONS... SOURCE...
 *   storepush [...] ROOT HOST -- --server RSYNC-OPTIONS... . DEST
 *   storepush -L ROOT HOST
 *
 * -w  the way; the best one unless given
 * -s  push into this folder below HOST.full
 * -d  the linkdest way: what the push does not bring is deleted (given
 *     --delete to rsync it is meant to be given here too)
 * -x  commit as if rsync had ended with this status
 * -l  write "begin", "rsync", "commit", "done" and the time to this file, each
 *     when it begins: for a test that kills us at a certain stage
 * -o  write the record to this file instead of standard output
 * -r  run this in rsync's place
 * -L  list all snapshots
 *
 * rsync runs in a pid namespace of its own where there are namespaces, whose
 * first process is ours.  As an ordinary user it gets --fake-super.  In the
 * second form it is the remote end of another rsync, whatever DEST says.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"
#include "store.h"
#include "strv.h"

struct args {
	const char	*root;
	const char	*host;
	const char	*rsync;
	const char	*log;
	const char	*out;
	char		**rest;
	int		 exit;		/* -1: rsync's own */
	struct push_request req;
};

static void
usage(void)
{
	fprintf(stderr, "usage: storepush [-d] [-w way] [-s subdir] [-x exit] "
	    "[-l file] [-o file]\n                 [-r rsync] root host -- options "
	    "source ...\n       storepush -L root host\n");
	exit(BS_USAGE);
}

static void
stage(const struct args *a, const char *name)
{
	struct timespec ts;
	int fd;

	if (a->log == NULL)
		return;
	if ((fd = open(a->log, O_WRONLY | O_CREAT | O_APPEND, 0666)) == -1)
		err(1, "%s", a->log);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	dprintf(fd, "%s %jd.%06ld\n", name, (intmax_t)ts.tv_sec,
	    ts.tv_nsec / 1000);
	close(fd);
}

/* The first process of the pid namespace: rsync is its child.  rsync sets the
 * times of folders and symlinks by way of /proc/self/fd, and says nothing if
 * that is another namespace's. */
static int
init(char *const *argv, bool ns)
{
	int status, rc = -1;
	pid_t pid, got;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ns && mount("proc", "/proc", "proc",
	    MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == -1) {
		warn("/proc");
		return 126;
	}
	if ((pid = fork()) == -1)
		return 1;
	if (pid == 0) {
		execvp(argv[0], argv);
		warn("%s", argv[0]);
		_exit(127);
	}
	while ((got = wait(&status)) != pid)
		if (got == -1 && errno != EINTR)
			return 1;
	rc = WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
	return rc;
}

static void
add(struct strv *argv, const char *word)
{
	if (strv_add(argv, word) == -1)
		err(126, NULL);
}

/* What to run: our options behind --server, or at the beginning, and our
 * folder at the end. */
static void
rsync_argv(const struct args *a, const struct push *p, const char *where,
    struct strv *argv)
{
	bool server = a->rest[0] != NULL &&
	    strcmp(a->rest[0], "--server") == 0;
	size_t i = 0, n = 0;

	while (a->rest[n] != NULL)
		n++;
	add(argv, a->rsync);
	if (server)
		add(argv, a->rest[i++]);
	if (geteuid() != 0)
		add(argv, "--fake-super");
	for (size_t k = 0; k < push_linkdests(p)->n; k++)
		if (strv_addf(argv, "--link-dest=%s",
		    push_linkdests(p)->v[k]) == -1)
			err(126, NULL);
	for (; i < n - server; i++)
		add(argv, a->rest[i]);
	if (strv_addf(argv, "%s/%s", where, a->req.subdir) == -1)
		err(126, NULL);
}

static void
child(const struct args *a, struct push *p, const char *mnt)
{
	struct strv argv = { .v = NULL };
	bool ns = push_unshare() == 0;
	int status;
	pid_t pid;

	if (push_way(p) == STORE_WAY_OVERLAY &&
	    (!ns || push_mount(p, mnt) == -1))
		err(126, "mount");
	rsync_argv(a, p, push_way(p) == STORE_WAY_OVERLAY ? mnt :
	    push_target(p), &argv);
	/* Our end ends the namespace and all that is in it. */
	if (ns && unshare(CLONE_NEWPID) == -1)
		err(126, "unshare");
	if ((pid = fork()) == -1)
		err(126, "fork");
	if (pid == 0)
		_exit(init(argv.v, ns));
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			err(126, "wait");
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status));
}

static int
run_rsync(const struct args *a, struct push *p, const char *mnt)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0)
		child(a, p, mnt);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			err(1, "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

static int
fail(const char *what)
{
	int error = errno;

	warn("%s", what);
	return error == EWOULDBLOCK ? BS_BUSY :
	    error == ENOSPC || error == EDQUOT ? BS_NOSPACE : BS_FAIL;
}

static void
print_record(const struct args *a, const struct snapshot *s)
{
	FILE *f = stdout;
	char *text;

	if ((text = store_record_format(s)) == NULL)
		err(1, NULL);
	if (a->out != NULL && (f = fopen(a->out, "w")) == NULL)
		err(1, "%s", a->out);
	fputs(text, f);
	if (f != stdout)
		fclose(f);
	free(text);
}

static int
push(const struct args *a, const char *mnt)
{
	struct snapshot made;
	struct store *s;
	struct push *p;
	int rc;

	if ((s = store_open(a->root, a->host, STORE_CREATE)) == NULL)
		return fail(a->root);
	stage(a, "begin");
	if ((p = push_begin(s, &a->req)) == NULL) {
		rc = fail("push_begin");
		store_close(s);
		return rc;
	}
	fprintf(stderr, "way %s, base %s%s\n", store_way_name(push_way(p)),
	    push_base(p)[0] != '\0' ? push_base(p) : "none",
	    push_resumed(p) ? ", resumed" : "");
	stage(a, "rsync");
	rc = run_rsync(a, p, mnt);
	if (a->exit != -1)
		rc = a->exit;
	stage(a, "commit");
	if (rc != 0 && rc != 23 && rc != 24) {
		if (push_failed(p, rc))
			rc = BS_NOSPACE;
	} else if (push_commit(p, rc, &made) == -1)
		rc = fail("push_commit");
	else
		print_record(a, &made);
	stage(a, "done");
	push_end(p);
	store_close(s);
	return rc;
}

static int
list(const struct args *a)
{
	struct snapshot *v;
	struct store *s;
	size_t n, i;

	if ((s = store_open(a->root, a->host, 0)) == NULL ||
	    store_list(s, &v, &n) == -1)
		return fail(a->root);
	for (i = 0; i < n; i++)
		if (v[i].recorded)
			print_record(a, &v[i]);
		else
			printf("{\"stamp\": \"%s\"}\n", v[i].stamp);
	free(v);
	store_close(s);
	return 0;
}

int
main(int argc, char **argv)
{
	struct args a = {
		.rsync = "rsync", .exit = -1,
		.req = { .client = "local", .subdir = "", .way = -1 }
	};
	char mnt[256];
	bool only_list = false;
	int c, rc;

	while ((c = getopt(argc, argv, "+Ldl:o:r:s:w:x:")) != -1)
		switch (c) {
		case 'L':
			only_list = true;
			break;
		case 'd':
			a.req.deletes = true;
			break;
		case 'l':
			a.log = optarg;
			break;
		case 'o':
			a.out = optarg;
			break;
		case 'r':
			a.rsync = optarg;
			break;
		case 's':
			a.req.subdir = optarg;
			break;
		case 'w':
			a.req.way = strcmp(optarg, "linkdest") == 0 ?
			    STORE_WAY_LINKDEST : strcmp(optarg, "btrfs") == 0 ?
			    STORE_WAY_BTRFS : strcmp(optarg, "best") == 0 ?
			    -1 : STORE_WAY_OVERLAY;
			break;
		case 'x':
			a.exit = atoi(optarg);
			break;
		default:
			usage();
		}
	argv += optind;
	argc -= optind;
	if (argc < 2)
		usage();
	a.root = argv[0];
	a.host = argv[1];
	a.rest = argv + 2 + (argc > 2 && strcmp(argv[2], "--") == 0);
	log_init("storepush", LOG_TO_STDERR, 0);
	if (only_list)
		return list(&a);
	snprintf(mnt, sizeof(mnt), "%s/storepush.XXXXXX",
	    getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	if (mkdtemp(mnt) == NULL)
		err(1, "%s", mnt);
	rc = push(&a, mnt);
	(void)rmdir(mnt);
	return rc;
}
