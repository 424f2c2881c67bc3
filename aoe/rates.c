/* rates.c: what exports have counted: over restarts, and lately.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>

#include "service_impl.h"
#include "worker.h"

#define SAMPLE_MS	2000

static uint64_t
get(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static void
add(_Atomic uint64_t *sum, const _Atomic uint64_t *c)
{
	atomic_store_explicit(sum, get(sum) + get(c), memory_order_relaxed);
}

void
stats_add(struct export_stats *sum, const struct export_stats *st)
{
	int64_t heard = atomic_load_explicit(&st->heard,
	    memory_order_relaxed);

	add(&sum->reads, &st->reads);
	add(&sum->writes, &st->writes);
	add(&sum->flushes, &st->flushes);
	add(&sum->bytes_read, &st->bytes_read);
	add(&sum->bytes_written, &st->bytes_written);
	add(&sum->errors, &st->errors);
	add(&sum->dropped, &st->dropped);
	add(&sum->syncs, &st->syncs);
	if (heard > atomic_load_explicit(&sum->heard, memory_order_relaxed))
		atomic_store_explicit(&sum->heard, heard,
		    memory_order_relaxed);
}

void
service_stats(const struct supervisor *sv, const struct service *s,
    struct export_stats *sum)
{
	const struct export *e;

	memset(sum, 0, sizeof(*sum));
	stats_add(sum, &s->kept);
	if (s->export != NULL)
		stats_add(sum, &s->export->stats);
	LIST_FOREACH(e, &sv->retiring, retired)
		if (strcmp(e->row.alias, s->row.alias) == 0)
			stats_add(sum, &e->stats);
}

static void
sample(const struct supervisor *sv, struct service *s, int64_t now)
{
	struct export_stats st;
	struct rate *r = &s->rate;

	service_stats(sv, s, &st);
	r->at[0] = r->at[1];
	r->read[0] = r->read[1];
	r->written[0] = r->written[1];
	r->at[1] = now;
	r->read[1] = get(&st.bytes_read);
	r->written[1] = get(&st.bytes_written);
}

static void
sample_all(const struct supervisor *sv, int64_t now)
{
	size_t i;

	for (i = 0; i < sv->n; i++)
		sample(sv, &sv->services[i], now);
}

bool
rates_rest(const struct supervisor *sv)
{
	return sv->sample_due == INT64_MAX;
}

/* Where nothing comes there is nothing to sample: then the workers tell when
 * something does, and nobody is woken until then. */
void
rates_sample(struct supervisor *sv)
{
	uint64_t frames = workers_frames(sv->workers, sv->nworkers);
	bool resting = rates_rest(sv);
	int64_t now = now_ms();

	if (resting ? frames == sv->sample_frames : now < sv->sample_due)
		return;
	if (resting)	/* what came before is not lately */
		sample_all(sv, now);
	sample_all(sv, now);
	sv->sample_due = now + SAMPLE_MS;
	if (frames == sv->sample_frames) {
		workers_tell(sv->workers, sv->nworkers);
		/* Unless one has come before they knew that. */
		if (workers_frames(sv->workers, sv->nworkers) == frames)
			sv->sample_due = INT64_MAX;
	}
	sv->sample_frames = frames;
}

void
service_rate(const struct supervisor *sv, const struct service *s,
    double *read, double *written)
{
	struct export_stats st;
	const struct rate *r = &s->rate;
	double seconds = (double)(now_ms() - r->at[0]) / 1000;

	*read = *written = 0;
	if (r->at[0] == 0 || seconds <= 0)
		return;
	service_stats(sv, s, &st);
	*read = (double)(get(&st.bytes_read) - r->read[0]) / seconds;
	*written = (double)(get(&st.bytes_written) - r->written[0]) / seconds;
}
