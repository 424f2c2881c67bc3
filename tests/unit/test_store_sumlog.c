/* test_store_sumlog.c: the log of checksums, from bytes and to bytes.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "lib/store_sums.h"

static struct sum
sum(uint64_t ino, int64_t since, int64_t btime, uint8_t hash)
{
	struct sum s = { .ino = ino, .size = 5, .mtime = -7, .mtime_ns = 8,
	    .btime = btime, .btime_ns = 9, .since = since };

	memset(s.hash, hash, sizeof(s.hash));
	return s;
}

/* What statx(2) would say of the same file. */
static struct statx
file(uint64_t ino, int64_t btime)
{
	struct statx x = { .stx_mask = STATX_BASIC_STATS | STATX_BTIME,
	    .stx_ino = ino, .stx_size = 5 };

	x.stx_mtime.tv_sec = -7;
	x.stx_mtime.tv_nsec = 8;
	x.stx_btime.tv_sec = btime;
	x.stx_btime.tv_nsec = 9;
	return x;
}

static size_t
put(uint8_t *buf, size_t at, struct sum s)
{
	return at + sums_block(buf + at, &s, 1);
}

static void
what_is_written_is_read(void **state)
{
	struct sum v[SUMS_BLOCK];
	uint8_t *buf = malloc(SUMS_BLOCK_MAX), *again = malloc(SUMS_BLOCK_MAX);
	struct sums s = { 0 };
	size_t i, len;

	(void)state;
	for (i = 0; i < SUMS_BLOCK; i++)
		v[i] = sum(UINT64_MAX - i, INT64_MAX, INT64_MIN, (uint8_t)i);
	v[3].flags = SUM_LATE;
	len = sums_block(buf, v, SUMS_BLOCK);
	assert_int_equal(len, SUMS_BLOCK_MAX);
	assert_int_equal(sums_parse(buf, len, &s), 0);
	assert_int_equal(s.n, SUMS_BLOCK);
	assert_int_equal(s.blocks, 1);
	assert_int_equal(s.lost, 0);
	assert_int_equal(s.v[3].flags, SUM_LATE);
	assert_int_equal(s.v[1].ino, UINT64_MAX - 1);
	assert_int_equal(s.v[0].btime, INT64_MIN);
	assert_int_equal(s.v[0].since, INT64_MAX);
	/* And written again it is the same. */
	assert_int_equal(sums_block(again, s.v, SUMS_BLOCK), len);
	assert_memory_equal(again, buf, len);
	sums_free(&s);
	free(again);
	free(buf);
}

/* Whatever byte is damaged, or wherever the log ends: the block is lost, the
 * others are not. */
static void
damage_costs_its_block_alone(void **state)
{
	uint8_t buf[3 * 112], copy[sizeof(buf)];
	struct sums s = { 0 };
	size_t i, len = 0;

	(void)state;
	for (i = 0; i < 3; i++)
		len = put(buf, len, sum(i + 1, 100, 1, 1));
	assert_int_equal(len, sizeof(buf));
	for (i = 0; i < len; i++) {
		memcpy(copy, buf, len);
		copy[i] ^= 0x10;
		assert_int_equal(sums_parse(copy, len, &s), 0);
		assert_int_equal(s.blocks, 2);
		assert_int_equal(s.n, 2);
		assert_int_equal(s.lost, 112);
		sums_free(&s);
		assert_int_equal(sums_parse(buf, i, &s), 0);
		assert_int_equal(s.n, i / 112);
		assert_int_equal(s.lost, i % 112);
		sums_free(&s);
	}
}

static void
blocks_of_no_sense_are_passed_over(void **state)
{
	/* The number of entries: none, and more than there can be. */
	static const uint32_t counts[] = { 0, 2, SUMS_BLOCK + 1, UINT32_MAX };
	uint8_t buf[112];
	struct sums s = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < nitems(counts); i++) {
		(void)put(buf, 0, sum(1, 1, 1, 1));
		memcpy(buf + 8, &counts[i], 4);
		assert_int_equal(sums_parse(buf, sizeof(buf), &s), 0);
		assert_int_equal(s.n, 0);
		assert_int_equal(s.lost, sizeof(buf));
		sums_free(&s);
	}
	assert_int_equal(sums_parse(buf, 0, &s), 0);
	sums_sort(&s);
	assert_null(sums_find(&s, &(struct statx){ .stx_ino = 0 }, 0));
}

static void
only_the_very_file_is_found(void **state)
{
	static const struct {
		uint64_t	 ino;
		int64_t		 btime;
		time_t		 snapshot;
		int		 hash;		/* -1: unknown */
	} rows[] = {
		{ 0, 1, 500, -1 }, { 2, 1, 500, -1 }, { 9, 1, 500, -1 },
		/* Not in a snapshot older than the entry. */
		{ 1, 1, 99, -1 }, { 1, 1, 100, 12 }, { 1, 1, 500, 12 },
		/* Another file of the same number took its place, and a
		 * subvolume of before still has the first one. */
		{ 3, 1, 500, -1 }, { 3, 2, 500, 32 }, { 3, 1, 299, 31 },
		{ 3, 2, 299, -1 },
		/* Written over in a clone: each snapshot has its own. */
		{ 5, 1, 100, 51 }, { 5, 1, 199, 51 }, { 5, 1, 200, 52 },
	};
	struct statx x;
	uint8_t buf[112 * 8];
	struct sums s = { 0 };
	const struct sum *e;
	size_t i, len = 0;

	(void)state;
	len = put(buf, len, sum(5, 200, 1, 52));
	len = put(buf, len, sum(1, 100, 1, 11));
	len = put(buf, len, sum(3, 100, 1, 31));
	len = put(buf, len, sum(1, 100, 1, 12));
	len = put(buf, len, sum(5, 100, 1, 51));
	len = put(buf, len, sum(3, 300, 2, 32));
	assert_int_equal(sums_parse(buf, len, &s), 0);
	assert_int_equal(s.n, 6);
	sums_sort(&s);
	assert_int_equal(s.n, 5);
	for (i = 0; i < nitems(rows); i++) {
		x = file(rows[i].ino, rows[i].btime);
		e = sums_find(&s, &x, rows[i].snapshot);
		assert_int_equal(e == NULL ? -1 : e->hash[0], rows[i].hash);
	}
	for (i = 0; i < 5; i++) {
		x = file(1, 1);
		x.stx_size += i == 0;
		x.stx_mtime.tv_sec += i == 1;
		x.stx_mtime.tv_nsec += i == 2;
		x.stx_btime.tv_nsec += i == 3;
		if (i == 4)
			x.stx_mask &= ~STATX_BTIME;
		assert_null(sums_find(&s, &x, 500));
	}
	sums_free(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(damage_costs_its_block_alone),
		cmocka_unit_test(blocks_of_no_sense_are_passed_over),
		cmocka_unit_test(only_the_very_file_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
