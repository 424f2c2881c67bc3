/* command.c: one of the programs that the policy lets a client start.
 * It is the operator's own choice, so it runs as the account would run it: in
 * the machine's root, with the client's stream.  But it gains no rights, by
 * set-user-ID programs either, gets no environment but a PATH, and nothing that
 * it started outlives it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdio.h>
#include <string.h>

#include "job.h"

int
job_command(struct job *b)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	static char *const env[] = { path, NULL };
	struct child c = {
		.argv = b->v->command.v,
		.envp = env,
		.cwd = "/",
		.sandbox = b->v->who->sandbox,
		.profile = SANDBOX_COMMAND,
		.patience = b->v->who->timeout,
		.in_kib = b->v->who->bwlimit
	};
	struct ending e = { 0 };

	child_run(&c, &e);
	if (!e.started)
		return job_not_started(b, &e);
	job_log_end(b, "command", &e);
	return e.status;
}
