/* frame.h: AoE messages, AoEr11: the header (section 2) and the arguments of
 * the four commands (3.1 to 3.4).  All numbers on the wire are big-endian but
 * the LBA.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_FRAME_H
#define AOE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AOE_ETHERTYPE		0x88a2
#define AOE_VERSION		1
#define AOE_SHELF_ANY		0xffff
#define AOE_SLOT_ANY		0xff

#define FRAME_HEADER		24	/* Ethernet's 14 and AoE's 10 */
#define FRAME_ATA_HEADER	36	/* and ATA's 12: where data begins */
#define FRAME_CONFIG_HEADER	32	/* and Query Config's 8 */
#define FRAME_MASK_HEADER	28	/* and MAC Mask List's 4 */
#define FRAME_DIRECTIVE		8	/* each of its directives */
#define FRAME_RESERVE_HEADER	26	/* and Reserve/Release's 2 */
#define FRAME_MAC		6	/* each of its addresses */
#define FRAME_MIN		60	/* what goes out is padded to this */
#define FRAME_CONFIG_MAX	1024	/* bytes of a config string */
#define SECTOR			512

enum aoe_command {
	AOE_ATA = 0, AOE_CONFIG = 1, AOE_MASK = 2, AOE_RESERVE = 3
};

enum aoe_error {
	AOE_OK = 0, AOE_BADCOMMAND = 1, AOE_BADARG = 2, AOE_UNAVAILABLE = 3,
	AOE_CONFIGSET = 4, AOE_BADVERSION = 5, AOE_RESERVED = 6,
	AOE_ERRORS
};

enum frame_verdict {
	FRAME_OK,		/* decoded */
	FRAME_SHORT,		/* not even a header */
	FRAME_FOREIGN,		/* another ethertype */
	FRAME_RESPONSE,		/* an answer, not a request */
	FRAME_SENDER		/* from a group address: no client's */
};

struct frame {
	uint64_t	dst;
	uint64_t	src;
	uint8_t		version;
	uint16_t	shelf;
	uint8_t		slot;
	uint8_t		command;
	uint32_t	tag;
};

/* Decode the header of a message of len bytes, as it came from the wire. */
enum frame_verdict frame_decode(const uint8_t *, size_t len, struct frame *);

/* The same for an answer: FRAME_OK if it is one. */
enum frame_verdict frame_decode_answer(const uint8_t *, size_t len,
	    struct frame *);

/* Write a Query Config request of `self` to everybody, about every address.
 * Its length. */
size_t	frame_query(uint8_t *buf, uint64_t self, uint32_t tag);

/* The command of a message that has been decoded once. */
uint8_t	frame_command(const uint8_t *);

/* Is it for every shelf or every slot? */
bool	frame_is_broadcast(const struct frame *);

/* An ATA message's arguments.  `data` points into the message. */
struct frame_ata {
	uint8_t		 flags;		/* 0x40 LBA48, 0x01 write … */
	uint8_t		 feature;
	uint8_t		 count;		/* sectors */
	uint8_t		 command;
	uint8_t		 lba[6];	/* least significant first */
	const uint8_t	*data;
	size_t		 datalen;	/* bytes that arrived, padding too */
};

/* 0, or -1: the message ends before the arguments do. */
int	frame_ata_decode(const uint8_t *, size_t len, struct frame_ata *);

/* A Query Config message's arguments.  `string` points into the message. */
struct frame_config {
	uint8_t		 ccmd;		/* subcommand, 0 to 15 */
	const uint8_t	*string;
	uint16_t	 len;		/* of it */
};

/* 0, or -1: too short for what it says, or a string over 1024 bytes. */
int	frame_config_decode(const uint8_t *, size_t len,
	    struct frame_config *);

/* A MAC Mask List message's arguments.  `directives` points into the message
 * and has `count` times FRAME_DIRECTIVE bytes. */
struct frame_mask {
	uint8_t		 mcmd;		/* 0 read, 1 edit */
	unsigned	 count;		/* 0 unless it edits */
	const uint8_t	*directives;
};

/* 0, or -1: the message ends before what it announces. */
int	frame_mask_decode(const uint8_t *, size_t len, struct frame_mask *);

/* The i-th directive's command and address. */
uint8_t	frame_directive(const struct frame_mask *, unsigned i, uint64_t *mac);

/* A Reserve/Release message's arguments.  `macs` points into the message and
 * has `count` times FRAME_MAC bytes. */
struct frame_reserve {
	uint8_t		 rcmd;		/* 0 read, 1 set, 2 force */
	unsigned	 count;		/* 0 unless it sets */
	const uint8_t	*macs;
};

/* 0, or -1: the message ends before what it announces. */
int	frame_reserve_decode(const uint8_t *, size_t len,
	    struct frame_reserve *);

/* Turn the request in buf into the header of its answer: from `self` back to
 * the sender, with the address that answers, response and error flags.  The
 * command and the tag stay. */
void	frame_answer(uint8_t *buf, uint64_t self, uint16_t shelf, uint8_t slot,
	    enum aoe_error);

/* Write an unasked-for Query Config answer's header: an advertisement. */
void	frame_advertise(uint8_t *buf, uint64_t dst, uint64_t self,
	    uint16_t shelf, uint8_t slot);

/* Overwrite the arguments of an ATA message with the registers of its answer:
 * flags and LBA stay, reserved bytes become zero. */
void	frame_ata_answer(uint8_t *buf, uint8_t status, uint8_t error,
	    uint8_t count);

/* Overwrite the LBA's second and third byte: ATA's "LBA mid" and "high". */
void	frame_ata_signature(uint8_t *buf, uint8_t mid, uint8_t high);

/* Overwrite the arguments of a Query Config message with its answer.  buf has
 * room for FRAME_CONFIG_HEADER + len bytes; `string` may lie in buf.  Returns
 * the length of the message. */
size_t	frame_config_answer(uint8_t *buf, uint8_t ccmd, uint16_t buffers,
	    uint16_t firmware, uint8_t sectors, const uint8_t *string,
	    uint16_t len);

/* Overwrite the arguments of a MAC Mask List message with its answer: the list
 * of n addresses.  buf has room for n directives.  Returns the length. */
size_t	frame_mask_answer(uint8_t *buf, uint8_t mcmd, const uint64_t *macs,
	    unsigned n);

/* The same for an edit that stopped at its directive number `done`: the error
 * and the directives before it go back.  Returns the length. */
size_t	frame_mask_error(uint8_t *buf, uint8_t merror, unsigned done);

/* Overwrite the arguments of a Reserve/Release message with its answer: the
 * list of n addresses.  buf has room for them.  Returns the length. */
size_t	frame_reserve_answer(uint8_t *buf, uint8_t rcmd, const uint64_t *macs,
	    unsigned n);

/* Zero the padding of an answer of len bytes.  The length to send. */
size_t	frame_pad(uint8_t *buf, size_t len);

/* Sectors of one ATA message on an interface of that MTU, at most 255. */
unsigned frame_sectors(unsigned mtu);

#endif
