/* frame.c: AoE messages, AoEr11: decoded from bytes that came from anywhere,
 * answered in place.  It knows every length and no meaning.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <assert.h>
#include <string.h>
#include <sys/endian.h>

#include "frame.h"
#include "mac.h"

/* Offsets, AoEr11 section 2 (header), 3 (ATA) and 4 (Query Config). */
enum {
	OFF_DST = 0, OFF_SRC = 6, OFF_TYPE = 12, OFF_VERFLAGS = 14,
	OFF_ERROR = 15, OFF_SHELF = 16, OFF_SLOT = 18, OFF_COMMAND = 19,
	OFF_TAG = 20, OFF_ARGS = 24,

	OFF_ATA_FLAGS = 24, OFF_ATA_ERROR = 25, OFF_ATA_COUNT = 26,
	OFF_ATA_COMMAND = 27, OFF_ATA_LBA = 28, OFF_ATA_RESERVED = 34,

	OFF_CFG_BUFFERS = 24, OFF_CFG_FIRMWARE = 26, OFF_CFG_SECTORS = 28,
	OFF_CFG_CCMD = 29, OFF_CFG_LENGTH = 30
};
static_assert(OFF_ARGS == FRAME_HEADER, "header length");
static_assert(OFF_ATA_RESERVED + 2 == FRAME_ATA_HEADER, "ATA length");
static_assert(OFF_CFG_LENGTH + 2 == FRAME_CONFIG_HEADER, "config length");

#define FLAG_RESPONSE	0x08
#define FLAG_ERROR	0x04

enum frame_verdict
frame_decode(const uint8_t *p, size_t len, struct frame *f)
{
	if (len < FRAME_HEADER)
		return FRAME_SHORT;
	if (be16dec(p + OFF_TYPE) != AOE_ETHERTYPE)
		return FRAME_FOREIGN;
	if (p[OFF_VERFLAGS] & FLAG_RESPONSE)
		return FRAME_RESPONSE;
	f->dst = mac_get(p + OFF_DST);
	f->src = mac_get(p + OFF_SRC);
	if (mac_is_group(f->src))
		return FRAME_SENDER;
	f->version = p[OFF_VERFLAGS] >> 4;
	f->shelf = be16dec(p + OFF_SHELF);
	f->slot = p[OFF_SLOT];
	f->command = p[OFF_COMMAND];
	return FRAME_OK;
}

bool
frame_is_broadcast(const struct frame *f)
{
	return f->shelf == AOE_SHELF_ANY || f->slot == AOE_SLOT_ANY;
}

int
frame_ata_decode(const uint8_t *p, size_t len, struct frame_ata *a)
{
	if (len < FRAME_ATA_HEADER)
		return -1;
	a->flags = p[OFF_ATA_FLAGS];
	a->feature = p[OFF_ATA_ERROR];
	a->count = p[OFF_ATA_COUNT];
	a->command = p[OFF_ATA_COMMAND];
	memcpy(a->lba, p + OFF_ATA_LBA, sizeof(a->lba));
	a->data = p + FRAME_ATA_HEADER;
	a->datalen = len - FRAME_ATA_HEADER;
	return 0;
}

int
frame_config_decode(const uint8_t *p, size_t len, struct frame_config *c)
{
	if (len < FRAME_CONFIG_HEADER)
		return -1;
	c->ccmd = p[OFF_CFG_CCMD] & 0x0f;
	c->len = be16dec(p + OFF_CFG_LENGTH);
	c->string = p + FRAME_CONFIG_HEADER;
	/* A read carries no string, and aoeping says 1024 all the same. */
	if (c->ccmd == 0)
		c->len = 0;
	if (c->len > FRAME_CONFIG_MAX || c->len > len - FRAME_CONFIG_HEADER)
		return -1;
	return 0;
}

static void
answer_flags(uint8_t *p, enum aoe_error error)
{
	p[OFF_VERFLAGS] = AOE_VERSION << 4 | FLAG_RESPONSE |
	    (error != AOE_OK ? FLAG_ERROR : 0);
	p[OFF_ERROR] = (uint8_t)error;
}

void
frame_answer(uint8_t *p, uint64_t self, uint16_t shelf, uint8_t slot,
    enum aoe_error error)
{
	memmove(p + OFF_DST, p + OFF_SRC, 6);
	mac_put(p + OFF_SRC, self);
	answer_flags(p, error);
	be16enc(p + OFF_SHELF, shelf);
	p[OFF_SLOT] = slot;
}

void
frame_advertise(uint8_t *p, uint64_t dst, uint64_t self, uint16_t shelf,
    uint8_t slot)
{
	mac_put(p + OFF_DST, dst);
	mac_put(p + OFF_SRC, self);
	be16enc(p + OFF_TYPE, AOE_ETHERTYPE);
	answer_flags(p, AOE_OK);
	be16enc(p + OFF_SHELF, shelf);
	p[OFF_SLOT] = slot;
	p[OFF_COMMAND] = AOE_CONFIG;
	memset(p + OFF_TAG, 0, 4);
}

void
frame_ata_answer(uint8_t *p, uint8_t status, uint8_t error, uint8_t count)
{
	p[OFF_ATA_ERROR] = error;
	p[OFF_ATA_COUNT] = count;
	p[OFF_ATA_COMMAND] = status;
	memset(p + OFF_ATA_RESERVED, 0, 2);
}

size_t
frame_config_answer(uint8_t *p, uint8_t ccmd, uint16_t buffers,
    uint16_t firmware, uint8_t sectors, const uint8_t *string, uint16_t len)
{
	be16enc(p + OFF_CFG_BUFFERS, buffers);
	be16enc(p + OFF_CFG_FIRMWARE, firmware);
	p[OFF_CFG_SECTORS] = sectors;
	p[OFF_CFG_CCMD] = (uint8_t)(AOE_VERSION << 4 | ccmd);
	be16enc(p + OFF_CFG_LENGTH, len);
	if (len > 0)
		memmove(p + FRAME_CONFIG_HEADER, string, len);
	return FRAME_CONFIG_HEADER + (size_t)len;
}

size_t
frame_pad(uint8_t *p, size_t len)
{
	if (len >= FRAME_MIN)
		return len;
	memset(p + len, 0, FRAME_MIN - len);
	return FRAME_MIN;
}

/* The MTU counts what follows Ethernet's 14 bytes. */
unsigned
frame_sectors(unsigned mtu)
{
	unsigned n;

	if (mtu < FRAME_ATA_HEADER - 14 + SECTOR)
		return 0;
	n = (mtu - (FRAME_ATA_HEADER - 14)) / SECTOR;
	return n > 255 ? 255 : n;
}
