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

#define SLOTS	4
#define AT	82		/* of a frame in its slot */
#define SHORT	60
#define LONG	1000

struct bed {
	struct ring		 ring;
	struct net_batch	 batch;
	int			 fd[2];		/* ours, the kernel's */
	unsigned		 filled;
	_Alignas(16) uint8_t	 slots[SLOTS * RING_SLOT];
	uint8_t			 room[NET_BATCH][NET_ROOM + 2048];
};

static void
bed_make(struct bed *b)
{
	unsigned i;

	memset(b, 0, sizeof(*b));
	b->ring = (struct ring){ .slots = b->slots, .n = SLOTS };
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, b->fd), 0);
	for (i = 0; i < NET_BATCH; i++) {
		b->batch.iov[i].iov_base = b->room[i] + NET_ROOM;
		b->batch.iov[i].iov_len = 2048;
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
	uint8_t frame[NET_ROOM + 2048] = { 0 };

	memset(frame + NET_ROOM, what, len);
	assert_int_equal(send(b->fd[1], frame, NET_ROOM + len, 0),
	    NET_ROOM + len);
}

static void
fill(struct bed *b, uint8_t what, size_t len, uint32_t status)
{
	struct tpacket2_hdr *h = (struct tpacket2_hdr *)(void *)(b->slots +
	    b->filled++ % SLOTS * RING_SLOT);
	size_t n = len < RING_SLOT - AT ? len : RING_SLOT - AT;

	h->tp_len = (uint32_t)len;
	h->tp_snaplen = (uint32_t)n;
	h->tp_mac = AT;
	memset((uint8_t *)h + AT, what, n);
	h->tp_status = status;
}

static void
came(struct bed *b, uint8_t what, size_t len)
{
	if (len > RING_SLOT - AT)
		queue(b, what, len);
	fill(b, what, len, TP_STATUS_USER |
	    (len > RING_SLOT - AT ? TP_STATUS_COPY : 0));
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
	struct bed b;
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
		came(&b, 5, RING_SLOT - AT);
		assert_int_equal(take(&b, NET_BATCH), 3);
		is(&b, 0, 3, SHORT);
		is(&b, 1, 4, LONG + turn);
		is(&b, 2, 5, RING_SLOT - AT);
	}
	bed_end(&b);
}

static void
what_had_no_room_is_no_frame(void **state)
{
	struct bed b;

	(void)state;
	bed_make(&b);
	fill(&b, 1, LONG, TP_STATUS_USER);
	came(&b, 2, SHORT);
	assert_int_equal(take(&b, NET_BATCH), 1);
	is(&b, 0, 2, SHORT);
	bed_end(&b);
}

/* Cut by a filter, which is how frames for a VLAN come. */
static void
what_was_cut_is_as_short_as_that(void **state)
{
	struct bed b;

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
	struct bed b;

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_in_order),
		cmocka_unit_test(what_had_no_room_is_no_frame),
		cmocka_unit_test(what_was_cut_is_as_short_as_that),
		cmocka_unit_test(no_frame_stands_for_another),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
