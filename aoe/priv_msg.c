/* priv_msg.c: requests and replies between the serving process and its parent.
 * In: bytes.  Out: a request of the fixed list, or nothing.  What it asks for
 * is for priv.c to doubt.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "priv_msg.h"

#define ANY	UINT32_MAX

/* What each kind of request carries; all else in it must be zero. */
static const struct rule {
	bool		call;
	bool		line;
	bool		name;
	uint32_t	arg;		/* it is at most this */
	size_t		text;		/* bytes at most */
} rules[PRIV_TYPES] = {
	[PRIV_TABLE] = { .call = true },
	[PRIV_KEEP] = { .call = true, .arg = ANY },
	[PRIV_IFACE] = { .call = true, .name = true },
	[PRIV_OPEN] = { .line = true, .arg = ANY },
	[PRIV_STATE] = { .name = true },
	[PRIV_SAVE] = { .name = true, .text = PRIV_TEXT },
	[PRIV_TELL] = { .arg = NEWS - 1, .text = PRIV_STATUS },
};

int
priv_is_call(enum priv_type t)
{
	return rules[t].call;
}

/* A status stands on one line of a message to the service manager. */
static bool
is_plain(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || (unsigned char)s[i] > '~')
			return false;
	return true;
}

/* A name is text up to its NUL, and nothing behind that. */
static bool
is_name(const char name[PRIV_NAME])
{
	size_t n = strnlen(name, PRIV_NAME), i;

	if (n == 0 || n == PRIV_NAME)
		return false;
	for (i = n; i < PRIV_NAME; i++)
		if (name[i] != '\0')
			return false;
	return true;
}

static bool
is_sound(const struct priv_request *rq)
{
	static const char none[PRIV_NAME];
	const struct rule *r = &rules[rq->type];

	if (rq->len > r->text || rq->arg > r->arg)
		return false;
	if (r->line ? rq->line == 0 : rq->line != 0)
		return false;
	if (r->name ? !is_name(rq->name) :
	    memcmp(rq->name, none, PRIV_NAME) != 0)
		return false;
	if (rq->type == PRIV_TELL)
		return (rq->arg == NEWS_STATUS) == (rq->len > 0) &&
		    is_plain(rq->text, rq->len);
	return true;
}

size_t
priv_encode(const struct priv_request *rq, void *buf)
{
	const uint32_t head[] = { (uint32_t)rq->type, rq->id, rq->line,
	    rq->arg };
	char *p = buf;

	if (!is_sound(rq))
		return 0;
	memcpy(p, head, sizeof(head));
	memcpy(p + sizeof(head), rq->name, PRIV_NAME);
	if (rq->len > 0)
		memcpy(p + PRIV_REQUEST_HEAD, rq->text, rq->len);
	return PRIV_REQUEST_HEAD + rq->len;
}

int
priv_decode(const void *buf, size_t len, struct priv_request *rq)
{
	const char *p = buf;
	uint32_t head[4];

	memset(rq, 0, sizeof(*rq));
	if (len < PRIV_REQUEST_HEAD || len > PRIV_REQUEST_MAX)
		return -1;
	memcpy(head, p, sizeof(head));
	if (head[0] >= PRIV_TYPES)
		return -1;
	rq->type = (enum priv_type)head[0];
	rq->id = head[1];
	rq->line = head[2];
	rq->arg = head[3];
	memcpy(rq->name, p + sizeof(head), PRIV_NAME);
	rq->text = p + PRIV_REQUEST_HEAD;
	rq->len = len - PRIV_REQUEST_HEAD;
	return is_sound(rq) ? 0 : -1;
}

union fd_room {
	struct cmsghdr	head;
	char		bytes[CMSG_SPACE(PRIV_REPLY_FDS * sizeof(int))];
};

int
priv_send(int sock, const struct priv_reply *rp, const int *fds,
    const char *text, int flags)
{
	struct iovec iov[2];
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	struct priv_reply copy = *rp;
	union fd_room room;
	struct cmsghdr *c;

	iov[0].iov_base = &copy;
	iov[0].iov_len = sizeof(copy);
	iov[1].iov_base = (void *)(uintptr_t)text;	/* only read */
	iov[1].iov_len = rp->len;
	if (rp->nfds > 0) {
		memset(&room, 0, sizeof(room));
		m.msg_control = &room;
		m.msg_controllen = CMSG_SPACE(rp->nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(rp->nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, rp->nfds * sizeof(int));
	}
	while (sendmsg(sock, &m, MSG_NOSIGNAL | flags) == -1) {
		/* Too many descriptors are on their way: they arrive. */
		if (errno == ETOOMANYREFS && !(flags & MSG_DONTWAIT))
			usleep(1000);
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}

/* Take the descriptors that came with a message. */
static void
take_fds(struct msghdr *m, int *fds, unsigned *nfds)
{
	struct cmsghdr *c;
	unsigned n = 0, i, most = *nfds;
	int fd;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		    i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			    sizeof(fd));
			if (n < most)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	*nfds = n;
}

ssize_t
priv_receive(int sock, void *buf, size_t size, int *fds, unsigned *nfds,
    int flags)
{
	struct iovec iov = { buf, size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union fd_room room;
	ssize_t n;

	/* Without room for them the kernel closes what it cannot deliver. */
	if (*nfds > 0) {
		m.msg_control = &room;
		m.msg_controllen = sizeof(room);
	}
	while ((n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | flags)) == -1)
		if (errno != EINTR)
			return -1;
	take_fds(&m, fds, nfds);
	if (!(m.msg_flags & MSG_TRUNC))
		return n;
	while (*nfds > 0)
		close(fds[--*nfds]);
	errno = EMSGSIZE;
	return -1;
}
