/* confine.c: giving up rights.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "log.h"
#include "sandbox.h"

#define USER_OWN	"_aoed"
#define USER_ELSE	"nobody"

#define CAP(c)		(UINT64_C(1) << (c))

/* Packet sockets and buffers of theirs beyond the system's limit; images of
 * whoever owns them; the end of a child that would not end. */
#define PARENT_CAPS	(CAP(CAP_NET_RAW) | CAP(CAP_NET_ADMIN) |	\
			CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_DAC_OVERRIDE) | \
			CAP(CAP_KILL))

/* AddressSanitizer asks for things at the end of a process that no sandbox of
 * ours allows. */
#if defined(__SANITIZE_ADDRESS__)
#define CAN_SANDBOX	0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAN_SANDBOX	0
#endif
#endif
#ifndef CAN_SANDBOX
#define CAN_SANDBOX	1
#endif

int
confine_find(const char *name, struct confine_user *u, char *why, size_t size)
{
	const char *asked = name != NULL ? name : USER_OWN;
	struct passwd *pw;

	memset(u, 0, sizeof(*u));
	if (name == NULL && geteuid() != 0) {
		u->uid = geteuid();
		u->gid = getegid();
		snprintf(u->name, sizeof(u->name), "%u", (unsigned)u->uid);
		return 0;
	}
	if ((pw = getpwnam(asked)) == NULL && name == NULL)
		pw = getpwnam(USER_ELSE);
	if (pw == NULL) {
		snprintf(why, size, "there is no user %s", asked);
		return -1;
	}
	if (pw->pw_uid == 0) {
		snprintf(why, size, "user %s is root", asked);
		return -1;
	}
	u->uid = pw->pw_uid;
	u->gid = pw->pw_gid;
	u->change = true;
	(void)strlcpy(u->name, pw->pw_name, sizeof(u->name));
	return 0;
}

/* Keep of the capabilities that we have those in the set. */
static int
caps_keep(uint64_t keep)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2];
	int i;

	if (syscall(SYS_capget, &head, data) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return (int)syscall(SYS_capset, &head, data);
}

int
confine_parent(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return caps_keep(PARENT_CAPS);
}

void
confine_child_user(const struct confine_user *u)
{
	const struct rlimit none = { 0, 0 };
	uid_t r, e, s;

	if (u->change && (setgroups(0, NULL) == -1 ||
	    setresgid(u->gid, u->gid, u->gid) == -1 ||
	    setresuid(u->uid, u->uid, u->uid) == -1))
		fatal("becoming %s", u->name);
	if (caps_keep(0) == -1 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1)
		fatal("capabilities");
	if (getresuid(&r, &e, &s) == -1 || r != u->uid || e != u->uid ||
	    s != u->uid || getgid() != u->gid || getegid() != u->gid)
		fatalx("it did not become %s", u->name);
	/* What it holds is its clients'; and it goes when its parent does,
	 * whoever that may signal. */
	(void)setrlimit(RLIMIT_CORE, &none);
	if (prctl(PR_SET_DUMPABLE, CAN_SANDBOX ? 0 : 1) == -1 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		fatal("limits");
}

void
confine_child_sandbox(void)
{
	if (!CAN_SANDBOX) {
		log_warnx("built with AddressSanitizer: no sandbox");
		return;
	}
	tzset();	/* log lines carry the time, from a file */
	if (sandbox_landlock(NULL, 0) == -1) {
		if (errno != ENOSYS && errno != EOPNOTSUPP)
			fatal("Landlock");
		log_warnx("this kernel has no Landlock: files are kept from "
		    "the serving process by its user and seccomp alone");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("no_new_privs");
	if (sandbox_seccomp(SANDBOX_SERVE, NULL) == -1) {
		if (errno != EINVAL && errno != ENOSYS)
			fatal("seccomp");
		log_warnx("this kernel has no seccomp: the serving process "
		    "may make any system call");
	}
}

void
confine_child_seal(void)
{
	if (CAN_SANDBOX && sandbox_seccomp(SANDBOX_SERVING, NULL) == -1 &&
	    errno != EINVAL && errno != ENOSYS)
		fatal("seccomp");
}
