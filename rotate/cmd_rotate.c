/* cmd_rotate.c: irsync-rotate [root]: a run, and what is told about it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/syscall.h>

#include <linux/ioprio.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "exits.h"
#include "metrics.h"
#include "report.h"

/* The disk's other users come first.  Threads started later inherit it. */
static void
be_idle(void)
{
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
	    IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

/* What was found out goes to whoever wants it; each that fails is said. */
static int
tell(const struct options *o, const struct run *run, int status)
{
	const char *metrics = o->metrics != NULL ? o->metrics :
	    run->conf->metrics;
	int rc;

	rc = o->json ? report_json(stdout, run) :
	    report_text(stdout, run, o->dry || o->verbose);
	if (rc == -1)
		warn("stdout");
	if (metrics != NULL && !run->dry &&
	    metrics_write(metrics, run, status) == -1) {
		warn("%s", metrics);
		rc = -1;
	}
	return rc;
}

int
cmd_rotate(const struct options *o, const struct retention_conf *conf,
    int argc, char **argv)
{
	struct pace pace = { .rate = o->rate, .max_load = o->max_load,
	    .stop = o->stop };
	struct progress progress = { 0 };
	struct run run = { 0 };
	int status, rc;

	pace_init(&pace);
	be_idle();
	/* Nobody may be left to read warnings; that ends no rotation. */
	if (!o->dry)
		(void)signal(SIGPIPE, SIG_IGN);
	run.root = argc == 1 ? argv[0] : conf->root;
	run.conf = conf;
	run.began = time(NULL);
	run.dry = o->dry;
	run.jobs = o->jobs;
	run.stop = o->stop;
	run.pace = &pace;
	run.progress = &progress;
	progress_open(&progress, stderr);
	rc = run_all(&run);
	progress_close(&progress);
	if (rc == -1 && errno == EWOULDBLOCK)
		errx(BS_BUSY, "%s: another rotation is at work", run.root);
	if (rc == -1)
		err(RUN_CRITICAL, "%s", run.root);
	status = run_status(&run);
	if (tell(o, &run, status) == -1 && status != BS_BUSY)
		status = RUN_CRITICAL;
	run_free(&run);
	return status;
}
