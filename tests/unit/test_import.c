/* test_import.c: vblade's configurations.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "faults.h"
#include "aoe/import.h"

#define MUST	"shelf=14\nslot=2\nnetif=ens3\nfilename=/dev/x\n"

static int
parse(const char *text, struct diags *ds)
{
	struct table t = { 0 };
	int rc = import_fragment(text, strlen(text), "a", &t, ds);

	assert_int_equal(t.n, 0);
	table_free(&t);
	return rc;
}

static void
fragments_not_understood(void **state)
{
	static const struct fault rows[] = {
		{ "", 0, 0, "shelf is not set" },
		{ "shelf=1\nslot=2\nnetif=a\n", 0, 0, "filename is not set" },
		{ MUST "shelf=\n", 5, 0, "shelf is not set" },
		{ MUST "rm -rf /\n", 5, 1, "nothing is run" },
		{ MUST " . /etc/other\n", 5, 2, "nothing is run" },
		{ MUST "export shelf=1\n", 5, 1, "nothing is run" },
		{ MUST "shelf =1\n", 5, 1, "nothing is run" },
		{ MUST "=1\n", 5, 1, "nothing is run" },
		{ MUST "Shel=1\n", 5, 1, "no variable 'Shel'" },
		{ MUST "PATH=/x\n", 5, 1, "no variable 'PATH'" },
		{ MUST "slot=$(id)\n", 5, 6, "a shell would" },
		{ MUST "slot=`id`\n", 5, 6, "a shell would" },
		{ MUST "slot=$1\n", 5, 6, "a shell would" },
		{ MUST "slot=\"$1\"\n", 5, 6, "a shell would" },
		{ MUST "slot=\"\\\"\"\n", 5, 6, "a shell would" },
		{ MUST "filename=/dev/*\n", 5, 10, "a shell would" },
		{ MUST "filename=~/x\n", 5, 10, "a shell would" },
		{ MUST "slot=1;id\n", 5, 6, "a shell would" },
		{ MUST "slot=1 id\n", 5, 6, "a shell would" },
		{ MUST "slot=1#x\n", 5, 6, "a shell would" },
		{ MUST "slot='1\n'\n", 5, 6, "a shell would" },
		{ MUST "shelf=65535\n", 5, 7, "no shelf" },
		{ MUST "shelf=-1\n", 5, 7, "no shelf" },
		{ MUST "slot=255\n", 5, 6, "no slot" },
		{ MUST "slot=0x1\n", 5, 6, "no slot" },
		{ MUST "netif=a/b\n", 5, 7, "no name" },
		{ MUST "netif=..\n", 5, 7, "no name" },
		{ MUST "netif='a b'\n", 5, 7, "no name" },
		{ MUST "netif=sixteen-letters-\n", 5, 7, "no name" },
		{ MUST "filename=x\n", 5, 10, "not an absolute" },
		{ MUST "options=-x\n", 5, 9, "options not" },
		{ MUST "options=r\n", 5, 9, "options not" },
		{ MUST "options=-m\n", 5, 9, "options not" },
		{ MUST "options='-m 11:22'\n", 5, 9, "options not" },
		{ MUST "options='-m 01:00:5e:00:00:01'\n", 5, 9,
		    "options not" },
		{ MUST "options='-b 0'\n", 5, 9, "options not" },
		{ MUST "options='-b 1025'\n", 5, 9, "options not" },
		{ MUST "options='-o x'\n", 5, 9, "options not" },
		{ MUST "options='-d -o 1'\n", 5, 9, "multiple of 8" },
		{ MUST "options='-l 7'\n", 5, 9, "less than 8" },
	};

	(void)state;
	faults_are_found(rows, nitems(rows), parse);
}

static void
fragments_become_rows(void **state)
{
	static const struct {
		const char	*text;
		const char	*row;
	} rows[] = {
		{ MUST, "14.2  /dev/x  ff:ff:ff:ff:ff:ff  ens3  a" },
		{ "# c\n\n" MUST "  # x\n",
		    "14.2  /dev/x  ff:ff:ff:ff:ff:ff  ens3  a" },
		{ MUST "shelf=\"3\"   # again\nslot='4'",
		    "3.4  /dev/x  ff:ff:ff:ff:ff:ff  ens3  a" },
		{ MUST "filename='/a b#\\'\n",
		    "14.2  /a\\040b#\\134  ff:ff:ff:ff:ff:ff  ens3  a" },
		{ MUST "filename=/a'b'\"c\"d\n",
		    "14.2  /abcd  ff:ff:ff:ff:ff:ff  ens3  a" },
		{ MUST "ionice='--class idle'\noptions=''\n",
		    "14.2  /dev/x  ff:ff:ff:ff:ff:ff  ens3  a" },
		{ MUST "options='-r -m 11:22:33:44:55:66,223344556678 -o 8'",
		    NULL },
		{ MUST "options='-r -m 12:22:33:44:55:66,223344556678 -o 8'",
		    "14.2  /dev/x  12:22:33:44:55:66,22:33:44:55:66:78  "
		    "ens3  a  ro,offset=8" },
		{ MUST "options=\"-dsr -b16 -l 80\"",
		    "14.2  /dev/x  ff:ff:ff:ff:ff:ff  ens3  a  "
		    "ro,direct,length=80,buffers=16" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		struct diags ds = { 0 };
		struct table t = { 0 };
		char *text;

		if (rows[i].row == NULL) {	/* a group address */
			assert_int_equal(import_fragment(rows[i].text,
			    strlen(rows[i].text), "a", &t, &ds), -1);
			diags_free(&ds);
			continue;
		}
		if (import_fragment(rows[i].text, strlen(rows[i].text), "a",
		    &t, &ds) == -1)
			fail_msg("row %zu: %s", i, ds.v[0].msg);
		text = import_format(&t.rows[0]);
		assert_string_equal(text, rows[i].row);
		assert_int_equal(ds.n, 0);
		free(text);
		table_free(&t);
	}
}

static void
lines_become_rows(void **state)
{
	static const char text[] = "# network_device shelf slot file mac\n"
	    "eth0 0 0 /dev/sdb 00:11:22:33:44:55\n"
	    "eth0 0 1 /dev/sdc # every client\n"
	    "eth1 0 x /dev/sdd\n"
	    "\teth1 0 0 /dev/sde\n"
	    "eth1 0\n"
	    "eth1 0 3 /dev/sdf 00:11:22:33:44:55 more\n";
	struct diags ds = { 0 };
	struct table t = { 0 };
	char *line;

	(void)state;
	assert_int_equal(import_lines(text, strlen(text), &t, &ds), -1);
	assert_int_equal(t.n, 3);
	assert_int_equal(ds.n, 4);
	assert_int_equal(ds.v[0].line, 4);
	assert_int_equal(ds.v[0].col, 8);
	assert_int_equal(ds.v[1].line, 6);	/* slot and file are not set */
	assert_int_equal(ds.v[3].line, 7);
	assert_int_equal(ds.v[3].col, 37);
	assert_int_equal(import_aliases(&t), 0);
	line = import_format(&t.rows[0]);
	assert_string_equal(line,
	    "0.0  /dev/sdb  00:11:22:33:44:55  eth0  e0.0");
	free(line);
	assert_string_equal(t.rows[1].alias, "e0.1");
	assert_string_equal(t.rows[2].alias, "e0.0-2");
	diags_free(&ds);
	table_free(&t);
}

static void
persist_becomes_a_row(void **state)
{
	struct import_persist ip = { "3\n", "1\n", "eth0\n", "/dev/x\n",
	    "001122334455" };
	struct diags ds = { 0 };
	struct table t = { 0 };
	char *line;

	(void)state;
	assert_int_equal(import_persist(&ip, "not an alias", &t, &ds), 0);
	assert_int_equal(import_aliases(&t), 0);
	line = import_format(&t.rows[0]);
	assert_string_equal(line,
	    "3.1  /dev/x  00:11:22:33:44:55  eth0  e3.1");
	free(line);
	ip.macs = "auto";
	assert_int_equal(import_persist(&ip, "b", &t, &ds), -1);
	ip.macs = "";
	ip.source = "";
	assert_int_equal(import_persist(&ip, "b", &t, &ds), -1);
	assert_int_equal(ds.n, 2);
	assert_int_equal(t.n, 1);
	diags_free(&ds);
	table_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fragments_not_understood),
		cmocka_unit_test(fragments_become_rows),
		cmocka_unit_test(lines_become_rows),
		cmocka_unit_test(persist_becomes_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
