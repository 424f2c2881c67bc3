/* progress.c: one line on a terminal, five times a second:
 *
 *	web (3/12): 5 snapshots, 123456 of about 500000 files, 98765/s, 4 s left
 *
 * A thread of its own writes it; the threads that delete only count.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "human.h"
#include "progress.h"
#include "term.h"

#define EVERY_MS	200

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
progress_line(char buf[PROGRESS_LINE], const struct progress_state *s,
    size_t width)
{
	uint64_t rate = s->ms < EVERY_MS ? 0 : s->files * 1000 / s->ms;
	char left[HUMAN_SIZE + 8] = "", span[HUMAN_SIZE];
	char of[48] = "";

	/* Records count what was there, so this is about right. */
	if (s->expected > s->files) {
		snprintf(of, sizeof(of), " of about %llu",
		    (unsigned long long)s->expected);
		if (rate != 0) {
			human_duration(span, (s->expected - s->files) / rate);
			snprintf(left, sizeof(left), ", %s left", span);
		}
	}
	snprintf(buf, PROGRESS_LINE, "%s (%zu/%zu): %zu snapshot%s, "
	    "%llu%s files, %llu/s%s", s->host, s->client, s->clients,
	    s->snapshots, s->snapshots == 1 ? "" : "s",
	    (unsigned long long)s->files, of, (unsigned long long)rate, left);
	if (width < PROGRESS_LINE)
		buf[width] = '\0';
}

static void
show(struct progress *p)
{
	char line[PROGRESS_LINE];

	p->state.files = atomic_load(&p->files);
	p->state.ms = now_ms() - p->began_ms;
	progress_line(line, &p->state, term_columns(p->f) - 1);
	fprintf(p->f, TERM_CLEAR "%s", line);
	fflush(p->f);
	p->shown = true;
}

static void *
show_again(void *arg)
{
	struct progress *p = arg;
	struct timespec at;

	pthread_mutex_lock(&p->lock);
	while (!p->end) {
		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_nsec += EVERY_MS * 1000000L;
		if (at.tv_nsec >= 1000000000L) {
			at.tv_nsec -= 1000000000L;
			at.tv_sec++;
		}
		(void)pthread_cond_timedwait(&p->wake, &p->lock, &at);
		if (!p->end && p->state.host != NULL)
			show(p);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

void
progress_open(struct progress *p, FILE *f)
{
	if (term_columns(f) < 2)
		return;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	p->f = f;
	if (pthread_create(&p->thread, NULL, show_again, p) != 0)
		p->f = NULL;
}

void
progress_client(struct progress *p, const char *host, size_t client,
    size_t clients, size_t snapshots, uint64_t expected)
{
	if (p->f == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->state = (struct progress_state){ host, client, clients, snapshots,
	    0, expected, 0 };
	atomic_store(&p->files, 0);
	p->began_ms = now_ms();
	pthread_mutex_unlock(&p->lock);
}

/* Under the lock. */
static void
erase(struct progress *p)
{
	if (p->shown) {
		fputs(TERM_CLEAR, p->f);
		fflush(p->f);
	}
	p->shown = false;
}

void
progress_hide(struct progress *p)
{
	if (p->f == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	erase(p);
	pthread_mutex_unlock(&p->lock);
}

void
progress_clear(struct progress *p)
{
	if (p->f == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->state.host = NULL;
	erase(p);
	pthread_mutex_unlock(&p->lock);
}

void
progress_close(struct progress *p)
{
	if (p->f == NULL)
		return;
	progress_clear(p);
	pthread_mutex_lock(&p->lock);
	p->end = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	p->f = NULL;
}
