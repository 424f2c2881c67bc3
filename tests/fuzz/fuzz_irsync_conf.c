/* fuzz_irsync_conf.c: any text is a configuration or a list of errors.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "irsync/irsync.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct push_options o = { 0 };
	struct irsync_conf c;
	struct diags ds = { 0 };
	struct strv argv = { 0 };
	char *text, *ssh;
	int rc;

	if ((text = malloc(len + 1)) == NULL)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	rc = irsync_conf_parse(text, &c, &ds);
	if ((rc == 0) == (diags_any(&ds) != 0))
		abort();
	if (rc == 0) {
		c.host = c.host != NULL ? c.host : strdup("h");
		if (argv_push(&argv, &c, &o, "dest") == -1)
			abort();
		if ((ssh = ssh_command(&c)) == NULL)
			abort();
		free(ssh);
	}
	strv_free(&argv);
	diags_free(&ds);
	irsync_conf_free(&c);
	free(text);
	return 0;
}
