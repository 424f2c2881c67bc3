/* test_table.c: the export table.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "faults.h"
#include "aoe/mac.h"
#include "aoe/table.h"

/* A good row but for the part a test puts in. */
#define ROW(slot, file, mac, iface, rest) \
	slot " " file " " mac " " iface " " rest "\n"
#define MAC1	"00:16:E6:D3:ED:E5"
#define MAC2	"00:16:E6:D3:ED:E6"
#define ANY	"FF:FF:FF:FF:FF:FF"
#define LONG63	"0123456789012345678901234567890123456789" \
		"01234567890123456789012"
#define GOOD	"0 /a " MAC1 " eth1 a\n"

static int
parse(const char *text, struct diags *ds)
{
	struct table t;
	int rc = table_parse(text, strlen(text), &t, ds);

	table_free(&t);
	return rc;
}

static void
faults_have_places(void **state)
{
	static const struct fault rows[] = {
		/* The shelf. */
		{ "SHELF=\n", 1, 7, "bad SHELF ''" },
		{ "SHELF=65535\n", 1, 7, "0 to 65534" },
		{ "SHELF=\"-1\"\n", 1, 8, "bad SHELF '-1'" },
		{ "SHELF=\"1'\n", 1, 7, "bad SHELF" },
		{ "SHELF=1 2\n", 1, 9, "text after" },
		{ "SHELF=1\n SHELF=1\n", 2, 2, "already set in line 1" },
		{ "SHELF =1\n", 1, 1, "bad slot 'SHELF'" },
		/* Columns that are missing or too many. */
		{ "0\n", 1, 2, "before its file" },
		{ "0 /a", 1, 5, "before its MAC" },
		{ "0 /a " MAC1 "\n", 1, 23, "before its interface" },
		{ "0 /a " MAC1 " eth1 # a ro\n", 1, 28, "before its alias" },
		{ ROW("0", "/a", MAC1, "eth1", "a ro b"), 1, 34, "too many" },
		/* Each column. */
		{ ROW("255", "/a", MAC1, "eth1", "a"), 1, 1, "0 to 254" },
		{ ROW("-1", "/a", MAC1, "eth1", "a"), 1, 1, "bad slot '-1'" },
		{ ROW("0x1", "/a", MAC1, "eth1", "a"), 1, 1, "bad slot" },
		{ ROW("65535.0", "/a", MAC1, "eth1", "a"), 1, 1,
		    "bad shelf '65535'" },
		{ ROW("1.255", "/a", MAC1, "eth1", "a"), 1, 3,
		    "bad slot '255'" },
		{ ROW("1.", "/a", MAC1, "eth1", "a"), 1, 3, "bad slot ''" },
		{ ROW(".1", "/a", MAC1, "eth1", "a"), 1, 1, "bad shelf ''" },
		{ ROW("1.2.3", "/a", MAC1, "eth1", "a"), 1, 3,
		    "bad slot '2.3'" },
		{ ROW("18446744073709551616", "/a", MAC1, "eth1", "a"), 1, 1,
		    "bad slot" },
		{ ROW("0", "a", MAC1, "eth1", "a"), 1, 3, "not an absolute" },
		{ ROW("0", "/a\\04", MAC1, "eth1", "a"), 1, 5, "octal" },
		{ ROW("0", "/a\\000", MAC1, "eth1", "a"), 1, 5, "octal" },
		{ ROW("0", "/a\\777", MAC1, "eth1", "a"), 1, 5, "octal" },
		/* The seed's own slip of the pen. */
		{ ROW("0", "/a", MAC1 "1", "eth1", "a"), 1, 6, "bad MAC" },
		{ ROW("0", "/a", "00:16:E6:D3:ED", "eth1", "a"), 1, 6,
		    "six pairs" },
		{ ROW("0", "/a", "00:16:E6:D3:ED:G5", "eth1", "a"), 1, 6,
		    "bad MAC" },
		{ ROW("0", "/a", "00-16-E6-D3-ED-E5", "eth1", "a"), 1, 6,
		    "bad MAC" },
		{ ROW("0", "/a", "01:00:5E:00:00:01", "eth1", "a"), 1, 6,
		    "no client" },
		{ ROW("0", "/a", "00:00:00:00:00:00", "eth1", "a"), 1, 6,
		    "no client" },
		{ ROW("0", "/a", MAC1 "," MAC1, "eth1", "a"), 1, 24, "twice" },
		{ ROW("0", "/a", MAC1 ",", "eth1", "a"), 1, 24, "bad MAC ''" },
		{ ROW("0", "/a", MAC1 "," ANY, "eth1", "a"), 1, 6,
		    "stands alone" },
		{ ROW("0", "/a", MAC1, "eth1,", "a"), 1, 29,
		    "bad interface ''" },
		{ ROW("0", "/a", MAC1, "a/b", "a"), 1, 24, "bad interface" },
		{ ROW("0", "/a", MAC1, "sixteen-letters-", "a"), 1, 24,
		    "bad interface" },
		{ ROW("0", "/a", MAC1, "eth1,eth1", "a"), 1, 29, "twice" },
		{ ROW("0", "/a", MAC1, "eth1", "-a"), 1, 29, "bad alias" },
		{ ROW("0", "/a", MAC1, "eth1", "a/b"), 1, 29, "bad alias" },
		{ ROW("0", "/a", MAC1, "eth1", "a\x01"), 1, 29, "a\\001" },
		{ ROW("0", "/a", MAC1, "eth1", LONG63 "x"), 1, 29,
		    "bad alias" },
		/* Options. */
		{ ROW("0", "/a", MAC1, "eth1", "a rw"), 1, 31,
		    "unknown option 'rw'" },
		{ ROW("0", "/a", MAC1, "eth1", "a ro,"), 1, 34,
		    "unknown option ''" },
		{ ROW("0", "/a", MAC1, "eth1", "a ro,ro"), 1, 34, "twice" },
		{ ROW("0", "/a", MAC1, "eth1", "a ro=1"), 1, 31,
		    "takes no value" },
		{ ROW("0", "/a", MAC1, "eth1", "a sync"), 1, 31,
		    "sync=always or" },
		{ ROW("0", "/a", MAC1, "eth1", "a sync=sometimes"), 1, 31,
		    "sync=always or" },
		{ ROW("0", "/a", MAC1, "eth1", "a offset="), 1, 31,
		    "bad option" },
		{ ROW("0", "/a", MAC1, "eth1", "a offset=18014398509481984"),
		    1, 31, "bad option" },
		{ ROW("0", "/a", MAC1, "eth1", "a length=7"), 1, 31,
		    "at least 8" },
		{ ROW("0", "/a", MAC1, "eth1", "a length=3K"), 1, 31,
		    "at least 8" },
		{ ROW("0", "/a", MAC1, "eth1", "a length=1.1M"), 1, 31,
		    "or a size" },
		{ ROW("0", "/a", MAC1, "eth1", "a offset=64X"), 1, 31,
		    "or a size" },
		{ ROW("0", "/a", MAC1, "eth1", "a offset=9000000T"), 1, 31,
		    "or a size" },
		{ ROW("0", "/a", MAC1, "eth1", "a buffers=0"), 1, 31,
		    "1 to 1024" },
		{ ROW("0", "/a", MAC1, "eth1", "a buffers=1025"), 1, 31,
		    "1 to 1024" },
		{ ROW("0", "/a", MAC1, "eth1", "a maxsectors=256"), 1, 31,
		    "1 to 255" },
		{ ROW("0", "/a", MAC1, "eth1", "a direct,offset=4"), 1, 31,
		    "multiple of 8" },
		{ ROW("0", "/a", MAC1, "eth1", "a shore"), 1, 31,
		    "unknown option" },
		/* Between rows. */
		{ GOOD "1 /b " MAC1 " eth1 a\n", 2, 29,
		    "alias 'a' is already in line 1" },
		{ GOOD "0 /b " MAC1 " eth1 b\n", 2, 1,
		    "0.0 for 00:16:e6:d3:ed:e5 on eth1 is already in line 1" },
		{ "#\n" GOOD "\n0.0 /b " MAC2 "," MAC1 " eth0,eth1 b\n", 4, 1,
		    "is already in line 2" },
		{ "0 /a " ANY " eth1 a\n0 /a " ANY " eth1 b\n", 2, 1,
		    "for every client" },
		{ GOOD "SHELF=3\n3.0 /b " MAC1 " eth1 b\n", 3, 1,
		    "3.0 for" },
	};

	(void)state;
	faults_are_found(rows, nitems(rows), parse);
}

static void
tables_without_fault(void **state)
{
	static const struct {
		const char	*text;
		size_t		 rows;
	} rows[] = {
		{ "", 0 }, { "\n\n", 0 }, { "# only this", 0 },
		{ "SHELF='65534'", 0 },
		{ "0 /a " MAC1 " eth1 a", 1 },
		{ " \t0 /a\t" MAC1 "  eth1 a # why\r\n", 1 },
		/* Slots are per client, and per interface. */
		{ GOOD "0 /b " MAC2 " eth1 b\n", 2 },
		{ GOOD "0 /b " MAC1 " eth2 b\n", 2 },
		{ GOOD "1 /b " MAC1 " eth1 b\n", 2 },
		{ GOOD "1.0 /b " MAC1 " eth1 b\n", 2 },
		/* One that names the client beside one for all. */
		{ GOOD "0 /b " ANY " eth1 b\n", 2 },
		/* A file name may hold a '#', an alias may be long. */
		{ ROW("254", "/a#b", MAC1, "fifteen-letters", "a.b_c-d"), 1 },
		{ ROW("0", "/a", MAC1, "eth1", LONG63), 1 },
	};
	struct diags ds = { 0 };
	struct table t;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		if (table_parse(rows[i].text, strlen(rows[i].text), &t,
		    &ds) == -1)
			fail_msg("%s: %s", rows[i].text, ds.v[0].msg);
		assert_false(diags_any(&ds));
		assert_false(t.broken);
		assert_int_equal(t.n, rows[i].rows);
		table_free(&t);
	}
}

static void
columns_are_read(void **state)
{
	static const char text[] =
	    "3.1 /dev/x\\040y\\134 " MAC1 "," MAC2 " eth1,eth2 mail "
	    "sync=none,direct,ro,offset=8,length=16,buffers=7,maxsectors=3,"
	    "shared\n"
	    "9 /b ff:ff:ff:ff:ff:ff br0 b offset=4K,length=1.5TiB\n"
	    "SHELF=\"12\"\n";
	struct diags ds = { 0 };
	struct table t;
	struct row *r;

	(void)state;
	assert_int_equal(table_parse(text, strlen(text), &t, &ds), 0);
	assert_int_equal(t.n, 2);
	r = &t.rows[0];
	assert_int_equal(r->shelf, 3);
	assert_int_equal(r->slot, 1);
	assert_string_equal(r->file, "/dev/x y\\");
	assert_int_equal(r->nmacs, 2);
	assert_true(r->macs[1] == UINT64_C(0x0016e6d3ede6));
	assert_int_equal(r->ifaces.n, 2);
	assert_string_equal(r->ifaces.v[1], "eth2");
	assert_string_equal(r->alias, "mail");
	assert_int_equal(r->sync, SYNC_NONE);
	assert_true(r->direct && r->ro);
	assert_int_equal(r->offset, 8);
	assert_int_equal(r->length, 16);
	assert_int_equal(r->buffers, 7);
	assert_int_equal(r->maxsectors, 3);
	assert_true(r->shared);
	r = &t.rows[1];
	assert_int_equal(r->shelf, 12);
	assert_int_equal(r->slot, 9);
	assert_int_equal(r->offset, 8);
	assert_int_equal(r->length, 3 * (UINT64_C(1) << 39) / 512);
	assert_true(r->macs[0] == MAC_ANY);
	assert_int_equal(r->sync, SYNC_ALWAYS);
	assert_false(r->direct || r->ro);
	assert_int_equal(r->buffers, TABLE_BUFFERS);
	assert_int_equal(r->maxsectors, 0);
	assert_false(r->shared);
	table_free(&t);
}

/* The old wrapper's file, as it was distributed. */
static void
vbladed_conf_is_read(void **state)
{
	static const char text[] =
	    "##\n# vbladed export configuration file\n##\n\n"
	    "# unique shelf identifier for this vblade server\n"
	    "SHELF=\"0\"     # must be numeric 0-254, default 0\n\n"
	    "##\n# AOESLOT FILE MAC IFACE ALIAS\n"
	    "# 0 /data/server.img FF:FF:FF:FF:FF:FF eth1 server\n"
	    "0 /home/apollo.img 00:16:E6:D3:ED:E5 eth1 apollo\n";
	struct diags ds = { 0 };
	struct table t;

	(void)state;
	assert_int_equal(table_parse(text, strlen(text), &t, &ds), 0);
	assert_int_equal(t.n, 1);
	assert_string_equal(t.rows[0].file, "/home/apollo.img");
	assert_string_equal(t.rows[0].alias, "apollo");
	table_free(&t);
}

static void
one_bad_row_leaves_the_others(void **state)
{
	static const char text[] = GOOD "1 b " MAC1 " eth1 b\n"
	    "2 /c " MAC1 " eth1\n" "3 /d " MAC1 " eth1 d\n"
	    "3 /e " MAC1 " eth1 e\n";
	struct diags ds = { 0 };
	struct table t;

	(void)state;
	assert_int_equal(table_parse(text, strlen(text), &t, &ds), -1);
	assert_int_equal(ds.n, 3);
	assert_false(t.broken);
	assert_int_equal(t.n, 5);
	assert_null(t.rows[0].bad);
	assert_non_null(strstr(t.rows[1].bad, "not an absolute path"));
	assert_string_equal(t.rows[2].alias, "line3");
	assert_non_null(strstr(t.rows[2].bad, "before its alias"));
	assert_null(t.rows[3].bad);
	assert_non_null(strstr(t.rows[4].bad, "already in line 4"));
	diags_free(&ds);
	table_free(&t);
}

static void
what_is_broken_is_not_served(void **state)
{
	static const char *const texts[] = {
		"SHELF=x\n" GOOD, "SHELF=1\nSHELF=1\n" GOOD,
		"this is no table\n", "\xff\xfe\n",
	};
	struct diags ds = { 0 };
	struct table t;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(texts); i++) {
		assert_int_equal(table_parse(texts[i], strlen(texts[i]), &t,
		    &ds), -1);
		assert_true(t.broken);
		diags_free(&ds);
		table_free(&t);
	}
}

/* More faults than are kept: no row may pass for good. */
static void
many_faults_break_it(void **state)
{
	static const char bad[] = "0 /a " MAC1 " eth1 a\n";
	struct diags ds = { 0 };
	struct table t;
	size_t i, n = DIAGS_MAX + 10;
	char *text;

	(void)state;
	text = calloc(n, sizeof(bad));
	assert_non_null(text);
	for (i = 0; i < n; i++)
		memcpy(text + i * (sizeof(bad) - 1), bad, sizeof(bad) - 1);
	assert_int_equal(table_parse(text, strlen(text), &t, &ds), -1);
	assert_int_equal(ds.n, DIAGS_MAX);
	assert_true(t.broken);
	free(text);
	diags_free(&ds);
	table_free(&t);
}

static void
rows_compare_as_values(void **state)
{
	static const char *const others[] = {
		"1 /a " MAC1 " eth1 a", "1.0 /a " MAC1 " eth1 a",
		"0 /b " MAC1 " eth1 a", "0 /a " MAC2 " eth1 a",
		"0 /a " MAC1 "," MAC2 " eth1 a", "0 /a " MAC1 " eth2 a",
		"0 /a " MAC1 " eth1,eth2 a", "0 /a " MAC1 " eth1 b",
		"0 /a " MAC1 " eth1 a ro", "0 /a " MAC1 " eth1 a direct",
		"0 /a " MAC1 " eth1 a sync=none",
		"0 /a " MAC1 " eth1 a offset=8",
		"0 /a " MAC1 " eth1 a length=8",
		"0 /a " MAC1 " eth1 a buffers=1",
		"0 /a " MAC1 " eth1 a maxsectors=1",
	};
	static const char same[] = "# moved\n  0 /a 00:16:e6:d3:ed:e5 eth1 a "
	    "sync=always\n";
	struct diags ds = { 0 };
	struct table t, o;
	struct row copy;
	size_t i;

	(void)state;
	assert_int_equal(table_parse(GOOD, strlen(GOOD), &t, &ds), 0);
	assert_int_equal(table_parse(same, strlen(same), &o, &ds), 0);
	assert_true(row_equal(&t.rows[0], &o.rows[0]));
	assert_int_equal(row_copy(&copy, &o.rows[0]), 0);
	assert_true(row_equal(&t.rows[0], &copy));
	assert_ptr_not_equal(copy.file, o.rows[0].file);
	row_free(&copy);
	table_free(&o);
	for (i = 0; i < nitems(others); i++) {
		assert_int_equal(table_parse(others[i], strlen(others[i]), &o,
		    &ds), 0);
		assert_false(row_equal(&t.rows[0], &o.rows[0]));
		table_free(&o);
	}
	table_free(&t);
}

static void
macs_are_written_as_read(void **state)
{
	char text[MAC_TEXT];
	uint8_t bytes[6];
	uint64_t mac;

	(void)state;
	assert_int_equal(mac_parse(MAC1, 17, &mac), 0);
	mac_format(text, mac);
	assert_string_equal(text, "00:16:e6:d3:ed:e5");
	mac_put(bytes, mac);
	assert_true(mac_get(bytes) == mac);
	assert_false(mac_is_group(mac));
	assert_true(mac_is_group(MAC_ANY));
	assert_true(mac_is_group(UINT64_C(0x010000000000)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_have_places),
		cmocka_unit_test(tables_without_fault),
		cmocka_unit_test(columns_are_read),
		cmocka_unit_test(vbladed_conf_is_read),
		cmocka_unit_test(one_bad_row_leaves_the_others),
		cmocka_unit_test(what_is_broken_is_not_served),
		cmocka_unit_test(many_faults_break_it),
		cmocka_unit_test(rows_compare_as_values),
		cmocka_unit_test(macs_are_written_as_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
