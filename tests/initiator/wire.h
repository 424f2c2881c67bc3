/* wire.h: AoE from the client's side, for tests: a raw packet socket, and the
 * frames that go over it.  It is written from AoEr11 and shares nothing with
 * the daemon, so that one mistake is not made twice.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef INITIATOR_WIRE_H
#define INITIATOR_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WIRE_MAX	16384	/* bytes of the longest frame */
#define WIRE_HEAD	24	/* Ethernet and AoE header, AoEr11 2 */
#define WIRE_ATA	12	/* arguments of command 0, 3.1 */
#define WIRE_SECTOR	512
#define WIRE_TAG_USER	0x80000000u	/* the kernel's driver leaves tags
					 * with this bit to others */

/* Flags, AoEr11 2. */
#define AOE_RESPONSE	0x08
#define AOE_ERROR	0x04

/* Commands, AoEr11 3. */
enum {
	AOE_ATA		= 0,
	AOE_CONFIG	= 1,
	AOE_MASK	= 2,
	AOE_RESERVE	= 3
};

/* Flags of an ATA command, AoEr11 3.1. */
#define ATA_EXTENDED	0x40
#define ATA_WRITE	0x01

/* Bits of the status register that mean failure: BSY, DF, DRQ, ERR. */
#define ATA_FAILED	0xa9

#define SHELF_ALL	0xffff
#define SLOT_ALL	0xff

struct wire {
	int		fd;
	unsigned	mtu;
	uint8_t		mac[6];		/* the source of what is sent */
};

/* One frame, taken apart.  body points into the buffer it came from. */
struct aoe {
	uint8_t		 dst[6], src[6];
	uint8_t		 flags;
	uint8_t		 error;
	uint16_t	 shelf;
	uint8_t		 slot;
	uint8_t		 command;
	uint32_t	 tag;
	const uint8_t	*body;		/* what follows the header */
	size_t		 body_len;
};

/* ATA registers, AoEr11 3.1. */
struct ata {
	uint8_t		aflags;
	uint8_t		feature;	/* in a reply: error */
	uint8_t		count;		/* sectors */
	uint8_t		command;	/* in a reply: status */
	uint64_t	lba;
};

/* A Query Config reply, AoEr11 3.2. */
struct config {
	unsigned	buffers;
	unsigned	firmware;
	unsigned	sectors;	/* per ATA message */
	unsigned	version;
	size_t		len;		/* of the string */
	const uint8_t	*string;	/* points into the frame */
};

extern const uint8_t wire_broadcast[6];

/* A packet socket for AoE on one interface.  With source, frames carry that
 * address and its replies are received.  0, or -1 with errno. */
int	wire_open(struct wire *, const char *ifname, const uint8_t *source);

/* Send one frame.  0, or -1 with errno. */
int	wire_send(struct wire *, const void *frame, size_t len);

/* The next frame into buf: its length, 0 if none came in time, -1 with
 * errno. */
ssize_t	wire_recv(struct wire *, void *buf, size_t cap, int timeout_ms);

/* Write the 24 bytes of a request's header. */
void	aoe_put(uint8_t *frame, const struct aoe *);

/* Take a frame apart.  False if it is no AoE of version 1. */
bool	aoe_get(const uint8_t *frame, size_t len, struct aoe *);

/* Registers, WIRE_ATA bytes.  ata_get is false if the body is too short. */
void	ata_put(uint8_t *body, const struct ata *);
bool	ata_get(const struct aoe *, struct ata *);

/* False if the body is too short for what it says. */
bool	config_get(const struct aoe *, struct config *);

/* "3.1" -> 3, 1.  False if it is no address of one target. */
bool	address_parse(const char *, uint16_t *shelf, uint8_t *slot);

/* "02:00:00:00:00:01" -> bytes. */
bool	mac_parse(const char *, uint8_t mac[6]);

/* Milliseconds of a clock that never jumps. */
int64_t	now_ms(void);

#endif
