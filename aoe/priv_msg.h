/* priv_msg.h: what the serving process may ask of its parent, and what comes
 * back.  Both are the same program, so numbers travel as they are.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_PRIV_MSG_H
#define AOE_PRIV_MSG_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "image.h"

enum priv_type {
	/* By the first socket, one answer to each. */
	PRIV_TABLE,		/* read the table again; its rows may be asked
				 * for from now on, beside the old one's */
	PRIV_KEEP,		/* arg: the table that stays, the other goes */
	PRIV_IFACE,		/* name: its packet sockets */
	/* By the second: answered when it is done, in any order. */
	PRIV_OPEN,		/* arg, line: the file of the row that stands
				 * in that table on that line */
	PRIV_STATE,		/* name: what that alias remembers */
	PRIV_SAVE,		/* name, text: what it is to remember */
	PRIV_TELL,		/* arg: enum priv_news; text: a status.  To the
				 * service manager; no answer */
	PRIV_TYPES
};

enum priv_news {
	NEWS_READY, NEWS_RELOADING, NEWS_STOPPING, NEWS_STATUS, NEWS_ALIVE,
	NEWS
};

#define PRIV_NAME	64	/* with its NUL */
#define PRIV_TEXT	65536	/* bytes at most */
#define PRIV_STATUS	256	/* bytes of a status at most */

struct priv_request {
	enum priv_type	 type;
	uint32_t	 id;		/* the asker's, comes back */
	uint32_t	 line;
	uint32_t	 arg;
	char		 name[PRIV_NAME];
	const char	*text;		/* len bytes, may be NULL if none */
	size_t		 len;
};

#define PRIV_REQUEST_HEAD (4 * sizeof(uint32_t) + PRIV_NAME)
#define PRIV_REQUEST_MAX  (PRIV_REQUEST_HEAD + PRIV_TEXT)

/* Write a request into buf, which has PRIV_REQUEST_MAX bytes.  Its length, or
 * 0: it is none that priv_decode would take. */
size_t	priv_encode(const struct priv_request *, void *buf);

/* Read one.  0 and *rq, whose text points into buf; -1: no aoed sends this. */
int	priv_decode(const void *buf, size_t len, struct priv_request *rq);

/* Is it answered by the first socket? */
int	priv_is_call(enum priv_type);

/* What comes back, with descriptors beside it and text behind it.  It is from
 * the parent, who is trusted. */
struct priv_reply {
	uint32_t	 id;
	int32_t		 error;		/* errno, or 0 */
	uint32_t	 nfds;
	uint32_t	 len;		/* of the text */
	uint32_t	 table;		/* PRIV_TABLE: its number */
	struct image	 image;		/* PRIV_OPEN, its descriptors apart */
	/* PRIV_IFACE */
	uint32_t	 index, mtu, frames;
	uint64_t	 mac;
	uint32_t	 more;		/* further messages follow */
};

#define PRIV_REPLY_FDS	128	/* a message has at most */
#define PRIV_REPLY_MAX	(sizeof(struct priv_reply) + PRIV_TEXT)

/* Send one message with descriptors.  flags: MSG_DONTWAIT or 0.  0, or -1
 * with errno. */
int	priv_send(int sock, const struct priv_reply *, const int *fds,
	    const char *text, int flags);

/* Receive one message: up to size bytes into buf, and up to *nfds
 * descriptors.  Bytes (0: the other side is gone), or -1 with errno (EMSGSIZE:
 * it was larger; EAGAIN). */
ssize_t	priv_receive(int sock, void *buf, size_t size, int *fds,
	    unsigned *nfds, int flags);

#endif
