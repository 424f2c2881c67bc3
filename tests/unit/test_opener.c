/* test_opener.c: threads that may hang.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/eventfd.h>

#include <poll.h>
#include <semaphore.h>
#include <unistd.h>

#include "aoe/opener.h"

struct work {
	struct job	 job;		/* first */
	sem_t		*until;		/* hangs for it, if not NULL */
	int		 done;
};

static void
work_run(struct job *j)
{
	struct work *w = (struct work *)(void *)j;

	if (w->until != NULL)
		while (sem_wait(w->until) == -1)
			;
	w->done = 1;
}

/* Wait for a note, then take what has been done. */
static struct job *
next_done(struct opener *o, int fd)
{
	struct pollfd v = { .fd = fd, .events = POLLIN };
	struct job *j;
	uint64_t n;

	while ((j = opener_done(o)) == NULL) {
		assert_int_equal(poll(&v, 1, 10000), 1);
		assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
	}
	return j;
}

static void
one_that_hangs_delays_no_other(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct opener *o = opener_new(fd, 2);
	struct work hung = { .job.run = work_run }, w[20];
	sem_t until;
	size_t i;

	(void)state;
	assert_non_null(o);
	assert_null(opener_done(o));
	assert_int_equal(sem_init(&until, 0, 0), 0);
	hung.until = &until;
	opener_run(o, &hung.job);
	for (i = 0; i < nitems(w); i++) {
		w[i] = (struct work){ .job.run = work_run };
		opener_run(o, &w[i].job);
	}
	for (i = 0; i < nitems(w); i++) {
		assert_ptr_equal(next_done(o, fd), &w[i].job);
		assert_int_equal(w[i].done, 1);
	}
	assert_null(opener_done(o));
	assert_int_equal(hung.done, 0);
	sem_post(&until);
	assert_ptr_equal(next_done(o, fd), &hung.job);
	assert_true(opener_stop(o, 10000));
	opener_free(o);
	sem_destroy(&until);
	close(fd);
}

/* As many hang as there may be: what comes later waits, and is done then. */
static void
all_may_hang(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct opener *o = opener_new(fd, 3);
	struct work w[8];
	sem_t until;
	size_t i;

	(void)state;
	assert_int_equal(sem_init(&until, 0, 0), 0);
	for (i = 0; i < nitems(w); i++) {
		w[i] = (struct work){ .job.run = work_run, .until = &until };
		opener_run(o, &w[i].job);
	}
	assert_null(opener_done(o));
	for (i = 0; i < nitems(w); i++)
		sem_post(&until);
	for (i = 0; i < nitems(w); i++)
		assert_non_null(next_done(o, fd));
	assert_true(opener_stop(o, 10000));
	opener_free(o);
	sem_destroy(&until);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_hangs_delays_no_other),
		cmocka_unit_test(all_may_hang),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
