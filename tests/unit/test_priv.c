/* test_priv.c: what a serving process that has been taken over can get from
 * its parent: what stands in the table, and nothing else.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "aoe/helpers.h"
#include "aoe/notify.h"
#include "aoe/priv.h"

/* A parent, its child's ends of the sockets, and a folder. */
struct scene {
	struct parent	p;
	int		calls;
	int		asks;
	char		dir[64];
	char		image[96];
	char		table[96];
};

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static int
scene_make(void **state)
{
	static struct scene s;
	struct diags ds = { 0 };
	char text[512];
	int fds[2];

	memset(&s, 0, sizeof(s));
	strcpy(s.dir, "/tmp/test_priv.XXXXXX");
	assert_non_null(mkdtemp(s.dir));
	snprintf(s.image, sizeof(s.image), "%s/image", s.dir);
	snprintf(s.table, sizeof(s.table), "%s/table", s.dir);
	write_file(s.image, "");
	assert_int_equal(truncate(s.image, 8192), 0);
	snprintf(text, sizeof(text),
	    "0 %s ff:ff:ff:ff:ff:ff lo one\n"
	    "# no row\n"
	    "0 /etc/passwd nonsense lo two\n"
	    "1 %s/missing ff:ff:ff:ff:ff:ff other three\n", s.image, s.dir);
	write_file(s.table, text);
	s.p.table_path = s.table;
	s.p.state_dir = s.dir;
	s.p.nworkers = 2;
	s.p.verdict = s.p.null = s.p.notify.fd = -1;
	(void)table_parse(text, strlen(text), &s.p.tables[0], &ds);
	assert_int_equal(ds.n, 1);
	diags_free(&ds);
	s.p.ntables = 1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	s.p.calls = fds[0];
	s.calls = fds[1];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	s.p.asks = fds[0];
	s.asks = fds[1];
	s.p.helpers = helpers_new(s.p.asks, s.p.state_dir);
	assert_non_null(s.p.helpers);
	*state = &s;
	return 0;
}

static int
scene_end(void **state)
{
	struct scene *s = *state;
	char command[128];
	unsigned i;

	for (i = 0; i < s->p.ntables; i++)
		table_free(&s->p.tables[i]);
	helpers_free(s->p.helpers);
	close(s->p.calls);
	close(s->p.asks);
	close(s->calls);
	close(s->asks);
	while (wait(NULL) > 0)
		;
	snprintf(command, sizeof(command), "rm -r %s", s->dir);
	return system(command);
}

static void
set_name(struct priv_request *rq, const char *name)
{
	memset(rq->name, 0, sizeof(rq->name));
	assert_true(strlen(name) < sizeof(rq->name));
	strcpy(rq->name, name);
}

/* Ask by the socket for it. */
static int
ask(struct scene *s, const struct priv_request *rq)
{
	char buf[PRIV_REQUEST_HEAD + 1024];
	size_t len = priv_encode(rq, buf);

	assert_int_not_equal(len, 0);
	return parent_request(&s->p, priv_is_call(rq->type), buf, len);
}

/* The next reply; its descriptors are counted and closed, but for one. */
static struct priv_reply
answer(struct scene *s, bool call, unsigned *nfds, int *fd)
{
	static char buf[PRIV_REPLY_MAX];
	int fds[PRIV_REPLY_FDS];
	struct priv_reply rp;

	*nfds = PRIV_REPLY_FDS;
	assert_true(priv_receive(call ? s->calls : s->asks, buf, sizeof(buf),
	    fds, nfds, 0) >= (ssize_t)sizeof(rp));
	memcpy(&rp, buf, sizeof(rp));
	for (unsigned i = 0; i < *nfds; i++)
		if (i > 0 || fd == NULL)
			close(fds[i]);
	if (fd != NULL)
		*fd = *nfds > 0 ? fds[0] : -1;
	return rp;
}

/* All that comes for this request is that errno. */
static void
refused(struct scene *s, const struct priv_request *rq, int error)
{
	struct priv_reply rp;
	unsigned nfds;

	assert_int_equal(ask(s, rq), 0);
	rp = answer(s, priv_is_call(rq->type), &nfds, NULL);
	assert_int_equal(nfds, 0);
	assert_int_equal(rp.error, error);
	assert_int_equal(rp.id, rq->id);
}

static void
messages_are_checked(void **state)
{
	static const struct {
		struct { uint32_t type, id, line, arg; } head;
		char		 name[PRIV_NAME];
		size_t		 more;		/* bytes behind the head */
		bool		 good;
	} rows[] = {
		{ { PRIV_TYPES, 1, 0, 0 }, "", 0, false },
		{ { UINT32_MAX, 1, 0, 0 }, "", 0, false },
		{ { PRIV_TABLE, 1, 0, 1 }, "", 0, false },
		{ { PRIV_TABLE, 1, 1, 0 }, "", 0, false },
		{ { PRIV_TABLE, 1, 0, 0 }, "/etc/passwd", 0, false },
		{ { PRIV_TABLE, 1, 0, 0 }, "", 1, false },
		{ { PRIV_IFACE, 1, 0, 0 }, "", 0, false },
		{ { PRIV_IFACE, 1, 0, 0 }, "eth0\0x", 0, false },
		{ { PRIV_IFACE, 1, 2, 0 }, "eth0", 0, false },
		{ { PRIV_OPEN, 1, 0, 0 }, "", 0, false },
		{ { PRIV_OPEN, 1, 1, 0 }, "/etc/shadow", 0, false },
		{ { PRIV_OPEN, 1, 1, 0 }, "", 12, false },
		{ { PRIV_SAVE, 1, 0, 0 }, "", 0, false },
		{ { PRIV_SAVE, 1, 0, 0 }, "a", PRIV_TEXT + 1, false },
		{ { PRIV_TELL, 1, 0, NEWS }, "", 0, false },
		{ { PRIV_TELL, 1, 0, NEWS_READY }, "", 1, false },
		{ { PRIV_TELL, 1, 0, NEWS_STATUS }, "", 0, false },
		{ { PRIV_TELL, 1, 0, NEWS_STATUS }, "", PRIV_STATUS + 1,
		    false },
		{ { PRIV_TABLE, 1, 0, 0 }, "", 0, true },
		{ { PRIV_KEEP, 1, 0, UINT32_MAX }, "", 0, true },
		{ { PRIV_IFACE, 1, 0, 0 }, "eth0", 0, true },
		{ { PRIV_OPEN, 0, UINT32_MAX, 7 }, "", 0, true },
		{ { PRIV_STATE, 1, 0, 0 }, "a", 0, true },
		{ { PRIV_SAVE, 1, 0, 0 }, "a", PRIV_TEXT, true },
		{ { PRIV_TELL, 1, 0, NEWS_STATUS }, "", PRIV_STATUS, true },
	};
	static char buf[PRIV_REQUEST_MAX + 1];
	struct priv_request rq;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		memset(buf, 'x', sizeof(buf));
		memcpy(buf, &rows[i].head, sizeof(rows[i].head));
		memcpy(buf + sizeof(rows[i].head), rows[i].name, PRIV_NAME);
		if ((priv_decode(buf, PRIV_REQUEST_HEAD + rows[i].more,
		    &rq) == 0) != rows[i].good)
			fail_msg("row %zu", i);
		/* Cut anywhere in the head, it is none. */
		assert_int_equal(priv_decode(buf, i, &rq), -1);
	}
	/* A name without an end; a status of two lines. */
	memset(buf, 'x', sizeof(buf));
	memcpy(buf, &(uint32_t[4]){ PRIV_IFACE, 1, 0, 0 }, 16);
	assert_int_equal(priv_decode(buf, PRIV_REQUEST_HEAD, &rq), -1);
	rq = (struct priv_request){ .type = PRIV_TELL, .arg = NEWS_STATUS,
	    .text = "a\nMAINPID=1", .len = 11 };
	assert_int_equal(priv_encode(&rq, buf), 0);
}

static void
no_file_but_the_table_s(void **state)
{
	struct scene *s = *state;
	struct priv_request rq = { .type = PRIV_OPEN, .id = 7 };
	static const struct { unsigned table, line; int error; } rows[] = {
		{ 0, 2, EPERM },	/* no row there */
		{ 0, 3, EPERM },	/* a bad row, with a file */
		{ 0, 5, EPERM }, { 0, UINT32_MAX, EPERM },
		{ 1, 1, EIDRM }, { UINT32_MAX, 1, EIDRM },
		{ 0, 4, ENOENT },	/* ours, and not there */
	};
	struct priv_reply rp;
	struct stat a, b;
	unsigned nfds;
	size_t i;
	int fd;

	for (i = 0; i < nitems(rows); i++) {
		rq.arg = rows[i].table;
		rq.line = rows[i].line;
		refused(s, &rq, rows[i].error);
	}
	rq.arg = 0;
	rq.line = 1;
	assert_int_equal(ask(s, &rq), 0);
	rp = answer(s, false, &nfds, &fd);
	assert_int_equal(nfds, 1);
	assert_int_equal(rp.error, 0);
	assert_int_equal(rp.image.bytes, 8192);
	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(stat(s->image, &b), 0);
	assert_true(a.st_dev == b.st_dev && a.st_ino == b.st_ino);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	close(fd);
}

static void
no_interface_and_no_alias_but_the_table_s(void **state)
{
	struct scene *s = *state;
	static const char *const ifaces[] = { "eth0", "../lo", "two", "one",
	    "lo ", "Lo" };
	static const char *const aliases[] = { "two", "../image", "four",
	    "lo", "One", "/etc/passwd" };
	struct priv_request rq = { .id = 9, .text = "x", .len = 1 };
	struct priv_reply rp;
	unsigned nfds;
	size_t i;

	for (i = 0; i < nitems(aliases); i++) {
		rq.type = PRIV_SAVE;
		rq.len = 1;
		set_name(&rq, aliases[i]);
		refused(s, &rq, EPERM);
		rq.type = PRIV_STATE;
		rq.len = 0;
		refused(s, &rq, EPERM);
	}
	rq.type = PRIV_IFACE;
	for (i = 0; i < nitems(ifaces); i++) {
		set_name(&rq, ifaces[i]);
		refused(s, &rq, EPERM);
	}
	set_name(&rq, "other");
	refused(s, &rq, ENODEV);
	/* An alias's state comes back as it was saved. */
	rq.type = PRIV_SAVE;
	rq.text = "what it is";
	rq.len = 10;
	set_name(&rq, "one");
	refused(s, &rq, 0);
	rq.type = PRIV_STATE;
	rq.len = 0;
	assert_int_equal(ask(s, &rq), 0);
	rp = answer(s, false, &nfds, NULL);
	assert_int_equal(rp.error, 0);
	assert_int_equal(rp.len, 10);
}

/* Two tables are known while one is being put into force; then one. */
static void
tables_come_and_go(void **state)
{
	struct scene *s = *state;
	struct priv_request open = { .type = PRIV_OPEN, .id = 1, .line = 1 };
	struct priv_request table = { .type = PRIV_TABLE, .id = 2 };
	struct priv_request keep = { .type = PRIV_KEEP, .id = 3 };
	struct priv_reply rp;
	unsigned nfds, i;

	write_file(s->table, "0 /nowhere ff:ff:ff:ff:ff:ff lo one\n");
	for (i = 1; i <= 3; i++) {
		assert_int_equal(ask(s, &table), 0);
		rp = answer(s, true, &nfds, NULL);
		assert_int_equal(nfds, 1);
		assert_int_equal(rp.table, i);
	}
	open.arg = 3;
	refused(s, &open, ENOENT);
	open.arg = 2;		/* one that has been read, and again */
	refused(s, &open, EIDRM);
	keep.arg = 2;
	refused(s, &keep, 0);
	open.arg = 3;
	refused(s, &open, EIDRM);
	open.arg = 0;
	assert_int_equal(ask(s, &open), 0);
	rp = answer(s, false, &nfds, NULL);
	assert_int_equal(nfds, 1);
	/* Now the new one. */
	assert_int_equal(ask(s, &table), 0);
	rp = answer(s, true, &nfds, NULL);
	keep.arg = rp.table;
	refused(s, &keep, 0);
	refused(s, &open, EIDRM);
	open.arg = keep.arg;
	refused(s, &open, ENOENT);
	/* A table that cannot be read: nothing changes. */
	assert_int_equal(unlink(s->table), 0);
	assert_int_equal(ask(s, &table), 0);
	rp = answer(s, true, &nfds, NULL);
	assert_int_equal(nfds, 0);
	assert_int_not_equal(rp.error, 0);
	assert_true(rp.len > 0);
	refused(s, &open, ENOENT);
}

static void
sockets_are_not_mixed_up(void **state)
{
	struct scene *s = *state;
	struct priv_request rq = { .type = PRIV_OPEN, .line = 1 };
	char buf[PRIV_REQUEST_HEAD];

	assert_int_equal(priv_encode(&rq, buf), sizeof(buf));
	assert_int_equal(parent_request(&s->p, true, buf, sizeof(buf)), -1);
	rq = (struct priv_request){ .type = PRIV_TABLE };
	assert_int_equal(priv_encode(&rq, buf), sizeof(buf));
	assert_int_equal(parent_request(&s->p, false, buf, sizeof(buf)), -1);
	assert_int_equal(parent_request(&s->p, true, buf, 3), -1);
}

/* How many processes we have made that are there; the first up to 128. */
static unsigned
children(pid_t pids[128])
{
	unsigned n = 0;
	char path[64];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	assert_non_null(f);
	while (n < 128 && fscanf(f, "%d", &pid) == 1)
		pids[n++] = pid;
	fclose(f);
	return n;
}

/* The parent goes on until a reply has come. */
static void
await(struct scene *s)
{
	struct pollfd v = { .fd = s->asks, .events = POLLIN };
	unsigned i;

	for (i = 0; i < 1000 && poll(&v, 1, 10) == 0; i++)
		helpers_turn(s->p.helpers);
}

/* A child that asks and never reads costs a bounded number of processes. */
static void
floods_are_bounded(void **state)
{
	struct scene *s = *state;
	struct priv_request rq = { .type = PRIV_OPEN, .line = 1 };
	unsigned i;
	int rc = 0;
	pid_t pids[128];

	for (i = 0; i < 50000 && rc == 0; i++) {
		rq.id = i;
		rc = ask(s, &rq);
	}
	/* In the end the parent cannot even refuse, and says so. */
	assert_int_equal(rc, -1);
	assert_true(children(pids) < 100);
	assert_true(helpers_busy(s->p.helpers) < 100);
}

/* Files that hang hold up the others for a moment only. */
static void
more_come_where_some_hang(void **state)
{
	struct scene *s = *state;
	struct priv_request rq = { .type = PRIV_SAVE, .text = "x", .len = 1 };
	char fifo[128];
	unsigned nfds, i;
	pid_t pids[128];

	snprintf(fifo, sizeof(fifo), "%s/one.json.new", s->dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	set_name(&rq, "one");
	for (i = 0; i < 60; i++) {
		rq.id = i;
		assert_int_equal(ask(s, &rq), 0);
	}
	rq = (struct priv_request){ .type = PRIV_OPEN, .id = 77, .line = 1 };
	assert_int_equal(ask(s, &rq), 0);
	assert_true(children(pids) < 20);
	await(s);
	assert_int_equal(answer(s, false, &nfds, NULL).id, 77);
	assert_int_equal(nfds, 1);
	for (i = children(pids); i > 0; i--)
		assert_int_equal(kill(pids[i - 1], SIGKILL), 0);
}

/* With nothing to do, they end. */
static void
idle_ones_are_sent_away(void **state)
{
	struct scene *s = *state;
	struct priv_request rq = { .type = PRIV_OPEN, .line = 1 };
	unsigned i, nfds;
	int status;
	pid_t pid;

	for (i = 0; i < 60; i++)
		assert_int_equal(ask(s, &rq), 0);
	for (i = 0; i < 60; i++) {
		await(s);
		assert_int_equal(answer(s, false, &nfds, NULL).error, 0);
	}
	for (i = 0; i < 6000 && (helpers_busy(s->p.helpers) > 0 ||
	    helpers_timeout(s->p.helpers) != -1); i++) {
		usleep(10000);
		helpers_turn(s->p.helpers);
	}
	while ((pid = wait(&status)) != -1) {
		assert_int_equal(status, 0);
		assert_true(helpers_reaped(s->p.helpers, pid, status));
	}
	assert_int_equal(helpers_busy(s->p.helpers), 0);
	assert_int_equal(ask(s, &rq), 0);
	assert_int_equal(answer(s, false, &nfds, NULL).error, 0);
}

/* A helper that is killed owes nobody an answer for ever. */
static void
a_killed_helper_is_made_up_for(void **state)
{
	struct scene *s = *state;
	struct priv_request rq = { .type = PRIV_SAVE, .id = 5, .text = "x",
	    .len = 1 };
	struct priv_reply rp;
	unsigned nfds;
	struct pollfd p = { .fd = helpers_fd(s->p.helpers),
	    .events = POLLIN };
	char fifo[128];
	unsigned i;
	int status;
	pid_t pid, pids[128];

	/* The state's new file is a FIFO that nobody reads. */
	snprintf(fifo, sizeof(fifo), "%s/one.json.new", s->dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	set_name(&rq, "one");
	assert_int_equal(ask(s, &rq), 0);
	assert_int_equal(children(pids), 1);
	pid = pids[0];
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(helpers_reaped(s->p.helpers, pid + 1, status));
	assert_true(helpers_reaped(s->p.helpers, pid, status));
	assert_int_equal(helpers_busy(s->p.helpers), 0);
	rp = answer(s, false, &nfds, NULL);
	assert_int_equal(rp.id, 5);
	assert_int_equal(rp.error, EINTR);
	/* One that has answered is not answered for. */
	assert_int_equal(unlink(fifo), 0);
	refused(s, &rq, 0);
	/* It has, when it also says so to whoever gives it tasks. */
	for (i = 0; helpers_busy(s->p.helpers) > 0 && i < 1000; i++) {
		(void)poll(&p, 1, 10);
		helpers_turn(s->p.helpers);
	}
	assert_int_equal(children(pids), 1);
	pid = pids[0];
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(helpers_reaped(s->p.helpers, pid, status));
	assert_int_equal(priv_receive(s->asks, fifo, sizeof(fifo), NULL,
	    &nfds, MSG_DONTWAIT), -1);
}

/* Descriptors that come with a request are closed by the kernel. */
static void
descriptors_are_not_taken(void **state)
{
	struct scene *s = *state;
	struct priv_reply rp = { .nfds = 100 };
	int fds[100], before, after;
	char buf[4096];
	unsigned nfds = 0, i;

	before = dup(0);
	close(before);
	for (i = 0; i < 100; i++)
		fds[i] = 0;
	for (i = 0; i < 100; i++) {
		assert_int_equal(priv_send(s->asks, &rp, fds, NULL,
		    MSG_DONTWAIT), 0);
		assert_true(priv_receive(s->p.asks, buf, sizeof(buf), NULL,
		    &nfds, MSG_DONTWAIT) > 0);
	}
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

static void
watchdogs_are_understood(void **state)
{
	static const struct {
		const char	*usec, *pid;
		unsigned	 ms;
	} rows[] = {
		{ NULL, NULL, 0 }, { "", NULL, 0 }, { "x", NULL, 0 },
		{ "-5", NULL, 0 }, { "0", NULL, 0 }, { "30000000x", NULL, 0 },
		{ "30000000", "8", 0 }, { "30000000", "x", 0 },
		{ "30000000", "", 0 },
		{ "30000000", NULL, 30000 }, { "30000000", "7", 30000 },
		{ "1", NULL, 1 }, { "9223372036854775807", NULL, INT32_MAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++)
		assert_int_equal(notify_watchdog_parse(rows[i].usec,
		    rows[i].pid, 7), rows[i].ms);
}

int
main(int argc, char **argv)
{
#define SCENE(f)	cmocka_unit_test_setup_teardown(f, scene_make, scene_end)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_checked),
		SCENE(no_file_but_the_table_s),
		SCENE(no_interface_and_no_alias_but_the_table_s),
		SCENE(tables_come_and_go),
		SCENE(sockets_are_not_mixed_up),
		SCENE(floods_are_bounded),
		SCENE(more_come_where_some_hang),
		SCENE(idle_ones_are_sent_away),
		SCENE(a_killed_helper_is_made_up_for),
		SCENE(descriptors_are_not_taken),
		cmocka_unit_test(watchdogs_are_understood),
	};

	setproctitle_init(argc, argv, environ);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
