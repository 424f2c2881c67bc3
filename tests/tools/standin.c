/* standin.c: started by validate-ssh in rsync's place, it tries what a client
 * would try that has taken rsync over.
 * Each try is one line on descriptor 2: "NAME: yes" if it worked, "NAME: no
 * (why)" if not.  The tests say which may.
 *
 * Its last argument is the folder that rsync would write into or read from.
 * It ends with a status that makes no snapshot; but with --info=stray it leaves
 * processes behind that write on, and ends as if all were well; with
 * --info=linger it stays with them for a minute first.  With --info=unnamed it
 * fills the disk by files without names.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/capability.h>
#include <netinet/in.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char place[4096];		/* the last argument */
static char self[4096];			/* argv[0] */

static void
say(const char *name, bool worked)
{
	dprintf(2, "%s: %s%s%s%s\n", name, worked ? "yes" : "no",
	    worked ? "" : " (", worked ? "" : strerror(errno),
	    worked ? "" : ")");
}

static bool
can_read(const char *path)
{
	char c;
	int fd = open(path, O_RDONLY);
	bool ok = fd != -1 && read(fd, &c, 1) >= 0;

	if (fd != -1)
		close(fd);
	return ok;
}

static bool
can_list(const char *path)
{
	DIR *d = opendir(path);

	if (d != NULL)
		closedir(d);
	return d != NULL;
}

static bool
can_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

static bool
can_connect(int family)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = 0x1600, .sin_addr = { 0x0100007f } };
	int fd = socket(family, SOCK_STREAM, 0);

	return fd != -1 && (family != AF_INET ||
	    connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0 ||
	    errno == ECONNREFUSED);
}

/* Does a program start?  Its child says so by its status. */
static bool
can_run(const char *path, const char *arg, const char *more)
{
	char *argv[] = { self, strdup(arg), strdup(more), NULL };
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		execv(path, argv);
		_exit(errno);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return false;
	errno = WEXITSTATUS(status);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Upwards by ".." and by a folder that is moved while it is open. */
static bool
can_climb(void)
{
	char up[256] = "";
	struct stat a, b;
	int i, fd;

	for (i = 0; i < 40; i++)
		strlcat(up, "../", sizeof(up));
	strlcat(up, "etc/passwd", sizeof(up));
	if (can_read(up))
		return true;
	if (chdir(place) == -1 || mkdir("deep", 0700) == -1 ||
	    mkdir("deep/er", 0700) == -1 ||
	    (fd = open("deep/er", O_RDONLY | O_DIRECTORY)) == -1 ||
	    rename("deep/er", "er") == -1)
		return false;
	for (i = 0; i < 40; i++)
		if (fchdir(fd) == -1 || chdir("..") == -1 ||
		    (fd = open(".", O_RDONLY | O_DIRECTORY)) == -1)
			return false;
	return fstat(fd, &a) == 0 && stat("/", &b) == 0 &&
	    (a.st_dev != b.st_dev || a.st_ino != b.st_ino);
}

static bool
can_read_by_symlink(void)
{
	char link[sizeof(place) + 8];

	snprintf(link, sizeof(link), "%s/out", place);
	return symlink("/etc/passwd", link) == 0 && can_read(link);
}

/* The store, as far as its names are known from the place. */
static void
try_store(void)
{
	char path[sizeof(place)], other[sizeof(place) + 64], *p;

	(void)strlcpy(path, place, sizeof(path));
	if ((p = strstr(path, ".snaps/")) == NULL)
		return;
	p[6] = '\0';		/* ROOT/HOST.snaps */
	say("list the snapshots", can_list(path));
	snprintf(other, sizeof(other), "%s/new", path);
	say("create among the snapshots", can_create(other));
	snprintf(other, sizeof(other), "%s/2030-01-01T000000Z", path);
	say("rename into the snapshots", rename(place, other) == 0);
	snprintf(other, sizeof(other), "%s/.lock", path);
	say("write the lock", open(other, O_WRONLY) != -1);
	snprintf(other, sizeof(other), "%s/2001-01-01T000000Z/f", path);
	say("chmod in an old snapshot", chmod(other, 0750) == 0);
	*strrchr(path, '/') = '\0';
	say("list all clients", can_list(path));
	snprintf(other, sizeof(other), "%s/zeus.example.net.snaps/secret",
	    path);
	say("read another client", can_read(other));
}

/* The snapshot that files may be linked from, as the arguments name it. */
static void
try_history(const char *snapshot)
{
	char path[sizeof(place) + 64], other[sizeof(place) + 64];

	snprintf(path, sizeof(path), "%s/etc/one", snapshot);
	say("remove from a snapshot", unlink(path) == 0);
	snprintf(path, sizeof(path), "%s/etc/new", snapshot);
	say("create in a snapshot", can_create(path));
	snprintf(path, sizeof(path), "%s/../../zeus.example.net.snaps/secret",
	    snapshot);
	snprintf(other, sizeof(other), "%s/stolen", place);
	say("link another client's file", link(path, other) == 0);
	snprintf(path, sizeof(path), "%s.away", snapshot);
	say("rename a snapshot", rename(snapshot, path) == 0);
}

/* Is anything open but the client's stream? */
static bool
has_descriptor(void)
{
	int fd;

	for (fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			return true;
	return false;
}

static void
try_files(const char *snapshot)
{
	char path[sizeof(place) + 64];

	/* First: some of the tries leave theirs open. */
	say("a descriptor of the server's", has_descriptor());
	say("read /etc/passwd", can_read("/etc/passwd"));
	say("list /", can_list("/"));
	say("list /proc", can_list("/proc"));
	say("list /home", can_list("/home"));
	say("write /usr/lib/x", can_create("/usr/lib/x"));
	say("create in /", can_create("/x"));
	say("write /tmp/standin", can_create("/tmp/standin"));
	say("climb out", can_climb());
	say("read by symlink", can_read_by_symlink());
	snprintf(path, sizeof(path), "%s/mine", place);
	say("write its own", can_create(path));
	snprintf(path, sizeof(path), "%s/dev", place);
	say("make a device", mknod(path, S_IFCHR | 0666, 0x103) == 0);
	say("make a pipe", mkfifo(path, 0600) == 0);
	if (snapshot != NULL)
		try_history(snapshot);
	try_store();
}

static bool
has_capability(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) == -1)
		return false;
	errno = EPERM;
	return (d[0].effective | d[0].permitted | d[1].effective |
	    d[1].permitted) != 0;
}

static void
try_system(void)
{
	say("a TCP socket", can_connect(AF_INET));
	say("a UNIX socket", can_connect(AF_UNIX));
	say("run a shell", can_run("/bin/sh", "-c", ":"));
	say("run rsync again", can_run(self, "--again", ""));
	say("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
	say("mount", mount("none", place, "tmpfs", 0, NULL) == 0);
	say("unmount", umount2("/", MNT_DETACH) == 0);
	say("a capability", has_capability());
	say("a namespace", unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
	say("chroot", chroot(place) == 0);
	say("keys", syscall(SYS_keyctl, 0, -3, 1, 0, 0) != -1);
	say("bpf", syscall(SYS_bpf, 0, NULL, 0) != -1);
	say("type on the terminal", ioctl(0, TIOCSTI, "x") == 0 ||
	    errno == ENOTTY);
	say("see the parent", getppid() != 0);
	say("signal init", kill(1, 0) == 0 && getpid() != 1);
	say("an environment", environ != NULL && environ[0] != NULL);
}

/* Write a byte to a file of its own every millisecond for a minute. */
static void
write_on(void)
{
	char path[sizeof(place) + 64];
	int i, fd;

	snprintf(path, sizeof(path), "%s/stray", place);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	for (i = 0; i < 60000; i++) {
		(void)!write(fd, "x", 1);
		(void)chmod(path, i % 2 == 0 ? 0600 : 0644);
		usleep(1000);
	}
	_exit(0);
}

/* Leave a child, a grandchild and one that is in a session of its own; with
 * --info=linger, stay with them. */
static int
stray(bool linger)
{
	char path[sizeof(place) + 64];
	struct stat st;
	int i;

	say("keep running", prctl(PR_SET_PDEATHSIG, 0) == 0);
	for (i = 0; i < 3; i++)
		if (fork() == 0) {
			if (i > 0 && fork() > 0)
				_exit(0);
			if (i == 2)
				(void)setsid();
			write_on();
		}
	snprintf(path, sizeof(path), "%s/stray", place);
	while (stat(path, &st) == -1 || st.st_size < 10)
		usleep(1000);
	if (linger)
		sleep(60);
	return 0;
}

/* Write to file after file that has no name any more. */
static int
write_unnamed(void)
{
	static const char bytes[200000];
	char path[sizeof(place) + 64];
	int i, fd;

	snprintf(path, sizeof(path), "%s/x", place);
	for (i = 0; i < 200; i++) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		(void)unlink(path);
		(void)!write(fd, bytes, sizeof(bytes));
		usleep(20000);
	}
	return 0;
}

static bool
has(int argc, char *argv[], const char *arg)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strcmp(argv[i], arg) == 0)
			return true;
	return false;
}

/* The value of the last one of an option, or NULL. */
static const char *
value_of(int argc, char *argv[], const char *option)
{
	int i;

	for (i = argc - 1; i > 0; i--)
		if (strncmp(argv[i], option, strlen(option)) == 0)
			return argv[i] + strlen(option);
	return NULL;
}

int
main(int argc, char *argv[])
{

	if (argc > 1 && strcmp(argv[1], "--again") == 0)
		return 0;
	if (argc < 2)
		return 2;
	(void)strlcpy(self, argv[0], sizeof(self));
	if (argv[argc - 1][0] != '/' && getcwd(place, sizeof(place)) != NULL &&
	    strcmp(place, "/") != 0)
		(void)strlcat(place, "/", sizeof(place));
	(void)strlcat(place, argv[argc - 1], sizeof(place));
	if (place[0] != '\0' && place[strlen(place) - 1] == '/')
		place[strlen(place) - 1] = '\0';
	if (has(argc, argv, "--info=stray"))
		return stray(false);
	if (has(argc, argv, "--info=linger"))
		return stray(true);
	if (has(argc, argv, "--info=unnamed"))
		return write_unnamed();
	try_files(value_of(argc, argv, "--link-dest="));
	try_system();
	return 12;
}
