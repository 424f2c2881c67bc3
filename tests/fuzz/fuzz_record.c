/* fuzz_record.c: a snapshot's record and the notes of an unfinished push.
 * What is taken must be within its bounds, and must come back the same when it
 * is written and read again.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store_internal.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
record(const char *buf, size_t len)
{
	static const char stamp[] = "2026-11-22T040201Z";
	struct snapshot a, b;
	char *text;

	if (store_record_parse(buf, len, stamp, &a) == -1) {
		if (a.recorded || a.entries != 0)
			abort();
		return;
	}
	if (!a.recorded || a.rsync_exit > 255 || a.bytes > INT64_MAX ||
	    (text = store_record_format(&a)) == NULL ||
	    store_record_parse(text, strlen(text), stamp, &b) == -1 ||
	    memcmp(&a, &b, sizeof(a)) != 0)
		abort();
	free(text);
}

static void
notes(const char *buf, size_t len)
{
	struct push_state st, st2;
	struct push_commit c;
	struct merge_stats sum;
	char *text;

	if (push_state_parse(buf, len, &st) == 0) {
		if (!subdir_valid(st.subdir) ||
		    (text = push_state_format(&st)) == NULL ||
		    push_state_parse(text, strlen(text), &st2) == -1 ||
		    strcmp(st.subdir, st2.subdir) != 0)
			abort();
		free(text);
		free(st.subdir);
		free(st2.subdir);
	}
	if (push_commit_parse(buf, len, &c) == 0) {
		if (!subdir_valid(c.subdir) || c.stamp[0] == '\0')
			abort();
		push_commit_free(&c);
	}
	if (ahead_sum_parse(buf, len, &sum) == 0) {
		if ((text = ahead_sum_format(&sum)) == NULL ||
		    ahead_sum_parse(text, strlen(text), &sum) == -1)
			abort();
		free(text);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	record((const char *)data, size);
	notes((const char *)data, size);
	return 0;
}
