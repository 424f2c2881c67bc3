/* net.c: packet sockets; the only file, beside ring.c, that knows AF_PACKET and
 * BPF.
 *
 * The sockets are bound to AoE's ethertype, so they never see what this
 * machine sends.  A filter drops in the kernel what is for other machines, and
 * all but the first bytes of what is only counted.  The workers' sockets of one
 * interface are a fan-out group: a program (steer.c) says which of them gets a
 * frame.  Broadcasts are kept out of the group and come to every worker by a
 * second socket.  One more socket hears what other targets say of their
 * addresses.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "mac.h"
#include "net.h"

static_assert(sizeof(struct virtio_net_hdr) == NET_ROOM, "as net.h says");

/* What may wait on an interface, by the kernel's count of 16 KiB for a frame
 * with 8 KiB of data: 4000 of them, such as a thousand clients send at once.
 * The workers' sockets share it, since they share the clients. */
#define RECEIVE_SUM	(64 * 1024 * 1024)
#define RECEIVE_LEAST	(8 * 1024 * 1024)
#define SEND_BUFFER	(4 * 1024 * 1024)

/* Bytes of a frame that, with the kernel's own words, have room in the largest
 * of its slabs, 8 KiB. */
#define ONE_PIECE	7168

/* Offsets of a socket filter, which sees the frame from its first byte. */
#define AT_VERFLAGS	14
#define AT_SHELF	16
#define AT_SLOT		18
#define AT_COMMAND	19

static struct sock_filter reject_all[] = {
	BPF_STMT(BPF_RET | BPF_K, 0),
};

/* Both filters begin like this; what depends on the interface is patched in.
 * Of a frame for a VLAN or a bond on top of this interface the kernel shows us
 * a copy: that is its own interface's. */
#define FILTER_HEAD(drop)						\
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_IFINDEX), \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, (drop)),		\
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE)
#define AT_IFINDEX	1

/* Frames for other hosts and multicasts are nobody's business here.  What is
 * too short, tagged for a VLAN or an answer is let in by this filter only, so
 * that it is counted once, and of the latter two no more than tells what they
 * are.  The kernel has taken the tag off, and passes the frame off as one for
 * another host. */
static const struct sock_filter accept_steered[] = {
	FILTER_HEAD(17),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, PACKET_BROADCAST, 0, 7),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 0, 2),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffff, 12, 11),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 10),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 9, 8),
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FRAME_HEADER, 0, 9),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_VERFLAGS),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x08, 6, 0),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_SHELF),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AOE_SHELF_ANY, 2, 0),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_SLOT),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AOE_SLOT_ANY, 0, 3),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, NET_TAGGED),
	BPF_STMT(BPF_RET | BPF_K, FRAME_HEADER),
	BPF_STMT(BPF_RET | BPF_K, 0x40000),
};
#define AT_MAC_HIGH	8
#define AT_MAC_LOW	10

static const struct sock_filter accept_broadcast[] = {
	FILTER_HEAD(9),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, PACKET_BROADCAST, 8, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FRAME_HEADER, 0, 6),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_VERFLAGS),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x08, 4, 0),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_SHELF),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AOE_SHELF_ANY, 3, 0),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_SLOT),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AOE_SLOT_ANY, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, 0x40000),
};

/* Query Config, of whoever: questions and answers. */
static struct sock_filter accept_config[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x0fff, 3, 0),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_COMMAND),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AOE_CONFIG, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0x40000),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

#define nitems(a)	(sizeof(a) / sizeof((a)[0]))
#define PROGRAM(p)	&(struct sock_fprog){				\
	.len = nitems(p), .filter = (p) }

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

/* Open the doors of a port. */
static int
port_accept(const struct port *p)
{
	struct sock_filter steered[nitems(accept_steered)];
	struct sock_filter broadcast[nitems(accept_broadcast)];

	memcpy(steered, accept_steered, sizeof(steered));
	memcpy(broadcast, accept_broadcast, sizeof(broadcast));
	steered[AT_IFINDEX].k = broadcast[AT_IFINDEX].k = p->iface->index;
	steered[AT_MAC_HIGH].k = (uint32_t)(p->iface->mac >> 16);
	steered[AT_MAC_LOW].k = (uint32_t)(p->iface->mac & 0xffff);
	if (set_filter(p->fd[PORT_STEERED], PROGRAM(steered)) == -1)
		return -1;
	return set_filter(p->fd[PORT_BROADCAST], PROGRAM(broadcast));
}

/* Bytes that may wait at one of n sockets that share the frames. */
static int
receive_share(size_t n)
{
	return n < RECEIVE_SUM / RECEIVE_LEAST ? RECEIVE_SUM / (int)n :
	    RECEIVE_LEAST;
}

/* A larger buffer where we may; the limit of the system where not. */
static void
set_buffers(int fd, int in)
{
	int out = SEND_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &in,
	    sizeof(in)) == -1)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &in, sizeof(in));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &out,
	    sizeof(out)) == -1)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &out,
		    sizeof(out));
}

/* From now on a virtio_net_hdr goes ahead of each frame. */
static int
header_ahead(int fd)
{
	int on = 1;

	return setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on));
}

/* A socket that lets nothing in yet, and then so many bytes before somebody
 * reads. */
static int
socket_make(int room)
{
	int fd;

	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	set_buffers(fd, room);
	if (set_filter(fd, PROGRAM(reject_all)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
socket_bind(int fd, unsigned index)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(AOE_ETHERTYPE),
		.sll_ifindex = (int)index,
	};

	return bind(fd, (struct sockaddr *)&ll, sizeof(ll));
}

static int
socket_open(unsigned index, int room)
{
	int fd;

	if ((fd = socket_make(room)) == -1)
		return -1;
	if (socket_bind(fd, index) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Join the group; *group is -1 for the first, which makes a new one, without a
 * program.  The kernel chooses its number, and 0 is one. */
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
	return 0;
}

int
iface_steer(struct iface *ifc, const struct steer *st)
{
	struct sock_filter v[STEER_PROGRAM];
	struct sock_fprog prog = { .filter = v };

	/* The kernel waits for all who still run the old program.  A plan is
	 * zero where nothing is said, so that two can be compared. */
	if (ifc->steerer == -1 || memcmp(st, &ifc->plan, sizeof(*st)) == 0)
		return 0;
	prog.len = (unsigned short)steer_program(st, v);
	if (setsockopt(ifc->steerer, SOL_PACKET, PACKET_FANOUT_DATA, &prog,
	    sizeof(prog)) == -1)
		return -1;
	ifc->plan = *st;
	return 0;
}

/* A socket whose filter is locked cannot load the group's program.  So the
 * group has one member more, last, to which the program gives nothing. */
static int
steerer_open(struct iface *ifc, int *group)
{
	struct steer st;

	if ((ifc->steerer = socket_open(ifc->index, RECEIVE_LEAST)) == -1 ||
	    fanout_join(ifc->steerer, group) == -1)
		return -1;
	steer_plan(&st, NULL, 0, (unsigned)ifc->nports);
	return iface_steer(ifc, &st);
}

/* The ring comes before the interface: while a socket that is bound is given
 * one, the kernel forgets to tell it that its interface has gone up.  Without a
 * ring it serves as well. */
static int
port_open(struct iface *ifc, struct port *p)
{
	int *steered = &p->fd[PORT_STEERED];

	if ((*steered = socket_make(receive_share(ifc->nports))) == -1 ||
	    header_ahead(*steered) == -1)
		return -1;
	(void)ring_open(*steered, atomic_load(&ifc->mtu), ifc->frames,
	    ifc->nports);
	if (socket_bind(*steered, ifc->index) == -1 ||
	    (p->fd[PORT_BROADCAST] = socket_open(ifc->index,
	    RECEIVE_LEAST)) == -1)
		return -1;
	return header_ahead(p->fd[PORT_BROADCAST]);
}

static int
ports_open(struct iface *ifc)
{
	struct port *p;
	size_t i;
	int group = -1;

	for (i = 0; i < ifc->nports; i++) {
		p = &ifc->ports[i];
		if (port_open(ifc, p) == -1)
			return -1;
		if (ifc->nports > 1 &&
		    fanout_join(p->fd[PORT_STEERED], &group) == -1)
			return -1;
	}
	if (ifc->nports > 1 && steerer_open(ifc, &group) == -1)
		return -1;
	/* All stand in their places: open the doors. */
	for (i = 0; i < ifc->nports; i++) {
		p = &ifc->ports[i];
		if (port_accept(p) == -1 ||
		    lock_filter(p->fd[PORT_STEERED]) == -1 ||
		    lock_filter(p->fd[PORT_BROADCAST]) == -1)
			return -1;
	}
	return 0;
}

static int
watch_open(struct iface *ifc)
{
	if ((ifc->watch = socket_open(ifc->index, RECEIVE_LEAST)) == -1 ||
	    set_filter(ifc->watch, PROGRAM(accept_config)) == -1)
		return -1;
	return lock_filter(ifc->watch);
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
	ifc->watch = ifc->steerer = -1;
	for (i = 0; i < n; i++) {
		p = &ifc->ports[i];
		p->iface = ifc;
		for (s = 0; s < PORT_SOCKETS; s++) {
			p->fd[s] = -1;
			p->readable[s] = p->told[s] = true;
		}
	}
	(void)strlcpy(ifc->name, name, sizeof(ifc->name));
	return ifc;
}

struct iface *
iface_open(const char *name, size_t n, size_t frames)
{
	struct iface *ifc;
	uint64_t mac;
	unsigned mtu;
	int saved;

	if ((ifc = iface_new(name, n)) == NULL)
		return NULL;
	if (iface_ask(name, &ifc->index, &mac, &mtu) == -1)
		goto fail;
	atomic_store(&ifc->mac, mac);
	atomic_store(&ifc->mtu, mtu);
	ifc->frames = frames;
	if (ports_open(ifc) == -1 || watch_open(ifc) == -1)
		goto fail;
	return ifc;
fail:
	saved = errno;
	iface_close(ifc);
	errno = saved;
	return NULL;
}

int
iface_map(struct iface *ifc)
{
	struct port *p;
	size_t i;

	for (i = 0; i < ifc->nports; i++) {
		p = &ifc->ports[i];
		if (ring_map(&p->ring, p->fd[PORT_STEERED],
		    atomic_load(&ifc->mtu), ifc->frames, ifc->nports) == -1)
			return -1;
	}
	return 0;
}

void
iface_close(struct iface *ifc)
{
	size_t i;
	int s;

	if (ifc == NULL)
		return;
	for (i = 0; i < ifc->nports; i++)
		ring_unmap(&ifc->ports[i].ring);
	for (i = 0; i < ifc->nports; i++)
		for (s = 0; s < PORT_SOCKETS; s++)
			if (ifc->ports[i].fd[s] != -1)
				close(ifc->ports[i].fd[s]);
	if (ifc->watch != -1)
		close(ifc->watch);
	if (ifc->steerer != -1)
		close(ifc->steerer);
	free(ifc);
}

size_t
iface_sockets(const struct iface *ifc)
{
	return (ifc->nports > 1 ? 2 : 1) + ifc->nports * PORT_SOCKETS;
}

int *
iface_socket(struct iface *ifc, size_t i)
{
	size_t port = (i - 1) / PORT_SOCKETS;

	if (i == 0)
		return &ifc->watch;
	if (port < ifc->nports)
		return &ifc->ports[port].fd[(i - 1) % PORT_SOCKETS];
	return i < iface_sockets(ifc) ? &ifc->steerer : NULL;
}

int
iface_query(struct iface *ifc)
{
	uint8_t buf[FRAME_MIN];
	size_t len;

	/* Tags with the highest bit are not the kernel initiator's. */
	ifc->tag = arc4random() | 0x80000000U;
	len = frame_pad(buf, frame_query(buf, ifc->mac, ifc->tag));
	return send(ifc->watch, buf, len, MSG_DONTWAIT) == -1 ? -1 : 0;
}

enum heard
iface_heard(const struct iface *ifc, struct frame *f)
{
	uint8_t buf[FRAME_CONFIG_HEADER + FRAME_CONFIG_MAX];
	ssize_t n;

	for (;;) {
		n = recv(ifc->watch, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return HEARD_NOTHING;
		if (frame_decode_answer(buf, (size_t)n, f) == FRAME_OK)
			return HEARD_ANSWER;
		if (frame_decode(buf, (size_t)n, f) == FRAME_OK &&
		    frame_is_broadcast(f))
			return HEARD_QUESTION;
	}
}

void
net_prepare(struct net_batch *b, unsigned i, unsigned place)
{
	struct iovec *iov = &b->room[i];

	iov->iov_base = (uint8_t *)b->iov[place].iov_base - NET_ROOM;
	iov->iov_len = b->iov[place].iov_len + NET_ROOM;
	b->msg[i].msg_hdr.msg_iov = iov;
	b->msg[i].msg_hdr.msg_iovlen = 1;
}

unsigned
net_length(const struct mmsghdr *m)
{
	if (m->msg_hdr.msg_flags & MSG_TRUNC)
		return NET_CUT;
	return m->msg_len - NET_ROOM;
}

/* What waits at a socket itself. */
static int
receive(int fd, struct net_batch *b, unsigned n)
{
	unsigned i;
	int got;

	for (i = 0; i < n; i++)
		net_prepare(b, i, i);
	got = recvmmsg(fd, b->msg, n, MSG_DONTWAIT, NULL);
	if (got == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	for (i = 0; i < (unsigned)got; i++)
		b->len[i] = net_length(&b->msg[i]);
	return got;
}

int
net_receive(struct port *p, enum port_socket s, struct net_batch *b,
    unsigned n)
{
	bool told = p->told[s];

	p->told[s] = false;
	if (s != PORT_STEERED || p->ring.slots == NULL)
		return receive(p->fd[s], b, n);
	/* An error, such as that the interface has gone down, stays until it
	 * is asked for, and ends every poll. */
	if (told && recvmmsg(p->fd[s], b->msg, 0, MSG_DONTWAIT, NULL) == -1)
		return -1;
	return ring_receive(&p->ring, p->fd[s], b, n);
}

/* Tell the kernel how much of the frame is to lie in one piece: all of it, if
 * that piece comes out of the caches it keeps for small ones; else the header.
 * It copies the data from the beginning of a page of ours to the beginning of
 * one of its own then, and takes no page more than they fill. */
static void
prepend(struct iovec *iov)
{
	struct virtio_net_hdr h = { 0 };

	h.hdr_len = (uint16_t)(iov->iov_len <= ONE_PIECE ? iov->iov_len :
	    FRAME_ATA_HEADER);
	iov->iov_base = (uint8_t *)iov->iov_base - NET_ROOM;
	iov->iov_len += NET_ROOM;
	memcpy(iov->iov_base, &h, NET_ROOM);
}

unsigned
net_send(int fd, struct net_batch *b, unsigned n)
{
	unsigned i, went = 0;
	bool again = false;
	int sent, saved = 0;

	for (i = 0; i < n; i++) {
		prepend(&b->iov[i]);
		b->msg[i].msg_hdr.msg_iov = &b->iov[i];
		b->msg[i].msg_hdr.msg_iovlen = 1;
	}
	for (i = 0; i < n; i += (unsigned)sent) {
		sent = sendmmsg(fd, b->msg + i, n - i, MSG_DONTWAIT);
		if (sent > 0) {
			went += (unsigned)sent;
			again = false;
			continue;
		}
		/* That the interface went down is said once, of whatever
		 * comes first; it may be up again. */
		if (sent == -1 && (errno == EINTR ||
		    (errno == ENETDOWN && !again))) {
			again = errno == ENETDOWN;
			sent = 0;
			continue;
		}
		/* This one cannot go; the next may. */
		saved = errno;
		sent = 1;
		again = false;
	}
	errno = saved;
	return went;
}
