/* sandbox.c: Landlock, seccomp and resource limits, by named profile.
 * Called in a process that is about to run something a stranger talks to; a
 * step that fails must end that process.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <linux/fs.h>
#include <linux/if_packet.h>
#include <linux/landlock.h>
#include <linux/sockios.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "sandbox.h"

/*
 * Landlock, landlock(7).  Constants that Debian 12's headers lack.
 */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE	(1ULL << 14)	/* ABI 3 */
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV	(1ULL << 15)	/* ABI 5 */
#endif
#define NET_BIND_CONNECT_TCP		3ULL		/* ABI 4 */
#define SCOPE_ABSTRACT_UNIX_SIGNAL	3ULL		/* ABI 6 */

/* struct landlock_ruleset_attr as of ABI 6; older kernels take a part. */
struct ruleset_attr {
	uint64_t	fs;
	uint64_t	net;
	uint64_t	scoped;
};

#define FS(x)		LANDLOCK_ACCESS_FS_##x
#define FS_ABI1		((FS(MAKE_SYM) << 1) - 1)
#define FS_READ		(FS(READ_FILE) | FS(READ_DIR))
#define FS_ALTER	(FS(WRITE_FILE) | FS(TRUNCATE) | FS(REFER))
#define FS_MAKE		(FS(MAKE_DIR) | FS(MAKE_REG) | FS(MAKE_SYM))
#define FS_REMOVE	(FS(REMOVE_DIR) | FS(REMOVE_FILE))
/* The rights that a rule on a file, not a folder, may have. */
#define FS_OF_FILE	(FS(EXECUTE) | FS(WRITE_FILE) | FS(READ_FILE) | \
			FS(TRUNCATE) | FS(IOCTL_DEV))

static const uint64_t access_rights[] = {
	[SANDBOX_READ] = FS_READ,
	[SANDBOX_EXEC] = FS_READ | FS(EXECUTE),
	[SANDBOX_DEVICE] = FS(READ_FILE) | FS(WRITE_FILE) | FS(TRUNCATE),
	[SANDBOX_WRITE] = FS_READ | FS_ALTER | FS_MAKE | FS_REMOVE,
	[SANDBOX_LINK] = FS_READ | FS_ALTER,
};

static int
landlock_abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
}

bool
sandbox_landlock_works(void)
{
	return landlock_abi() >= 2;
}

/* What the kernel of this ABI knows of, and the size of its attributes. */
static size_t
ruleset_for(int abi, struct ruleset_attr *at)
{
	at->fs = FS_ABI1 | FS(REFER) | (abi >= 3 ? FS(TRUNCATE) : 0) |
	    (abi >= 5 ? FS(IOCTL_DEV) : 0);
	at->net = abi >= 4 ? NET_BIND_CONNECT_TCP : 0;
	at->scoped = abi >= 6 ? SCOPE_ABSTRACT_UNIX_SIGNAL : 0;
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

static int
add_rule(int ruleset, uint64_t known, const struct sandbox_rule *r)
{
	struct landlock_path_beneath_attr at = { 0 };
	int rc, saved;

	if ((at.parent_fd = open(r->path, O_PATH | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : -1;
	at.allowed_access = access_rights[r->access] & known;
	rc = (int)syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &at, 0);
	if (rc == -1 && errno == EINVAL) {	/* not a folder */
		at.allowed_access &= FS_OF_FILE;
		rc = (int)syscall(SYS_landlock_add_rule, ruleset,
		    LANDLOCK_RULE_PATH_BENEATH, &at, 0);
	}
	saved = errno;
	close(at.parent_fd);
	errno = saved;
	return rc;
}

int
sandbox_landlock(const struct sandbox_rule *rules, size_t n)
{
	struct ruleset_attr at;
	size_t i, size;
	int abi, fd, saved, rc = -1;

	if ((abi = landlock_abi()) < 2) {
		errno = ENOSYS;
		return -1;
	}
	size = ruleset_for(abi, &at);
	if ((fd = (int)syscall(SYS_landlock_create_ruleset, &at, size,
	    0)) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (add_rule(fd, at.fs, &rules[i]) == -1)
			goto out;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		goto out;
	rc = (int)syscall(SYS_landlock_restrict_self, fd, 0);
out:
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

/*
 * seccomp.  What is listed fails with EPERM; the rest works, so that no
 * version of libc or rsync is broken by a call that nobody thought of.
 */

/* rsync needs none of these. */
static const int never_rsync[] = {
	/* the network; socketpair(2) stays, rsync's processes talk by it */
	SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen),
	SCMP_SYS(accept), SCMP_SYS(accept4),
	/* another way to start a program */
	SCMP_SYS(execveat),
	/* nodes: --fake-super keeps devices as files */
	SCMP_SYS(mknod), SCMP_SYS(mknodat),
	/* shared memory and queues that outlive a process */
	SCMP_SYS(shmget), SCMP_SYS(shmat), SCMP_SYS(msgget),
	SCMP_SYS(semget), SCMP_SYS(mq_open),
};

/* Nothing that the toolkit confines needs any of these. */
static const int never[] = {
	/* other processes */
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp), SCMP_SYS(process_madvise),
	SCMP_SYS(process_mrelease),
	/* mounts and namespaces */
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root),
	SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns),
	SCMP_SYS(open_tree), SCMP_SYS(move_mount), SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at), SCMP_SYS(quotactl),
	SCMP_SYS(quotactl_fd), SCMP_SYS(swapon), SCMP_SYS(swapoff),
	SCMP_SYS(acct), SCMP_SYS(fanotify_init),
	/* the kernel's wide or young surfaces */
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(keyctl), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(personality), SCMP_SYS(modify_ldt),
	SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(iopl),
	SCMP_SYS(ioperm), SCMP_SYS(vhangup), SCMP_SYS(syslog),
	SCMP_SYS(memfd_secret), SCMP_SYS(move_pages), SCMP_SYS(mbind),
	SCMP_SYS(set_mempolicy), SCMP_SYS(migrate_pages),
	/* the machine's clock and name */
	SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime), SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
};

/* Calls that are forbidden by their arguments.  0, or a negative errno. */
static int
add_conditions(scmp_filter_ctx ctx, const char *path)
{
	static const uint64_t flags[] = { CLONE_NEWNS, CLONE_NEWCGROUP,
	    CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID,
	    CLONE_NEWNET };
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(flags) / sizeof(flags[0]); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
		    SCMP_SYS(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
	/* Its flags are in memory, where no filter looks: libc falls back to
	 * clone(2). */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
		    SCMP_SYS(clone3), 0);
	/* It dies with whoever started it. */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
		    SCMP_SYS(prctl), 1,
		    SCMP_A0(SCMP_CMP_EQ, PR_SET_PDEATHSIG, 0));
	/* Typing on the terminal of whoever started us. */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
		    SCMP_SYS(ioctl), 1,
		    SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI));
	/* After the exec the pointer means nothing, and its value is random:
	 * this is the last program that is started. */
	if (rc == 0 && path != NULL)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
		    SCMP_SYS(execve), 1,
		    SCMP_A0(SCMP_CMP_NE, (uintptr_t)path, 0));
	return rc;
}

/* 0, or a negative errno. */
static int
rules_command(scmp_filter_ctx ctx, const char *path)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(never) / sizeof(never[0]); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), never[i], 0);
	return rc == 0 ? add_conditions(ctx, path) : rc;
}

static int
rules_rsync(scmp_filter_ctx ctx, const char *path)
{
	size_t i;
	int rc = rules_command(ctx, path);

	for (i = 0; rc == 0 &&
	    i < sizeof(never_rsync) / sizeof(never_rsync[0]); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
		    never_rsync[i], 0);
	return rc;
}

/* All that SANDBOX_SERVE may do.  Nothing here names a file, a process or an
 * address of the network. */
static const int serve[] = {
	/* descriptors that are there */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(preadv),
	SCMP_SYS(pwritev), SCMP_SYS(preadv2), SCMP_SYS(pwritev2),
	SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(lseek),
	SCMP_SYS(_llseek), SCMP_SYS(fstat), SCMP_SYS(fstat64),
	SCMP_SYS(newfstatat), SCMP_SYS(fstatat64), SCMP_SYS(statx),
	SCMP_SYS(fcntl), SCMP_SYS(fcntl64), SCMP_SYS(dup), SCMP_SYS(dup2),
	SCMP_SYS(dup3), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg),
	SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg),
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	/* waiting */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd2),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_gettime), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall),
	/* the ring; SANDBOX_SERVING takes the making of new ones away */
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	/* memory and threads */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(futex_time64), SCMP_SYS(set_robust_list),
	SCMP_SYS(get_robust_list), SCMP_SYS(rseq), SCMP_SYS(membarrier),
	SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_setaffinity), SCMP_SYS(exit), SCMP_SYS(exit_group),
	/* signals to itself, by its handlers and abort(3) */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(rt_sigpending), SCMP_SYS(tgkill),
	/* less than all this, by SANDBOX_SERVING */
	SCMP_SYS(seccomp),
	/* facts */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(getrandom), SCMP_SYS(getrusage),
	SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(getcpu),
	SCMP_SYS(getrlimit),
};

/* Where libc may look for a file and go on without it: a time zone, a number
 * of processors.  Landlock says the same. */
static const int serve_no_files[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(stat), SCMP_SYS(lstat),
	SCMP_SYS(unlink), SCMP_SYS(unlinkat),
};

#define ALLOW(ctx, call, n, ...)					\
	seccomp_rule_add((ctx), SCMP_ACT_ALLOW, SCMP_SYS(call), (n),	\
	    __VA_ARGS__)

/* Calls that are allowed by their arguments. */
static int
serve_conditions(scmp_filter_ctx ctx)
{
	static const uint64_t requests[] = {
		BLKGETSIZE64, SIOCGIFINDEX, SIOCGIFMTU, SIOCGIFHWADDR,
		SIOCGIFFLAGS, FIONREAD, FIONBIO,
	};
	size_t i;
	int rc;

	/* No memory that can be run. */
	if ((rc = ALLOW(ctx, mmap, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC,
	    0))) != 0 ||
	    (rc = ALLOW(ctx, mmap2, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC,
	    0))) != 0 ||
	    (rc = ALLOW(ctx, mprotect, 1, SCMP_A2(SCMP_CMP_MASKED_EQ,
	    PROT_EXEC, 0))) != 0)
		return rc;
	/* Threads, no processes.  clone3's flags are where no filter looks:
	 * libc falls back to clone. */
	if ((rc = ALLOW(ctx, clone, 1, SCMP_A0(SCMP_CMP_MASKED_EQ,
	    CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM))) != 0 ||
	    (rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
	    SCMP_SYS(clone3), 0)) != 0)
		return rc;
	/* What syslog(3) needs when the log's daemon was started anew. */
	if ((rc = ALLOW(ctx, socket, 2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0),
	    SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_DGRAM))) != 0 ||
	    (rc = ALLOW(ctx, connect, 1, SCMP_A2(SCMP_CMP_EQ,
	    sizeof(struct sockaddr_un), 0))) != 0)
		return rc;
	/* Which of its packet sockets a frame goes to. */
	if ((rc = ALLOW(ctx, setsockopt, 2, SCMP_A1(SCMP_CMP_EQ, SOL_PACKET,
	    0), SCMP_A2(SCMP_CMP_EQ, PACKET_FANOUT_DATA, 0))) != 0)
		return rc;
	/* Limits may be asked for, not set; a thread may have a name. */
	if ((rc = ALLOW(ctx, prlimit64, 1, SCMP_A2(SCMP_CMP_EQ, 0, 0))) != 0 ||
	    (rc = ALLOW(ctx, prctl, 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME,
	    0))) != 0 ||
	    (rc = ALLOW(ctx, prctl, 1, SCMP_A0(SCMP_CMP_EQ,
	    PR_SET_NO_NEW_PRIVS, 0))) != 0)
		return rc;
	for (i = 0; rc == 0 && i < sizeof(requests) / sizeof(requests[0]); i++)
		rc = ALLOW(ctx, ioctl, 1, SCMP_A1(SCMP_CMP_MASKED_EQ,
		    0xffffffff, requests[i]));
	return rc;
}

static int
rules_serve(scmp_filter_ctx ctx)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(serve) / sizeof(serve[0]); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, serve[i], 0);
	for (i = 0; rc == 0 && i < sizeof(serve_no_files) /
	    sizeof(serve_no_files[0]); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES),
		    serve_no_files[i], 0);
	return rc == 0 ? serve_conditions(ctx) : rc;
}

/* A new ring would know no restrictions, and its operations pass by every
 * filter. */
static int
rules_serving(scmp_filter_ctx ctx)
{
	int rc;

	if ((rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1)) != 0)
		return rc;
	return seccomp_rule_add(ctx, SCMP_ACT_TRAP, SCMP_SYS(io_uring_setup),
	    0);
}

static volatile sig_atomic_t refused = -1;

/* Let a refused call fail with EPERM. */
static void
sigsys(int sig, siginfo_t *si, void *arg)
{
	ucontext_t *uc = arg;

	(void)sig;
	refused = si->si_syscall;
#if defined(__x86_64__)
	uc->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
	uc->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#else
	(void)uc;
	_exit(128 + SIGSYS);
#endif
}

int
sandbox_refused(void)
{
	int nr = refused;

	refused = -1;
	return nr;
}

static int
catch_sigsys(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = sigsys;
	sa.sa_flags = SA_SIGINFO;
	sigemptyset(&sa.sa_mask);
	return sigaction(SIGSYS, &sa, NULL);
}

int
sandbox_seccomp(enum sandbox_profile profile, const char *path)
{
	scmp_filter_ctx ctx;
	int rc = 0;

	if (profile == SANDBOX_SERVE && catch_sigsys() == -1)
		return -1;
	/* What is not of this machine's architecture is killed. */
	if ((ctx = seccomp_init(profile == SANDBOX_SERVE ? SCMP_ACT_TRAP :
	    SCMP_ACT_ALLOW)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	switch (profile) {
	case SANDBOX_RSYNC:
		rc = rules_rsync(ctx, path);
		break;
	case SANDBOX_COMMAND:
		rc = rules_command(ctx, NULL);
		break;
	case SANDBOX_SERVE:
		rc = rules_serve(ctx);
		break;
	case SANDBOX_SERVING:
		rc = rules_serving(ctx);
		break;
	}
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc < 0)
		errno = -rc;
	return rc < 0 ? -1 : 0;
}

/*
 * Resource limits.
 */
#define GIB		((rlim_t)1 << 30)

static const struct limit {
	int	what;
	rlim_t	most;
} rsync_limits[] = {
	{ RLIMIT_CORE, 0 },		/* what it holds is the client's */
	{ RLIMIT_MEMLOCK, 0 },
	{ RLIMIT_MSGQUEUE, 0 },
	{ RLIMIT_NOFILE, 256 },
	{ RLIMIT_AS, 8 * GIB },		/* a list of some 50 million files */
	{ RLIMIT_CPU, 48 * 3600 },
};

static int
limit(int what, rlim_t most)
{
	struct rlimit old, new = { most, most };

	if (getrlimit(what, &old) == -1)
		return -1;
	if (old.rlim_max < most)
		new.rlim_cur = new.rlim_max = old.rlim_max;
	return setrlimit(what, &new);
}

int
sandbox_limits(enum sandbox_profile profile, bool own_user)
{
	size_t i;

	(void)profile;		/* the same for all as yet */
	for (i = 0; i < sizeof(rsync_limits) / sizeof(rsync_limits[0]); i++)
		if (limit(rsync_limits[i].what, rsync_limits[i].most) == -1)
			return -1;
	/* Else it would count what the account runs for other clients. */
	return own_user ? limit(RLIMIT_NPROC, 16) : 0;
}

/*
 * User namespaces.
 */

/* Write a file of /proc/self whole. */
static int
put(const char *path, const char *text)
{
	ssize_t n;
	int fd, saved;

	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return -1;
	n = write(fd, text, strlen(text));
	saved = errno;
	close(fd);
	errno = saved;
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

int
sandbox_map_user(uid_t uid, gid_t gid)
{
	char text[64];

	if (put("/proc/self/setgroups", "deny") == -1)
		return -1;
	snprintf(text, sizeof(text), "%u %u 1\n", (unsigned)uid,
	    (unsigned)uid);
	if (put("/proc/self/uid_map", text) == -1)
		return -1;
	snprintf(text, sizeof(text), "%u %u 1\n", (unsigned)gid,
	    (unsigned)gid);
	return put("/proc/self/gid_map", text);
}
