/* ata.c: ATA commands as they come in AoE messages (ATA8-ACS, and AoEr11
 * section 3.1).  Registers in, a verdict out; it touches no disk.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>
#include <sys/endian.h>

#include "ata.h"
#include "version.h"

#define LBA28_MAX	UINT64_C(0x0fffffff)

void
ata_refuse(struct ata_op *op, uint8_t error)
{
	memset(op, 0, sizeof(*op));
	op->action = ATA_ANSWER;
	op->status = ATA_FAILED;
	op->error = error;
}

static uint64_t
lba28(const uint8_t *p)
{
	return p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	    (uint64_t)(p[3] & 0x0f) << 24;
}

static uint64_t
lba48(const uint8_t *p)
{
	return p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	    (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
	    (uint64_t)p[5] << 40;
}

static bool
is_beyond(const struct ata_op *op, const struct ata_disk *d)
{
	return op->lba >= d->sectors || op->count > d->sectors - op->lba;
}

/* The command says how wide the address is; initiators are not agreed on the
 * flag.  A count of 0 means 256 or 65536 sectors, more than any message
 * holds. */
static void
decide_transfer(const struct frame_ata *a, const struct ata_disk *d,
    struct ata_op *op, enum ata_action action, bool wide)
{
	op->action = action;
	op->lba = wide ? lba48(a->lba) : lba28(a->lba);
	op->count = a->count;
	if (a->count == 0 || a->count > d->max)
		ata_refuse(op, ATA_ABRT);
	else if (action == ATA_WRITE && d->ro)
		ata_refuse(op, ATA_ABRT);
	else if (is_beyond(op, d))
		ata_refuse(op, ATA_IDNF);
	else if (action == ATA_WRITE && a->datalen < a->count * SECTOR)
		ata_refuse(op, ATA_ABRT);
}

/* No sector travels, so the message sets no limit. */
static void
decide_verify(const struct frame_ata *a, const struct ata_disk *d,
    struct ata_op *op, bool wide)
{
	op->action = ATA_VERIFY;
	op->lba = wide ? lba48(a->lba) : lba28(a->lba);
	op->count = a->count != 0 ? a->count : wide ? 65536 : 256;
	if (is_beyond(op, d))
		ata_refuse(op, ATA_IDNF);
}

static void
decide_good(struct ata_op *op, uint8_t result)
{
	op->action = ATA_ANSWER;
	op->status = ATA_GOOD;
	op->result = result;
}

/* Of the features there is the write cache.  A disk without one has it off,
 * and one that is told to switch it on may go on without. */
static void
decide_features(const struct frame_ata *a, struct ata_op *op)
{
	if (a->feature != 0x02 && a->feature != 0x82) {
		ata_refuse(op, ATA_ABRT);
		return;
	}
	op->action = ATA_CACHE_SWITCH;
	op->on = a->feature == 0x02;
}

void
ata_decide(const struct frame_ata *a, const struct ata_disk *d,
    struct ata_op *op)
{
	memset(op, 0, sizeof(*op));
	switch (a->command) {
	case 0x20:	/* READ SECTORS */
	case 0x24:	/* READ SECTORS EXT */
		decide_transfer(a, d, op, ATA_READ, a->command == 0x24);
		break;
	case 0x30:	/* WRITE SECTORS */
	case 0x34:	/* WRITE SECTORS EXT */
		decide_transfer(a, d, op, ATA_WRITE, a->command == 0x34);
		break;
	case 0x40:	/* READ VERIFY SECTORS */
	case 0x42:	/* READ VERIFY SECTORS EXT */
		decide_verify(a, d, op, a->command == 0x42);
		break;
	case 0xb0:	/* SMART */
		smart_decide(a, d, op);
		break;
	case 0xe1:	/* IDLE IMMEDIATE */
	case 0xe3:	/* IDLE */
		decide_good(op, 0);
		break;
	case 0xe5:	/* CHECK POWER MODE */
		decide_good(op, 0xff);	/* active or idle */
		break;
	case 0xe0:	/* STANDBY IMMEDIATE */
	case 0xe2:	/* STANDBY */
	case 0xe7:	/* FLUSH CACHE */
	case 0xea:	/* FLUSH CACHE EXT */
		op->action = ATA_FLUSH;
		break;
	case 0xec:	/* IDENTIFY DEVICE */
		op->action = ATA_IDENTIFY;
		break;
	case 0xef:	/* SET FEATURES */
		decide_features(a, op);
		break;
	default:
		ata_refuse(op, ATA_ABRT);
		break;
	}
}

static void
put_word(uint8_t *out, unsigned word, unsigned value)
{
	le16enc(out + 2 * word, (uint16_t)value);
}

/* ATA strings hold two characters in a word, the first in its high byte, and
 * are filled with blanks. */
static void
put_string(uint8_t *out, unsigned word, unsigned bytes, const char *s)
{
	size_t len = strlen(s);
	unsigned i;

	for (i = 0; i < bytes; i++)
		out[2 * word + (i ^ 1)] = i < len ? (uint8_t)s[i] : ' ';
}

/* The geometry of old: 16 heads of 63 sectors while that reaches, as every
 * translation since 1994 had it. */
static void
put_chs(uint8_t *out, uint64_t sectors)
{
	uint64_t cylinders = sectors / (16 * 63), all;

	if (cylinders > 16383)
		cylinders = 16383;
	all = cylinders * 16 * 63;
	put_word(out, 1, (unsigned)cylinders);
	put_word(out, 3, 16);
	put_word(out, 6, 63);
	put_word(out, 53, 0x0001);	/* 54 to 58 are valid */
	put_word(out, 54, (unsigned)cylinders);
	put_word(out, 55, 16);
	put_word(out, 56, 63);
	put_word(out, 57, (unsigned)(all & 0xffff));
	put_word(out, 58, (unsigned)(all >> 16));
}

/* Which commands there are and which are switched on: SMART, power management,
 * a write cache; 48 bits, FLUSH CACHE (EXT); SMART's error log. */
static void
put_features(uint8_t *out, const struct ata_disk *d)
{
	unsigned has = 0x0009 | (d->cached ? 0x0020 : 0);
	unsigned on = 0x0008 | (d->smart_off ? 0 : 0x0001) |
	    (d->cache_on ? 0x0020 : 0);

	put_word(out, 49, 0x0200);	/* LBA */
	put_word(out, 50, 0x4000);
	put_word(out, 80, 0x01f0);	/* ATA/ATAPI-4 to -7, ATA8-ACS */
	put_word(out, 82, has);
	put_word(out, 83, 0x7400);
	put_word(out, 84, 0x4001);
	put_word(out, 85, on);
	put_word(out, 86, 0x3400);
	put_word(out, 87, 0x4001);
}

void
ata_identify(const struct ata_disk *d, uint8_t out[SECTOR])
{
	uint64_t low = d->sectors > LBA28_MAX ? LBA28_MAX : d->sectors;
	unsigned i, sum = 0;

	memset(out, 0, SECTOR);
	put_word(out, 0, 0x0040);	/* a fixed disk */
	put_chs(out, d->sectors);
	put_string(out, 10, 20, d->serial);
	put_string(out, 23, 8, &BACKSHELF_VERSION[sizeof("backshelf")]);
	put_string(out, 27, 40, "backshelf aoed");
	put_word(out, 47, 0x8000);
	put_features(out, d);
	put_word(out, 60, (unsigned)(low & 0xffff));
	put_word(out, 61, (unsigned)(low >> 16));
	for (i = 0; i < 4; i++)
		put_word(out, 100 + i,
		    (unsigned)(d->sectors >> 16 * i & 0xffff));
	put_word(out, 106, 0x6003);	/* 8 logical sectors in a physical */
	/* Integrity word: signature, and a byte that makes the sum zero. */
	out[510] = 0xa5;
	for (i = 0; i < 511; i++)
		sum += out[i];
	out[511] = (uint8_t)(0x100 - (sum & 0xff));
}
