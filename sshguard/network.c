/* network.c: addresses and networks, IPv4 and IPv6.
 * In: text.  Out: sixteen bytes and a length.  sshd(8) names an IPv4 client of
 * an IPv6 socket as ::ffff:a.b.c.d or as a.b.c.d: here they are the same.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool
is_mapped(const uint8_t a[16])
{
	return memcmp(a, mapped, sizeof(mapped)) == 0;
}

/* An address as 16 bytes; IPv4 as ::ffff:a.b.c.d. */
static int
address_parse(const char *s, uint8_t a[16], unsigned *width)
{
	*width = 128;
	if (inet_pton(AF_INET6, s, a) == 1)
		return 0;
	memcpy(a, mapped, sizeof(mapped));
	*width = 32;
	return inet_pton(AF_INET, s, a + 12) == 1 ? 0 : -1;
}

/* Are the bits of a from `bits` on all zero? */
static bool
tail_is_zero(const uint8_t a[16], unsigned bits)
{
	unsigned i;

	for (i = bits; i < 128; i++)
		if ((a[i / 8] & (0x80 >> (i % 8))) != 0)
			return false;
	return true;
}

int
network_parse(const char *s, struct network *n)
{
	char addr[64];
	const char *slash, *err;
	unsigned width;
	long long bits;

	slash = s + strcspn(s, "/");
	if ((size_t)(slash - s) >= sizeof(addr))
		return -1;
	memcpy(addr, s, (size_t)(slash - s));
	addr[slash - s] = '\0';
	if (address_parse(addr, n->addr, &width) == -1)
		return -1;
	bits = width;
	if (*slash == '/') {
		if (slash[1] < '0' || slash[1] > '9')
			return -1;
		bits = strtonum(slash + 1, 0, width, &err);
		if (err != NULL)
			return -1;
	}
	n->bits = (unsigned)bits + 128 - width;
	return tail_is_zero(n->addr, n->bits) ? 0 : -1;
}

bool
network_has(const struct network *n, const char *address)
{
	uint8_t a[16];
	unsigned width, i;

	if (address_parse(address, a, &width) == -1)
		return false;
	/* "::/0" means every IPv6 address, and no IPv4 one. */
	if (n->bits < 96 && is_mapped(a))
		return false;
	for (i = 0; i < n->bits; i++)
		if (((a[i / 8] ^ n->addr[i / 8]) & (0x80 >> (i % 8))) != 0)
			return false;
	return true;
}

void
network_format(const struct network *n, char buf[NETWORK_TEXT])
{
	char addr[INET6_ADDRSTRLEN];
	bool v4 = n->bits >= 96 && is_mapped(n->addr);
	unsigned width = v4 ? 32 : 128, bits = n->bits - (v4 ? 96 : 0);

	inet_ntop(v4 ? AF_INET : AF_INET6, n->addr + (v4 ? 12 : 0), addr,
	    sizeof(addr));
	if (bits == width)
		snprintf(buf, NETWORK_TEXT, "%s", addr);
	else
		snprintf(buf, NETWORK_TEXT, "%s/%u", addr, bits);
}
