/* net.h: packet sockets.  Each worker has two of them on each interface: one
 * for the frames that the kernel steers to it, one for the broadcasts, which
 * every worker sees.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_NET_H
#define AOE_NET_H

#include <sys/queue.h>
#include <sys/socket.h>

#include <net/if.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring.h"
#include "steer.h"

enum port_socket { PORT_STEERED, PORT_BROADCAST, PORT_SOCKETS };

struct frame;
struct iface;

/* One worker's end of an interface.  Only that worker touches it once it is
 * in a view; the descriptors are the interface's. */
struct port {
	struct iface	*iface;
	int		 fd[PORT_SOCKETS];
	bool		 readable[PORT_SOCKETS];	/* may have frames */
	bool		 armed[PORT_SOCKETS];	/* a poll is under way */
	bool		 told[PORT_SOCKETS];	/* … has just ended, or the
						 * socket is new */
	struct ring	 ring;		/* of the steered one */
	LIST_ENTRY(port) leaving;	/* … and this one in no view more */
	unsigned	 held;		/* requests that came by it */
	struct req	*out[64];	/* answers to be sent together */
	unsigned	 nout;
};
#define PORT_OUT	64

struct iface {
	char		 name[IFNAMSIZ];
	unsigned	 id;		/* ours, unique for its life */
	unsigned	 index;		/* the kernel's */
	_Atomic uint64_t mac;
	_Atomic unsigned mtu;
	size_t		 frames;	/* likely to come at once */
	unsigned	 users;		/* exports that refer to it */
	bool		 up;
	bool		 stale;		/* gone, or another by now */
	bool		 ask;		/* who else serves there?  At once, */
	bool		 ask_soon;	/* or a second after the last time */
	uint32_t	 tag;		/* of the last question */
	int64_t		 asked;		/* ms: when that was */
	int		 watch;		/* socket that hears other targets */
	int		 steerer;	/* … that steers the ports'; or -1 */
	struct steer	 plan;		/* … by this, once it has been told */
	_Atomic unsigned released;	/* workers that have let go of it */
	bool		 published;	/* in a view, now or before */
	bool		 retired;	/* out of the newest view */
	uint64_t	 retired_epoch;	/* … which has this number */
	size_t		 nports;
	struct port	 ports[];	/* one for each worker */
};

/* One of that name for n workers, with no socket open and nothing known of it.
 * NULL with errno. */
struct iface *iface_new(const char *name, size_t n);

/* Open an interface for n workers: find it, open and steer its sockets, with
 * room for so many frames that come at once, if that is a sensible number.
 * NULL with errno: ENODEV (no such interface), EINVAL (not Ethernet, or its
 * MTU is too small for two sectors) … */
struct iface *iface_open(const char *name, size_t n, size_t frames);

/* Close the sockets and free it. */
void	iface_close(struct iface *);

/* Ask all targets on the network which addresses they serve; the answers carry
 * a new tag, ifc->tag.  0, or -1 with errno. */
int	iface_query(struct iface *);

enum heard {
	HEARD_NOTHING,
	HEARD_ANSWER,		/* some target's, asked for or not */
	HEARD_QUESTION		/* who is there? */
};

/* The next that the watch has heard of Query Config. */
enum heard iface_heard(const struct iface *, struct frame *);

/* Have the kernel give frames to the workers by this plan, whose workers are
 * the interface's ports; nothing is done if it does already.  At first they are
 * spread evenly, by address.  0, or -1 with errno. */
int	iface_steer(struct iface *, const struct steer *);

/* The descriptors of an open interface, in an order that holds for all of that
 * many ports: how many, and where the i-th is kept; NULL past the end. */
size_t	iface_sockets(const struct iface *);
int	*iface_socket(struct iface *, size_t i);

#define NET_BATCH	32
#define NET_ROOM	10	/* bytes ahead of each frame are net.c's own */

/* Room for one batch; zero-initialise. */
struct net_batch {
	struct mmsghdr	msg[NET_BATCH];
	struct iovec	iov[NET_BATCH];
	struct iovec	room[NET_BATCH];	/* net.c's own */
	unsigned	len[NET_BATCH];	/* of what was received */
};

/* Lengths that no frame has, for one that did not fit, and for one that is
 * tagged for a VLAN. */
#define NET_CUT		0
#define NET_TAGGED	1

/* Receive up to n frames into batch->iov[0..n-1], whose bases and lengths
 * are set, with NET_ROOM before each base; len[i] is then each one's length, or
 * one of the two above.  How many there were; 0 if none waits; -1 with
 * errno. */
int	net_receive(struct port *, enum port_socket, struct net_batch *,
	    unsigned n);

/* For ring.c: have the i-th message take a frame into the place-th buffer, and
 * what len[] says of a message that was received. */
void	net_prepare(struct net_batch *, unsigned i, unsigned place);
unsigned net_length(const struct mmsghdr *);

/* Find the rings of an interface's sockets, which came from another process.
 * 0, or -1 with errno. */
int	iface_map(struct iface *);

/* Send n frames, with NET_ROOM before each.  How many went out; the others are
 * lost, with errno of the last that did not go. */
unsigned net_send(int fd, struct net_batch *, unsigned n);

#endif
