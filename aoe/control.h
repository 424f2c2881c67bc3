/* control.h: the UNIX socket by which aoectl(8) speaks to aoed(8): one JSON
 * object on a line each way.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_CONTROL_H
#define AOE_CONTROL_H

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"
#include "strv.h"

#define CONTROL_SOCKET	"/run/aoed.sock"
#define CONTROL_LINE	65536	/* bytes of a request, at most */

enum control_command {
	CONTROL_STATUS, CONTROL_STATS, CONTROL_START, CONTROL_STOP,
	CONTROL_RESTART, CONTROL_RELOAD, CONTROL_CHECK, CONTROL_DISCONNECT,
	CONTROL_LOG
};

struct control_request {
	enum control_command	command;
	struct strv		aliases;	/* none: all */
	enum log_level		level;		/* CONTROL_LOG */
	unsigned		survey;		/* what it waits for */
};

const char *control_command_name(enum control_command);
int	control_command_find(const char *, enum control_command *);

/* Levels of the log by name, "warn", "info" or "debug".  -1: none is called
 * so. */
int	control_level_find(const char *, enum log_level *);

/* Decode one line, {"command": "status", "aliases": ["apollo"]}; log has a
 * "level" and no aliases, disconnect has one alias at least.  0 and *req to be
 * freed with strv_free(&req->aliases), or -1 with a message. */
int	control_decode(const char *, size_t len, struct control_request *req,
	    char *msg, size_t size);

/* control_answer.c: what is answered; objects for the caller to free. */
struct supervisor;

json_t	*control_carry_out(struct supervisor *, struct control_request *);

/* Have the exports that a start, stop or restart names come to rest? */
bool	control_settled(struct supervisor *, const struct control_request *);

/* What has become of them. */
json_t	*control_result(struct supervisor *, const struct control_request *);

json_t	*control_error(const char *msg);

/* The socket. */
struct control;

/* Listen on path, mode 0600.  A lock beside it, path.lock, which holds our
 * pid, keeps a second daemon from taking the place of a living one.  NULL
 * with errno; EWOULDBLOCK: another one has the lock. */
struct control *control_open(const char *path);

/* The process that goes on is another by now (daemonised): rewrite the pid. */
void	control_claim(struct control *);

/* After a fork: the child listens and answers, the parent has the lock and the
 * names, so that the lock goes when the parent does. */
void	control_child(struct control *);
void	control_parent(struct control *);

/* Close; whoever has the names removes the socket, too. */
void	control_close(struct control *);

#define CONTROL_FDS	17

/* Fill v with what to poll for; how many. */
size_t	control_poll(const struct control *, struct pollfd v[CONTROL_FDS]);

/* Milliseconds until something is due, or -1. */
int	control_timeout(const struct control *);

/* After poll: accept, read, carry out, write.  Never waits. */
void	control_turn(struct control *, struct supervisor *,
	    const struct pollfd *, size_t n);

#endif
