/* test_pidns.c: what runs in a pid namespace ends with it.  Needs root.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/wait.h>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "pidns.h"
#include "spawn.h"

static int
setup(void *arg)
{
	(void)arg;
	return pidns_enter();
}

/* Start a shell in a namespace; *out reads what it prints. */
static pid_t
start(const char *script, int *out)
{
	char sh[] = "sh", c[] = "-c", *text = strdup(script);
	char *argv[] = { sh, c, text, NULL };
	struct spawn sp = { .path = "/bin/sh", .argv = argv, .in = -1,
	    .err = 2, .setup = setup };
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	sp.out = fds[1];
	pid = spawn_start(&sp);
	assert_true(pid > 0);
	close(fds[1]);
	free(text);
	*out = fds[0];
	return pid;
}

/* Read up to the end of the pipe, which comes when the last writer is gone. */
static void
read_end(int fd, char *buf, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while ((r = read(fd, buf + n, size - 1 - n)) > 0)
		n += (size_t)r;
	buf[n] = '\0';
	close(fd);
}

static void
statuses_come_through(void **state)
{
	static const struct {
		const char	*script;
		int		 status;
	} rows[] = {
		{ "exit 0", 0 }, { "exit 23", 23 }, { "exit 255", 255 },
		{ "sh -c 'kill -9 $$'", 128 + SIGKILL },
	};
	char buf[64];
	size_t i;
	pid_t pid;
	int out;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		pid = start(rows[i].script, &out);
		read_end(out, buf, sizeof(buf));
		assert_string_equal(buf, "");
		assert_int_equal(spawn_wait(pid), rows[i].status);
	}
}

static void
nobody_outlives_it(void **state)
{
	char buf[64];
	pid_t pid;
	int out;

	(void)state;
	/* Both left the session and would run for a minute. */
	pid = start("setsid sh -c 'echo a; sleep 60' &"
	    "trap '' TERM; setsid sleep 60 & echo $$; sleep 0.2", &out);
	assert_int_equal(spawn_wait(pid), 0);
	read_end(out, buf, sizeof(buf));
	assert_non_null(strstr(buf, "1\n"));
}

static void
signals_are_passed_on(void **state)
{
	char buf[64];
	pid_t pid;
	int out;

	(void)state;
	pid = start("trap 'exit 42' TERM; echo ready; "
	    "while :; do sleep 0.05; done", &out);
	assert_int_equal(read(out, buf, 1), 1);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(spawn_wait(pid), 42);
	read_end(out, buf, sizeof(buf));
}

static void
killing_the_outer_one_kills_all(void **state)
{
	char buf[64];
	pid_t pid;
	int out;

	(void)state;
	pid = start("trap '' TERM HUP; echo ready; sleep 60 & sleep 60", &out);
	assert_int_equal(read(out, buf, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(spawn_wait(pid), 128 + SIGKILL);
	read_end(out, buf, sizeof(buf));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_come_through),
		cmocka_unit_test(nobody_outlives_it),
		cmocka_unit_test(signals_are_passed_on),
		cmocka_unit_test(killing_the_outer_one_kills_all),
	};

	alarm(30);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
