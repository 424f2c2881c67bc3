/* test_frame.c: AoE messages.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "aoe/frame.h"
#include "aoe/mac.h"

#define SELF	UINT64_C(0x0200000000f0)
#define CLIENT	UINT64_C(0x020000000001)

/* A request of CLIENT's for 3.1, tag 01020304, whose arguments are 0. */
static void
make(uint8_t *p, size_t size, uint8_t command)
{
	static const uint8_t head[] = {
		2, 0, 0, 0, 0, 0xf0,  2, 0, 0, 0, 0, 1,  0x88, 0xa2,
		0x10, 0, 0, 3, 1, 0, 1, 2, 3, 4
	};

	memset(p, 0, size);
	memcpy(p, head, sizeof(head));
	p[19] = command;
}

static void
headers_are_doubted(void **state)
{
	static const struct {
		size_t			 len;
		size_t			 at;	/* this byte … */
		uint8_t			 byte;	/* … becomes this */
		enum frame_verdict	 verdict;
	} rows[] = {
		{ 0, 0, 2, FRAME_SHORT }, { 14, 0, 2, FRAME_SHORT },
		{ 23, 0, 2, FRAME_SHORT }, { 24, 12, 0x08, FRAME_FOREIGN },
		{ 60, 13, 0xa3, FRAME_FOREIGN },
		{ 60, 14, 0x18, FRAME_RESPONSE },
		{ 60, 14, 0x1c, FRAME_RESPONSE },
		{ 60, 6, 0x01, FRAME_SENDER }, { 60, 6, 0xff, FRAME_SENDER },
		{ 24, 0, 2, FRAME_OK }, { 60, 14, 0x20, FRAME_OK },
	};
	struct frame f;
	uint8_t p[60];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		make(p, sizeof(p), 0);
		p[rows[i].at] = rows[i].byte;
		assert_int_equal(frame_decode(p, rows[i].len, &f),
		    rows[i].verdict);
	}
}

static void
answers_of_others_are_read(void **state)
{
	struct frame f;
	uint8_t p[60];
	size_t len;

	(void)state;
	make(p, sizeof(p), AOE_CONFIG);
	assert_int_equal(frame_decode_answer(p, 60, &f), FRAME_FOREIGN);
	p[14] = 0x18;
	for (len = 0; len < FRAME_HEADER; len++)
		assert_int_equal(frame_decode_answer(p, len, &f),
		    FRAME_SHORT);
	assert_int_equal(frame_decode_answer(p, len, &f), FRAME_OK);
	assert_true(f.src == CLIENT && f.dst == SELF);
	assert_true(f.shelf == 3 && f.slot == 1 && f.tag == 0x01020304);
	p[6] = 0xff;
	assert_int_equal(frame_decode_answer(p, 60, &f), FRAME_SENDER);
	p[6] = 2;
	p[12] = 8;
	assert_int_equal(frame_decode_answer(p, 60, &f), FRAME_FOREIGN);
}

static void
a_question_is_for_everybody(void **state)
{
	struct frame_config c;
	struct frame f;
	uint8_t p[60];
	size_t len;

	(void)state;
	memset(p, 0xff, sizeof(p));
	len = frame_query(p, SELF, 0x80000001);
	assert_int_equal(frame_decode(p, len, &f), FRAME_OK);
	assert_true(f.dst == MAC_ANY && f.src == SELF);
	assert_true(f.shelf == AOE_SHELF_ANY && f.slot == AOE_SLOT_ANY);
	assert_true(f.version == AOE_VERSION && f.tag == 0x80000001);
	assert_int_equal(f.command, AOE_CONFIG);
	assert_int_equal(frame_config_decode(p, len, &c), 0);
	assert_int_equal(c.ccmd, 0);
}

static void
headers_are_read(void **state)
{
	struct frame f;
	uint8_t p[60];

	(void)state;
	make(p, sizeof(p), AOE_CONFIG);
	p[14] = 0x20;
	assert_int_equal(frame_decode(p, 24, &f), FRAME_OK);
	assert_true(f.dst == SELF && f.src == CLIENT);
	assert_int_equal(f.version, 2);
	assert_int_equal(f.shelf, 3);
	assert_int_equal(f.slot, 1);
	assert_int_equal(f.command, AOE_CONFIG);
	assert_false(frame_is_broadcast(&f));
	p[18] = 0xff;
	assert_int_equal(frame_decode(p, 24, &f), FRAME_OK);
	assert_true(frame_is_broadcast(&f));
	p[16] = p[17] = 0xff;
	p[18] = 1;
	assert_int_equal(frame_decode(p, 24, &f), FRAME_OK);
	assert_true(frame_is_broadcast(&f));
}

static void
ata_arguments_are_read(void **state)
{
	struct frame_ata a;
	uint8_t p[64];
	size_t i;

	(void)state;
	make(p, sizeof(p), AOE_ATA);
	for (i = 0; i < 12; i++)
		p[24 + i] = (uint8_t)(0x40 + i);
	for (i = 0; i < 36; i++)
		assert_int_equal(frame_ata_decode(p, i, &a), -1);
	assert_int_equal(frame_ata_decode(p, 36, &a), 0);
	assert_int_equal(a.flags, 0x40);
	assert_int_equal(a.feature, 0x41);
	assert_int_equal(a.count, 0x42);
	assert_int_equal(a.command, 0x43);
	assert_memory_equal(a.lba, p + 28, 6);
	assert_ptr_equal(a.data, p + 36);
	assert_int_equal(a.datalen, 0);
	assert_int_equal(frame_ata_decode(p, 64, &a), 0);
	assert_int_equal(a.datalen, 28);
}

static void
config_arguments_are_doubted(void **state)
{
	static const struct {
		size_t		len;
		uint8_t		ccmd;
		uint16_t	says;
		int		rc;
	} rows[] = {
		{ 24, 1, 0, -1 }, { 31, 1, 0, -1 }, { 32, 1, 1, -1 },
		{ 36, 1, 5, -1 }, { 1060, 3, 1025, -1 },
		{ 1060, 3, 65535, -1 }, { 1055, 3, 1024, -1 },
		{ 32, 1, 0, 0 }, { 36, 1, 4, 0 }, { 60, 4, 4, 0 },
		{ 1056, 3, 1024, 0 },
		/* aoeping reads with a length and without a string. */
		{ 32, 0, 1024, 0 }, { 60, 0, 65535, 0 },
	};
	struct frame_config c;
	uint8_t p[1060];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		make(p, sizeof(p), AOE_CONFIG);
		p[29] = (uint8_t)(0x10 | rows[i].ccmd);
		p[30] = (uint8_t)(rows[i].says >> 8);
		p[31] = (uint8_t)rows[i].says;
		assert_int_equal(frame_config_decode(p, rows[i].len, &c),
		    rows[i].rc);
		if (rows[i].rc == -1)
			continue;
		assert_int_equal(c.ccmd, rows[i].ccmd);
		assert_int_equal(c.len, c.ccmd == 0 ? 0 : rows[i].says);
		assert_ptr_equal(c.string, p + 32);
	}
}

static void
answers_go_back(void **state)
{
	static const uint8_t good[] = {
		2, 0, 0, 0, 0, 1,  2, 0, 0, 0, 0, 0xf0,  0x88, 0xa2,
		0x18, 0, 0, 7, 9, 0, 1, 2, 3, 4
	};
	uint8_t p[60];

	(void)state;
	make(p, sizeof(p), AOE_ATA);
	p[14] = 0x33;		/* another version, unknown flags */
	p[15] = 0x77;
	frame_answer(p, SELF, 7, 9, AOE_OK);
	assert_memory_equal(p, good, sizeof(good));
	make(p, sizeof(p), AOE_ATA);
	frame_answer(p, SELF, 7, 9, AOE_BADVERSION);
	assert_int_equal(p[14], 0x1c);
	assert_int_equal(p[15], 5);
}

static void
ata_answers_have_zeros_where_reserved(void **state)
{
	uint8_t p[36];

	(void)state;
	memset(p, 0xee, sizeof(p));
	frame_ata_answer(p, 0x51, 0x10, 8);
	assert_int_equal(p[24], 0xee);
	assert_int_equal(p[25], 0x10);
	assert_int_equal(p[26], 8);
	assert_int_equal(p[27], 0x51);
	assert_int_equal(p[28], 0xee);
	assert_int_equal(p[33], 0xee);
	assert_int_equal(p[34], 0);
	assert_int_equal(p[35], 0);
}

static void
config_answers_are_written(void **state)
{
	static const uint8_t good[] = {
		1, 2, 3, 4, 17, 0x13, 0, 2, 'h', 'i'
	};
	uint8_t p[60];

	(void)state;
	memset(p, 0xee, sizeof(p));
	assert_int_equal(frame_config_answer(p, 3, 0x102, 0x304, 17,
	    (const uint8_t *)"hi", 2), 34);
	assert_memory_equal(p + 24, good, sizeof(good));
	assert_int_equal(p[34], 0xee);
	assert_int_equal(frame_config_answer(p, 0, 0, 0, 0, NULL, 0), 32);
}

static void
advertisements_ask_for_nothing(void **state)
{
	static const uint8_t good[] = {
		2, 0, 0, 0, 0, 1,  2, 0, 0, 0, 0, 0xf0,  0x88, 0xa2,
		0x18, 0, 0, 3, 1, 1, 0, 0, 0, 0
	};
	uint8_t p[24];

	(void)state;
	memset(p, 0xee, sizeof(p));
	frame_advertise(p, CLIENT, SELF, 3, 1);
	assert_memory_equal(p, good, sizeof(good));
}

static void
short_answers_are_padded_with_zeros(void **state)
{
	uint8_t p[64];
	size_t i;

	(void)state;
	memset(p, 0xee, sizeof(p));
	assert_int_equal(frame_pad(p, 36), 60);
	assert_int_equal(p[35], 0xee);
	for (i = 36; i < 60; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(p[60], 0xee);
	assert_int_equal(frame_pad(p, 60), 60);
	assert_int_equal(frame_pad(p, 64), 64);
}

static void
sectors_follow_the_mtu(void **state)
{
	static const struct { unsigned mtu, sectors; } rows[] = {
		{ 0, 0 }, { 68, 0 }, { 533, 0 }, { 534, 1 }, { 1045, 1 },
		{ 1046, 2 }, { 1500, 2 }, { 4200, 8 }, { 9000, 17 },
		{ 65535, 127 }, { 1000000, 255 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++)
		assert_int_equal(frame_sectors(rows[i].mtu),
		    rows[i].sectors);
}

/* Counts are believed only as far as the message reaches. */
static void
lists_are_doubted(void **state)
{
	static const struct {
		uint8_t	 command, subcommand, count;
		size_t	 len;
		int	 rc;
	} rows[] = {
		{ AOE_MASK, 1, 0, 27, -1 }, { AOE_MASK, 0, 0, 24, -1 },
		{ AOE_MASK, 1, 1, 35, -1 }, { AOE_MASK, 1, 255, 2067, -1 },
		{ AOE_MASK, 2, 2, 36, -1 },
		{ AOE_MASK, 1, 0, 28, 0 }, { AOE_MASK, 1, 1, 36, 0 },
		{ AOE_MASK, 1, 255, 2068, 0 }, { AOE_MASK, 0, 255, 28, 0 },
		{ AOE_RESERVE, 1, 0, 25, -1 }, { AOE_RESERVE, 0, 0, 24, -1 },
		{ AOE_RESERVE, 1, 1, 31, -1 },
		{ AOE_RESERVE, 2, 255, 1555, -1 },
		{ AOE_RESERVE, 1, 0, 26, 0 }, { AOE_RESERVE, 1, 1, 32, 0 },
		{ AOE_RESERVE, 2, 255, 1556, 0 },
		{ AOE_RESERVE, 0, 255, 26, 0 },
	};
	struct frame_reserve res;
	struct frame_mask mask;
	uint8_t p[2100];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		make(p, sizeof(p), rows[i].command);
		if (rows[i].command == AOE_MASK) {
			p[25] = rows[i].subcommand;
			p[27] = rows[i].count;
			assert_int_equal(frame_mask_decode(p, rows[i].len,
			    &mask), rows[i].rc);
		} else {
			p[24] = rows[i].subcommand;
			p[25] = rows[i].count;
			assert_int_equal(frame_reserve_decode(p, rows[i].len,
			    &res), rows[i].rc);
		}
	}
}

static void
lists_are_answered(void **state)
{
	static const uint64_t macs[] = { CLIENT, SELF };
	static const uint8_t directives[] = {
		0, 0, 2, 0, 0, 0, 0, 1,  0, 0, 2, 0, 0, 0, 0, 0xf0
	};
	struct frame_mask mask;
	uint8_t p[100];
	uint64_t mac;

	(void)state;
	memset(p, 0xee, sizeof(p));
	assert_int_equal(frame_mask_answer(p, 1, macs, 2), 44);
	assert_memory_equal(p + 24, "\0\1\0\2", 4);
	assert_memory_equal(p + 28, directives, 16);
	assert_int_equal(p[44], 0xee);
	p[29] = 7;
	assert_int_equal(frame_mask_decode(p, 44, &mask), 0);
	assert_int_equal(frame_directive(&mask, 0, &mac), 7);
	assert_true(mac == CLIENT);
	p[28] = 9;	/* reserved bytes go back as zero */
	assert_int_equal(frame_mask_error(p, 2, 1), 36);
	assert_memory_equal(p + 24, "\0\1\2\1\0\7", 6);
	memset(p, 0xee, sizeof(p));
	assert_int_equal(frame_reserve_answer(p, 2, macs, 2), 38);
	assert_memory_equal(p + 24, "\2\2\2\0\0\0\0\1\2\0\0\0\0\xf0",
	    14);
	assert_int_equal(p[38], 0xee);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_doubted),
		cmocka_unit_test(answers_of_others_are_read),
		cmocka_unit_test(a_question_is_for_everybody),
		cmocka_unit_test(headers_are_read),
		cmocka_unit_test(ata_arguments_are_read),
		cmocka_unit_test(config_arguments_are_doubted),
		cmocka_unit_test(answers_go_back),
		cmocka_unit_test(ata_answers_have_zeros_where_reserved),
		cmocka_unit_test(config_answers_are_written),
		cmocka_unit_test(advertisements_ask_for_nothing),
		cmocka_unit_test(short_answers_are_padded_with_zeros),
		cmocka_unit_test(sectors_follow_the_mtu),
		cmocka_unit_test(lists_are_doubted),
		cmocka_unit_test(lists_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
