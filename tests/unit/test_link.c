/* test_link.c: what the kernel says of interfaces.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include "aoe/link.h"

/* A message, built up attribute by attribute. */
struct message {
	_Alignas(4) uint8_t	 buf[1024];
	size_t			 len;
};

static void
message_begin(struct message *m, uint16_t type, unsigned char family,
    int index, unsigned flags)
{
	struct ifinfomsg info = { .ifi_family = family,
	    .ifi_type = ARPHRD_ETHER, .ifi_index = index,
	    .ifi_flags = flags };
	struct nlmsghdr h = { .nlmsg_type = type };

	memset(m, 0, sizeof(*m));
	memcpy(m->buf, &h, sizeof(h));
	memcpy(m->buf + sizeof(h), &info, sizeof(info));
	m->len = sizeof(h) + sizeof(info);
}

static void
message_add(struct message *m, uint16_t type, const void *p, size_t len)
{
	struct rtattr a = { .rta_type = type,
	    .rta_len = (uint16_t)(sizeof(a) + len) };

	memcpy(m->buf + m->len, &a, sizeof(a));
	memcpy(m->buf + m->len + sizeof(a), p, len);
	m->len += RTA_ALIGN(sizeof(a) + len);
}

static void
message_end(struct message *m)
{
	uint32_t len = (uint32_t)m->len;

	memcpy(m->buf, &len, sizeof(len));
}

static void
message_link(struct message *m, uint16_t type, int index, unsigned flags,
    const char *name, unsigned mtu)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	uint32_t n = mtu;

	message_begin(m, type, AF_UNSPEC, index, flags);
	message_add(m, IFLA_IFNAME, name, strlen(name) + 1);
	message_add(m, IFLA_MTU, &n, sizeof(n));
	message_add(m, IFLA_ADDRESS, mac, sizeof(mac));
	message_end(m);
}

#define UP	(IFF_UP | IFF_RUNNING)

static void
links_come_change_and_go(void **state)
{
	struct links ls = { .fd = -1 };
	struct message m;
	char why[128];

	(void)state;
	message_link(&m, RTM_NEWLINK, 3, IFF_UP, "eth1", 9000);
	assert_true(links_apply(&ls, m.buf, m.len));
	assert_non_null(links_find(&ls, "eth1"));
	assert_int_equal(links_find(&ls, "eth1")->mtu, 9000);
	assert_true(links_own(&ls, UINT64_C(0x020000000009)));
	assert_false(links_own(&ls, UINT64_C(0x020000000008)));
	links_unfit(&ls, "eth1", true, why, sizeof(why));
	assert_string_equal(why, "eth1: it is down");
	links_unfit(&ls, "eth1", false, why, sizeof(why));
	assert_string_equal(why, "");
	message_link(&m, RTM_NEWLINK, 3, UP, "lan0", 1000);
	assert_true(links_apply(&ls, m.buf, m.len));
	assert_null(links_find(&ls, "eth1"));
	links_unfit(&ls, "lan0", true, why, sizeof(why));
	assert_string_equal(why,
	    "lan0: its MTU of 1000 is too small for two sectors");
	message_link(&m, RTM_DELLINK, 3, 0, "lan0", 1000);
	assert_true(links_apply(&ls, m.buf, m.len));
	links_unfit(&ls, "lan0", true, why, sizeof(why));
	assert_string_equal(why, "lan0: No such device");
	assert_int_equal(ls.n, 0);
	links_close(&ls);
}

static void
a_bridge_takes_its_ports_frames(void **state)
{
	struct links ls = { .fd = -1 };
	struct message m, info = { .len = 0 };
	uint32_t mtu = 1500;
	char why[128];

	(void)state;
	message_link(&m, RTM_NEWLINK, 3, UP, "eth1", 1500);
	message_add(&info, IFLA_INFO_SLAVE_KIND, "bridge", 7);
	message_add(&m, IFLA_LINKINFO, info.buf, info.len);
	message_end(&m);
	assert_true(links_apply(&ls, m.buf, m.len));
	links_unfit(&ls, "eth1", true, why, sizeof(why));
	assert_non_null(strstr(why, "name the bridge"));
	/* The bridge tells the same of its port in a way of its own. */
	message_begin(&m, RTM_DELLINK, AF_BRIDGE, 3, UP);
	message_add(&m, IFLA_IFNAME, "eth1", 5);
	message_add(&m, IFLA_MTU, &mtu, sizeof(mtu));
	message_end(&m);
	assert_false(links_apply(&ls, m.buf, m.len));
	assert_int_equal(ls.n, 1);
	message_link(&m, RTM_NEWLINK, 3, UP, "eth1", 1500);
	assert_true(links_apply(&ls, m.buf, m.len));
	links_unfit(&ls, "eth1", true, why, sizeof(why));
	assert_string_equal(why, "");
	links_close(&ls);
}

/* Cut anywhere, and with any byte of a length changed, it is read within its
 * bounds. */
static void
messages_may_be_cut_and_lie(void **state)
{
	struct links ls = { .fd = -1 };
	struct message m;
	uint8_t *copy;
	size_t i;
	unsigned v;

	(void)state;
	message_link(&m, RTM_NEWLINK, 3, UP, "sixteen-letters", 1500);
	for (i = 0; i <= m.len; i++) {
		copy = malloc(i + 1);
		assert_non_null(copy);
		memcpy(copy, m.buf, i);
		(void)links_apply(&ls, copy, i);
		for (v = 0; v < 256; v++) {
			copy[i / 2] = (uint8_t)v;
			(void)links_apply(&ls, copy, i);
		}
		free(copy);
	}
	links_close(&ls);
}

static void
the_kernel_answers(void **state)
{
	struct links ls;

	(void)state;
	assert_int_equal(links_open(&ls), 0);
	assert_non_null(links_find(&ls, "lo"));
	assert_int_equal(links_find(&ls, "lo")->index, if_nametoindex("lo"));
	assert_false(links_read(&ls));
	links_close(&ls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_come_change_and_go),
		cmocka_unit_test(a_bridge_takes_its_ports_frames),
		cmocka_unit_test(messages_may_be_cut_and_lie),
		cmocka_unit_test(the_kernel_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
