/* shape.c: a rate for the connection to a server, by tc(8): the queue of the
 * interface that leads there becomes an HTB with one class for what goes to the
 * server's address and port, and another, unlimited, for all else.
 * Our queue has a handle of its own, by which the next run knows what a killed
 * one has left.  A queue that somebody else has set up is not touched, and that
 * of a run that is still going neither: it holds a lock, one for each network
 * namespace, as the queues are.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/types.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "irsync.h"
#include "log.h"
#include "proc.h"

#define HANDLE		"1b5c"		/* of our queue */
#define LOCK		"/run/irsync-rate-%ju.lock"	/* of a namespace */
#define TC_TIMEOUT	20		/* seconds */
#define UNLIMITED	"100gbit"

struct target {
	char	 host[256];		/* as ssh resolves it */
	char	 port[8];
	char	 address[64];
	bool	 v6;
	char	 dev[32];
};

struct sink {
	char	*out;
	size_t	 size;
};

static int
on_out(void *arg, const char *buf, size_t n)
{
	struct sink *s = arg;
	size_t have = strlen(s->out);

	for (; n > 0 && have < s->size - 1; n--, buf++)
		s->out[have++] = *buf != '\0' ? *buf : '?';
	s->out[have] = '\0';
	return 0;
}

/* Run a program with these words, ended by NULL; its standard output to out.
 * 0, or -1 with why. */
static int
run(const char *path, const char *const *words, char *out, size_t size,
    char *why, size_t whysize)
{
	struct strv argv = { 0 };
	struct sink s = { out, size };
	struct proc p = { .path = path, .argv = &argv, .out = on_out,
	    .arg = &s, .timeout = TC_TIMEOUT, .detached = true };
	int rc = 0;

	out[0] = '\0';
	for (; *words != NULL; words++)
		rc |= strv_add(&argv, *words);
	if (rc == 0)
		rc = proc_run(&p) == 0 ? 0 : -1;
	if (rc == -1)
		(void)proc_why(&p, why, whysize);
	strv_free(&argv);
	return rc;
}

/* The word behind `key` at the beginning of a line, or as a word. */
static int
word_after(const char *text, const char *key, char *buf, size_t size)
{
	const char *p;
	size_t n = strlen(key);

	for (p = text; (p = strstr(p, key)) != NULL; p += n) {
		if ((p != text && !isspace((unsigned char)p[-1])) ||
		    p[n] != ' ')
			continue;
		p += n + strspn(p + n, " ");
		n = strcspn(p, " \t\r\n");
		if (n == 0 || n >= size)
			return -1;
		memcpy(buf, p, n);
		buf[n] = '\0';
		return 0;
	}
	return -1;
}

/* Ask ssh what it will connect to: its configuration may say anything. */
static int
find_host(const struct irsync_conf *c, struct target *t, char *why, size_t size)
{
	struct strv argv = { 0 }, words = { 0 };
	char text[65536] = "";
	struct sink s = { text, sizeof(text) };
	struct proc p = { .path = c->ssh, .argv = &words, .out = on_out,
	    .arg = &s, .timeout = TC_TIMEOUT, .detached = true };
	size_t i;
	int rc;

	/* The words of ssh_argv without the command, behind -G. */
	rc = ssh_argv(&argv, c, "");
	for (i = 0; rc == 0 && i + 1 < argv.n; i++) {
		rc = strv_add(&words, argv.v[i]);
		if (i == 0 && rc == 0)
			rc = strv_add(&words, "-G");
	}
	if (rc == 0 && proc_run(&p) == 0 && word_after(text, "hostname",
	    t->host, sizeof(t->host)) == 0 && word_after(text, "port",
	    t->port, sizeof(t->port)) == 0)
		rc = 0;
	else {
		(void)proc_why(&p, why, size);
		rc = -1;
	}
	strv_free(&argv);
	strv_free(&words);
	return rc;
}

static int
find_address(struct target *t, char *why, size_t size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	int rc;

	if ((rc = getaddrinfo(t->host, t->port, &hints, &ai)) != 0) {
		snprintf(why, size, "%.100s: %s", t->host, gai_strerror(rc));
		return -1;
	}
	t->v6 = ai->ai_family == AF_INET6;
	rc = getnameinfo(ai->ai_addr, ai->ai_addrlen, t->address,
	    sizeof(t->address), NULL, 0, NI_NUMERICHOST);
	freeaddrinfo(ai);
	if (rc == 0)
		return 0;
	snprintf(why, size, "%.100s: %s", t->host, gai_strerror(rc));
	return -1;
}

static int
find_dev(const struct irsync_conf *c, struct target *t, char *why, size_t size)
{
	const char *const words[] = { "ip", "-o", "route", "get", t->address,
	    NULL };
	char text[4096];

	if (run(c->ip, words, text, sizeof(text), why, size) == -1)
		return -1;
	if (word_after(text, "dev", t->dev, sizeof(t->dev)) == 0)
		return 0;
	snprintf(why, size, "no route to %s", t->address);
	return -1;
}

/* Is the queue of this interface one that the kernel made by itself? */
static bool
is_default_queue(const struct irsync_conf *c, const char *dev, char *why,
    size_t size)
{
	const char *const words[] = { "tc", "qdisc", "show", "dev", dev,
	    "root", NULL };
	char text[4096], handle[32];

	if (run(c->tc, words, text, sizeof(text), why, size) == -1)
		return false;
	/* The kernel's own have the handle 0:. */
	if (sscanf(text, "qdisc %*31s %31s", handle) != 1 ||
	    strcmp(handle, "0:") == 0)
		return true;
	snprintf(why, size, "%s has a queue of its own (%s)", dev, handle);
	return false;
}

/* Take away every queue with our handle.  How many there were. */
static unsigned
take_away(const struct irsync_conf *c)
{
	static const char ours[] = "qdisc htb " HANDLE ": ";
	const char *const show[] = { "tc", "qdisc", "show", NULL };
	const char *del[] = { "tc", "qdisc", "del", "dev", NULL, "root", NULL };
	char text[65536], out[256], dev[32], why[256], *rest, *line;
	unsigned n = 0;

	if (run(c->tc, show, text, sizeof(text), why, sizeof(why)) == -1)
		return 0;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		if (strncmp(line, ours, sizeof(ours) - 1) != 0 ||
		    word_after(line, "dev", dev, sizeof(dev)) == -1)
			continue;
		del[4] = dev;
		n++;
		if (run(c->tc, del, out, sizeof(out), why, sizeof(why)) == -1)
			log_warnx("%s: %s", dev, why);
	}
	return n;
}

/* The right to set and take away queues.  A descriptor, or -1 with why. */
static int
take_lock(char *why, size_t size)
{
	struct stat st;
	char path[64];
	int fd = -1;

	if (stat("/proc/self/ns/net", &st) == -1) {
		snprintf(why, size, "/proc/self/ns/net: %s", strerror(errno));
		return -1;
	}
	snprintf(path, sizeof(path), LOCK, (uintmax_t)st.st_ino);
	if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600)) != -1 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	snprintf(why, size, "%s: %s", path, errno == EWOULDBLOCK ?
	    "another run has set one" : strerror(errno));
	if (fd != -1)
		close(fd);
	return -1;
}

void
shape_clean(const struct irsync_conf *c)
{
	char why[256];
	size_t i;
	int lock;

	for (i = 0; i < c->nstorages; i++)
		if (c->storages[i].rate != 0 && c->storages[i].remote)
			break;
	/* What a run that still goes on has set stays. */
	if (i == c->nstorages || (lock = take_lock(why, sizeof(why))) == -1)
		return;
	if (take_away(c) > 0)
		log_info("took away the rate that a killed run had left");
	close(lock);
}

/* The queue, its two classes, and what belongs into the slow one. */
static int
set_up(const struct irsync_conf *c, const struct target *t, char *why,
    size_t size)
{
	char rate[32], dst[96], out[256];
	const char *const root[] = { "tc", "qdisc", "add", "dev", t->dev,
	    "root", "handle", HANDLE ":", "htb", "default", "1", NULL };
	const char *const fast[] = { "tc", "class", "add", "dev", t->dev,
	    "parent", HANDLE ":", "classid", HANDLE ":1", "htb", "rate",
	    UNLIMITED, "quantum", "60000", NULL };
	const char *const slow[] = { "tc", "class", "add", "dev", t->dev,
	    "parent", HANDLE ":", "classid", HANDLE ":2", "htb", "rate",
	    rate, "ceil", rate, "quantum", "1514", NULL };
	const char *const match[] = { "tc", "filter", "add", "dev", t->dev,
	    "parent", HANDLE ":", "protocol", t->v6 ? "ipv6" : "ip", "prio",
	    "1", "u32", "match", t->v6 ? "ip6" : "ip", "dst", dst, "match",
	    t->v6 ? "ip6" : "ip", "dport", t->port, "0xffff", "flowid",
	    HANDLE ":2", NULL };
	const char *const *const steps[] = { root, fast, slow, match };
	size_t i;

	snprintf(rate, sizeof(rate), "%llubps",
	    (unsigned long long)c->storage->rate);
	snprintf(dst, sizeof(dst), "%s/%d", t->address, t->v6 ? 128 : 32);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (run(c->tc, steps[i], out, sizeof(out), why, size) == -1)
			return -1;
	return 0;
}

int
shape_begin(const struct irsync_conf *c)
{
	struct target t = { .v6 = false };
	char why[256] = "";
	int lock;

	if (c->storage->rate == 0 || !c->storage->remote)
		return -1;
	if ((lock = take_lock(why, sizeof(why))) == -1 ||
	    find_host(c, &t, why, sizeof(why)) == -1 ||
	    find_address(&t, why, sizeof(why)) == -1 ||
	    find_dev(c, &t, why, sizeof(why)) == -1 ||
	    !is_default_queue(c, t.dev, why, sizeof(why)) ||
	    set_up(c, &t, why, sizeof(why)) == -1) {
		log_warnx("%s: no rate by tc(8): %s", c->storage->label, why);
		shape_end(c, lock);
		return -1;
	}
	log_debug("%s: rate set on %s for %s port %s", c->storage->label, t.dev,
	    t.address, t.port);
	return lock;
}

void
shape_end(const struct irsync_conf *c, int lock)
{
	if (lock == -1)
		return;
	(void)take_away(c);
	close(lock);
}
