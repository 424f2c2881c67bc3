/* ata.c: AoEr11 section 3.1, Issue ATA Command, and of ATA what every
 * initiator relies on.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>

#include "conform.h"

#define ABRT	0x04
#define IDNF	0x10
#define DRDY	0x40
#define ERR	0x01

/* Where clauses write; it is put back. */
#define SCRATCH	7

static void
begin_ata(struct conform *c, unsigned who, const struct ata *a)
{
	begin(c, who, AOE_ATA);
	put_zeros(c, WIRE_ATA);
	ata_put(c->out + WIRE_HEAD, a);
}

static bool
registers(struct conform *c, struct ata *back)
{
	if (!ata_get(&c->got, back)) {
		saw(c, NOT_OK, "%zu bytes of arguments", c->got.body_len);
		return false;
	}
	saw(c, OK, "status 0x%02x, error 0x%02x", back->command,
	    back->command & ERR ? back->feature : 0);
	return true;
}

bool
ata_do(struct conform *c, unsigned who, const struct ata *a, struct ata *back)
{
	begin_ata(c, who, a);
	return accepted(c, who) && registers(c, back);
}

/* With data, and done well. */
static bool
ata_write(struct conform *c, const struct ata *a, const void *data, size_t len)
{
	struct ata back;

	begin_ata(c, ME, a);
	put_bytes(c, data, len);
	return accepted(c, ME) && registers(c, &back) &&
	    !(back.command & ATA_FAILED);
}

/* n sectors come back, into data. */
static bool
ata_read(struct conform *c, const struct ata *a, uint8_t *data)
{
	size_t len = (size_t)a->count * WIRE_SECTOR;
	struct ata back;

	if (!ata_do(c, ME, a, &back) || (back.command & ATA_FAILED))
		return false;
	if (c->got.body_len < WIRE_ATA + len) {
		saw(c, NOT_OK, "%zu bytes of data",
		    c->got.body_len - WIRE_ATA);
		return false;
	}
	memcpy(data, c->got.body + WIRE_ATA, len);
	return true;
}

static struct ata
reading(uint8_t command, uint64_t lba, uint8_t count)
{
	return (struct ata){ .aflags = command & 4 ? ATA_EXTENDED : 0,
	    .count = count, .command = command, .lba = lba };
}

static struct ata
writing(uint8_t command, uint64_t lba, uint8_t count)
{
	struct ata a = reading(command, lba, count);

	a.aflags |= ATA_WRITE;
	return a;
}

static unsigned
word(const uint8_t *p, unsigned n)
{
	return p[2 * n] | p[2 * n + 1] << 8;
}

static bool
identify(struct conform *c, uint8_t *id)
{
	const struct ata a = { .count = 1, .command = 0xec };

	return ata_read(c, &a, id);
}

bool
target_learn(struct conform *c)
{
	uint8_t id[WIRE_SECTOR];
	struct config cf;

	begin(c, ME, AOE_CONFIG);
	put_zeros(c, 8);
	memcpy(c->out, wire_broadcast, 6);
	if (!accepted(c, ME) || !config_get(&c->got, &cf))
		return false;
	memcpy(c->to.mac, c->got.src, 6);
	c->sectors = cf.sectors;
	if (!identify(c, id))
		return false;
	c->capacity = word(id, 100) | (uint64_t)word(id, 101) << 16 |
	    (uint64_t)word(id, 102) << 32 | (uint64_t)word(id, 103) << 48;
	return c->capacity > 2 * SCRATCH;
}

static enum verdict
identify_has_the_capacity(struct conform *c)
{
	uint8_t id[WIRE_SECTOR];
	uint64_t small;

	if (!identify(c, id))
		return NOT_OK;
	small = word(id, 60) | (uint64_t)word(id, 61) << 16;
	return saw(c, ok_if((word(id, 83) & 0x0400) && (word(id, 49) & 0x0200) &&
	    small == (c->capacity < 0x0fffffff ? c->capacity : 0x0fffffff)),
	    "48 bits: %llu sectors, 28 bits: %llu",
	    (unsigned long long)c->capacity, (unsigned long long)small);
}

static enum verdict
identify_has_names(struct conform *c)
{
	uint8_t id[WIRE_SECTOR];
	static const unsigned at[] = { 10, 23, 27 };
	size_t i;

	if (!identify(c, id))
		return NOT_OK;
	for (i = 0; i < 3; i++)
		if (id[2 * at[i] + 1] <= ' ' || id[2 * at[i] + 1] > '~')
			return saw(c, NOT_OK, "word %u is empty", at[i]);
	return saw(c, OK, "serial, firmware, model");
}

static enum verdict
identify_is_broadcast(struct conform *c)
{
	const struct ata a = { .count = 1, .command = 0xec };
	struct ata back;

	begin_ata(c, ME, &a);
	memcpy(c->out, wire_broadcast, 6);
	memset(c->out + 16, 0xff, 3);
	return ok_if(accepted(c, ME) && registers(c, &back) &&
	    c->got.body_len >= WIRE_ATA + WIRE_SECTOR);
}

/* Write `n` sectors one way, read them another; then as they were. */
static enum verdict
goes_round(struct conform *c, struct ata w, struct ata r)
{
	uint8_t old[WIRE_MAX], new[WIRE_MAX], back[WIRE_MAX];
	size_t i, len = (size_t)w.count * WIRE_SECTOR;
	struct ata again = w;
	bool good;

	if (!ata_read(c, &r, old))
		return NOT_OK;
	for (i = 0; i < len; i++)
		new[i] = (uint8_t)(old[i] + i * 3 + 1);
	good = ata_write(c, &w, new, len) && ata_read(c, &r, back) &&
	    memcmp(new, back, len) == 0;
	again.aflags = w.aflags & ~0x02;
	return ok_if(ata_write(c, &again, old, len) && good);
}

static enum verdict
sectors_go_round_28(struct conform *c)
{
	return goes_round(c, writing(0x30, SCRATCH, 1),
	    reading(0x20, SCRATCH, 1));
}

static enum verdict
sectors_go_round_48(struct conform *c)
{
	return goes_round(c, writing(0x34, SCRATCH, 1),
	    reading(0x24, SCRATCH, 1));
}

static enum verdict
both_address_the_same(struct conform *c)
{
	return goes_round(c, writing(0x30, SCRATCH, 2),
	    reading(0x24, SCRATCH, 2));
}

static enum verdict
asynchronous_writes_are_done(struct conform *c)
{
	struct ata w = writing(0x34, SCRATCH, 1);

	w.aflags |= 0x02;
	return goes_round(c, w, reading(0x24, SCRATCH, 1));
}

static enum verdict
a_full_message_goes_round(struct conform *c)
{
	uint8_t n = (uint8_t)(c->sectors > 24 ? 24 : c->sectors);
	enum verdict v;

	v = goes_round(c, writing(0x34, 0, n), reading(0x24, 0, n));
	return v == OK ? saw(c, OK, "%u sectors", n) : v;
}

static enum verdict
twenty_eight_bits_are_all(struct conform *c)
{
	uint8_t a[WIRE_SECTOR], b[WIRE_SECTOR];
	struct ata r = reading(0x20, SCRATCH, 1);

	if (!ata_read(c, &r, a))
		return NOT_OK;
	r.lba |= 0x550000000000 | 0xe0000000;
	return ok_if(ata_read(c, &r, b) && memcmp(a, b, sizeof(a)) == 0);
}

/* An ATA error with this bit, and no error of AoE's. */
static enum verdict
fails(struct conform *c, const struct ata *a, uint8_t bit)
{
	struct ata back;

	if (!ata_do(c, ME, a, &back))
		return NOT_OK;
	return ok_if((back.command & ERR) && (back.feature & bit));
}

static enum verdict
the_last_sector_is_there(struct conform *c)
{
	struct ata r = reading(0x24, c->capacity - 1, 1);
	uint8_t data[WIRE_SECTOR];

	return ok_if(ata_read(c, &r, data));
}

static enum verdict
none_is_behind_it(struct conform *c)
{
	struct ata r = reading(0x24, c->capacity, 1);

	return fails(c, &r, IDNF);
}

static enum verdict
none_reaches_beyond(struct conform *c)
{
	struct ata r = reading(0x24, c->capacity - 1, 2);

	return fails(c, &r, IDNF);
}

static enum verdict
the_address_does_not_wrap(struct conform *c)
{
	struct ata r = reading(0x24, 0xffffffffffff, 1);

	return fails(c, &r, IDNF);
}

/* What is not sectors in the answer is an error of either kind. */
static enum verdict
fails_somehow(struct conform *c)
{
	struct ata back;

	if (!answered(c, ME))
		return NOT_OK;
	if (c->got.flags & AOE_ERROR)
		return saw(c, OK, "AoE error %u", c->got.error);
	return ok_if(registers(c, &back) && (back.command & ERR));
}

static enum verdict
no_more_than_announced(struct conform *c)
{
	struct ata r = reading(0x24, 0, (uint8_t)(c->sectors + 1));

	begin_ata(c, ME, &r);
	return fails_somehow(c);
}

static enum verdict
missing_data_is_not_written(struct conform *c)
{
	struct ata w = writing(0x34, SCRATCH, 2);
	struct ata r = reading(0x24, SCRATCH, 2);
	uint8_t old[2 * WIRE_SECTOR], new[2 * WIRE_SECTOR];
	char first[sizeof(c->saw)];
	enum verdict v;

	if (!ata_read(c, &r, old))
		return NOT_OK;
	begin_ata(c, ME, &w);
	put_zeros(c, WIRE_SECTOR + 100);
	memset(c->out + WIRE_HEAD + WIRE_ATA, ~old[0], WIRE_SECTOR + 100);
	v = fails_somehow(c);
	strlcpy(first, c->saw, sizeof(first));
	if (!ata_read(c, &r, new))
		return NOT_OK;
	if (memcmp(old, new, sizeof(old)) == 0)
		return saw(c, v, "%s", first);
	(void)ata_write(c, &w, old, sizeof(old));
	return saw(c, NOT_OK, "it was written");
}

static enum verdict
probes_with_a_payload_are_read(struct conform *c)
{
	struct ata r = reading(0x24, 0, 1), back;

	begin_ata(c, ME, &r);
	put_zeros(c, WIRE_SECTOR);
	return ok_if(accepted(c, ME) && registers(c, &back) &&
	    !(back.command & ATA_FAILED) &&
	    c->got.body_len >= WIRE_ATA + WIRE_SECTOR);
}

static enum verdict
reserved_bytes_are_zero(struct conform *c)
{
	struct ata r = reading(0x24, 0, 1);

	begin_ata(c, ME, &r);
	memset(c->out + WIRE_HEAD + 10, 0xee, 2);
	if (!accepted(c, ME) || c->got.body_len < WIRE_ATA)
		return NOT_OK;
	return saw(c, ok_if(c->got.body[10] == 0 && c->got.body[11] == 0),
	    "0x%02x%02x", c->got.body[10], c->got.body[11]);
}

static enum verdict
cut_registers_are_refused(struct conform *c)
{
	begin(c, ME, AOE_ATA);
	put_zeros(c, 4);
	return refused(c, ME, 2);
}

static enum verdict
unknown_commands_are_aborted(struct conform *c)
{
	static const struct ata a = { .command = 0x11 };

	return fails(c, &a, ABRT);
}

/* Done: the device is ready and says no error. */
static enum verdict
is_done(struct conform *c, const struct ata *a)
{
	struct ata back;

	if (!ata_do(c, ME, a, &back))
		return NOT_OK;
	return ok_if((back.command & (DRDY | ATA_FAILED)) == DRDY);
}

/* The same where a disk need not know the command. */
static enum verdict
is_done_if_known(struct conform *c, const struct ata *a)
{
	struct ata back;

	if (!ata_do(c, ME, a, &back))
		return NOT_OK;
	if ((back.command & ERR) && (back.feature & ABRT))
		return saw(c, NA, "aborted");
	return ok_if((back.command & (DRDY | ATA_FAILED)) == DRDY);
}

static enum verdict
flush_is_done(struct conform *c)
{
	static const struct ata a = { .command = 0xe7 };

	return is_done(c, &a);
}

static enum verdict
flush_ext_is_done(struct conform *c)
{
	static const struct ata a = { .command = 0xea,
	    .aflags = ATA_EXTENDED };

	return is_done_if_known(c, &a);
}

static enum verdict
power_is_active(struct conform *c)
{
	static const struct ata a = { .command = 0xe5 };
	struct ata back;

	if (!ata_do(c, ME, &a, &back))
		return NOT_OK;
	return saw(c, ok_if(back.count == 0xff), "mode 0x%02x", back.count);
}

static enum verdict
sectors_are_verified(struct conform *c)
{
	static const struct ata a = { .command = 0x42, .count = 1,
	    .aflags = ATA_EXTENDED };

	return is_done_if_known(c, &a);
}

static enum verdict
idle_is_done(struct conform *c)
{
	static const struct ata a = { .command = 0xe3 };

	return is_done_if_known(c, &a);
}

static enum verdict
standby_is_done(struct conform *c)
{
	static const struct ata a = { .command = 0xe2 };

	return is_done_if_known(c, &a);
}

static enum verdict
the_cache_is_switched_off(struct conform *c)
{
	static const struct ata off = { .command = 0xef, .feature = 0x82 };
	static const struct ata on = { .command = 0xef, .feature = 0x02 };
	enum verdict v = is_done_if_known(c, &off);

	return v == OK ? is_done_if_known(c, &on) : v;
}

static enum verdict
smart_tells_its_status(struct conform *c)
{
	static const struct ata a = { .command = 0xb0, .feature = 0xda,
	    .lba = 0xc24f00 };
	enum verdict v = is_done_if_known(c, &a);

	if (v != OK)
		return v;
	return saw(c, ok_if((c->got.body[5] == 0x4f &&
	    c->got.body[6] == 0xc2) || (c->got.body[5] == 0xf4 &&
	    c->got.body[6] == 0x2c)), "signature %02x%02x", c->got.body[6],
	    c->got.body[5]);
}

static enum verdict
smart_has_data(struct conform *c)
{
	static const struct ata a = { .command = 0xb0, .feature = 0xd0,
	    .count = 1, .lba = 0xc24f00 };
	enum verdict v = is_done_if_known(c, &a);
	uint8_t sum = 0;
	size_t i;

	if (v != OK)
		return v;
	if (c->got.body_len < WIRE_ATA + WIRE_SECTOR)
		return saw(c, NOT_OK, "no data");
	for (i = 0; i < WIRE_SECTOR; i++)
		sum += c->got.body[WIRE_ATA + i];
	return saw(c, ok_if(sum == 0), "512 bytes, their sum is %u", sum);
}

const struct clause ata_clauses[] = {
	{ "3.1", "IDENTIFY tells the capacity in 48 and 28 bits",
	    identify_has_the_capacity },
	{ "3.1", "IDENTIFY tells serial, firmware and model",
	    identify_has_names },
	{ "3.1", "IDENTIFY is answered to a broadcast",
	    identify_is_broadcast },
	{ "3.1", "what WRITE writes, READ reads", sectors_go_round_28 },
	{ "3.1", "what WRITE EXT writes, READ EXT reads",
	    sectors_go_round_48 },
	{ "3.1", "with and without EXT it is the same sector",
	    both_address_the_same },
	{ "3.1", "an asynchronous write is done too",
	    asynchronous_writes_are_done },
	{ "3.1", "as many sectors as announced go in one message",
	    a_full_message_goes_round },
	{ "3.1", "more are an error", no_more_than_announced },
	{ "3.1", "without EXT 28 bits are the address",
	    twenty_eight_bits_are_all },
	{ "3.1", "the last sector is there", the_last_sector_is_there },
	{ "3.1", "behind it is ATA error IDNF, no AoE error",
	    none_is_behind_it },
	{ "3.1", "so is what begins before and ends behind it",
	    none_reaches_beyond },
	{ "3.1", "so is the largest address", the_address_does_not_wrap },
	{ "3.1", "a write with less data than sectors is an error, and nothing "
	    "is written", missing_data_is_not_written },
	{ "3.1", "bytes behind a read's registers are ignored",
	    probes_with_a_payload_are_read },
	{ "3.1", "reserved bytes are zero", reserved_bytes_are_zero },
	{ "3.1", "registers that are cut short are AoE error 2",
	    cut_registers_are_refused },
	{ "3.1", "an unknown ATA command is ATA error ABRT",
	    unknown_commands_are_aborted },
	{ "3.1", "FLUSH CACHE is done, and the disk ready", flush_is_done },
	{ "3.1", "FLUSH CACHE EXT is done, and the disk ready",
	    flush_ext_is_done },
	{ "3.1", "CHECK POWER MODE says active", power_is_active },
	{ "3.1", "READ VERIFY is done", sectors_are_verified },
	{ "3.1", "IDLE is done", idle_is_done },
	{ "3.1", "STANDBY is done", standby_is_done },
	{ "3.1", "SET FEATURES switches the write cache",
	    the_cache_is_switched_off },
	{ "3.1", "SMART tells the status by its signature",
	    smart_tells_its_status },
	{ "3.1", "SMART has data with a checksum", smart_has_data },
	{ 0 }
};
