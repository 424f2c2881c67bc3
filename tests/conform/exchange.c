/* exchange.c: messages out, answers in, for the clauses.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "conform.h"
#include "exits.h"

#define TRIES		3
#define QUIET_MS	300	/* without an answer is silence */

enum verdict
saw(struct conform *c, enum verdict v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->saw, sizeof(c->saw), fmt, ap);
	va_end(ap);
	return v;
}

enum verdict
ok_if(bool good)
{
	return good ? OK : NOT_OK;
}

void
begin(struct conform *c, unsigned who, uint8_t command)
{
	struct aoe f = { .shelf = c->to.shelf, .slot = c->to.slot,
	    .command = command };

	f.tag = WIRE_TAG_USER | (++c->tag & ~WIRE_TAG_USER);
	memcpy(f.dst, c->to.mac, 6);
	memcpy(f.src, c->wire[who].mac, 6);
	aoe_put(c->out, &f);
	c->len = WIRE_HEAD;
}

void
put_bytes(struct conform *c, const void *p, size_t n)
{
	memcpy(c->out + c->len, p, n);
	c->len += n;
}

void
put_byte(struct conform *c, uint8_t b)
{
	put_bytes(c, &b, 1);
}

void
put_zeros(struct conform *c, size_t n)
{
	memset(c->out + c->len, 0, n);
	c->len += n;
}

/* Is in[0..n) the answer to what was sent?  Its version is a clause's to
 * judge. */
static bool
take(struct conform *c, unsigned who, ssize_t n)
{
	uint8_t version;

	if (n < WIRE_HEAD)
		return false;
	version = c->in[14];
	c->in[14] = 0x10 | (version & 0x0f);
	if (!aoe_get(c->in, (size_t)n, &c->got))
		return false;
	c->in[14] = version;
	return (c->got.flags & AOE_RESPONSE) != 0 &&
	    memcmp(c->got.dst, c->wire[who].mac, 6) == 0 &&
	    memcmp(c->in + 20, c->out + 20, 4) == 0;
}

/* Wait for an answer to what was sent. */
static bool
await(struct conform *c, unsigned who, int wait_ms)
{
	int64_t end = now_ms() + wait_ms, left;
	ssize_t n;

	while ((left = end - now_ms()) > 0) {
		n = wire_recv(&c->wire[who], c->in, sizeof(c->in), (int)left);
		if (n == -1)
			err(BS_IO, "receive");
		if (take(c, who, n))
			return true;
	}
	return false;
}

static void
transmit_out(struct conform *c, unsigned who)
{
	if (wire_send(&c->wire[who], c->out, c->len) == -1)
		err(BS_IO, "send");
}

bool
answered(struct conform *c, unsigned who)
{
	int i;

	for (i = 0; i < TRIES; i++) {
		transmit_out(c, who);
		if (await(c, who, c->wait_ms))
			return true;
	}
	saw(c, NOT_OK, "no answer");
	return false;
}

bool
silent(struct conform *c, unsigned who)
{
	transmit_out(c, who);
	if (await(c, who, QUIET_MS)) {
		saw(c, NOT_OK, "an answer");
		return false;
	}
	saw(c, OK, "no answer");
	return true;
}

enum verdict
refused(struct conform *c, unsigned who, unsigned error)
{
	if (!answered(c, who))
		return NOT_OK;
	if (!(c->got.flags & AOE_ERROR))
		return saw(c, NOT_OK, "no AoE error");
	return saw(c, ok_if(c->got.error == error), "AoE error %u",
	    c->got.error);
}

bool
accepted(struct conform *c, unsigned who)
{
	if (!answered(c, who))
		return false;
	if (!(c->got.flags & AOE_ERROR))
		return true;
	saw(c, NOT_OK, "AoE error %u", c->got.error);
	return false;
}
