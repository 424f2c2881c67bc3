/* plan_text.c: the verdict on a snapshot in words.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "human.h"
#include "plan.h"

#define HOUR	3600
#define DAY	86400

/* Append to a reason, after a comma if it is not the first part. */
static void __attribute__((format(printf, 2, 3)))
also(char buf[PLAN_REASON], const char *fmt, ...)
{
	size_t len = strlen(buf);
	va_list ap;

	if (len != 0) {
		(void)strlcat(buf, ", ", PLAN_REASON);
		len = strlen(buf);
	}
	va_start(ap, fmt);
	vsnprintf(buf + len, PLAN_REASON - len, fmt, ap);
	va_end(ap);
}

/* A span exactly as it was configured, in its largest whole unit. */
static void
span_text(char buf[HUMAN_SIZE], uint64_t secs)
{
	static const struct {
		unsigned	 secs;
		const char	*name;
	} units[] = { { DAY, "d" }, { HOUR, "h" }, { 60, "min" } };
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (secs % units[i].secs == 0) {
			snprintf(buf, HUMAN_SIZE, "%llu %s", (unsigned long
			    long)(secs / units[i].secs), units[i].name);
			return;
		}
	snprintf(buf, HUMAN_SIZE, "%llu s", (unsigned long long)secs);
}

static void
reason_to_go(char buf[PLAN_REASON], const struct plan_line *l,
    const struct snapshot *snaps, const struct retention *r)
{
	char span[HUMAN_SIZE];
	bool counts = false;
	size_t c;

	if (l->want == PLAN_MAX_SIZE) {
		human_size(span, r->max_size);
		also(buf, "max-size %s", span);
		return;
	}
	if (l->want != PLAN_NO_WANT) {
		also(buf, "%s", l->want == PLAN_MIN_FREE ? "min-free" :
		    "min-free-inodes");
		return;
	}
	for (c = 0; c < RETENTION_NCOUNTS; c++)
		counts |= r->count[c] != 0;
	if (l->other != PLAN_NONE)
		also(buf, "%s keeps %s instead", retention_count_name(l->by),
		    snaps[l->other].stamp);
	else if (counts)
		also(buf, "past every rule");
	else {
		span_text(span, r->age > r->within ? r->age : r->within);
		also(buf, "older than %s", span);
	}
}

void
plan_reason(char buf[PLAN_REASON], const struct plan *plan, size_t i,
    const struct snapshot *snaps, const struct retention *r)
{
	static const struct {
		unsigned	 why;
		const char	*text;
	} words[] = {
		{ PLAN_PINNED,	"pinned" },
		{ PLAN_FUTURE,	"from the future" },
		{ PLAN_NEWEST,	"newest complete" },
		{ PLAN_LATEST,	"newest" },
		{ PLAN_BASE,	"base of an unfinished push" },
		{ PLAN_FULL,	"HOST.full points to it" },
		{ PLAN_FOREIGN,	"no readable record" },
	};
	const struct plan_line *l = &plan->v[i];
	char span[HUMAN_SIZE];
	size_t k;

	buf[0] = '\0';
	if (l->why == 0) {
		reason_to_go(buf, l, snaps, r);
		return;
	}
	for (k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
		/* Both go without saying then. */
		if ((words[k].why & (PLAN_LATEST | PLAN_FULL)) != 0 &&
		    (l->why & PLAN_NEWEST) != 0)
			continue;
		if ((l->why & words[k].why) != 0)
			also(buf, "%s", words[k].text);
	}
	if ((l->why & PLAN_AGE) != 0) {
		span_text(span, r->age);
		also(buf, "age %s", span);
	}
	if ((l->why & PLAN_WITHIN) != 0) {
		span_text(span, r->within);
		also(buf, "keep-within %s", span);
	}
	for (k = 0; k < RETENTION_NCOUNTS; k++)
		if (l->nth[k] != 0)
			also(buf, "%s %u/%u",
			    retention_count_name((enum retention_count)k),
			    l->nth[k], r->count[k]);
}
