/* test_keys.c: public keys that clients send.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "sshguard/keys.h"

#define ED	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Wy8Zz1l3v7H8Nq2Yk" \
		"mYbGZrQ0n6Xq3l1fN9w1o0aB"
#define RSA	"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ=="

static void
what_is_no_key_is_refused(void **state)
{
	static const struct {
		const char	*line;
		const char	*says;
	} rows[] = {
		{ "x", "no known type" },
		{ "ssh-ed25519", "not a key" },
		{ "ssh-ed25519 ", "not a key" },
		{ "ssh-ed25519 AAAA", "not a key" },
		{ "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJ0", "not a key" },
		{ "ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==", "not a" },
		{ ED "\"x", "not a key" },
		{ "command=\"/bin/sh\" " ED, "no known type" },
		{ "restrict " ED, "no known type" },
		{ "ssh-dss AAAAB3NzaC1kc3MAAACB", "no known type" },
		{ "-----BEGIN OPENSSH PRIVATE KEY-----", "private key" },
	};
	struct pubkey k;
	struct diag d = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++)
		if (pubkey_parse(rows[i].line, &k, &d) != -1 ||
		    strstr(d.msg, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].line, d.msg);
}

static void
keys_are_taken_apart(void **state)
{
	static const struct {
		const char	*line;
		const char	*blob;	/* NULL: none there */
		const char	*comment;
	} rows[] = {
		{ "", NULL, NULL },
		{ "  ", NULL, NULL },
		{ "# x", NULL, NULL },
		{ ED, ED, "" },
		{ "\t" ED " \t", ED, "" },
		{ ED " root@mysql02", ED, "root@mysql02" },
		{ RSA "  two words\x1b[31m\xff", RSA, "two words?[31m?" },
	};
	struct pubkey k;
	struct diag d = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		assert_int_equal(pubkey_parse(rows[i].line, &k, &d),
		    rows[i].blob != NULL);
		if (rows[i].blob != NULL) {
			assert_string_equal(k.blob, rows[i].blob);
			assert_string_equal(k.comment, rows[i].comment);
		}
		pubkey_free(&k);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(keys_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
