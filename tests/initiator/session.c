/* session.c: requests to one target.  They go out in a window; one without an
 * answer is sent again after a time that doubles, under the same tag, until
 * its time-out.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "session.h"

#define RETRY_MS	250	/* first repetition; doubled each time */
#define RETRY_MAX_MS	2000

/* What is under way. */
struct request {
	uint32_t	tag;
	bool		busy;
	uint64_t	first;		/* sector within the transfer */
	unsigned	count;
	int64_t		due;		/* when it is sent again */
	int64_t		end;		/* when it is given up */
	int		wait_ms;
};

struct transfer {
	struct init	*in;
	bool		 write;
	uint64_t	 lba;
	uint64_t	 count;		/* sectors */
	uint64_t	 next;		/* the first not asked for yet */
	unsigned	 busy;
	uint8_t		*data;
	struct request	 window[WINDOW_MAX];
};

static void __attribute__((noreturn))
no_answer(const char *what)
{
	warnx("%s: no answer", what);
	exit(EXIT_TIMEOUT);
}

/* Ends the program if the reply is a refusal. */
static void
check_reply(const struct aoe *f)
{
	struct ata ata;

	if (f->flags & AOE_ERROR) {
		warnx("e%u.%u: AoE error %u", f->shelf, f->slot, f->error);
		exit(EXIT_AOE);
	}
	if (f->command != AOE_ATA)
		return;
	if (!ata_get(f, &ata))
		errx(BS_IO, "e%u.%u: a short reply", f->shelf, f->slot);
	if (ata.command & ATA_FAILED) {
		warnx("e%u.%u: ATA status 0x%02x error 0x%02x", f->shelf,
		    f->slot, ata.command, ata.feature);
		exit(EXIT_ATA);
	}
}

uint32_t
request_put(struct init *in, uint8_t *frame, uint8_t command)
{
	struct aoe f = { .shelf = in->to.shelf, .slot = in->to.slot,
	    .command = command };

	f.tag = WIRE_TAG_USER | (in->tag++ & ~WIRE_TAG_USER);
	memcpy(f.dst, in->to.mac, 6);
	memcpy(f.src, in->wire.mac, 6);
	aoe_put(frame, &f);
	return f.tag;
}

void
transmit(struct init *in, const uint8_t *frame, size_t len)
{
	if (wire_send(&in->wire, frame, len) == -1)
		err(BS_IO, "send");
	in->sent++;
}

bool
receive(struct init *in, uint8_t *buf, struct aoe *f, int64_t due)
{
	int64_t left;
	ssize_t n;

	do {
		left = due - now_ms();
		n = wire_recv(&in->wire, buf, WIRE_MAX, left > 0 ? left : 0);
		if (n == -1 && errno != ENETDOWN)
			err(BS_IO, "receive");
		if (n > 0 && aoe_get(buf, n, f) && (f->flags & AOE_RESPONSE))
			return true;
	} while (n != 0 || left > 0);
	return false;
}

static unsigned
first_wait(const struct init *in)
{
	return in->retry_ms != 0 ? in->retry_ms : RETRY_MS;
}

void
ask(struct init *in, const uint8_t *frame, size_t len, uint32_t tag,
    uint8_t *buf, struct aoe *f)
{
	int64_t end = now_ms() + in->timeout_ms, due = now_ms();
	unsigned wait_ms = first_wait(in);
	int tries = 0;

	while (now_ms() < end) {
		if (now_ms() >= due) {
			in->again += tries++ > 0;
			transmit(in, frame, len);
			due = now_ms() + wait_ms;
			if (wait_ms < RETRY_MAX_MS)
				wait_ms *= 2;
		}
		if (receive(in, buf, f, due < end ? due : end) &&
		    f->tag == tag) {
			check_reply(f);
			return;
		}
	}
	no_answer("request");
}

/* AoEr11 3.2: subcommand 0 reads. */
void
target_find(struct init *in, const char *address)
{
	uint8_t frame[WIRE_HEAD + 8] = { 0 }, buf[WIRE_MAX];
	unsigned fit = (in->wire.mtu - 36) / WIRE_SECTOR;
	struct config c;
	struct aoe f;
	uint32_t tag;

	if (!address_parse(address, &in->to.shelf, &in->to.slot))
		errx(BS_USAGE, "%s: not an address of the form 0.0", address);
	tag = request_put(in, frame, AOE_CONFIG);
	ask(in, frame, sizeof(frame), tag, buf, &f);
	if (!config_get(&f, &c))
		errx(BS_IO, "%s: a bad answer", address);
	memcpy(in->to.mac, f.src, 6);
	if (in->sectors == 0)
		in->sectors = c.sectors < fit ? c.sectors : fit;
	if (in->window == 0)
		in->window = c.buffers;
	if (in->window == 0 || in->window > WINDOW_MAX)
		in->window = WINDOW_MAX;
}

void
ata_ask(struct init *in, const struct ata *ata, uint8_t *buf, struct aoe *f)
{
	uint8_t frame[WIRE_HEAD + WIRE_ATA];
	uint32_t tag = request_put(in, frame, AOE_ATA);

	ata_put(frame + WIRE_HEAD, ata);
	ask(in, frame, sizeof(frame), tag, buf, f);
}

/* One request of a transfer onto the wire. */
static void
request_send(struct transfer *x, struct request *r)
{
	static const uint8_t commands[2][2] = {
		{ 0x24, 0x20 },			/* READ EXT, READ */
		{ 0x34, 0x30 }			/* WRITE EXT, WRITE */
	};
	struct init *in = x->in;
	uint8_t frame[WIRE_MAX];
	size_t len = WIRE_HEAD + WIRE_ATA;
	struct ata ata = {
		.aflags = (in->lba28 ? 0 : ATA_EXTENDED) |
		    (x->write ? ATA_WRITE : 0),
		.count = r->count,
		.command = commands[x->write][in->lba28],
		.lba = x->lba + r->first,
	};

	if (in->lba28)		/* the device register stands above 28 bits */
		ata.lba = (ata.lba & 0xfffffff) | 0xe0000000;
	in->tag = r->tag;
	request_put(in, frame, AOE_ATA);
	ata_put(frame + WIRE_HEAD, &ata);
	if (x->write) {
		memcpy(frame + len, x->data + r->first * WIRE_SECTOR,
		    (size_t)r->count * WIRE_SECTOR);
		len += (size_t)r->count * WIRE_SECTOR;
	}
	transmit(in, frame, len);
	r->due = now_ms() + r->wait_ms;
	if (r->wait_ms < RETRY_MAX_MS)
		r->wait_ms *= 2;
}

/* Start what the window has room for, repeat what is due: the time of the
 * next thing to do. */
static int64_t
window_run(struct transfer *x)
{
	struct init *in = x->in;
	int64_t now = now_ms(), next = now + in->timeout_ms;
	uint64_t left;
	unsigned i;

	for (i = 0; i < in->window; i++) {
		struct request *r = &x->window[i];

		left = x->count - x->next;
		if (!r->busy && left > 0) {
			r->busy = true;
			/* The slot's number stands in the low byte. */
			r->tag = (r->tag + WINDOW_MAX) & ~WIRE_TAG_USER;
			r->first = x->next;
			r->count = left < in->sectors ? left : in->sectors;
			r->wait_ms = first_wait(in);
			r->end = now + in->timeout_ms;
			x->next += r->count;
			x->busy++;
			request_send(x, r);
		} else if (r->busy && r->due <= now) {
			if (r->end <= now)
				no_answer("transfer");
			in->again++;
			request_send(x, r);
		}
		if (r->busy && r->due < next)
			next = r->due;
	}
	return next;
}

static void
window_done(struct transfer *x, const struct aoe *f)
{
	struct request *r = &x->window[f->tag % WINDOW_MAX];
	size_t len = (size_t)r->count * WIRE_SECTOR;

	if (!r->busy || f->tag != (r->tag | WIRE_TAG_USER))
		return;		/* a double's answer */
	check_reply(f);
	if (!x->write) {
		if (f->body_len < WIRE_ATA + len)
			errx(BS_IO, "a short reply");
		memcpy(x->data + r->first * WIRE_SECTOR, f->body + WIRE_ATA,
		    len);
	}
	r->busy = false;
	x->busy--;
}

void
transfer(struct init *in, bool write, uint64_t lba, uint64_t count,
    uint8_t *data)
{
	struct transfer x = { .in = in, .write = write, .lba = lba,
	    .count = count, .data = data };
	uint8_t buf[WIRE_MAX];
	struct aoe f;
	unsigned i;

	for (i = 0; i < WINDOW_MAX; i++)
		x.window[i].tag = (in->tag & ~(WINDOW_MAX - 1u)) | i;
	while (x.next < x.count || x.busy > 0)
		if (receive(in, buf, &f, window_run(&x)))
			window_done(&x, &f);
}
