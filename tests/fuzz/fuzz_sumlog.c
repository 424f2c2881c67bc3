/* fuzz_sumlog.c: any bytes in the place of the log of checksums.
 * What is taken must be in its bounds, and in order once it is sorted.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "lib/store_sums.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The fuzzer cannot guess a checksum: put the right one where a block seems to
 * begin. */
static void
mend(uint8_t *buf, size_t len)
{
	XXH128_canonical_t hash;
	uint32_t n;

	if (len < 112 || memcmp(buf, "BSsums1\n", 8) != 0)
		return;
	memcpy(&n, buf + 8, sizeof(n));
	if (n == 0 || n > (len - 48) / 64)
		return;
	XXH128_canonicalFromHash(&hash, XXH3_128bits_withSeed(buf + 48,
	    n * 64, XXH3_64bits(buf, 32)));
	memcpy(buf + 32, &hash, sizeof(hash));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sums s = { 0 };
	struct statx x = { .stx_mask = STATX_BTIME };
	uint8_t *buf = malloc(len + 1);
	size_t i, n;

	if (buf == NULL)
		return 0;
	memcpy(buf, data, len);
	for (i = 0; i < len; i += 16)
		mend(buf + i, len - i);
	if (sums_parse(buf, len, &s) == 0) {
		if (s.n * 64 + s.blocks * 48 + s.lost != len)
			abort();
		n = s.n;
		sums_sort(&s);
		if (s.n > n || (n > 0 && s.n == 0))
			abort();
		for (i = 0; i < s.n; i++) {
			if (i > 0 && (s.v[i].ino < s.v[i - 1].ino ||
			    (s.v[i].ino == s.v[i - 1].ino &&
			    s.v[i].since <= s.v[i - 1].since)))
				abort();
			x.stx_ino = s.v[i].ino;
			x.stx_size = s.v[i].size;
			x.stx_mtime.tv_sec = s.v[i].mtime;
			x.stx_mtime.tv_nsec = s.v[i].mtime_ns;
			x.stx_btime.tv_sec = s.v[i].btime;
			x.stx_btime.tv_nsec = s.v[i].btime_ns;
			if (s.v[i].btime_ns < 1000000000 &&
			    sums_find(&s, &x, s.v[i].since) != &s.v[i])
				abort();
		}
	}
	sums_free(&s);
	free(buf);
	return 0;
}
