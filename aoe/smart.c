/* smart.c: ATA's SMART, as far as an image has something to say: whether it
 * has failed.  There are no attributes, no self-tests and no off-line
 * routines, and the tables say so.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <string.h>
#include <sys/endian.h>

#include "ata.h"

/* The feature register. */
enum {
	SMART_READ_DATA = 0xd0, SMART_READ_LOG = 0xd5, SMART_ENABLE = 0xd8,
	SMART_DISABLE = 0xd9, SMART_STATUS = 0xda
};

enum { LOG_DIRECTORY = 0, LOG_ERRORS = 1 };

/* A command for SMART says so in the middle of its LBA. */
static bool
is_signed(const struct frame_ata *a)
{
	return a->lba[1] == 0x4f && a->lba[2] == 0xc2;
}

static void
decide(const struct frame_ata *a, const struct ata_disk *d,
    struct ata_op *op)
{
	if (!is_signed(a) || (d->smart_off && a->feature != SMART_ENABLE)) {
		ata_refuse(op, ATA_ABRT);
		return;
	}
	switch (a->feature) {
	case SMART_READ_DATA:
		op->action = ATA_SMART_DATA;
		break;
	case SMART_READ_LOG:
		op->action = ATA_SMART_LOG;
		op->lba = a->lba[0];
		if (op->lba > LOG_ERRORS || a->count != 1)
			ata_refuse(op, ATA_ABRT);
		break;
	case SMART_ENABLE:
	case SMART_DISABLE:
		op->action = ATA_SMART_SWITCH;
		op->on = a->feature == SMART_ENABLE;
		break;
	case SMART_STATUS:
		op->action = ATA_SMART_STATUS;
		break;
	default:
		ata_refuse(op, ATA_ABRT);
		break;
	}
}

/* Who sends a sector with it, data or not, wants one back, or takes the answer
 * for none: aoeping(8) does. */
void
smart_decide(const struct frame_ata *a, const struct ata_disk *d,
    struct ata_op *op)
{
	decide(a, d, op);
	op->blank = a->datalen >= SECTOR ? SECTOR : 0;
}

/* The last byte makes the sum of all zero. */
static void
put_checksum(uint8_t *out)
{
	unsigned i, sum = 0;

	for (i = 0; i < SECTOR - 1; i++)
		sum += out[i];
	out[SECTOR - 1] = (uint8_t)(0x100 - (sum & 0xff));
}

void
smart_data(uint8_t out[SECTOR])
{
	memset(out, 0, SECTOR);
	le16enc(out, 1);		/* the structure's revision */
	out[370] = 0x01;		/* errors are logged */
	put_checksum(out);
}

void
smart_log(uint8_t log, uint8_t out[SECTOR])
{
	memset(out, 0, SECTOR);
	if (log == LOG_DIRECTORY) {
		le16enc(out, 1);	/* version; each log of one sector */
		out[2 * LOG_ERRORS] = 1;
	} else {
		out[0] = 1;		/* version; no entry */
		put_checksum(out);
	}
}
