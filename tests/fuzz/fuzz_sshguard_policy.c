/* fuzz_sshguard_policy.c: any bytes as sshguard.conf: a policy whose fields
 * hold what they promise, or errors and no policy.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sshguard/policy.h"
#include "store.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diags ds = { 0 };
	struct policy p;
	char *text;
	size_t i;

	if (memchr(data, '\0', size) != NULL ||
	    (text = malloc(size + 1)) == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (policy_parse(text, &p, &ds) == 0) {
		assert(!diags_any(&ds));
		assert(p.root[0] == '/' && p.rsync[0] == '/');
		for (i = 0; i < p.n; i++) {
			assert(store_host_valid(p.clients[i].name));
			assert(policy_find(&p, p.clients[i].name) ==
			    &p.clients[i]);
			assert(p.clients[i].timeout <= 86400);
			assert(p.clients[i].interval <= 366 * 86400);
			assert(p.clients[i].sessions <= 1000);
			assert(p.clients[i].commands.n == 0 ||
			    p.clients[i].commands.v[0][strspn(
			    p.clients[i].commands.v[0], " \t\\")] == '/');
			(void)policy_from(&p.clients[i], "192.0.2.1");
			(void)policy_hours(&p.clients[i], 1439);
		}
	} else
		assert(diags_any(&ds) && p.n == 0 && p.root == NULL);
	policy_free(&p);
	diags_free(&ds);
	free(text);
	return 0;
}
