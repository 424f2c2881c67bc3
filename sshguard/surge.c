/* surge.c: does a snapshot take much more room than what changed?
 * Linking that silently stopped to work fills disks; that shows in two ways:
 * room was taken that nobody sent bytes for, or nearly nothing is shared with
 * the snapshot before.  Pure.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <inttypes.h>
#include <stdio.h>

#include "human.h"
#include "surge.h"

#define WORTH		(64ULL << 20)	/* less is not worth a word, */
#define WORTH_FILES	100		/* nor are fewer files */
#define TIMES		4		/* more than what was sent, */
#define TIMES_PACKED	40		/* which may have been compressed */

bool
surge_found(const struct snapshot *s, uint64_t received, bool packed,
    char *buf, size_t size)
{
	char took[HUMAN_SIZE], sent[HUMAN_SIZE];
	uint64_t files = s->linked + s->moved;

	if (s->base[0] == '\0')
		return false;
	human_size(took, s->bytes_new);
	if (s->bytes_new > WORTH &&
	    s->bytes_new / (packed ? TIMES_PACKED : TIMES) > received) {
		human_size(sent, received);
		snprintf(buf, size, "took %s on disk, while the client sent "
		    "at most %s: did the owners or modes of many files "
		    "change, or does linking fail?", took, sent);
		return true;
	}
	if (files >= WORTH_FILES && s->moved > files / 2) {
		snprintf(buf, size, "shares only %" PRIu64 " of %" PRIu64
		    " files with the one before, and took %s on disk",
		    s->linked, files, took);
		return true;
	}
	return false;
}
