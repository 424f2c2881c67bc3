/* test_ring.c: frames out of a ring, as the kernel would have filled it, in the
 * order in which they came, short and long ones mixed.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/socket.h>

#include <linux/if_packet.h>
#include <unistd.h>

#include "aoe/frame.h"
#include "aoe/net.h"

#define BLOCK	65536
#define BLOCKS	2
#define SLOT	20480		/* three to a block, and a bit that is left */
#define IN_BLOCK 3
#define AT	82		/* of a frame in its slot */
#define SHORT	60
#define LONG	30000
#define ROOM	32768

struct bed {
	struct ring		 ring;
	struct net_batch	 batch;
	int			 fd[2];		/* ours, the kernel's */
	unsigned		 filled;
	_Alignas(16) uint8_t	 slots[BLOCKS * BLOCK];
	uint8_t			 room[NET_BATCH][NET_ROOM + ROOM];
};

static void
bed_make(struct bed *b)
{
	unsigned i;

	memset(b, 0, sizeof(*b));
	b->ring = (struct ring){ .slots = b->slots, .slot = SLOT,
	    .blocks = BLOCKS };
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, b->fd), 0);
	for (i = 0; i < NET_BATCH; i++) {
		b->batch.iov[i].iov_base = b->room[i] + NET_ROOM;
		b->batch.iov[i].iov_len = ROOM;
	}
}

static void
bed_end(struct bed *b)
{
	close(b->fd[0]);
	close(b->fd[1]);
}

/* A frame of that length whose bytes are all `what`. */
static void
queue(struct bed *b, uint8_t what, size_t len)
{
	uint8_t frame[NET_ROOM + ROOM] = { 0 };

	memset(frame + NET_ROOM, what, len);
	assert_int_equal(send(b->fd[1], frame, NET_ROOM + len, 0),
	    NET_ROOM + len);
}

static void
fill(struct bed *b, uint8_t what, size_t len, uint32_t status)
{
	unsigned k = b->filled++ % (BLOCKS * IN_BLOCK);
	struct tpacket2_hdr *h = (struct tpacket2_hdr *)(void *)(b->slots +
	    k / IN_BLOCK * BLOCK + k % IN_BLOCK * SLOT);
	size_t n = len < SLOT - AT ? len : SLOT - AT;

	h->tp_len = (uint32_t)len;
	h->tp_snaplen = (uint32_t)n;
	h->tp_mac = AT;
	memset((uint8_t *)h + AT, what, n);
	h->tp_status = status;
}

static void
came(struct bed *b, uint8_t what, size_t len)
{
	if (len > SLOT - AT)
		queue(b, what, len);
	fill(b, what, len, TP_STATUS_USER |
	    (len > SLOT - AT ? TP_STATUS_COPY : 0));
}

static int
take(struct bed *b, unsigned n)
{
	return ring_receive(&b->ring, b->fd[0], &b->batch, n);
}

static void
is(struct bed *b, unsigned i, uint8_t what, unsigned len)
{
	const uint8_t *frame = b->batch.iov[i].iov_base;

	assert_int_equal(b->batch.len[i], len);
	if (len > 0) {
		assert_int_equal(frame[0], what);
		assert_int_equal(frame[len - 1], what);
	}
}

static void
frames_come_in_order(void **state)
{
	static struct bed b;
	unsigned turn;

	(void)state;
	bed_make(&b);
	for (turn = 0; turn < 3; turn++) {
		assert_int_equal(take(&b, NET_BATCH), 0);
		came(&b, 1, SHORT);
		came(&b, 2, LONG);
		came(&b, 3, SHORT);
		assert_int_equal(take(&b, 2), 2);
		is(&b, 0, 1, SHORT);
		is(&b, 1, 2, LONG);
		came(&b, 4, LONG + turn);
		came(&b, 5, SLOT - AT);
		assert_int_equal(take(&b, NET_BATCH), 3);
		is(&b, 0, 3, SHORT);
		is(&b, 1, 4, LONG + turn);
		is(&b, 2, 5, SLOT - AT);
	}
	/* Every slot was had, and twice. */
	assert_true(b.filled > 2 * BLOCKS * IN_BLOCK);
	bed_end(&b);
}

static void
what_had_no_room_is_no_frame(void **state)
{
	static struct bed b;

	(void)state;
	bed_make(&b);
	fill(&b, 1, LONG, TP_STATUS_USER);
	came(&b, 2, SHORT);
	assert_int_equal(take(&b, NET_BATCH), 1);
	is(&b, 0, 2, SHORT);
	bed_end(&b);
}

/* ... nor is what is longer than our buffer. */
static void
what_does_not_fit_is_cut(void **state)
{
	static struct bed b;

	(void)state;
	bed_make(&b);
	b.batch.iov[0].iov_len = SHORT;
	came(&b, 1, SHORT + 1);
	came(&b, 2, SHORT);
	assert_int_equal(take(&b, NET_BATCH), 2);
	is(&b, 0, 1, NET_CUT);
	is(&b, 1, 2, SHORT);
	bed_end(&b);
}

/* Cut by a filter, which is how frames for a VLAN come. */
static void
what_was_cut_is_as_short_as_that(void **state)
{
	static struct bed b;

	(void)state;
	bed_make(&b);
	came(&b, 1, NET_TAGGED);
	((struct tpacket2_hdr *)(void *)b.slots)->tp_len = LONG;
	assert_int_equal(take(&b, NET_BATCH), 1);
	is(&b, 0, 1, NET_TAGGED);
	bed_end(&b);
}

/* One too many or too few at the socket: no frame is taken for another. */
static void
no_frame_stands_for_another(void **state)
{
	static struct bed b;

	(void)state;
	bed_make(&b);
	came(&b, 1, LONG);
	queue(&b, 9, LONG);
	came(&b, 2, LONG);
	came(&b, 3, SHORT);
	assert_int_equal(take(&b, NET_BATCH), 3);
	is(&b, 0, 1, LONG);
	is(&b, 1, 2, NET_CUT);
	is(&b, 2, 3, SHORT);
	fill(&b, 4, LONG, TP_STATUS_USER | TP_STATUS_COPY);
	assert_int_equal(take(&b, NET_BATCH), 1);
	is(&b, 0, 4, NET_CUT);
	came(&b, 5, LONG);
	assert_int_equal(take(&b, NET_BATCH), 1);
	is(&b, 0, 5, LONG);
	bed_end(&b);
}

/* A frame of the MTU has room in a slot; what a thousand clients send at once
 * has room in all of them, and no interface takes more than 38 MiB, or less
 * than a burst. */
static void
slots_are_as_many_as_are_needed(void **state)
{
	static const struct {
		unsigned	mtu;
		size_t		frames, shares, least, most_mib;
	} rows[] = {
		{ 1100, 0, 1, 8192, 18 },
		{ 1500, 0, 1, 8192, 18 },
		{ 1500, 100000, 1, 8192, 18 },
		{ 9000, 0, 1, 2016, 18 },
		{ 9000, 54 * 32, 1, 2016, 18 },
		{ 9000, 3000, 1, 3000, 27 },
		{ 9000, 32000, 1, 4250, 38 },
		{ 9000, SIZE_MAX, 1, 4250, 38 },
		{ 9000, 32000, 4, 1064, 10 },
		{ 9000, 0, 100, 512, 5 },
		{ 1500, 0, 100, 512, 1 },
		{ 9216, 0, 1, 2016, 18 },
		{ 65535, 0, 1, 2016, 18 },
	};
	struct ring g;
	size_t i, n;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		ring_shape(&g, rows[i].mtu, rows[i].frames, rows[i].shares);
		n = g.blocks * (BLOCK / g.slot);
		assert_true(n >= rows[i].least);
		assert_true(g.blocks <= rows[i].most_mib * 16);
		assert_int_equal(g.slot % TPACKET_ALIGNMENT, 0);
		if (rows[i].mtu <= 9216)
			assert_true(g.slot >= AT + 14 + rows[i].mtu);
	}
}

/* The kernel takes what ring_shape says, and says back what it was. */
static void
the_kernel_agrees(void **state)
{
	struct ring g = { 0 };
	int fd;

	(void)state;
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd == -1)
		skip();
	assert_int_equal(ring_map(&g, fd, 1500, 0, 16), 0);
	assert_null(g.slots);
	assert_int_equal(ring_open(fd, 1500, 0, 16), 0);
	assert_int_equal(ring_map(&g, fd, 1500, 0, 16), 0);
	assert_non_null(g.slots);
	g.slots[(size_t)g.blocks * BLOCK - 1] = 0;
	ring_unmap(&g);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_in_order),
		cmocka_unit_test(what_had_no_room_is_no_frame),
		cmocka_unit_test(what_does_not_fit_is_cut),
		cmocka_unit_test(what_was_cut_is_as_short_as_that),
		cmocka_unit_test(no_frame_stands_for_another),
		cmocka_unit_test(slots_are_as_many_as_are_needed),
		cmocka_unit_test(the_kernel_agrees),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
