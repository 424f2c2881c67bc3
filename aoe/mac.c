/* mac.c: Ethernet addresses.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdio.h>

#include "mac.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
mac_parse(const char *text, size_t len, uint64_t *mac)
{
	uint64_t v = 0;
	size_t i;
	int d;

	if (len != MAC_TEXT - 1)
		return -1;
	for (i = 0; i < len; i++) {
		if (i % 3 == 2) {
			if (text[i] != ':')
				return -1;
			continue;
		}
		if ((d = hex_digit(text[i])) == -1)
			return -1;
		v = v << 4 | (uint64_t)d;
	}
	*mac = v;
	return 0;
}

void
mac_format(char buf[MAC_TEXT], uint64_t mac)
{
	uint8_t b[6];

	mac_put(b, mac);
	snprintf(buf, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x",
	    b[0], b[1], b[2], b[3], b[4], b[5]);
}

bool
mac_is_group(uint64_t mac)
{
	return (mac >> 40 & 1) != 0;
}

uint64_t
mac_get(const uint8_t *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 6; i++)
		v = v << 8 | p[i];
	return v;
}

void
mac_put(uint8_t *p, uint64_t mac)
{
	int i;

	for (i = 0; i < 6; i++)
		p[i] = (uint8_t)(mac >> (40 - 8 * i));
}
