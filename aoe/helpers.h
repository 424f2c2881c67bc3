/* helpers.h: the privileged parent's helpers: a few processes that carry out
 * what may hang, and more of them where some do.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef AOE_HELPERS_H
#define AOE_HELPERS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

struct helpers;
struct priv_request;
struct row;

/* Their replies go to that socket.  The folder's name is borrowed.  NULL with
 * errno. */
struct helpers *helpers_new(int replies, const char *state_dir);

/* Forget them; they end by themselves.  NULL is fine. */
void	helpers_free(struct helpers *);

/* Have a request of PRIV_OPEN (of that row), PRIV_STATE or PRIV_SAVE carried
 * out.  Nothing of it is borrowed.  0, or -1 with errno, and nobody will
 * reply. */
int	helpers_ask(struct helpers *, const struct priv_request *,
	    const struct row *);

/* Requests that have no reply yet. */
size_t	helpers_busy(const struct helpers *);

/* A child process has ended with that status of waitpid(2).  True if it was
 * one of them.  What it had not done is answered here: EINTR if it was killed,
 * which may be asked for again. */
bool	helpers_reaped(struct helpers *, pid_t, int status);

/* What to poll(2) for, for how many milliseconds (-1: for ever), and what to
 * call after that. */
int	helpers_fd(const struct helpers *);
int	helpers_timeout(const struct helpers *);
void	helpers_turn(struct helpers *);

#endif
