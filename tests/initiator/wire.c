/* wire.c: a raw packet socket for AoE, and the frames that go over it, as
 * AoEr11 has them.  What is sent has every reserved byte zero; of what comes
 * no length is believed.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define ETHERTYPE_AOE	0x88a2
#define VERSION		1
#define CONFIG_LEN	8	/* arguments of command 1 */

const uint8_t wire_broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static unsigned
get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

/* The interface's address and MTU; promiscuous if the address is another. */
static int
wire_setup(struct wire *w, const char *ifname, const uint8_t *source)
{
	struct packet_mreq promisc = { .mr_type = PACKET_MR_PROMISC };
	struct ifreq ifr = { 0 };

	if (strlcpy(ifr.ifr_name, ifname, IFNAMSIZ) >= IFNAMSIZ) {
		errno = ENODEV;
		return -1;
	}
	if (ioctl(w->fd, SIOCGIFMTU, &ifr) == -1)
		return -1;
	w->mtu = ifr.ifr_mtu;
	if (source != NULL) {
		memcpy(w->mac, source, 6);
		promisc.mr_ifindex = if_nametoindex(ifname);
		return setsockopt(w->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP,
		    &promisc, sizeof(promisc));
	}
	if (ioctl(w->fd, SIOCGIFHWADDR, &ifr) == -1)
		return -1;
	memcpy(w->mac, ifr.ifr_hwaddr.sa_data, 6);
	return 0;
}

int
wire_open(struct wire *w, const char *ifname, const uint8_t *source)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_AOE),
		.sll_ifindex = if_nametoindex(ifname),
	};
	int on = 1, room = 8 << 20, saved;

	if (addr.sll_ifindex == 0)
		return -1;
	w->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (w->fd == -1)
		return -1;
	setsockopt(w->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(w->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	if (wire_setup(w, ifname, source) == 0 &&
	    bind(w->fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	saved = errno;
	close(w->fd);
	errno = saved;
	return -1;
}

int
wire_send(struct wire *w, const void *frame, size_t len)
{
	struct pollfd pfd = { .fd = w->fd, .events = POLLOUT };

	while (send(w->fd, frame, len, MSG_DONTWAIT) == -1) {
		if (errno == EAGAIN)
			poll(&pfd, 1, -1);
		else if (errno == ENOBUFS)
			poll(NULL, 0, 1);
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}

ssize_t
wire_recv(struct wire *w, void *buf, size_t cap, int timeout_ms)
{
	struct pollfd pfd = { .fd = w->fd, .events = POLLIN };
	ssize_t n;

	for (;;) {
		n = recv(w->fd, buf, cap, MSG_DONTWAIT);
		if (n > 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
			return n;
		n = poll(&pfd, 1, timeout_ms);
		if (n == 0)
			return 0;
		if (n == -1 && errno != EINTR)
			return -1;
	}
}

/* AoEr11 2:
 *	0 destination, 6 source, 12 type, 14 version and flags, 15 error,
 *	16 shelf (major), 18 slot (minor), 19 command, 20 tag
 */
void
aoe_put(uint8_t *p, const struct aoe *f)
{
	memcpy(p, f->dst, 6);
	memcpy(p + 6, f->src, 6);
	put16(p + 12, ETHERTYPE_AOE);
	p[14] = VERSION << 4 | f->flags;
	p[15] = f->error;
	put16(p + 16, f->shelf);
	p[18] = f->slot;
	p[19] = f->command;
	put16(p + 20, f->tag >> 16);
	put16(p + 22, f->tag & 0xffff);
}

bool
aoe_get(const uint8_t *p, size_t len, struct aoe *f)
{
	if (len < WIRE_HEAD || get16(p + 12) != ETHERTYPE_AOE ||
	    p[14] >> 4 != VERSION)
		return false;
	memcpy(f->dst, p, 6);
	memcpy(f->src, p + 6, 6);
	f->flags = p[14] & 0x0f;
	f->error = p[15];
	f->shelf = get16(p + 16);
	f->slot = p[18];
	f->command = p[19];
	f->tag = (uint32_t)get16(p + 20) << 16 | get16(p + 22);
	f->body = p + WIRE_HEAD;
	f->body_len = len - WIRE_HEAD;
	return true;
}

/* AoEr11 3.1:
 *	0 flags, 1 error or feature, 2 sector count, 3 command or status,
 *	4 lba, low byte first, 10 two reserved
 */
void
ata_put(uint8_t *p, const struct ata *a)
{
	int i;

	memset(p, 0, WIRE_ATA);
	p[0] = a->aflags;
	p[1] = a->feature;
	p[2] = a->count;
	p[3] = a->command;
	for (i = 0; i < 6; i++)
		p[4 + i] = a->lba >> 8 * i;
}

bool
ata_get(const struct aoe *f, struct ata *a)
{
	int i;

	if (f->command != AOE_ATA || f->body_len < WIRE_ATA)
		return false;
	a->aflags = f->body[0];
	a->feature = f->body[1];
	a->count = f->body[2];
	a->command = f->body[3];
	a->lba = 0;
	for (i = 0; i < 6; i++)
		a->lba |= (uint64_t)f->body[4 + i] << 8 * i;
	return true;
}

/* AoEr11 3.2:
 *	0 buffer count, 2 firmware version, 4 sector count (0 means 2),
 *	5 AoE version and subcommand, 6 length of the string, 8 the string
 */
bool
config_get(const struct aoe *f, struct config *c)
{
	if (f->command != AOE_CONFIG || f->body_len < CONFIG_LEN)
		return false;
	c->buffers = get16(f->body);
	c->firmware = get16(f->body + 2);
	c->sectors = f->body[4] != 0 ? f->body[4] : 2;
	c->version = f->body[5] >> 4;
	c->len = get16(f->body + 6);
	c->string = f->body + CONFIG_LEN;
	return c->len <= f->body_len - CONFIG_LEN;
}

bool
address_parse(const char *text, uint16_t *shelf, uint8_t *slot)
{
	char major[8];
	const char *errstr, *dot = strchr(text, '.');

	if (dot == NULL || (size_t)(dot - text) >= sizeof(major))
		return false;
	memcpy(major, text, dot - text);
	major[dot - text] = '\0';
	*shelf = strtonum(major, 0, SHELF_ALL, &errstr);
	if (errstr != NULL)
		return false;
	*slot = strtonum(dot + 1, 0, SLOT_ALL, &errstr);
	return errstr == NULL;
}

bool
mac_parse(const char *text, uint8_t mac[6])
{
	char rest;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &mac[0],
	    &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &rest) == 6;
}

int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
