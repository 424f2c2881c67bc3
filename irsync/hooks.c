/* hooks.c: the programs that run before and after a backup, and how nice we
 * are.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/resource.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "irsync.h"
#include "log.h"
#include "proc.h"

/* ioprio_set(2) has no header. */
#define IOPRIO_WHO_PROCESS	1
#define IOPRIO_CLASS_SHIFT	13
#define IOPRIO_CLASS_BE		2
#define IOPRIO_CLASS_IDLE	3
#define IOPRIO_BE_DEFAULT	4

static int
environment(struct strv *env, const struct irsync_conf *c, const char *which,
    int status, const char *text)
{
	bool after = strcmp(which, "after") == 0;
	int rc;

	rc = strv_addf(env, "IRSYNC_HOOK=%s", which) |
	    strv_addf(env, "IRSYNC_HOST=%s", c->host);
	if (after)
		rc |= strv_addf(env, "IRSYNC_STATUS=%d", status) |
		    strv_addf(env, "IRSYNC_RESULT=%s", status_text(status)) |
		    strv_addf(env, "IRSYNC_ERROR=%s", text);
	return rc;
}

/* What a hook said, line by line. */
static void
log_lines(const char *which, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL)
		if (line[0] != '\0')
			log_info("%s: %s", which, line);
}

int
hook_run(const struct irsync_conf *c, const char *which,
    const struct strv *hook, int status, const char *text, char *why,
    size_t size)
{
	struct strv env = { 0 };
	struct proc p = { .argv = hook, .env = &env,
	    .timeout = c->hook_timeout,
	    .detached = strcmp(which, "after") == 0 };
	char buf[256];
	int rc = -1;

	if (hook->n == 0)
		return 0;
	p.path = hook->v[0];
	if (environment(&env, c, which, status, text) == 0 &&
	    proc_run(&p) == 0 && !p.timed_out)
		rc = 0;
	else
		snprintf(why, size, "%s: %s: %s", which, hook->v[0],
		    proc_why(&p, buf, sizeof(buf)));
	log_lines(which, p.err);
	strv_free(&env);
	return rc;
}

static void
ionice_set(const char *how)
{
	int class = IOPRIO_CLASS_IDLE, level = 0;

	if (strncmp(how, "best-effort", 11) == 0) {
		class = IOPRIO_CLASS_BE;
		level = how[11] == ':' ? how[12] - '0' : IOPRIO_BE_DEFAULT;
	}
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
	    class << IOPRIO_CLASS_SHIFT | level) == -1)
		log_warn("ionice");
}

void
niceness_set(const struct irsync_conf *c)
{
	if (c->nice != 0 && setpriority(PRIO_PROCESS, 0, (int)c->nice) == -1)
		log_warn("nice");
	if (c->ionice != NULL)
		ionice_set(c->ionice);
}
