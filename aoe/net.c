/* net.c: packet sockets; the only file that knows AF_PACKET and BPF.
 *
 * The sockets are bound to AoE's ethertype, so they never see what this
 * machine sends.  A filter drops in the kernel what is for other machines, is
 * tagged for a VLAN, or is itself an answer.  The workers' sockets of one
 * interface are a fan-out group: a program computes from the client's MAC and
 * the address which of them gets a frame.  Broadcasts are kept out of the
 * group and come to every worker by a second socket.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "mac.h"
#include "net.h"

#define RECEIVE_BUFFER	(8 * 1024 * 1024)
#define SEND_BUFFER	(4 * 1024 * 1024)

/* Offsets of a socket filter, which sees the frame from its first byte. */
#define AT_VERFLAGS	14
#define AT_SHELF	16
#define AT_SLOT		18

static struct sock_filter reject_all[] = {
	BPF_STMT(BPF_RET | BPF_K, 0),
};

/* What both sockets drop: for other hosts or multicast, tagged with a VLAN
 * number (0 is a mere priority), answers. */
#define FILTER_COMMON(drop)						\
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),	\
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, PACKET_BROADCAST, (drop), 0),	\
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS,				\
	    SKF_AD_OFF + SKF_AD_VLAN_TAG),				\
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x0fff, (drop) - 2, 0),	\
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_VERFLAGS),		\
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x08, (drop) - 4, 0)

static struct sock_filter accept_steered[] = {
	FILTER_COMMON(8),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_SHELF),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AOE_SHELF_ANY, 2, 0),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_SLOT),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AOE_SLOT_ANY, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, 0x40000),
};

static struct sock_filter accept_broadcast[] = {
	FILTER_COMMON(8),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_SHELF),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AOE_SHELF_ANY, 3, 0),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_SLOT),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AOE_SLOT_ANY, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, 0x40000),
};

#define STEER_MAC	0x9e3779b1U
#define STEER_ADDRESS	0x85ebca6bU

/* The fan-out program sees the frame from behind Ethernet's header on; the
 * header itself is reached by SKF_LL_OFF.  Its result, modulo the number of
 * sockets, is the place in the group: the order in which they joined. */
static struct sock_filter steer[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_LL_OFF + 8),
	BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, STEER_MAC),
	BPF_STMT(BPF_MISC | BPF_TAX, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 1),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffffff),
	BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, STEER_ADDRESS),
	BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
	BPF_STMT(BPF_MISC | BPF_TAX, 0),
	BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
	BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
	BPF_STMT(BPF_RET | BPF_A, 0),
};

unsigned
net_steer(uint64_t mac, uint16_t shelf, uint8_t slot, unsigned n)
{
	uint32_t h = (uint32_t)mac * STEER_MAC;

	h ^= ((uint32_t)shelf << 8 | slot) * STEER_ADDRESS;
	h ^= h >> 16;
	return h % n;
}

#define PROGRAM(p)	&(struct sock_fprog){				\
	.len = sizeof(p) / sizeof((p)[0]), .filter = (p) }

static int
set_filter(int fd, const struct sock_fprog *prog)
{
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, prog,
	    sizeof(*prog));
}

/* Nobody who gets the socket can have it hear more than AoE. */
static int
lock_filter(int fd)
{
	int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on));
}

/* A larger buffer where we may; the limit of the system where not. */
static void
set_buffers(int fd)
{
	int in = RECEIVE_BUFFER, out = SEND_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &in,
	    sizeof(in)) == -1)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &in, sizeof(in));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &out,
	    sizeof(out)) == -1)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &out,
		    sizeof(out));
}

/* A socket bound to the interface that lets nothing in yet. */
static int
socket_open(unsigned index)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(AOE_ETHERTYPE),
		.sll_ifindex = (int)index,
	};
	int fd;

	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	set_buffers(fd);
	if (set_filter(fd, PROGRAM(reject_all)) == -1 ||
	    bind(fd, (struct sockaddr *)&ll, sizeof(ll)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Join the group; *group is -1 for the first, which makes a new one.  The
 * kernel chooses its number, and 0 is one. */
static int
fanout_join(int fd, int *group)
{
	socklen_t len = sizeof(int);
	int arg;

	if (*group == -1)
		arg = (PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_UNIQUEID) <<
		    16;
	else
		arg = *group | PACKET_FANOUT_CBPF << 16;
	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &arg,
	    sizeof(arg)) == -1)
		return -1;
	if (*group != -1)
		return 0;
	if (getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &arg, &len) == -1)
		return -1;
	*group = arg & 0xffff;
	return setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, PROGRAM(steer),
	    sizeof(struct sock_fprog));
}

static int
ports_open(struct iface *ifc)
{
	struct port *p;
	size_t i;
	int group = -1;

	for (i = 0; i < ifc->nports; i++) {
		p = &ifc->ports[i];
		if ((p->fd[PORT_STEERED] = socket_open(ifc->index)) == -1 ||
		    (p->fd[PORT_BROADCAST] = socket_open(ifc->index)) == -1)
			return -1;
		if (ifc->nports > 1 &&
		    fanout_join(p->fd[PORT_STEERED], &group) == -1)
			return -1;
	}
	/* All stand in their places: open the doors. */
	for (i = 0; i < ifc->nports; i++) {
		p = &ifc->ports[i];
		if (set_filter(p->fd[PORT_STEERED],
		    PROGRAM(accept_steered)) == -1 ||
		    set_filter(p->fd[PORT_BROADCAST],
		    PROGRAM(accept_broadcast)) == -1 ||
		    lock_filter(p->fd[PORT_STEERED]) == -1 ||
		    lock_filter(p->fd[PORT_BROADCAST]) == -1)
			return -1;
	}
	return 0;
}

/* Fill in what the kernel knows of the interface. */
static int
iface_ask(const char *name, unsigned *index, uint64_t *mac, unsigned *mtu)
{
	struct ifreq ifr;
	int fd, rc = -1;

	memset(&ifr, 0, sizeof(ifr));
	if (strlcpy(ifr.ifr_name, name, sizeof(ifr.ifr_name)) >=
	    sizeof(ifr.ifr_name)) {
		errno = ENODEV;
		return -1;
	}
	/* Of any kind; this one a confined process may make. */
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (ioctl(fd, SIOCGIFINDEX, &ifr) == -1)
		goto out;
	*index = (unsigned)ifr.ifr_ifindex;
	if (ioctl(fd, SIOCGIFMTU, &ifr) == -1)
		goto out;
	*mtu = (unsigned)ifr.ifr_mtu;
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) == -1)
		goto out;
	if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER ||
	    frame_sectors(*mtu) < 2) {
		errno = EINVAL;
		goto out;
	}
	*mac = mac_get((const uint8_t *)ifr.ifr_hwaddr.sa_data);
	rc = 0;
out:
	close(fd);
	return rc;
}

int
iface_probe(const char *name)
{
	unsigned index, mtu;
	uint64_t mac;

	return iface_ask(name, &index, &mac, &mtu);
}

struct iface *
iface_new(const char *name, size_t n)
{
	struct iface *ifc;
	struct port *p;
	size_t i;
	int s;

	ifc = calloc(1, sizeof(*ifc) + n * sizeof(ifc->ports[0]));
	if (ifc == NULL)
		return NULL;
	ifc->nports = n;
	for (i = 0; i < n; i++) {
		p = &ifc->ports[i];
		p->iface = ifc;
		for (s = 0; s < PORT_SOCKETS; s++) {
			p->fd[s] = -1;
			p->readable[s] = true;
		}
	}
	(void)strlcpy(ifc->name, name, sizeof(ifc->name));
	return ifc;
}

struct iface *
iface_open(const char *name, size_t n)
{
	struct iface *ifc;
	unsigned mtu;
	int saved;

	if ((ifc = iface_new(name, n)) == NULL)
		return NULL;
	if (iface_ask(name, &ifc->index, &ifc->mac, &mtu) == -1)
		goto fail;
	atomic_store(&ifc->mtu, mtu);
	if (ports_open(ifc) == -1)
		goto fail;
	return ifc;
fail:
	saved = errno;
	iface_close(ifc);
	errno = saved;
	return NULL;
}

void
iface_close(struct iface *ifc)
{
	size_t i;
	int s;

	if (ifc == NULL)
		return;
	for (i = 0; i < ifc->nports; i++)
		for (s = 0; s < PORT_SOCKETS; s++)
			if (ifc->ports[i].fd[s] != -1)
				close(ifc->ports[i].fd[s]);
	free(ifc);
}

bool
iface_refresh(struct iface *ifc)
{
	unsigned index, mtu;
	uint64_t mac;

	if (iface_ask(ifc->name, &index, &mac, &mtu) == -1 ||
	    index != ifc->index || mac != ifc->mac)
		return false;
	atomic_store(&ifc->mtu, mtu);
	return true;
}

int
net_receive(int fd, struct net_batch *b, unsigned n)
{
	unsigned i;
	int got;

	for (i = 0; i < n; i++) {
		b->msg[i].msg_hdr.msg_iov = &b->iov[i];
		b->msg[i].msg_hdr.msg_iovlen = 1;
	}
	got = recvmmsg(fd, b->msg, n, MSG_DONTWAIT, NULL);
	if (got == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	for (i = 0; i < (unsigned)got; i++)
		if (b->msg[i].msg_hdr.msg_flags & MSG_TRUNC)
			b->msg[i].msg_len = 0;
	return got;
}

unsigned
net_send(int fd, struct net_batch *b, unsigned n)
{
	unsigned i, went = 0;
	int sent, saved = 0;

	for (i = 0; i < n; i++) {
		b->msg[i].msg_hdr.msg_iov = &b->iov[i];
		b->msg[i].msg_hdr.msg_iovlen = 1;
	}
	for (i = 0; i < n; i += (unsigned)sent) {
		sent = sendmmsg(fd, b->msg + i, n - i, MSG_DONTWAIT);
		if (sent > 0) {
			went += (unsigned)sent;
			continue;
		}
		if (sent == -1 && errno == EINTR) {
			sent = 0;
			continue;
		}
		/* This one cannot go; the next may. */
		saved = errno;
		sent = 1;
	}
	errno = saved;
	return went;
}
