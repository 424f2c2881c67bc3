/* link.c: rtnetlink(7): which interfaces there are, and what becomes of them.
 * In: the kernel's messages.  Out: a list.  It changes no interface.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/socket.h>

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "link.h"
#include "mac.h"

#define BUFFER		65536	/* bytes of messages read at once */
#define ASK_MS		5000	/* for the kernel's first answer */

/* One attribute, taken from the front of a list of them. */
struct attr {
	unsigned	 type;
	const uint8_t	*p;
	size_t		 len;
};

static bool
attr_cut(const uint8_t **p, size_t *left, struct attr *a)
{
	struct rtattr head;
	size_t len;

	if (*left < sizeof(head))
		return false;
	memcpy(&head, *p, sizeof(head));
	len = head.rta_len;
	if (len < sizeof(head) || len > *left)
		return false;
	a->type = head.rta_type & NLA_TYPE_MASK;
	a->p = *p + sizeof(head);
	a->len = len - sizeof(head);
	len = RTA_ALIGN(len) < *left ? RTA_ALIGN(len) : *left;
	*p += len;
	*left -= len;
	return true;
}

static bool
attr_is_text(const struct attr *a, const char *text)
{
	size_t n = strlen(text);

	return (a->len == n || (a->len == n + 1 && a->p[n] == '\0')) &&
	    memcmp(a->p, text, n) == 0;
}

static bool
in_bridge(const struct attr *info)
{
	const uint8_t *p = info->p;
	size_t left = info->len;
	struct attr a;

	while (attr_cut(&p, &left, &a))
		if (a.type == IFLA_INFO_SLAVE_KIND)
			return attr_is_text(&a, "bridge");
	return false;
}

static void
link_attr(struct link *l, const struct attr *a)
{
	uint32_t n;

	if (a->type == IFLA_IFNAME && a->len > 0 &&
	    a->len <= sizeof(l->name)) {
		memcpy(l->name, a->p, a->len);
		l->name[a->len - 1] = '\0';
	} else if (a->type == IFLA_ADDRESS && a->len == 6) {
		l->mac = mac_get(a->p);
	} else if (a->type == IFLA_MTU && a->len == sizeof(n)) {
		memcpy(&n, a->p, sizeof(n));
		l->mtu = n;
	} else if (a->type == IFLA_LINKINFO) {
		l->bridged = in_bridge(a);
	}
}

/* A message's payload.  False if it tells of no interface as a whole: a bridge
 * speaks of its ports under another family, a wireless card of its state
 * without a name. */
static bool
link_decode(const uint8_t *p, size_t left, struct link *l)
{
	struct ifinfomsg info;
	struct attr a;

	memset(l, 0, sizeof(*l));
	if (left < sizeof(info))
		return false;
	memcpy(&info, p, sizeof(info));
	if (info.ifi_family != AF_UNSPEC || info.ifi_index <= 0)
		return false;
	l->index = (unsigned)info.ifi_index;
	l->type = info.ifi_type;
	l->up = (info.ifi_flags & IFF_UP) != 0 &&
	    (info.ifi_flags & IFF_RUNNING) != 0;
	p += NLMSG_ALIGN(sizeof(info));
	left -= NLMSG_ALIGN(sizeof(info));
	while (attr_cut(&p, &left, &a))
		link_attr(l, &a);
	return true;
}

static bool
links_remove(struct links *ls, unsigned index)
{
	size_t i;

	for (i = 0; i < ls->n; i++)
		if (ls->v[i].index == index) {
			ls->v[i] = ls->v[--ls->n];
			return true;
		}
	return false;
}

static bool
links_put(struct links *ls, const struct link *l)
{
	struct link *v;
	size_t i;

	if (l->name[0] == '\0' || l->mtu == 0)
		return false;
	for (i = 0; i < ls->n; i++)
		if (ls->v[i].index == l->index) {
			ls->v[i] = *l;
			return true;
		}
	v = reallocarray(ls->v, ls->n + 1, sizeof(*v));
	if (v == NULL) {
		ls->lost = true;
		return false;
	}
	ls->v = v;
	v[ls->n++] = *l;
	return true;
}

static bool
apply_one(struct links *ls, const struct nlmsghdr *h, const uint8_t *payload,
    size_t len)
{
	struct link l;

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
		return link_decode(payload, len, &l) && links_put(ls, &l);
	case RTM_DELLINK:
		return link_decode(payload, len, &l) &&
		    links_remove(ls, l.index);
	case NLMSG_DONE:
		ls->dumping = false;
		return true;
	case NLMSG_ERROR:
		ls->dumping = false;
		ls->lost = true;
		return false;
	}
	return false;
}

bool
links_apply(struct links *ls, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	struct nlmsghdr h;
	bool changed = false;
	size_t step;

	while (len >= sizeof(h)) {
		memcpy(&h, p, sizeof(h));
		if (h.nlmsg_len < NLMSG_HDRLEN || h.nlmsg_len > len)
			break;
		if (apply_one(ls, &h, p + NLMSG_HDRLEN,
		    h.nlmsg_len - NLMSG_HDRLEN))
			changed = true;
		step = NLMSG_ALIGN((size_t)h.nlmsg_len);
		if (step > len)
			break;
		p += step;
		len -= step;
	}
	return changed;
}

/* Ask for all of them anew. */
static int
links_ask(struct links *ls)
{
	struct {
		struct nlmsghdr	h;
		struct ifinfomsg info;
	} m = {
		.h = { .nlmsg_len = sizeof(m), .nlmsg_type = RTM_GETLINK,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.info = { .ifi_family = AF_UNSPEC },
	};

	if (send(ls->fd, &m, sizeof(m), 0) != (ssize_t)sizeof(m))
		return -1;
	ls->n = 0;
	ls->dumping = true;
	ls->lost = false;
	return 0;
}

bool
links_read(struct links *ls)
{
	static const size_t size = BUFFER;
	bool changed = false;
	ssize_t got;
	void *buf;

	if ((buf = malloc(size)) == NULL)
		return false;
	for (;;) {
		got = recv(ls->fd, buf, size, MSG_TRUNC);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1 && errno != ENOBUFS)
			break;
		if (got == -1 || (size_t)got > size)
			ls->lost = true;
		else if (links_apply(ls, buf, (size_t)got))
			changed = true;
	}
	free(buf);
	/* What was lost can only be found out by asking for everything. */
	if (ls->lost && !ls->dumping)
		(void)links_ask(ls);
	return changed && !ls->dumping;
}

int
links_open(struct links *ls)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK,
	    .nl_groups = RTMGRP_LINK };
	struct pollfd v;
	int saved;

	memset(ls, 0, sizeof(*ls));
	ls->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);
	if (ls->fd == -1)
		return -1;
	if (bind(ls->fd, (struct sockaddr *)&nl, sizeof(nl)) == -1 ||
	    links_ask(ls) == -1)
		goto fail;
	while (ls->dumping) {
		v = (struct pollfd){ .fd = ls->fd, .events = POLLIN };
		if (poll(&v, 1, ASK_MS) == 0) {
			errno = ETIMEDOUT;
			goto fail;
		}
		(void)links_read(ls);
	}
	return 0;
fail:
	saved = errno;
	links_close(ls);
	errno = saved;
	return -1;
}

void
links_close(struct links *ls)
{
	if (ls->fd != -1)
		close(ls->fd);
	free(ls->v);
	memset(ls, 0, sizeof(*ls));
	ls->fd = -1;
}

const struct link *
links_find(const struct links *ls, const char *name)
{
	size_t i;

	for (i = 0; i < ls->n; i++)
		if (strcmp(ls->v[i].name, name) == 0)
			return &ls->v[i];
	return NULL;
}

bool
links_own(const struct links *ls, uint64_t mac)
{
	size_t i;

	for (i = 0; i < ls->n; i++)
		if (ls->v[i].type == ARPHRD_ETHER && ls->v[i].mac == mac)
			return true;
	return false;
}

void
links_unfit(const struct links *ls, const char *name, bool down, char *why,
    size_t size)
{
	const struct link *l = links_find(ls, name);

	why[0] = '\0';
	if (l == NULL)
		snprintf(why, size, "%s: No such device", name);
	else if (l->type != ARPHRD_ETHER)
		snprintf(why, size, "%s: it is no Ethernet interface", name);
	else if (l->bridged)
		snprintf(why, size, "%s: it is a port of a bridge, which "
		    "takes its frames: name the bridge", name);
	else if (frame_sectors(l->mtu) < 2)
		snprintf(why, size, "%s: its MTU of %u is too small for two "
		    "sectors", name, l->mtu);
	else if (down && !l->up)
		snprintf(why, size, "%s: it is down", name);
}
