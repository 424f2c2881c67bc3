/* clock.c: a clock that can be made to jump, under programs that know nothing
 * of it.
 *
 *	SOAK_CLOCK=FILE LD_PRELOAD=clock.so COMMAND...
 *
 * FILE holds eight bytes: how many seconds, signed, the time of day is ahead.
 * It is mapped when a program starts, so that whoever writes to it moves the
 * clock of all that run, also of those that may open no file any more.  Only
 * the time of day is moved: CLOCK_MONOTONIC, and the times that the kernel
 * gives to files, are the machine's.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

static void __attribute__((constructor))
clock_map(void)
{
	const char *file = getenv("SOAK_CLOCK");
	void *p;
	int fd;

	if (file == NULL || (fd = open(file, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	p = mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		ahead = p;
}

static int64_t
seconds_ahead(void)
{
	return ahead == NULL ? 0 : *ahead;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	if (syscall(SYS_clock_gettime, id, ts) == -1)
		return -1;
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		ts->tv_sec += seconds_ahead();
	return 0;
}

time_t
time(time_t *t)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (t != NULL)
		*t = ts.tv_sec;
	return ts.tv_sec;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}
