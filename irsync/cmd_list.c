/* cmd_list.c: irsync list.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "exits.h"
#include "human.h"
#include "irsync.h"
#include "log.h"

#define ROW	"%-18s  %12s  %10s  %9s  %9s  %9s  %s\n"

static const char *
age(char buf[HUMAN_SIZE], time_t then, time_t now)
{
	if (then > now)
		return "future";
	human_duration(buf, (uint64_t)(now - then));
	return buf;
}

static const char *
number(char buf[HUMAN_SIZE], uint64_t n)
{
	snprintf(buf, HUMAN_SIZE, "%llu", (unsigned long long)n);
	return buf;
}

static const char *
bytes(char buf[HUMAN_SIZE], uint64_t n)
{
	human_size(buf, n);
	return buf;
}

static void
print_row(const struct snapshot *s, bool latest, time_t now)
{
	char b[5][HUMAN_SIZE], status[32];

	snprintf(status, sizeof(status), "%s%s",
	    s->recorded ? snapshot_status_name(s->status) : "no record",
	    latest ? ", latest" : "");
	if (s->recorded)
		printf(ROW, s->stamp, age(b[0], s->time, now),
		    number(b[1], s->entries), number(b[2], s->moved),
		    bytes(b[3], s->bytes), bytes(b[4], s->bytes_new), status);
	else
		printf(ROW, s->stamp, age(b[0], s->time, now), "-", "-", "-",
		    "-", status);
}

void
list_print(const struct snapshot *v, size_t n, time_t now)
{
	const struct snapshot *latest = snapshot_newest(v, n, INT64_MAX);
	char buf[HUMAN_SIZE];
	uint64_t total = 0;
	size_t i;

	if (n > 0)
		printf(ROW, "SNAPSHOT", "AGE", "ENTRIES", "CHANGED", "SIZE",
		    "ON DISK", "STATUS");
	for (i = 0; i < n; i++) {
		print_row(&v[i], &v[i] == latest, now);
		if (__builtin_add_overflow(total, v[i].bytes_new, &total))
			total = UINT64_MAX;
	}
	human_size(buf, total);
	printf("%zu snapshot%s, %s on disk\n", n, n == 1 ? "" : "s", buf);
}

/* Each snapshot as the store's record has it, and whether it is the latest. */
static int
print_json(const struct irsync_conf *c, const struct snapshot *v, size_t n)
{
	const struct snapshot *latest = snapshot_newest(v, n, INT64_MAX);
	json_t *all = json_array(), *top, *one;
	char *text;
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		if ((text = store_record_format(&v[i])) == NULL)
			break;
		one = json_loads(text, 0, NULL);
		free(text);
		if (json_object_set_new(one, "recorded",
		    json_boolean(v[i].recorded)) == -1 ||
		    json_object_set_new(one, "latest",
		    json_boolean(&v[i] == latest)) == -1 ||
		    json_array_append_new(all, one) == -1)
			break;
	}
	top = json_pack("{s:s, s:o, s:o}", "host", c->host, "storage",
	    text_json(c->storage->text), "snapshots", all);
	rc = top == NULL || i < n ? -1 :
	    json_dumpf(top, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(top);
	return rc;
}

int
cmd_list(struct irsync *ir, const struct strv *args)
{
	struct run r = { .path = ir->conf.rsync, .in = -1,
	    .quiet = !ir->verbose };
	struct snapshot *v;
	size_t n;
	int status;

	(void)args;
	status = storage_list(ir, &r, &v, &n);
	if (status != BS_OK)
		report_failure(ir, &r, status);
	else if (ir->json)
		status = print_json(&ir->conf, v, n) == -1 ? BS_FAIL : BS_OK;
	else
		list_print(v, n, time(NULL));
	free(v);
	return status;
}
