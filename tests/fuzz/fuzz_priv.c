/* fuzz_priv.c: any bytes as a request to the privileged parent.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aoe/priv_msg.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char again[PRIV_REQUEST_MAX];
	struct priv_request rq;

	if (priv_decode(data, size, &rq) == -1)
		return 0;
	/* What is taken is a request as our own child makes it. */
	if (rq.type >= PRIV_TYPES || rq.len > PRIV_TEXT ||
	    memchr(rq.name, '\0', sizeof(rq.name)) == NULL ||
	    priv_encode(&rq, again) != size ||
	    memcmp(again, data, size) != 0)
		abort();
	return 0;
}
