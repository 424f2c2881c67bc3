/* report.c: what a rotation did, or would do: tables for people, one JSON
 * object for programs.  The fields are in irsync-rotate(8).
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "human.h"
#include "json.h"
#include "report.h"

/* Sums over one client or all. */
struct sums {
	size_t		kept;
	size_t		dropped;	/* by the plan, whatever came of it */
	size_t		removed;
	uint64_t	bytes;
	bool		at_least;
};

static const char *
outcome_name(enum outcome o)
{
	switch (o) {
	case OUTCOME_KEEP:
		return "keep";
	case OUTCOME_DROP:
		return "drop";
	case OUTCOME_REMOVED:
		return "removed";
	case OUTCOME_LEFT:
		return "incomplete";
	case OUTCOME_READ:
		return "in use";
	case OUTCOME_FAILED:
		return "failed";
	}
	return "?";
}

static const char *
push_name(enum push_outcome p)
{
	switch (p) {
	case PUSH_NONE:
		return "none";
	case PUSH_WAITS:
		return "keep";
	case PUSH_STALE:
		return "drop";
	case PUSH_DISCARDED:
		return "removed";
	case PUSH_FAILED:
		return "failed";
	}
	return "?";
}

static void
add_client(struct sums *sums, const struct client *c)
{
	size_t i;

	sums->kept += c->plan.n - c->plan.drops;
	sums->dropped += c->plan.drops;
	for (i = 0; i < c->n; i++)
		sums->removed += c->outcome[i] == OUTCOME_REMOVED;
	sums->bytes += c->swept.bytes;
	sums->at_least |= c->swept.at_least;
}

/* "in use" and "failed" stay as well: what is in the store afterwards. */
static size_t
remaining(const struct sums *s, bool dry)
{
	return dry ? s->kept : s->kept + s->dropped - s->removed;
}

static void
print_sums(FILE *f, const struct run *run, const struct sums *s)
{
	char size[HUMAN_SIZE];

	if (run->dry) {
		human_size(size, s->bytes);
		fprintf(f, "%zu kept, %zu to go, %s%s would be free",
		    s->kept, s->dropped, s->at_least ? "at least " : "", size);
	} else {
		fprintf(f, "%zu kept, %zu removed", remaining(s, false),
		    s->removed);
		human_size(size, s->bytes);
		if (s->bytes != 0)
			fprintf(f, ", %s freed", size);
	}
}

static void
print_snapshot(FILE *f, const struct client *c, size_t i)
{
	const struct snapshot *s = &c->snaps[i];
	char reason[PLAN_REASON], age[HUMAN_SIZE];
	const struct pin *pin;

	plan_reason(reason, &c->plan, i, c->snaps, c->r);
	if ((c->plan.v[i].why & PLAN_FUTURE) != 0)
		(void)strlcpy(age, "future", sizeof(age));
	else
		human_duration(age, plan_clock(s) > c->now ? 0 :
		    (uint64_t)(c->now - plan_clock(s)));
	fprintf(f, "  %-10s  %s  %12s  %-8s  %s",
	    outcome_name(c->outcome[i]), s->stamp, age,
	    s->recorded ? snapshot_status_name(s->status) : "?", reason);
	if ((pin = pins_find(&c->pins, s->stamp)) != NULL)
		fprintf(f, " (%s, by %s)", *pin->reason != '\0' ?
		    pin->reason : "?", *pin->by != '\0' ? pin->by : "?");
	fputc('\n', f);
}

static void
print_push(FILE *f, const struct client *c)
{
	char age[HUMAN_SIZE], limit[HUMAN_SIZE];

	if (c->push == PUSH_NONE)
		return;
	human_duration(age, c->push_last > c->now ? 0 :
	    (uint64_t)(c->now - c->push_last));
	human_duration(limit, c->r->push_age);
	fprintf(f, "  %-10s  %-18s  %12s  %-8s  push-age %s\n",
	    push_name(c->push), "unfinished push", age, "-",
	    c->r->push_age == 0 ? "0: for ever" : limit);
}

static void
print_client(FILE *f, const struct run *run, const struct client *c)
{
	struct sums sums = { 0 };
	size_t i;

	add_client(&sums, c);
	fprintf(f, "%s: ", c->host);
	if (c->busy)
		fputs("a push is running: left to the next run", f);
	else if (c->failed && c->n == 0)
		fputs("not looked at", f);
	else
		print_sums(f, run, &sums);
	fputc('\n', f);
	for (i = 0; i < c->n; i++)
		print_snapshot(f, c, i);
	print_push(f, c);
	if (c->leftovers != 0)
		fprintf(f, "  %-10s  %zu that an earlier run left\n",
		    run->dry ? "drop" : "removed", c->leftovers);
	fputc('\n', f);
}

static bool
is_eventful(const struct client *c)
{
	return c->plan.drops != 0 || c->leftovers != 0 || c->busy ||
	    c->failed || c->warnings.n != 0 || c->push == PUSH_DISCARDED;
}

int
report_text(FILE *f, const struct run *run, bool all)
{
	struct sums sums = { 0 };
	char size[HUMAN_SIZE];
	size_t i;

	for (i = 0; i < run->n; i++) {
		add_client(&sums, &run->v[i]);
		if (all || is_eventful(&run->v[i]))
			print_client(f, run, &run->v[i]);
	}
	fprintf(f, "%zu client%s: ", run->n, run->n == 1 ? "" : "s");
	print_sums(f, run, &sums);
	if (!run->dry) {
		human_size(size, run->after.bytes);
		fprintf(f, ", %s free", size);
	}
	fprintf(f, "%s\n", run->stopped ? "; stopped early, the next run "
	    "goes on" : "");
	return fflush(f) == 0 && !ferror(f) ? 0 : -1;
}

static json_t *
stamp_json(time_t t)
{
	char buf[STAMP_SIZE];

	return stamp_format(buf, t) == 0 ? json_string(buf) : json_null();
}

static json_t *
snapshots_json(const struct client *c)
{
	json_t *list = json_array();
	char reason[PLAN_REASON];
	const struct pin *pin;
	size_t i;

	for (i = 0; i < c->n; i++) {
		plan_reason(reason, &c->plan, i, c->snaps, c->r);
		pin = pins_find(&c->pins, c->snaps[i].stamp);
		json_array_append_new(list, json_pack("{ss ss ss sb ss so}",
		    "stamp", c->snaps[i].stamp,
		    "status", c->snaps[i].recorded ?
		    snapshot_status_name(c->snaps[i].status) : "unknown",
		    "outcome", outcome_name(c->outcome[i]),
		    "keep", (int)plan_keeps(&c->plan, i),
		    "reason", reason,
		    "pin", pin == NULL ? json_null() :
		    json_text(pin->reason)));
	}
	return list;
}

static json_t *
push_json(const struct client *c)
{
	if (c->push == PUSH_NONE)
		return json_null();
	return json_pack("{ss so}", "outcome", push_name(c->push),
	    "last", stamp_json(c->push_last));
}

static json_t *
client_json(const struct run *run, const struct client *c)
{
	json_t *warnings = json_array();
	struct sums sums = { 0 };
	size_t i;

	add_client(&sums, c);
	for (i = 0; i < c->warnings.n; i++)
		json_array_append_new(warnings,
		    json_string(c->warnings.v[i]));
	return json_pack("{ss sI sI sI so so sI sI sI sI sb sb sb so}",
	    "client", c->host,
	    "kept", (json_int_t)remaining(&sums, run->dry),
	    "dropped", (json_int_t)sums.dropped,
	    "removed", (json_int_t)sums.removed,
	    "snapshots", snapshots_json(c),
	    "push", push_json(c),
	    "leftovers", (json_int_t)c->leftovers,
	    "files", (json_int_t)c->swept.files,
	    "folders", (json_int_t)c->swept.dirs,
	    "freed", (json_int_t)c->swept.bytes,
	    "at_least", (int)c->swept.at_least,
	    "busy", (int)c->busy,
	    "failed", (int)c->failed,
	    "warnings", warnings);
}

int
report_json(FILE *f, const struct run *run)
{
	json_t *all, *clients = json_array(), *warnings = json_array();
	size_t i;

	for (i = 0; i < run->warnings.n; i++)
		json_array_append_new(warnings,
		    json_text(run->warnings.v[i]));
	for (i = 0; i < run->n; i++)
		json_array_append_new(clients, client_json(run, &run->v[i]));
	all = json_pack("{si so so sb sb sI sI so so}",
	    "version", 1,
	    "root", json_text(run->root),
	    "time", stamp_json(run->began),
	    "dry_run", (int)run->dry,
	    "stopped", (int)run->stopped,
	    "free_before", (json_int_t)run->before.bytes,
	    "free_after", (json_int_t)run->after.bytes,
	    "warnings", warnings,
	    "clients", clients);
	return json_print(f, all, JSON_INDENT(2) | JSON_SORT_KEYS) == 0 &&
	    fflush(f) == 0 ? 0 : -1;
}
