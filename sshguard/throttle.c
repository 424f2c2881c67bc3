/* throttle.c: a client's stream at the speed that the policy allows.
 * rsync's own --bwlimit holds back what a process sends, so it is enough for a
 * pull; what a push brings is held back here, by reading it slowly, which ssh
 * and TCP pass on to the client.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/prctl.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "throttle.h"

#define SECOND	1000000000LL
#define BURST	(SECOND / 4)	/* ns of speed that may be saved up */

long long
throttle_wait(unsigned long long total, unsigned kib, long long spent)
{
	unsigned long long rate = kib * 1024ULL;
	long long due;

	due = (long long)(total / rate) * SECOND +
	    (long long)(total % rate * (unsigned long long)SECOND / rate);
	return due > spent ? due - spent : 0;
}

static long long
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static void
pause_ns(long long ns)
{
	struct timespec t = { ns / SECOND, ns % SECOND };

	(void)nanosleep(&t, NULL);
}

static int
write_all(int fd, const char *p, size_t n)
{
	ssize_t w;

	for (; n > 0; p += w, n -= (size_t)w)
		if ((w = write(fd, p, n)) == -1) {
			if (errno != EINTR)
				return -1;
			w = 0;
		}
	return 0;
}

/* Until the stream ends. */
static void
pump(int in, int out, unsigned kib)
{
	char buf[65536];
	unsigned long long total = 0;
	long long start = now_ns(), spent, wait;
	size_t chunk = kib * 1024ULL / 16 + 1;
	ssize_t n;

	if (chunk > sizeof(buf))
		chunk = sizeof(buf);
	for (;;) {
		if ((n = read(in, buf, chunk)) == 0 ||
		    (n == -1 && errno != EINTR))
			return;
		if (n == -1)
			continue;
		if (write_all(out, buf, (size_t)n) == -1)
			return;
		/* A silent minute must not be made up for by a fast one. */
		spent = now_ns() - start;
		if (throttle_wait(total, kib, spent - BURST) == 0) {
			start += spent;
			total = spent = 0;
		}
		total += (unsigned long long)n;
		if ((wait = throttle_wait(total, kib, spent)) > 0)
			pause_ns(wait);
	}
}

/* The process: nothing is open in it but the stream, the pipe and `go`. */
static void
run_pump(int in, int out, int go, unsigned kib)
{
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Pipes of ours are all above 2. */
	(void)dup2(in, 0);
	(void)dup2(out, 1);
	(void)dup2(go, 2);
	closefrom(3);
	if (read(2, &c, 1) == 1)
		pump(0, 1, kib);
	_exit(0);
}

pid_t
throttle_start(int in, unsigned kib, int *out, int *go)
{
	int stream[2], start[2], saved;
	pid_t pid;

	if (pipe2(stream, O_CLOEXEC) == -1)
		return -1;
	if (pipe2(start, O_CLOEXEC) == -1) {
		close(stream[0]);
		close(stream[1]);
		return -1;
	}
	if ((pid = fork()) == 0)
		run_pump(in, stream[1], start[0], kib);
	saved = errno;
	close(stream[1]);
	close(start[0]);
	if (pid == -1) {
		close(stream[0]);
		close(start[1]);
		errno = saved;
		return -1;
	}
	*out = stream[0];
	*go = start[1];
	return pid;
}
