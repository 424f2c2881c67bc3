/* fuzz_control.c: any bytes as a line of the control socket.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>

#include "aoe/control.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request req;
	char msg[64] = "";

	if (control_decode((const char *)data, size, &req, msg,
	    sizeof(msg)) == 0)
		strv_free(&req.aliases);
	else if (msg[0] == '\0' || req.aliases.v != NULL)
		abort();
	return 0;
}
