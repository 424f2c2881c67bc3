/* fuzz_migrate.c: any bytes as what backshelf-migrate reads: a line of
 * authorized_keys, a conf.irsync, a ledger; by the first byte.  A configuration
 * that is made of it must be one that irsync reads; a ledger must come back.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "etc/migrate/authkeys.h"
#include "etc/migrate/migrate.h"
#include "etc/migrate/rfxn.h"
#include "irsync/irsync.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
try_key(const char *text)
{
	struct authkey k;
	struct diag d = { 0 };

	if (authkey_parse(text, &k, &d) == -1) {
		if (d.msg[0] == '\0')
			abort();
	} else if (k.kind != AUTHKEY_OTHER && k.blob == NULL)
		abort();
	authkey_free(&k);
}

static void
try_conf(const char *text)
{
	struct strv paths = { 0 }, excludes = { 0 };
	struct diags ds = { 0 };
	struct irsync_conf c;
	struct rfxn r;
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	if (f == NULL)
		abort();
	if (rfxn_parse(text, strlen(text), &r, &ds) == 0 &&
	    rfxn_paths(text, &paths, &ds) == 0)
		(void)rfxn_excludes(text, &excludes, &ds);
	else if (!diags_any(&ds))
		abort();
	if (!diags_any(&ds))
		(void)rfxn_write(f, &r, "a", &paths, &excludes, &ds);
	fclose(f);
	/* It may be refused, with a place; it may not crash. */
	(void)irsync_conf_parse(out, &c, &ds);
	irsync_conf_free(&c);
	rfxn_free(&r);
	strv_free(&paths);
	strv_free(&excludes);
	diags_free(&ds);
	free(out);
}

static void
try_ledger(const char *buf, size_t len)
{
	struct moves m, again;
	struct diag d = { 0 };
	char *text;

	if (ledger_parse(buf, len, &m, &d) == -1)
		return;
	if ((text = ledger_format(&m)) == NULL ||
	    ledger_parse(text, strlen(text), &again, &d) == -1 ||
	    again.n != m.n)
		abort();
	free(text);
	moves_free(&m);
	moves_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0 || (text = malloc(size)) == NULL)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] == 'k')
		try_key(text);
	else if (data[0] == 'c')
		try_conf(text);
	else
		try_ledger(text, size - 1);
	free(text);
	return 0;
}
