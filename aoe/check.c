/* check.c: a table and what it names, looked at without serving it (aoed -n).
 * The files are opened by a few processes, each of which has a share of the
 * rows.  One that hangs on a file is left behind, with that as its finding,
 * and another goes on behind it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "service.h"

#define CHECKERS	8
#define PATIENCE_MS	3000	/* with one file */

struct checker {
	pid_t	 pid;
	int	 fd;		/* its verdicts; -1: it is not there */
	size_t	 next;		/* the row that it is looking at */
	size_t	 end;		/* of its share */
	int64_t	 due;		/* ms: then it hangs */
};

/* What is said of one row. */
struct verdict {
	int		err;		/* opening it failed, or 0 */
	uint64_t	bytes;
};

/* The life of a checker. */
static void __attribute__((noreturn))
look(int fd, const struct table *t, size_t i, size_t end)
{
	struct verdict v;
	struct image img;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (; i < end; i++) {
		memset(&v, 0, sizeof(v));
		if (t->rows[i].bad == NULL) {
			if (image_open(&t->rows[i], &img) == -1)
				v.err = errno;
			v.bytes = img.bytes;
			image_close(&img);
		}
		if (write(fd, &v, sizeof(v)) != (ssize_t)sizeof(v))
			break;
	}
	_exit(0);
}

/* Have what is left of the share looked at.  0, or -1 with errno. */
static int
checker_start(struct checker *c, const struct table *t)
{
	int fds[2];

	c->fd = -1;
	if (c->next == c->end)
		return 0;
	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	if ((c->pid = fork()) == 0)
		look(fds[1], t, c->next, c->end);
	close(fds[1]);
	if (c->pid == -1) {
		close(fds[0]);
		return -1;
	}
	c->fd = fds[0];
	c->due = now_ms() + PATIENCE_MS;
	return 0;
}

/* It has no more to say.  One that hangs may do so for ever, killed or not. */
static void
checker_end(struct checker *c, bool hangs)
{
	close(c->fd);
	c->fd = -1;
	if (hangs)
		(void)kill(c->pid, SIGKILL);
	else
		(void)waitpid(c->pid, NULL, 0);
}

/* Take a verdict, or its absence.  0, or -1 with errno: no process for the
 * rest of the share. */
static int
checker_turn(struct checker *c, const struct table *t, bool readable,
    struct diags *ds)
{
	const struct row *r = &t->rows[c->next];
	struct image img = IMAGE_NONE;
	struct verdict v = { .err = ETIMEDOUT };
	bool ended = true;

	if (readable) {
		ended = read(c->fd, &v, sizeof(v)) != (ssize_t)sizeof(v);
		if (ended)
			v.err = EIO;	/* something has killed it */
	}
	img.bytes = v.bytes;
	export_report(r, v.err, &img, ds);
	c->next++;
	c->due = now_ms() + PATIENCE_MS;
	if (!ended && c->next < c->end)
		return 0;
	checker_end(c, !readable);
	return checker_start(c, t);
}

/* Fill v with what to wait for: how many there are, and how long in *ms. */
static size_t
checkers_poll(const struct checker *c, struct pollfd v[CHECKERS], int *ms)
{
	int64_t now = now_ms(), left = PATIENCE_MS;
	size_t i, n = 0;

	for (i = 0; i < CHECKERS; i++) {
		v[i] = (struct pollfd){ .fd = c[i].fd, .events = POLLIN };
		if (c[i].fd == -1)
			continue;
		n++;
		if (c[i].due - now < left)
			left = c[i].due - now;
	}
	*ms = left < 0 ? 0 : (int)left;
	return n;
}

/* 0, or an errno: there was no process for some files. */
static int
check_files(const struct table *t, struct diags *ds)
{
	struct checker c[CHECKERS];
	struct pollfd v[CHECKERS];
	int ms, err = 0;
	size_t i;

	for (i = 0; i < CHECKERS; i++) {
		c[i].next = t->n * i / CHECKERS;
		c[i].end = t->n * (i + 1) / CHECKERS;
		if (checker_start(&c[i], t) == -1)
			err = errno;
	}
	while (checkers_poll(c, v, &ms) > 0) {
		if (poll(v, CHECKERS, ms) == -1 && errno != EINTR)
			return errno;
		for (i = 0; i < CHECKERS; i++)
			if (c[i].fd != -1 && (v[i].revents != 0 ||
			    now_ms() >= c[i].due) &&
			    checker_turn(&c[i], t, v[i].revents != 0,
			    ds) == -1)
				err = errno;
	}
	return err;
}

int
services_check(const char *path, struct diags *ds)
{
	struct links links;
	struct table t;
	char *text;
	size_t i;
	int err;

	if (links_open(&links) == -1) {
		diags_add(ds, 0, 0, "interfaces: %s", strerror(errno));
		return -1;
	}
	if ((text = conf_read(path, ds)) != NULL) {
		(void)table_parse(text, strlen(text), &t, ds);
		for (i = 0; i < t.n; i++)
			export_check_links(&t.rows[i], &links, ds);
		if ((err = check_files(&t, ds)) != 0)
			diags_add(ds, 0, 0, "some files have not been looked "
			    "at: %s", strerror(err));
		table_free(&t);
		free(text);
	}
	links_close(&links);
	diags_sort(ds);
	return diags_any(ds) ? -1 : 0;
}
