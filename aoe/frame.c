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

/* Offsets, AoEr11 section 2 (header) and 3.1 to 3.4 (arguments). */
enum {
	OFF_DST = 0, OFF_SRC = 6, OFF_TYPE = 12, OFF_VERFLAGS = 14,
	OFF_ERROR = 15, OFF_SHELF = 16, OFF_SLOT = 18, OFF_COMMAND = 19,
	OFF_TAG = 20, OFF_ARGS = 24,

	OFF_ATA_FLAGS = 24, OFF_ATA_ERROR = 25, OFF_ATA_COUNT = 26,
	OFF_ATA_COMMAND = 27, OFF_ATA_LBA = 28, OFF_ATA_RESERVED = 34,

	OFF_CFG_BUFFERS = 24, OFF_CFG_FIRMWARE = 26, OFF_CFG_SECTORS = 28,
	OFF_CFG_CCMD = 29, OFF_CFG_LENGTH = 30,

	OFF_MASK_RESERVED = 24, OFF_MASK_MCMD = 25, OFF_MASK_ERROR = 26,
	OFF_MASK_COUNT = 27,

	OFF_RES_RCMD = 24, OFF_RES_COUNT = 25
};

/* Within a directive. */
enum { DIR_RESERVED = 0, DIR_DCMD = 1, DIR_MAC = 2 };

static_assert(OFF_ARGS == FRAME_HEADER, "header length");
static_assert(OFF_ATA_RESERVED + 2 == FRAME_ATA_HEADER, "ATA length");
static_assert(OFF_CFG_LENGTH + 2 == FRAME_CONFIG_HEADER, "config length");
static_assert(OFF_MASK_COUNT + 1 == FRAME_MASK_HEADER, "mask length");
static_assert(DIR_MAC + FRAME_MAC == FRAME_DIRECTIVE, "directive length");
static_assert(OFF_RES_COUNT + 1 == FRAME_RESERVE_HEADER, "reserve length");

#define FLAG_RESPONSE	0x08
#define FLAG_ERROR	0x04

static enum frame_verdict
header_decode(const uint8_t *p, struct frame *f)
{
	f->dst = mac_get(p + OFF_DST);
	f->src = mac_get(p + OFF_SRC);
	if (mac_is_group(f->src))
		return FRAME_SENDER;
	f->version = p[OFF_VERFLAGS] >> 4;
	f->shelf = be16dec(p + OFF_SHELF);
	f->slot = p[OFF_SLOT];
	f->command = p[OFF_COMMAND];
	f->tag = be32dec(p + OFF_TAG);
	return FRAME_OK;
}

enum frame_verdict
frame_decode(const uint8_t *p, size_t len, struct frame *f)
{
	if (len < FRAME_HEADER)
		return FRAME_SHORT;
	if (be16dec(p + OFF_TYPE) != AOE_ETHERTYPE)
		return FRAME_FOREIGN;
	if (p[OFF_VERFLAGS] & FLAG_RESPONSE)
		return FRAME_RESPONSE;
	return header_decode(p, f);
}

enum frame_verdict
frame_decode_answer(const uint8_t *p, size_t len, struct frame *f)
{
	if (len < FRAME_HEADER)
		return FRAME_SHORT;
	if (be16dec(p + OFF_TYPE) != AOE_ETHERTYPE ||
	    (p[OFF_VERFLAGS] & FLAG_RESPONSE) == 0)
		return FRAME_FOREIGN;
	return header_decode(p, f);
}

size_t
frame_query(uint8_t *p, uint64_t self, uint32_t tag)
{
	memset(p, 0, FRAME_CONFIG_HEADER);
	mac_put(p + OFF_DST, MAC_ANY);
	mac_put(p + OFF_SRC, self);
	be16enc(p + OFF_TYPE, AOE_ETHERTYPE);
	p[OFF_VERFLAGS] = AOE_VERSION << 4;
	be16enc(p + OFF_SHELF, AOE_SHELF_ANY);
	p[OFF_SLOT] = AOE_SLOT_ANY;
	p[OFF_COMMAND] = AOE_CONFIG;
	be32enc(p + OFF_TAG, tag);
	return FRAME_CONFIG_HEADER;
}

uint8_t
frame_command(const uint8_t *p)
{
	return p[OFF_COMMAND];
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

/* What is read carries no list; a count there means nothing. */
int
frame_mask_decode(const uint8_t *p, size_t len, struct frame_mask *m)
{
	if (len < FRAME_MASK_HEADER)
		return -1;
	m->mcmd = p[OFF_MASK_MCMD];
	m->count = m->mcmd == 0 ? 0 : p[OFF_MASK_COUNT];
	m->directives = p + FRAME_MASK_HEADER;
	return m->count > (len - FRAME_MASK_HEADER) / FRAME_DIRECTIVE ? -1 : 0;
}

uint8_t
frame_directive(const struct frame_mask *m, unsigned i, uint64_t *mac)
{
	const uint8_t *d = m->directives + (size_t)i * FRAME_DIRECTIVE;

	*mac = mac_get(d + DIR_MAC);
	return d[DIR_DCMD];
}

int
frame_reserve_decode(const uint8_t *p, size_t len, struct frame_reserve *r)
{
	if (len < FRAME_RESERVE_HEADER)
		return -1;
	r->rcmd = p[OFF_RES_RCMD];
	r->count = r->rcmd == 0 ? 0 : p[OFF_RES_COUNT];
	r->macs = p + FRAME_RESERVE_HEADER;
	return r->count > (len - FRAME_RESERVE_HEADER) / FRAME_MAC ? -1 : 0;
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

void
frame_ata_signature(uint8_t *p, uint8_t mid, uint8_t high)
{
	p[OFF_ATA_LBA + 1] = mid;
	p[OFF_ATA_LBA + 2] = high;
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

static void
mask_header(uint8_t *p, uint8_t mcmd, uint8_t merror, unsigned n)
{
	p[OFF_MASK_RESERVED] = 0;
	p[OFF_MASK_MCMD] = mcmd;
	p[OFF_MASK_ERROR] = merror;
	p[OFF_MASK_COUNT] = (uint8_t)n;
}

size_t
frame_mask_answer(uint8_t *p, uint8_t mcmd, const uint64_t *macs, unsigned n)
{
	uint8_t *d = p + FRAME_MASK_HEADER;
	unsigned i;

	mask_header(p, mcmd, 0, n);
	for (i = 0; i < n; i++, d += FRAME_DIRECTIVE) {
		d[DIR_RESERVED] = d[DIR_DCMD] = 0;
		mac_put(d + DIR_MAC, macs[i]);
	}
	return (size_t)(d - p);
}

size_t
frame_mask_error(uint8_t *p, uint8_t merror, unsigned done)
{
	uint8_t *d = p + FRAME_MASK_HEADER;
	unsigned i;

	mask_header(p, 1, merror, done);
	for (i = 0; i < done; i++, d += FRAME_DIRECTIVE)
		d[DIR_RESERVED] = 0;
	return (size_t)(d - p);
}

size_t
frame_reserve_answer(uint8_t *p, uint8_t rcmd, const uint64_t *macs,
    unsigned n)
{
	uint8_t *d = p + FRAME_RESERVE_HEADER;
	unsigned i;

	p[OFF_RES_RCMD] = rcmd;
	p[OFF_RES_COUNT] = (uint8_t)n;
	for (i = 0; i < n; i++, d += FRAME_MAC)
		mac_put(d, macs[i]);
	return (size_t)(d - p);
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
