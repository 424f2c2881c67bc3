/* cmd_verify.c: irsync verify: on a client, the newest snapshot against the
 * living files; with --store, on a server, the files of stores against their
 * checksums.
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
#include "human.h"
#include "json.h"
#include "log.h"
#include "look.h"

#define PARTS_MAX	1000

/* ioprio_set(2) has no header of the C library's. */
#define IOPRIO_WHO_PROCESS	1
#define IOPRIO_IDLE		(3 << 13)

int
part_parse(const char *text, unsigned *part, unsigned *parts)
{
	const char *slash = strchr(text, '/'), *err;
	char first[8];

	if (slash == NULL || (size_t)(slash - text) >= sizeof(first))
		return -1;
	memcpy(first, text, (size_t)(slash - text));
	first[slash - text] = '\0';
	*parts = (unsigned)strtonum(slash + 1, 1, PARTS_MAX, &err);
	if (err != NULL)
		return -1;
	*part = (unsigned)strtonum(first, 1, *parts, &err);
	return err != NULL ? -1 : 0;
}

/* Whoever needs the disk or the processor goes first. */
static void
stand_back(void)
{
	(void)setpriority(PRIO_PROCESS, 0, 19);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

static int
check_status(const struct check *c)
{
	if (c->unreadable > 0)
		return BS_IO;
	return c->damaged > 0 ? BS_FAIL : BS_OK;
}

static void
print_check(const char *host, const struct check *c,
    const struct check_options *o)
{
	char size[HUMAN_SIZE];

	human_size(size, c->bytes);
	printf("%s: %llu files, %llu with %s read: ", host,
	    (unsigned long long)c->files, (unsigned long long)c->read, size);
	if (c->damaged + c->unreadable == 0)
		fputs(c->stopped ? "good so far" : "all good", stdout);
	else
		printf("%llu damaged, %llu unreadable",
		    (unsigned long long)c->damaged,
		    (unsigned long long)c->unreadable);
	if (c->unknown > 0)
		printf(", %llu had no checksum%s",
		    (unsigned long long)c->unknown,
		    o->dry_run ? "" : " yet");
	putchar('\n');
}

static json_t *
check_json(const char *host, const struct check *c)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o}",
	    "host", host, "files", (json_int_t)c->files,
	    "read", (json_int_t)c->read, "bytes", (json_int_t)c->bytes,
	    "damaged", (json_int_t)c->damaged,
	    "unreadable", (json_int_t)c->unreadable,
	    "unknown", (json_int_t)c->unknown, "stopped", c->stopped,
	    "found", c->found != NULL ? json_incref(c->found) : json_array());
}

/* One client after the other. */
static int
check_hosts(struct irsync *ir, const struct strv *hosts,
    const struct check_options *o, json_t *all)
{
	struct check c;
	size_t i;
	int status = BS_OK, one;

	for (i = 0; i < hosts->n && signal_caught() == 0; i++) {
		if (store_check(ir->store, hosts->v[i], o, &c) == -1) {
			log_warn("%s", hosts->v[i]);
			one = errno == EIO ? BS_IO : BS_PARTIAL;
		} else {
			one = check_status(&c);
			if (ir->json)
				(void)json_array_append_new(all,
				    check_json(hosts->v[i], &c));
			else
				print_check(hosts->v[i], &c, o);
		}
		status = status_worse(status, one);
		json_decref(c.found);
	}
	return status;
}

static int
verify_stores(struct irsync *ir, const struct strv *args)
{
	struct check_options o = { .dry_run = ir->dry_run,
	    .progress = ir->progress && !ir->json, .verbose = ir->verbose,
	    .part = 1, .parts = 1 };
	struct strv hosts = { 0 };
	json_t *all = json_array(), *top;
	int status;

	if (ir->part != NULL &&
	    part_parse(ir->part, &o.part, &o.parts) == -1) {
		log_warnx("--part: %s: not K/N, 1 to %d", ir->part, PARTS_MAX);
		json_decref(all);
		return BS_USAGE;
	}
	if ((args->n > 0 ? strv_addall(&hosts, args) :
	    store_hosts(ir->store, &hosts)) == -1) {
		log_warn("%s", ir->store);
		status = BS_FAIL;
		if (ir->json)
			look_json_error(ir, status, strerror(errno));
		goto out;
	}
	stand_back();
	status = check_hosts(ir, &hosts, &o, all);
	if (ir->json && signal_caught() == 0) {
		top = json_pack("{s:o, s:i, s:O}", "store",
		    json_text(ir->store), "exit", status, "clients", all);
		if (json_print(stdout, top, JSON_INDENT(2)) == -1)
			status = BS_FAIL;
	}
out:
	strv_free(&hosts);
	json_decref(all);
	return status;
}

int
cmd_verify(struct irsync *ir, const struct strv *args)
{
	if (ir->store != NULL && (ir->all || ir->sample != NULL)) {
		log_warnx("--all and --sample do not go with --store");
		return BS_USAGE;
	}
	if (ir->store != NULL)
		return verify_stores(ir, args);
	if (args->n > 0 || ir->part != NULL || ir->dry_run) {
		log_warnx("hosts, --part and --dry-run go with --store");
		return BS_USAGE;
	}
	return live_check(ir);
}
