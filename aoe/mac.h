/* mac.h: Ethernet addresses as 48-bit numbers, so that they compare, hash and
 * sort without a helper.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_MAC_H
#define AOE_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAC_ANY		UINT64_C(0xffffffffffff)	/* also: broadcast */
#define MAC_TEXT	18	/* room for "00:16:e6:d3:ed:e5" */

/* Parse six pairs of hexadecimal digits with colons between them.  0 and
 * *mac set, or -1. */
int	mac_parse(const char *text, size_t len, uint64_t *mac);

/* Write it in lower case, as ip(8) does. */
void	mac_format(char buf[MAC_TEXT], uint64_t mac);

/* Is it a group address (broadcast included), which nobody sends from? */
bool	mac_is_group(uint64_t mac);

/* From and to the six bytes of a frame. */
uint64_t mac_get(const uint8_t *);
void	mac_put(uint8_t *, uint64_t mac);

#endif
