/* query.h: what an export answers to Query Config, AoEr11 section 4.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_QUERY_H
#define AOE_QUERY_H

#include <stdint.h>

#include "frame.h"

/* A config string: what an export was told to remember. */
struct config {
	uint16_t	len;
	uint8_t		bytes[FRAME_CONFIG_MAX];
};

enum query_verdict {
	QUERY_ANSWER,		/* with the string as it is */
	QUERY_SILENT,		/* a test that does not fit: say nothing */
	QUERY_STORE,		/* make the given string the new one on disk,
				 * then answer with it */
	QUERY_TAKEN,		/* AoE error 4: another string is set */
	QUERY_BAD		/* AoE error 2: no such subcommand */
};

/* What a Query Config message asks of an export with this string. */
enum query_verdict query_decide(const struct frame_config *,
	    const struct config *);

#endif
