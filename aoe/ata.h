/* ata.h: the disk that a client sees: which sectors a command wants, and what
 * IDENTIFY DEVICE says.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_ATA_H
#define AOE_ATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

/* Status register. */
#define ATA_DRDY	0x40
#define ATA_DSC		0x10
#define ATA_ERR		0x01
#define ATA_GOOD	ATA_DRDY
#define ATA_FAILED	(ATA_DRDY | ATA_DSC | ATA_ERR)	/* 0x51 */

/* Error register. */
#define ATA_ABRT	0x04	/* command refused */
#define ATA_IDNF	0x10	/* no such sector */
#define ATA_UNC		0x40	/* the medium failed */

/* What a command is decided by. */
struct ata_disk {
	uint64_t	sectors;	/* capacity */
	unsigned	max;		/* sectors that one message may carry */
	bool		ro;
	bool		cached;		/* may answer writes before they are
					 * stable */
	bool		cache_on;	/* … and does */
	bool		smart_off;	/* a client has switched it off */
	bool		failed;		/* has lost writes */
	char		serial[21];
};

enum ata_action {
	ATA_ANSWER,	/* with status and error, nothing to do */
	ATA_IDENTIFY,	/* answer with 512 bytes of ata_identify */
	ATA_SMART_DATA,	/* … of smart_data */
	ATA_SMART_LOG,	/* … of smart_log, the log being lba */
	ATA_SMART_STATUS, /* the LBA says whether the disk has failed */
	ATA_SMART_SWITCH, /* SMART on or off */
	ATA_CACHE_SWITCH, /* the write cache on or off; off flushes it */
	ATA_READ,	/* count sectors from lba */
	ATA_VERIFY,	/* read them, and keep them */
	ATA_WRITE,	/* the same, the data is in the message */
	ATA_FLUSH	/* make all that was acknowledged stable */
};

struct ata_op {
	enum ata_action	action;
	uint8_t		status;		/* ATA_ANSWER */
	uint8_t		error;
	uint8_t		result;		/* sector count register then */
	bool		on;		/* the SWITCHes */
	unsigned	blank;		/* bytes of zeros to send: ATA_ANSWER,
					 * ATA_SMART_STATUS, _SWITCH */
	uint64_t	lba;		/* ATA_READ, ATA_WRITE … */
	unsigned	count;
};

/* Decide what a command is to do.  Every command gets an op; what is not
 * known, not in range or not allowed becomes ATA_ANSWER with ATA_FAILED. */
void	ata_decide(const struct frame_ata *, const struct ata_disk *,
	    struct ata_op *);

/* Write the answer to IDENTIFY DEVICE. */
void	ata_identify(const struct ata_disk *, uint8_t out[SECTOR]);

/* Decide a SMART command; the feature register says which. */
void	smart_decide(const struct frame_ata *, const struct ata_disk *,
	    struct ata_op *);

/* Write the answer to SMART READ DATA. */
void	smart_data(uint8_t out[SECTOR]);

/* Write the answer to SMART READ LOG of a log that smart_decide knows. */
void	smart_log(uint8_t log, uint8_t out[SECTOR]);

/* Make it a refusal with this error register. */
void	ata_refuse(struct ata_op *, uint8_t error);

#endif
