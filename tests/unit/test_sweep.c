/* test_sweep.c: trees of every kind go, and nothing beside them.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "sweep_int.h"

static int
remove_base(void **state)
{
	(void)state;
	close(basefd);
	return rmdir(base);
}

static int
dir(int dirfd, const char *name)
{
	int fd;

	assert_return_code(mkdirat(dirfd, name, 0755), errno);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_return_code(fd, errno);
	return fd;
}

static void
file(int dirfd, const char *name, size_t size)
{
	int fd = openat(dirfd, name, O_CREAT | O_EXCL | O_WRONLY, 0644);
	static const char zeros[4096] = { 1 };

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, zeros, size), size);
	close(fd);
}

static size_t
count(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static char said[8][1024];
static size_t nsaid;

static void
hear(void *arg, const char *path, int errnum)
{
	(void)arg;
	if (nsaid < nitems(said))
		snprintf(said[nsaid++], sizeof(said[0]), "%s: %s", path,
		    strerror(errnum));
}

static int
sweep(const char *name, struct sweep_result *res)
{
	struct sweep_item item = { basefd, name };
	struct sweep_opts opts = { .jobs = 4, .problem = hear };

	nsaid = 0;
	return sweep_remove(&item, 1, &opts, res);
}

static void
what_is_not_a_folder_goes(void **state)
{
	struct sweep_result res;
	int d = dir(basefd, "target");

	(void)state;
	file(d, "precious", 1);
	file(basefd, "file", 1);
	assert_return_code(symlinkat("target", basefd, "link"), errno);
	assert_return_code(mkfifoat(basefd, "fifo", 0600), errno);
	assert_int_equal(sweep("absent", &res), 0);
	assert_int_equal(res.files, 0);
	assert_int_equal(sweep("file", &res), 0);
	assert_int_equal(res.files, 1);
	assert_int_equal(sweep("link", &res), 0);
	assert_int_equal(sweep("fifo", &res), 0);
	assert_int_equal(count(basefd), 1);
	assert_int_equal(count(d), 1);
	close(d);
	assert_int_equal(sweep("target", &res), 0);
	assert_int_equal(res.files, 1);
	assert_int_equal(res.dirs, 1);
}

static void
symlinks_lead_nowhere(void **state)
{
	struct sweep_result res;
	int out = dir(basefd, "outside"), d = dir(basefd, "tree");

	(void)state;
	file(out, "precious", 1);
	assert_return_code(symlinkat("../outside", d, "a"), errno);
	assert_return_code(symlinkat(base, d, "b"), errno);
	assert_return_code(symlinkat("..", d, "c"), errno);
	assert_return_code(symlinkat(".", d, "d"), errno);
	close(d);
	assert_int_equal(sweep("tree", &res), 0);
	assert_int_equal(res.files, 4);
	assert_int_equal(count(out), 1);
	close(out);
	assert_int_equal(sweep("outside", &res), 0);
}

static void
names_are_any_bytes(void **state)
{
	static const char *const names[] = { " ", "-rf", "a\nb", "\001\377",
	    "*", "...", "\xe2\x80\xa6", "'\"$(x)", ".sweep.0" };
	char longest[256];
	struct sweep_result res;
	int d = dir(basefd, "tree"), sub;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(names); i++) {
		sub = dir(d, names[i]);
		file(sub, names[i], 1);
		close(sub);
	}
	memset(longest, 'x', 255);
	longest[255] = '\0';
	file(d, longest, 1);
	close(d);
	assert_int_equal(sweep("tree", &res), 0);
	assert_int_equal(res.files, nitems(names) + 1);
	assert_int_equal(res.dirs, nitems(names) + 1);
}

/* A chain of `levels` folders of the same name, with a file in each. */
static void
make_chain(const char *top, const char *name, unsigned levels)
{
	int fd = dir(basefd, top), next;
	unsigned i;

	for (i = 1; i < levels; i++) {
		file(fd, "f", 1);
		next = dir(fd, name);
		close(fd);
		fd = next;
	}
	close(fd);
}

static void
depth_costs_no_descriptors(void **state)
{
	struct rlimit old, few = { 128, 128 };
	struct sweep_result res;
	int rc;

	(void)state;
	make_chain("tree", "d", 5000);
	assert_return_code(getrlimit(RLIMIT_NOFILE, &old), errno);
	few.rlim_max = old.rlim_max;
	assert_return_code(setrlimit(RLIMIT_NOFILE, &few), errno);
	rc = sweep("tree", &res);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(rc, 0);
	assert_int_equal(res.dirs, 5000);
	assert_int_equal(res.files, 4999);
}

/* Also where the names that cut chains get are there already, from a sweep
 * that was ended before. */
static void
a_cut_chain_goes_in_the_next_sweep(void **state)
{
	struct sweep_result res;
	int d, sub;

	(void)state;
	make_chain("tree", ".sweep.1", 300);
	d = openat(basefd, "tree", O_RDONLY | O_DIRECTORY);
	sub = dir(d, ".sweep.0");
	file(sub, "f", 1);
	close(sub);
	close(d);
	assert_int_equal(sweep("tree", &res), 0);
	assert_int_equal(res.dirs, 301);
	assert_int_equal(res.files, 300);
}

/* More entries than are read at a time. */
static void
width_costs_no_memory(void **state)
{
	struct sweep_result res;
	int d = dir(basefd, "tree");
	char name[16];
	unsigned i;

	(void)state;
	for (i = 0; i < 70000; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		if (i % 100 == 0)
			close(dir(d, name));
		else if (i < 100)
			file(d, name, 0);
		else
			assert_return_code(linkat(d, "f1", d, name, 0), errno);
		if (i % 60000 == 59999) {
			/* Past the number of links that ext4 allows. */
			assert_return_code(unlinkat(d, "f1", 0), errno);
			file(d, "f1", 0);
		}
	}
	close(d);
	assert_int_equal(sweep("tree", &res), 0);
	assert_int_equal(res.files, 69300);
	assert_int_equal(res.dirs, 701);
}

/* However small its share of the room, each folder is read on. */
static void
a_small_share_is_progress(void **state)
{
	struct batch b;
	struct sweep_result res;
	size_t reads = 0, all = 0;
	char name[8];
	int d = dir(basefd, "tree"), i, rc;

	(void)state;
	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		file(d, name, 0);
	}
	assert_return_code(batch_init(&b, 256), errno);
	do {
		for (b.n = b.len = 0, i = 0; i < SWEEP_GROUP - 1; i++)
			assert_return_code(batch_read(&b, basefd, 0, 1, 512), 0);
		b.n = b.len = 0;
		assert_return_code(rc = batch_read(&b, d, 0, 0, 512), errno);
		assert_true(rc == 0 || b.n > 100);
		all += b.n;
		reads++;
	} while (rc != 0);
	assert_int_equal(all, 2000);
	assert_in_range(reads, 3, 20);
	batch_free(&b);
	close(d);
	assert_int_equal(sweep("tree", &res), 0);
	assert_int_equal(res.files, 2000);
}

/* More folders in folders than may await their turn. */
static void
many_folders_are_taken_in_turns(void **state)
{
	struct sweep_result res;
	int d = dir(basefd, "tree"), sub;
	char name[16];
	unsigned i;

	(void)state;
	for (i = 0; i < 36000; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		sub = dir(d, name);
		if (i % 1000 == 0)
			close(dir(sub, "deeper"));
		close(sub);
	}
	close(d);
	assert_int_equal(sweep("tree", &res), 0);
	assert_int_equal(res.dirs, 36037);
}

/* As an account that owns the folders. */
static void
closed_folders_are_opened(void **state)
{
	static const mode_t modes[] = { 0, 0100, 0200, 0400, 0500, 0300 };
	struct sweep_result res = { 0 };
	int d, sub, deep, status;
	char name[8];
	size_t i;
	pid_t pid;

	(void)state;
	assert_return_code(fchmod(basefd, 0777), errno);
	if ((pid = fork()) == 0) {
		if (geteuid() == 0 && setresuid(64123, 64123, 64123) == -1)
			_exit(99);
		d = dir(basefd, "tree");
		for (i = 0; i < nitems(modes); i++) {
			snprintf(name, sizeof(name), "%zu", i);
			sub = dir(d, name);
			deep = dir(sub, "deep");
			file(deep, "f", 1);
			file(sub, "f", 1);
			fchmod(deep, modes[i]);
			fchmod(sub, modes[i]);
			close(deep);
			close(sub);
		}
		fchmod(d, 0);
		close(d);
		if (sweep("tree", &res) != 0 || res.files != 12 ||
		    res.dirs != 13 || nsaid != 0) {
			fprintf(stderr, "%zu: %s\n", nsaid, said[0]);
			_exit(1);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(count(basefd), 0);
}

/* A chain of closed folders, which must be cut. */
static void
closed_chains_are_cut(void **state)
{
	struct sweep_result res = { 0 };
	int fds[300], i, status;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		if (geteuid() == 0 && setresuid(64123, 64123, 64123) == -1)
			_exit(99);
		fds[0] = dir(basefd, "tree");
		for (i = 1; i < 300; i++)
			fds[i] = dir(fds[i - 1], "d");
		for (i = 299; i >= 0; i--) {
			fchmod(fds[i], 0);
			close(fds[i]);
		}
		_exit(sweep("tree", &res) != 0 || res.dirs != 300);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(count(basefd), 0);
}

/* What cannot go is named, is left, and the rest goes. */
static void
problems_do_not_stop_the_rest(void **state)
{
	struct sweep_result res = { 0 };
	int d, sub, status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	d = dir(basefd, "tree");
	assert_return_code(fchmod(d, 0777), errno);
	sub = dir(d, "rooted");
	file(sub, "f", 1);
	close(sub);
	close(dir(d, "empty"));
	file(d, "file", 1);
	close(d);
	if ((pid = fork()) == 0) {
		if (setresuid(64123, 64123, 64123) == -1)
			_exit(99);
		if (sweep("tree", &res) != -1 || errno != EPERM || nsaid != 1)
			_exit(1);
		_exit(strcmp(said[0], "tree/rooted/f: "
		    "Operation not permitted") != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	d = openat(basefd, "tree", O_RDONLY | O_DIRECTORY);
	assert_int_equal(count(d), 1);
	close(d);
	assert_int_equal(sweep("tree", &res), 0);
}

/* Trees that share their files by hard links, and one that shares them and
 * stays. */
static void
make_shared(struct sweep_item *items, size_t n, unsigned files)
{
	static char names[12][8];
	char name[8];
	int first = -1, d, sub;
	unsigned k;
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "s%zu", i);
		items[i].dirfd = basefd;
		items[i].name = names[i];
		d = dir(basefd, names[i]);
		sub = dir(d, "sub");
		if (i % 2 == 1)
			close(dir(sub, "only in the odd ones"));
		for (k = 0; k < files; k++) {
			snprintf(name, sizeof(name), "%u", k);
			if (first == -1)
				file(sub, name, 4096);
			else
				assert_return_code(linkat(first, name, sub,
				    name, 0), errno);
		}
		close(d);
		if (first == -1)
			first = sub;
		else
			close(sub);
	}
	close(first);
}

static void
trees_that_share_files_go_together(void **state)
{
	struct sweep_item items[12];
	struct sweep_opts opts = { .jobs = 3 };
	struct sweep_result res;
	struct stat st;

	(void)state;
	make_shared(items, 12, 50);
	assert_int_equal(sweep_remove(items + 1, 11, &opts, &res), 0);
	assert_int_equal(res.files, 550);
	assert_int_equal(res.dirs, 28);
	assert_int_equal(count(basefd), 1);
	assert_return_code(fstatat(basefd, "s0/sub/49", &st, 0), errno);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_size, 4096);
	assert_int_equal(sweep_remove(items, 1, &opts, &res), 0);
}

static void
only_last_links_free_blocks(void **state)
{
	struct sweep_item items[4];
	struct sweep_opts opts = { .jobs = 3 };
	struct sweep_result some, all;

	(void)state;
	make_shared(items, 4, 3000);
	assert_int_equal(sweep_measure(items, 3, &opts, &some), 0);
	assert_int_equal(some.files, 9000);
	assert_int_equal(sweep_measure(items, 4, &opts, &all), 0);
	assert_int_equal(all.files, 12000);
	assert_false(all.at_least);
	/* The three alone free only their folders. */
	assert_in_range(some.bytes, 0, 3 * 400 * 1024);
	assert_in_range(all.bytes - some.bytes, 3000 * 4096,
	    3000 * 4096 + 400 * 1024);
	assert_int_equal(count(basefd), 4);
	assert_int_equal(sweep_remove(items, 4, &opts, &all), 0);
}

static void
a_sweep_can_be_stopped(void **state)
{
	static volatile sig_atomic_t stop = 1;
	struct sweep_item items[2];
	struct sweep_opts opts = { .jobs = 2, .stop = &stop };
	struct sweep_result res;

	(void)state;
	make_shared(items, 2, 10);
	assert_int_equal(sweep_remove(items, 2, &opts, &res), -1);
	assert_int_equal(errno, EINTR);
	assert_true(res.stopped);
	assert_int_equal(res.problems, 0);
	assert_int_equal(res.files, 0);
	stop = 0;
	assert_int_equal(sweep_remove(items, 2, &opts, &res), 0);
	assert_int_equal(res.files, 20);
}

#define FOLDERS		200
#define FILES_IN_EACH	16

/* The first thread that asks for leave to go on gets it when the others have
 * done all but what nobody can take from it. */
struct gate {
	atomic_uint	paced;
	atomic_flag	shut;
	bool		opened;
};

static void
wait_at_gate(void *arg, unsigned files)
{
	const unsigned left = 3 * 256 + SWEEP_PACE;
	struct timespec ms = { .tv_nsec = 1000000 };
	struct gate *g = arg;
	int i;

	atomic_fetch_add(&g->paced, files);
	if (atomic_flag_test_and_set(&g->shut))
		return;
	for (i = 0; i < 20000 && !g->opened; i++) {
		nanosleep(&ms, NULL);
		g->opened = atomic_load(&g->paced) >=
		    FOLDERS * FILES_IN_EACH - left;
	}
}

static void
idle_threads_help(void **state)
{
	struct gate gate = { .shut = ATOMIC_FLAG_INIT };
	atomic_ullong seen = 0;
	struct sweep_item item = { basefd, "tree" };
	struct sweep_opts opts = { .jobs = 2, .pace = wait_at_gate,
	    .pace_arg = &gate, .seen = &seen };
	struct sweep_result res;
	int d = dir(basefd, "tree"), sub;
	char name[16];
	unsigned i, k;

	(void)state;
	for (i = 0; i < FOLDERS; i++) {
		snprintf(name, sizeof(name), "%u", i);
		sub = dir(d, name);
		for (k = 0; k < FILES_IN_EACH; k++) {
			snprintf(name, sizeof(name), "%u", k);
			file(sub, name, 0);
		}
		close(sub);
	}
	close(d);
	assert_int_equal(sweep_remove(&item, 1, &opts, &res), 0);
	assert_true(gate.opened);
	assert_int_equal(res.files, FOLDERS * FILES_IN_EACH);
	assert_int_equal(res.dirs, FOLDERS + 1);
	assert_int_equal(atomic_load(&gate.paced), res.files);
	assert_int_equal(atomic_load(&seen), res.files + res.dirs);
	assert_int_equal(count(basefd), 0);
}

/* One folder by inode; several by stretches of inodes, and by folder in these.
 * Folders come last, by name, and only those just read. */
static void
entries_have_an_order(void **state)
{
	static const struct entry read[] = {
		{ 9, 0, 0, 0, DT_REG }, { 1, 0, 0, 0, DT_REG },
		{ 70000, 0, 0, 0, DT_REG }, { 8, 4, 1, 0, DT_DIR },
		{ 40000, 0, 1, 0, DT_REG }, { 3, 0, 1, 1, DT_LNK },
		{ 7, 2, 1, 1, DT_DIR }, { 69999, 0, 1, 0, DT_REG },
	};
	static const uint64_t want[] = { 1, 9, 3, 40000, 70000, 69999 };
	struct entry v[nitems(read)];
	char names[] = "f\0a\0b";
	struct batch b = { .v = v, .names = names, .n = nitems(read) };
	size_t i;

	(void)state;
	memcpy(v, read, sizeof(read));
	assert_int_equal(batch_split(&b, 3), 6);
	assert_string_equal(BATCH_NAME(&b, &v[6]), "a");
	assert_string_equal(BATCH_NAME(&b, &v[7]), "b");
	b.n = 6;
	batch_sort(&b);
	for (i = 0; i < nitems(want); i++)
		assert_int_equal(v[i].ino, want[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_a_folder_goes),
		cmocka_unit_test(symlinks_lead_nowhere),
		cmocka_unit_test(names_are_any_bytes),
		cmocka_unit_test(depth_costs_no_descriptors),
		cmocka_unit_test(a_cut_chain_goes_in_the_next_sweep),
		cmocka_unit_test(width_costs_no_memory),
		cmocka_unit_test(a_small_share_is_progress),
		cmocka_unit_test(many_folders_are_taken_in_turns),
		cmocka_unit_test(closed_folders_are_opened),
		cmocka_unit_test(closed_chains_are_cut),
		cmocka_unit_test(problems_do_not_stop_the_rest),
		cmocka_unit_test(trees_that_share_files_go_together),
		cmocka_unit_test(only_last_links_free_blocks),
		cmocka_unit_test(a_sweep_can_be_stopped),
		cmocka_unit_test(idle_threads_help),
		cmocka_unit_test(entries_have_an_order),
	};

	return cmocka_run_group_tests(tests, make_base, remove_base);
}
