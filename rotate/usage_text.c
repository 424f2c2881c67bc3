/* usage_text.c: what the stores take, as a table for people and as one JSON
 * object for programs.  The fields are in irsync-rotate(8).
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <string.h>

#include "human.h"
#include "json.h"
#include "usage.h"

/* A size, or "?" if it is not known; "~" before what is estimated. */
static const char *
size_text(char buf[HUMAN_SIZE + 2], uint64_t bytes, bool known, bool exact)
{
	char size[HUMAN_SIZE];

	if (!known)
		return "?";
	human_size(size, bytes);
	snprintf(buf, HUMAN_SIZE + 2, "%s%s", exact ? "" : "~", size);
	return buf;
}

/* "+1.5 GiB", "-3 MiB", "0 B". */
static const char *
growth_text(char buf[HUMAN_SIZE + 2], int64_t per_day)
{
	char size[HUMAN_SIZE];

	human_size(size, (uint64_t)(per_day < 0 ? -per_day : per_day));
	snprintf(buf, HUMAN_SIZE + 2, "%s%s", per_day < 0 ? "-" :
	    per_day > 0 ? "+" : "", size);
	return buf;
}

static void
print_bar(FILE *f, uint64_t part, uint64_t whole, unsigned width)
{
	unsigned i, n = 0;

	if (whole != 0)
		n = (unsigned)((double)part / (double)whole * width + 0.5);
	if (n == 0 && part != 0)
		n = 1;
	fputs("  ", f);
	for (i = 0; i < width; i++)
		fputc(i < n ? '#' : '.', f);
}

static void
print_client(FILE *f, const struct usage *u, const struct usage_client *c,
    int width, uint64_t largest, unsigned bars)
{
	char age[HUMAN_SIZE], logical[HUMAN_SIZE], real[HUMAN_SIZE + 2],
	    growth[HUMAN_SIZE + 2], oldest[HUMAN_SIZE + 2];
	uint64_t secs = usage_age(c, u->now), frees = usage_oldest(c);
	size_t i;

	if (secs == UINT64_MAX)
		(void)strlcpy(age, "never", sizeof(age));
	else
		human_duration(age, secs);
	human_size(logical, c->logical);
	fprintf(f, "%-*s %5zu %12s %10s %11s %11s %10s", width, c->host,
	    c->n, age, logical,
	    size_text(real, c->real, c->measured != 0 || c->n == 0, c->exact ||
	    c->n == 0), growth_text(growth, c->per_day),
	    size_text(oldest, frees, frees != UINT64_MAX, true));
	if (bars != 0)
		print_bar(f, c->real, largest, bars);
	fputc('\n', f);
	for (i = 0; i < c->problems.n; i++)
		fprintf(f, "%-*s ! %s\n", width, "", c->problems.v[i]);
}

static void
print_disk(FILE *f, const struct usage *u, unsigned bars)
{
	char avail[HUMAN_SIZE], all[HUMAN_SIZE], growth[HUMAN_SIZE + 2];
	char full[USAGE_FULL];
	uint64_t used = u->space.all_bytes - u->space.bytes;

	usage_full(full, u);
	human_size(avail, u->space.bytes);
	human_size(all, u->space.all_bytes);
	fprintf(f, "%zu client%s; %s of %s free, %s a day", u->n,
	    u->n == 1 ? "" : "s", avail, all, growth_text(growth, u->per_day));
	if (u->days_left >= 0)
		fprintf(f, ", %s", full);
	if (bars != 0)
		print_bar(f, used, u->space.all_bytes, bars);
	fputc('\n', f);
}

/* When was what is shown measured? */
static void
print_measured(FILE *f, const struct usage *u)
{
	char age[HUMAN_SIZE];
	time_t oldest = u->now;
	bool estimated = false;
	size_t i;

	for (i = 0; i < u->n; i++) {
		if (u->v[i].measured != 0 && u->v[i].measured < oldest)
			oldest = u->v[i].measured;
		estimated |= !u->v[i].exact && u->v[i].n != 0;
	}
	if (oldest < u->now) {
		human_duration(age, (uint64_t)(u->now - oldest));
		fprintf(f, "real sizes were measured up to %s ago%s\n", age,
		    estimated ? "; ~: newer snapshots by their records" : "");
	}
}

int
usage_text(FILE *f, const struct usage *u, unsigned bars)
{
	uint64_t largest = 0;
	size_t i, len;
	int width = 6;

	for (i = 0; i < u->n; i++) {
		if ((len = strlen(u->v[i].host)) > (size_t)width)
			width = len > 60 ? 60 : (int)len;
		if (u->v[i].real > largest)
			largest = u->v[i].real;
	}
	fprintf(f, "%-*s %5s %12s %10s %11s %11s %10s\n", width, "client",
	    "snaps", "newest", "logical", "real", "a day", "oldest");
	for (i = 0; i < u->n; i++)
		print_client(f, u, &u->v[i], width, largest, bars);
	print_disk(f, u, bars);
	print_measured(f, u);
	return fflush(f) == 0 && !ferror(f) ? 0 : -1;
}

static json_t *
number_or_null(uint64_t n, bool known)
{
	return known ? json_integer((json_int_t)n) : json_null();
}

static json_t *
snapshots_json(const struct usage_client *c)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < c->n; i++) {
		o = json_pack("{ss ss sb}", "stamp", c->snaps[i].stamp,
		    "status", c->snaps[i].recorded ?
		    snapshot_status_name(c->snaps[i].status) : "unknown",
		    "pinned", (int)((c->plan.v[i].why & PLAN_PINNED) != 0));
		json_object_set_new(o, "logical", number_or_null(
		    c->snaps[i].bytes, c->snaps[i].recorded));
		json_object_set_new(o, "share", number_or_null(
		    c->share == NULL ? 0 : c->share[i], c->measured != 0));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
client_json(const struct usage *u, const struct usage_client *c)
{
	uint64_t age = usage_age(c, u->now), oldest = usage_oldest(c);
	json_t *problems = json_array();
	size_t i;

	for (i = 0; i < c->problems.n; i++)
		json_array_append_new(problems,
		    json_string(c->problems.v[i]));
	return json_pack("{ss so so sI so sb so sI ss so so sb}",
	    "client", c->host,
	    "snapshots", snapshots_json(c),
	    "newest_age", number_or_null(age, age != UINT64_MAX),
	    "logical", (json_int_t)c->logical,
	    "real", number_or_null(c->real, c->measured != 0 || c->n == 0),
	    "exact", (int)(c->exact || c->n == 0),
	    "measured", number_or_null((uint64_t)c->measured,
	    c->measured != 0),
	    "per_day", (json_int_t)c->per_day,
	    "per_day_from", c->by_history ? "history" : "records",
	    "oldest_frees", number_or_null(oldest, oldest != UINT64_MAX),
	    "problems", problems,
	    "failed", (int)c->failed);
}

int
usage_json(FILE *f, const struct usage *u)
{
	json_t *clients = json_array(), *all;
	size_t i;

	for (i = 0; i < u->n; i++)
		json_array_append_new(clients, client_json(u, &u->v[i]));
	all = json_pack("{si so sI sI sI sI so so}",
	    "version", 1, "root", json_text(u->root), "time", (json_int_t)u->now,
	    "free", (json_int_t)u->space.bytes,
	    "size", (json_int_t)u->space.all_bytes,
	    "per_day", (json_int_t)u->per_day,
	    "days_left", u->days_left < 0 ? json_null() :
	    json_integer((json_int_t)u->days_left),
	    "clients", clients);
	return json_print(f, all, JSON_INDENT(2) | JSON_SORT_KEYS) == 0 &&
	    fflush(f) == 0 ? 0 : -1;
}
