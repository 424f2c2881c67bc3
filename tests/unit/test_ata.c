/* test_ata.c: what ATA commands are to do, and IDENTIFY.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "aoe/ata.h"
#include "version.h"

#define CAPACITY	UINT64_C(0x20000000)	/* past 28 bits */

static void
decide(const struct ata_disk *d, uint8_t command, uint64_t lba, uint8_t count,
    size_t datalen, struct ata_op *op)
{
	struct frame_ata a = { .command = command, .count = count,
	    .datalen = datalen };
	size_t i;

	for (i = 0; i < 6; i++)
		a.lba[i] = (uint8_t)(lba >> 8 * i);
	memset(op, 0xee, sizeof(*op));
	ata_decide(&a, d, op);
}

static void
bad_commands_are_refused(void **state)
{
	static const struct {
		uint8_t		command;
		uint64_t	lba;
		uint8_t		count;
		size_t		datalen;
		bool		ro;
		uint8_t		error;
	} rows[] = {
		/* Not known here. */
		{ 0x00, 0, 0, 0, false, ATA_ABRT },
		{ 0x25, 0, 1, 0, false, ATA_ABRT },	/* READ DMA EXT */
		{ 0x35, 0, 1, 512, false, ATA_ABRT },
		{ 0xb0, 0, 0, 0, false, ATA_ABRT },	/* SMART unsigned */
		{ 0xe6, 0, 0, 0, false, ATA_ABRT },	/* SLEEP */
		{ 0xef, 0, 0, 0, false, ATA_ABRT },	/* no feature 0 */
		{ 0xff, 0, 0, 0, false, ATA_ABRT },
		/* More than a message holds: 0 means 256 or 65536. */
		{ 0x20, 0, 0, 0, false, ATA_ABRT },
		{ 0x24, 0, 18, 0, false, ATA_ABRT },
		{ 0x34, 0, 18, 18 * 512, false, ATA_ABRT },
		/* Out of range. */
		{ 0x24, CAPACITY, 1, 0, false, ATA_IDNF },
		{ 0x24, CAPACITY - 1, 2, 0, false, ATA_IDNF },
		{ 0x24, UINT64_C(0xffffffffffff), 17, 0, false, ATA_IDNF },
		{ 0x34, CAPACITY, 1, 512, false, ATA_IDNF },
		{ 0x42, CAPACITY, 1, 0, false, ATA_IDNF },
		{ 0x42, CAPACITY - 65535, 0, 0, false, ATA_IDNF },
		/* Less data than sectors; read-only. */
		{ 0x34, 0, 1, 511, false, ATA_ABRT },
		{ 0x34, 0, 2, 512, false, ATA_ABRT },
		{ 0x30, 0, 1, 0, false, ATA_ABRT },
		{ 0x30, 0, 1, 512, true, ATA_ABRT },
		{ 0x34, 0, 1, 512, true, ATA_ABRT },
	};
	struct ata_disk d = { .sectors = CAPACITY, .max = 17 };
	struct ata_op op;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		d.ro = rows[i].ro;
		decide(&d, rows[i].command, rows[i].lba, rows[i].count,
		    rows[i].datalen, &op);
		assert_int_equal(op.action, ATA_ANSWER);
		assert_int_equal(op.status, 0x51);
		assert_int_equal(op.error, rows[i].error);
	}
}

static void
good_commands_are_carried_out(void **state)
{
	static const struct {
		uint8_t		command;
		uint64_t	lba;
		uint8_t		count;
		size_t		datalen;
		enum ata_action	action;
		uint64_t	wants;
	} rows[] = {
		{ 0x20, 0, 1, 0, ATA_READ, 0 },
		{ 0x20, 0x0fffffff, 1, 0, ATA_READ, 0x0fffffff },
		/* 28 bits are not more, whatever stands in the rest. */
		{ 0x20, UINT64_C(0x99f0000005), 2, 0, ATA_READ, 5 },
		{ 0x24, CAPACITY - 17, 17, 0, ATA_READ, CAPACITY - 17 },
		/* A path probe of Linux: a read that carries zeros. */
		{ 0x24, 0, 17, 8704, ATA_READ, 0 },
		{ 0x30, 7, 2, 1024, ATA_WRITE, 7 },
		{ 0x34, CAPACITY - 1, 1, 512, ATA_WRITE, CAPACITY - 1 },
		{ 0x34, 0, 1, 9000, ATA_WRITE, 0 },
	};
	/* STANDBY IMMEDIATE, STANDBY, FLUSH CACHE, FLUSH CACHE EXT */
	static const uint8_t flushes[] = { 0xe0, 0xe2, 0xe7, 0xea };
	const struct ata_disk d = { .sectors = CAPACITY, .max = 17 };
	struct ata_op op;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		decide(&d, rows[i].command, rows[i].lba, rows[i].count,
		    rows[i].datalen, &op);
		assert_int_equal(op.action, rows[i].action);
		assert_true(op.lba == rows[i].wants);
		assert_int_equal(op.count, rows[i].count);
	}
	for (i = 0; i < nitems(flushes); i++) {
		decide(&d, flushes[i], 0, 0, 0, &op);
		assert_int_equal(op.action, ATA_FLUSH);
	}
	for (i = 0xe1; i <= 0xe3; i += 2) {	/* IDLE (IMMEDIATE) */
		decide(&d, (uint8_t)i, 0, 0, 0, &op);
		assert_int_equal(op.action, ATA_ANSWER);
		assert_int_equal(op.status, 0x40);
	}
	decide(&d, 0xec, 0, 1, 0, &op);
	assert_int_equal(op.action, ATA_IDENTIFY);
	decide(&d, 0xe5, 0, 0, 0, &op);
	assert_int_equal(op.action, ATA_ANSWER);
	assert_int_equal(op.status, 0x40);
	assert_int_equal(op.result, 0xff);
}

/* No sector travels, so there may be more than a message holds. */
static void
verifies_have_no_limit(void **state)
{
	static const struct {
		uint8_t		command;
		uint8_t		count;
		unsigned	wants;
	} rows[] = {
		{ 0x40, 1, 1 }, { 0x40, 255, 255 }, { 0x40, 0, 256 },
		{ 0x42, 200, 200 }, { 0x42, 0, 65536 },
	};
	const struct ata_disk d = { .sectors = CAPACITY, .max = 2,
	    .ro = true };
	struct ata_op op;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		decide(&d, rows[i].command, 5, rows[i].count, 0, &op);
		assert_int_equal(op.action, ATA_VERIFY);
		assert_true(op.lba == 5);
		assert_int_equal(op.count, rows[i].wants);
	}
}

static void
smart_is_decided(void **state)
{
	static const struct {
		uint8_t		feature;
		uint32_t	lba;
		uint8_t		count;
		bool		off;
		enum ata_action	action;
		uint8_t		error;
	} rows[] = {
		{ 0xd0, 0x000000, 1, false, ATA_ANSWER, ATA_ABRT },
		{ 0xd0, 0x4fc200, 1, false, ATA_ANSWER, ATA_ABRT },
		{ 0xd0, 0xc24f00, 1, true, ATA_ANSWER, ATA_ABRT },
		{ 0xda, 0xc24f00, 0, true, ATA_ANSWER, ATA_ABRT },
		{ 0xd9, 0xc24f00, 0, true, ATA_ANSWER, ATA_ABRT },
		{ 0xd4, 0xc24f00, 0, false, ATA_ANSWER, ATA_ABRT },
		{ 0xd5, 0xc24f02, 1, false, ATA_ANSWER, ATA_ABRT },
		{ 0xd5, 0xc24f01, 2, false, ATA_ANSWER, ATA_ABRT },
		{ 0xd6, 0xc24f80, 1, false, ATA_ANSWER, ATA_ABRT },
		{ 0x00, 0xc24f00, 0, false, ATA_ANSWER, ATA_ABRT },
		{ 0xd0, 0xc24f00, 1, false, ATA_SMART_DATA, 0 },
		{ 0xd5, 0xc24f00, 1, false, ATA_SMART_LOG, 0 },
		{ 0xd5, 0xc24f01, 1, false, ATA_SMART_LOG, 0 },
		{ 0xd8, 0xc24f00, 0, false, ATA_SMART_SWITCH, 0 },
		{ 0xd8, 0xc24f00, 0, true, ATA_SMART_SWITCH, 0 },
		{ 0xd9, 0xc24f00, 0, false, ATA_SMART_SWITCH, 0 },
		{ 0xda, 0xc24f00, 0, false, ATA_SMART_STATUS, 0 },
	};
	struct ata_disk d = { .sectors = CAPACITY, .max = 17 };
	struct frame_ata a = { .command = 0xb0 };
	struct ata_op op;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		a.feature = rows[i].feature;
		a.count = rows[i].count;
		a.lba[0] = (uint8_t)rows[i].lba;
		a.lba[1] = (uint8_t)(rows[i].lba >> 8);
		a.lba[2] = (uint8_t)(rows[i].lba >> 16);
		d.smart_off = rows[i].off;
		ata_decide(&a, &d, &op);
		assert_int_equal(op.action, rows[i].action);
		assert_int_equal(op.error, rows[i].error);
		assert_int_equal(op.blank, 0);
		if (op.action == ATA_SMART_SWITCH)
			assert_int_equal(op.on, rows[i].feature == 0xd8);
	}
}

/* aoeping sends 1024 bytes with every command and waits for 512. */
static void
smart_answers_who_sends_a_sector(void **state)
{
	static const struct {
		uint8_t		feature;
		size_t		datalen;
		unsigned	blank;
	} rows[] = {
		{ 0xda, 511, 0 }, { 0xda, 512, 512 }, { 0xd8, 1024, 512 },
		{ 0x00, 24, 0 }, { 0x00, 1024, 512 },
	};
	const struct ata_disk d = { .sectors = CAPACITY, .max = 17 };
	struct ata_op op;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		const struct frame_ata a = { .command = 0xb0,
		    .feature = rows[i].feature, .datalen = rows[i].datalen,
		    .lba = { 0, 0x4f, 0xc2 } };

		ata_decide(&a, &d, &op);
		assert_int_equal(op.blank, rows[i].blank);
	}
}

static uint8_t
sum_of(const uint8_t *p)
{
	uint8_t sum = 0;
	size_t k;

	for (k = 0; k < 512; k++)
		sum = (uint8_t)(sum + p[k]);
	return sum;
}

static void
smart_tables_are_sound(void **state)
{
	uint8_t p[512];

	(void)state;
	memset(p, 0xee, sizeof(p));
	smart_data(p);
	assert_int_equal(sum_of(p), 0);
	assert_int_equal(p[370] & 1, 1);
	memset(p, 0xee, sizeof(p));
	smart_log(0, p);
	assert_int_equal(p[0], 1);
	assert_int_equal(p[2], 1);
	assert_int_equal(p[4], 0);
	smart_log(1, p);
	assert_int_equal(sum_of(p), 0);
}

static void
the_write_cache_is_switched(void **state)
{
	const struct ata_disk d = { .sectors = CAPACITY, .max = 17 };
	struct frame_ata a = { .command = 0xef, .feature = 0x82 };
	struct ata_op op;

	(void)state;
	ata_decide(&a, &d, &op);
	assert_int_equal(op.action, ATA_CACHE_SWITCH);
	assert_false(op.on);
	a.feature = 0x02;
	ata_decide(&a, &d, &op);
	assert_int_equal(op.action, ATA_CACHE_SWITCH);
	assert_true(op.on);
}

static unsigned
word(const uint8_t *p, unsigned n)
{
	return p[2 * n] | (unsigned)p[2 * n + 1] << 8;
}

static void
identify_has_what_initiators_read(void **state)
{
	const char *version = &BACKSHELF_VERSION[sizeof("backshelf")];
	static const struct {
		uint64_t	sectors;
		unsigned	cylinders;
		uint64_t	low;	/* words 60 and 61 */
	} rows[] = {
		{ 8, 0, 8 },
		{ 1008 * 10, 10, 10080 },
		{ 0x0fffffff, 16383, 0x0fffffff },
		{ UINT64_C(0x123456789abc), 16383, 0x0fffffff },
	};
	struct ata_disk d = { .serial = "0123456789ABCDEF" };
	uint8_t p[512];
	uint64_t wide;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		d.sectors = rows[i].sectors;
		memset(p, 0xee, sizeof(p));
		ata_identify(&d, p);
		wide = word(p, 100) | (uint64_t)word(p, 101) << 16 |
		    (uint64_t)word(p, 102) << 32 |
		    (uint64_t)word(p, 103) << 48;
		assert_true(wide == rows[i].sectors);
		assert_true((word(p, 60) | (uint64_t)word(p, 61) << 16) ==
		    rows[i].low);
		assert_int_equal(word(p, 1), rows[i].cylinders);
		assert_int_equal(word(p, 54), rows[i].cylinders);
		assert_int_equal(sum_of(p), 0);
	}
	assert_int_equal(word(p, 0) & 0x8000, 0);
	assert_int_equal(word(p, 49) & 0x0200, 0x0200);
	assert_int_equal(word(p, 83) & 0x7400, 0x7400);
	assert_int_equal(word(p, 86) & 0x3400, 0x3400);
	assert_memory_equal(p + 20, "1032547698BADCFE    ", 20);
	assert_memory_equal(p + 54, "abkchsle foade", 14);
	assert_int_equal(p[47], version[0]);
	assert_int_equal(p[46], version[1]);
}

/* A cache that is not there must not be announced, nor the other way round. */
static void
identify_tells_of_the_cache(void **state)
{
	struct ata_disk d = { .sectors = 8 };
	uint8_t p[512];

	(void)state;
	ata_identify(&d, p);
	assert_int_equal(word(p, 82) & 0x20, 0);
	assert_int_equal(word(p, 85) & 0x20, 0);
	d.cached = d.cache_on = true;
	ata_identify(&d, p);
	assert_int_equal(word(p, 82) & 0x20, 0x20);
	assert_int_equal(word(p, 85) & 0x20, 0x20);
	d.cache_on = false;
	ata_identify(&d, p);
	assert_int_equal(word(p, 82) & 0x20, 0x20);
	assert_int_equal(word(p, 85) & 0x20, 0);
	assert_int_equal(word(p, 85) & 0x01, 0x01);
	d.smart_off = true;
	ata_identify(&d, p);
	assert_int_equal(word(p, 82) & 0x01, 0x01);
	assert_int_equal(word(p, 85) & 0x01, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_commands_are_refused),
		cmocka_unit_test(good_commands_are_carried_out),
		cmocka_unit_test(verifies_have_no_limit),
		cmocka_unit_test(smart_is_decided),
		cmocka_unit_test(smart_answers_who_sends_a_sector),
		cmocka_unit_test(smart_tables_are_sound),
		cmocka_unit_test(the_write_cache_is_switched),
		cmocka_unit_test(identify_has_what_initiators_read),
		cmocka_unit_test(identify_tells_of_the_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
