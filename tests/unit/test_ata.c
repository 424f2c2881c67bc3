/* test_ata.c: what ATA commands are to do, and IDENTIFY.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "aoe/ata.h"

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
		{ 0xb0, 0, 0, 0, false, ATA_ABRT },	/* SMART */
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
	decide(&d, 0xe7, 0, 0, 0, &op);
	assert_int_equal(op.action, ATA_FLUSH);
	decide(&d, 0xea, 0, 0, 0, &op);
	assert_int_equal(op.action, ATA_FLUSH);
	decide(&d, 0xec, 0, 1, 0, &op);
	assert_int_equal(op.action, ATA_IDENTIFY);
	decide(&d, 0xe5, 0, 0, 0, &op);
	assert_int_equal(op.action, ATA_ANSWER);
	assert_int_equal(op.status, 0x40);
	assert_int_equal(op.result, 0xff);
}

static unsigned
word(const uint8_t *p, unsigned n)
{
	return p[2 * n] | (unsigned)p[2 * n + 1] << 8;
}

static void
identify_has_what_initiators_read(void **state)
{
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
	uint8_t p[512], sum;
	uint64_t wide;
	size_t i, k;

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
		for (k = 0, sum = 0; k < 512; k++)
			sum = (uint8_t)(sum + p[k]);
		assert_int_equal(sum, 0);
	}
	assert_int_equal(word(p, 0) & 0x8000, 0);
	assert_int_equal(word(p, 49) & 0x0200, 0x0200);
	assert_int_equal(word(p, 83) & 0x7400, 0x7400);
	assert_int_equal(word(p, 86) & 0x3400, 0x3400);
	assert_memory_equal(p + 20, "1032547698BADCFE    ", 20);
	assert_memory_equal(p + 54, "abkchsle foade", 14);
	assert_memory_equal(p + 46, ".0 1", 4);
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
	d.cached = true;
	ata_identify(&d, p);
	assert_int_equal(word(p, 82) & 0x20, 0x20);
	assert_int_equal(word(p, 85) & 0x20, 0x20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_commands_are_refused),
		cmocka_unit_test(good_commands_are_carried_out),
		cmocka_unit_test(identify_has_what_initiators_read),
		cmocka_unit_test(identify_tells_of_the_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
