/* query.h: what an export remembers for its clients and how they read and
 * change it: Query Config, MAC Mask List and Reserve/Release, AoEr11 sections
 * 3.2 to 3.4.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_QUERY_H
#define AOE_QUERY_H

#include <stdint.h>

#include "frame.h"
#include "maclist.h"

/* A config string: what an export was told to remember. */
struct config {
	uint16_t	len;
	uint8_t		bytes[FRAME_CONFIG_MAX];
};

/* All that outlives a restart. */
struct state {
	struct config	config;
	struct maclist	mask;		/* who is listened to; empty: all */
	struct maclist	reserved;	/* who may use the disk; empty: all */
	uint64_t	sectors;	/* that clients were promised; 0: none
					 * were */
	uint64_t	window;		/* of which part of which file:
					 * export.h */
};

enum query_verdict {
	QUERY_ANSWER,		/* with what is remembered */
	QUERY_SILENT,		/* a test that does not fit: say nothing */
	QUERY_STORE,		/* make *new what is remembered, on disk too,
				 * then answer with it */
	QUERY_TAKEN,		/* AoE error 4: another string is set */
	QUERY_RESERVED,		/* AoE error 6: others have reserved it */
	QUERY_BAD		/* AoE error 2: no such subcommand */
};

/* Error codes of MAC Mask List. */
enum mask_error { MASK_OK = 0, MASK_UNKNOWN = 1, MASK_BADDIR = 2,
	MASK_FULL = 3 };

/* What came of an edit: the directives before number `done` have been
 * followed, and unless `error` is MASK_OK that one could not be. */
struct mask_edit {
	enum mask_error	error;
	unsigned	done;
};

/* What each message asks of an export with this state.  *new is set when the
 * verdict is QUERY_STORE, to the state and the change. */
enum query_verdict query_config(const struct frame_config *,
	    const struct state *, struct state *new);

/* The list may have `max` addresses at most.  *edit is set in any case. */
enum query_verdict query_mask(const struct frame_mask *,
	    const struct state *, unsigned max, struct state *new,
	    struct mask_edit *edit);
enum query_verdict query_reserve(const struct frame_reserve *, uint64_t from,
	    const struct state *, struct state *new);

/* Is this client listened to at all?  May it use the disk? */
bool	query_is_masked(const struct state *, uint64_t from);
bool	query_is_reserved(const struct state *, uint64_t from);

#endif
