/* health.c: how a client's backups are doing.  Pure.
 *
 * What counts is the newest complete snapshot, as the storage has it.  Only if
 * the storage cannot be asked, what the client remembers has to do.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "health.h"
#include "human.h"

#define USUAL		7	/* snapshots before, to compare with */
#define SLOW_TIMES	4	/* as long as usual, and */
#define SLOW_LEAST	1800	/* seconds at least, to be told */
#define AHEAD		60	/* seconds that a stamp may be ahead: two
				 * pushes in one second, and clocks */

static void say(struct health *, enum level, const char *, ...)
    __attribute__((format(printf, 3, 4)));

const char *
level_name(enum level level)
{
	static const char *const names[] = {
		"OK", "WARNING", "CRITICAL", "UNKNOWN"
	};

	return names[level];
}

enum level
level_worse(enum level a, enum level b)
{
	static const int rank[] = { 0, 2, 3, 1 };

	return rank[a] >= rank[b] ? a : b;
}

/* Add to the text, and to the level. */
static void
say(struct health *h, enum level level, const char *fmt, ...)
{
	size_t n = strlen(h->text);
	char *p;
	va_list ap;

	h->level = level_worse(h->level, level);
	if (n > 0)
		n = strlcat(h->text, ", ", sizeof(h->text));
	if (n >= sizeof(h->text))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(h->text + n, sizeof(h->text) - n, fmt, ap);
	va_end(ap);
	/* '|' begins the performance data. */
	for (p = h->text; *p != '\0'; p++)
		if (*p == '|' || *p < ' ' || *p > '~')
			*p = *p == '|' ? '/' : '?';
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint64_t
median(uint64_t *v, size_t n)
{
	if (n == 0)
		return 0;
	qsort(v, n, sizeof(*v), by_number);
	return v[n / 2];
}

static uint64_t
duration(const struct snapshot *s)
{
	return s->ended > s->started ? (uint64_t)(s->ended - s->started) : 0;
}

/* What is usual: the medians of some complete ones before this. */
static void
measure(const struct health_facts *f, const struct snapshot *newest,
    struct health *h)
{
	uint64_t sizes[USUAL], seconds[USUAL];
	const struct snapshot *s;
	size_t n = 0;

	h->measured = newest->recorded;
	h->size = newest->bytes;
	h->bytes_new = newest->bytes_new;
	h->seconds = duration(newest);
	for (s = newest; s > f->v && n < USUAL;) {
		s--;
		if (!s->recorded || s->status == SNAPSHOT_PARTIAL)
			continue;
		sizes[n] = s->bytes;
		seconds[n++] = duration(s);
	}
	h->usual_size = median(sizes, n);
	h->usual_seconds = median(seconds, n);
}

static void
judge_trend(struct health *h)
{
	char a[HUMAN_SIZE], b[HUMAN_SIZE];

	if (!h->measured)
		return;
	human_size(a, h->size);
	human_duration(b, h->seconds);
	say(h, LEVEL_OK, "%s in %s", a, b);
	if (h->usual_size == 0)
		return;
	human_size(b, h->usual_size);
	if (h->size < h->usual_size / 2)
		say(h, LEVEL_WARNING, "less than half of the usual %s", b);
	else
		say(h, LEVEL_OK, "size %+.0f %%", 100.0 *
		    ((double)h->size / (double)h->usual_size - 1));
	human_duration(b, h->usual_seconds);
	if (h->seconds > SLOW_LEAST &&
	    h->seconds / SLOW_TIMES > h->usual_seconds)
		say(h, LEVEL_WARNING, "took longer than the usual %s", b);
}

static void
judge_age(const struct health_facts *f, time_t then, const char *what,
    struct health *h)
{
	char age[HUMAN_SIZE];

	if (then > f->now + AHEAD) {
		human_duration(age, (uint64_t)(then - f->now));
		say(h, LEVEL_WARNING, "%s lies %s in the future", what, age);
		h->age = 0;
		return;
	}
	h->age = then > f->now ? 0 : f->now - then;
	human_duration(age, (uint64_t)h->age);
	say(h, (uint64_t)h->age > f->max_age ? LEVEL_CRITICAL : LEVEL_OK,
	    "%s is %s old", what, age);
}

/* What the last run came to, if it is later than the newest snapshot. */
static void
judge_last(const struct health_facts *f, time_t newest, struct health *h)
{
	const struct laststate_run *r;
	char age[HUMAN_SIZE];

	if (f->last == NULL || f->last->n == 0)
		return;
	r = &f->last->runs[f->last->n - 1];
	(void)strlcpy(h->error, r->error, sizeof(h->error));
	if (r->started < newest)
		return;
	human_duration(age, r->started > f->now ? 0 :
	    (uint64_t)(f->now - r->started));
	if (r->ended == 0) {
		if (f->now > r->started &&
		    (uint64_t)(f->now - r->started) > f->max_age)
			say(h, LEVEL_WARNING, "a run that began %s ago has "
			    "not ended", age);
	} else if (r->exit != BS_OK && r->exit != BS_VANISHED)
		say(h, LEVEL_WARNING, "the last run, %s ago, failed: %s", age,
		    r->error[0] != '\0' ? r->error : "no reason is known");
}

/* The storage did not answer. */
static void
judge_by_memory(const struct health_facts *f, struct health *h)
{
	if (f->last == NULL || f->last->complete == 0) {
		say(h, LEVEL_UNKNOWN, "cannot be asked: %s", f->trouble);
		judge_last(f, 0, h);
		return;
	}
	(void)strlcpy(h->stamp, f->last->complete_stamp, sizeof(h->stamp));
	judge_age(f, f->last->complete, "the last complete backup", h);
	say(h, LEVEL_WARNING, "cannot be asked: %s", f->trouble);
	judge_last(f, f->last->complete, h);
}

void
health_judge(const struct health_facts *f, struct health *h)
{
	const struct snapshot *newest;

	memset(h, 0, sizeof(*h));
	h->age = -1;
	if (f->trouble != NULL) {
		judge_by_memory(f, h);
		return;
	}
	if ((newest = snapshot_newest(f->v, f->n, INT64_MAX)) == NULL) {
		if (f->n == 0)
			say(h, LEVEL_CRITICAL, "no snapshot");
		else
			say(h, LEVEL_CRITICAL, "no complete snapshot among "
			    "%zu", f->n);
		judge_last(f, 0, h);
		return;
	}
	(void)strlcpy(h->stamp, newest->stamp, sizeof(h->stamp));
	measure(f, newest, h);
	judge_age(f, newest->time, "the newest complete snapshot", h);
	judge_trend(h);
	if (newest != &f->v[f->n - 1])
		say(h, LEVEL_WARNING, "%zu since then only partial",
		    f->n - 1 - (size_t)(newest - f->v));
	judge_last(f, newest->time, h);
}

void
health_perfdata(char *buf, size_t size, const char *name,
    const struct health *h, uint64_t max_age)
{
	char safe[256], *p;

	(void)strlcpy(safe, name, sizeof(safe));
	for (p = safe; *p != '\0'; p++)
		if (strchr("'=|\"", *p) != NULL || *p < ' ' || *p > '~')
			*p = '_';
	buf[0] = '\0';
	if (h->age >= 0)
		(void)snprintf(buf, size, " '%s age'=%llds;;%llu;0", safe,
		    (long long)h->age, (unsigned long long)max_age);
	if (h->measured && strlen(buf) < size)
		(void)snprintf(buf + strlen(buf), size - strlen(buf),
		    " '%s size'=%lluB;;;0 '%s new'=%lluB;;;0 "
		    "'%s time'=%llus;;;0", safe, (unsigned long long)h->size,
		    safe, (unsigned long long)h->bytes_new, safe,
		    (unsigned long long)h->seconds);
}
