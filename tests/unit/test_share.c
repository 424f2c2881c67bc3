/* test_share.c: what each tree has that those before it have not, against a
 * list of inodes; and with a table that is too small for them.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "base.h"
#include "sweep_int.h"

#define TREES	5
#define FILES	60

static int
remove_base(void **state)
{
	struct sweep_item item = { .name = base + strlen(BASE_IN "/") };
	struct sweep_opts opts = { .jobs = 1 };
	int rc;

	(void)state;
	close(basefd);
	item.dirfd = open(BASE_IN, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = sweep_remove(&item, 1, &opts, NULL);
	close(item.dirfd);
	return rc;
}

/* TREES trees with folders a and b; file k is in those of its bits.  What each
 * has that none before it has goes to want. */
static void
grow(struct sweep_item *items, char names[TREES][8], struct sweep_share *want)
{
	char name[64], first[64], text[8192];
	struct stat st;
	unsigned k, t, bits;
	int fd;

	memset(text, 'x', sizeof(text));
	for (t = 0; t < TREES; t++) {
		snprintf(names[t], 8, "t%u", t);
		items[t] = (struct sweep_item){ basefd, names[t] };
		for (k = 0; k < 3; k++) {
			snprintf(name, sizeof(name), "t%u%s", t,
			    k == 0 ? "" : k == 1 ? "/a" : "/b");
			assert_int_equal(mkdirat(basefd, name, 0755), 0);
		}
	}
	for (k = 0; k < FILES; k++) {
		bits = 1 + k % ((1U << TREES) - 1);
		first[0] = '\0';
		for (t = 0; t < TREES; t++) {
			if ((bits & 1U << t) == 0)
				continue;
			snprintf(name, sizeof(name), "t%u/%c/%u", t,
			    k % 2 == 0 ? 'a' : 'b', k);
			if (first[0] != '\0') {
				assert_int_equal(linkat(basefd, first, basefd,
				    name, 0), 0);
				continue;
			}
			strcpy(first, name);
			fd = openat(basefd, name, O_CREAT | O_WRONLY, 0600);
			assert_int_equal(write(fd, text, k * 100), k * 100);
			fsync(fd);
			fstat(fd, &st);
			close(fd);
			want[t].bytes += (uint64_t)st.st_blocks * 512;
			want[t].inodes++;
		}
	}
	for (t = 0; t < TREES; t++)
		for (k = 0; k < 3; k++) {
			snprintf(name, sizeof(name), "t%u%s", t,
			    k == 0 ? "" : k == 1 ? "/a" : "/b");
			assert_int_equal(fstatat(basefd, name, &st, 0), 0);
			want[t].bytes += (uint64_t)st.st_blocks * 512;
			want[t].inodes++;
		}
}

static void
each_file_counts_for_its_first_tree(void **state)
{
	struct sweep_share want[TREES] = { 0 }, got[TREES];
	struct sweep_item items[TREES];
	char names[TREES][8];
	unsigned jobs, t;

	(void)state;
	grow(items, names, want);
	for (jobs = 1; jobs < 5; jobs++) {
		struct sweep_opts opts = { .jobs = jobs };

		assert_int_equal(sweep_shares(items, TREES, &opts, got), 0);
		for (t = 0; t < TREES; t++) {
			assert_int_equal(got[t].bytes, want[t].bytes);
			assert_int_equal(got[t].inodes, want[t].inodes);
		}
	}
}

/* All trees free what all shares are; some free no less with a small table. */
static void
a_small_table_measures_the_same(void **state)
{
	struct sweep_share want[TREES] = { 0 };
	struct sweep_item items[TREES];
	struct sweep_opts opts = { .jobs = 2 };
	struct sweep_result large, small;
	uint64_t all = 0;
	char names[TREES][8];
	unsigned t;

	(void)state;
	grow(items, names, want);
	for (t = 1; t <= TREES; t++) {
		assert_int_equal(sweep_measure(items, t, &opts, &large), 0);
		assert_int_equal(sweep_measure_within(16, items, t, &opts,
		    &small), 0);
		assert_int_equal(small.bytes, large.bytes);
		assert_int_equal(small.inodes, large.inodes);
		assert_int_equal(small.files, large.files);
		assert_int_equal(small.dirs, large.dirs);
		all += want[t - 1].bytes;
	}
	assert_int_equal(small.bytes, all);
	assert_false(small.stopped);
}

static void
what_cannot_be_read_is_said(void **state)
{
	struct sweep_item items[2] = { { basefd, "is" }, { basefd, "not" } };
	struct sweep_opts opts = { .jobs = 1 };
	struct sweep_share got[2];

	(void)state;
	assert_int_equal(mkdirat(basefd, "is", 0755), 0);
	assert_int_equal(sweep_shares(items, 2, &opts, got), 0);
	assert_int_equal(got[0].inodes, 1);
	assert_int_equal(got[1].inodes, 0);
	assert_int_equal(sweep_shares(items, 0, &opts, got), 0);
}

static void
a_full_table_says_so(void **state)
{
	_Atomic uint64_t places[16] = { 0 };
	struct inoset set = { .v = places, .size = 16, .parts = 1 };
	uint64_t i;

	(void)state;
	for (i = 0; i < 8; i++) {
		assert_int_equal(inoset_add(&set, i), 1);
		assert_int_equal(inoset_add(&set, i), 0);
	}
	assert_false(atomic_load(&set.full));
	assert_int_equal(inoset_add(&set, 8), -1);
	assert_true(atomic_load(&set.full));
}

/* Each inode is of one part, and each part gets some. */
static void
parts_share_the_inodes(void **state)
{
	_Atomic uint64_t places[4096];
	struct inoset set = { .v = places, .size = nitems(places),
	    .parts = 4 };
	unsigned all = 0, n;
	uint64_t i;

	(void)state;
	for (set.part = 0; set.part < set.parts; set.part++) {
		memset(places, 0, sizeof(places));
		atomic_store(&set.n, 0);
		for (i = n = 0; i < 4000; i++)
			n += inoset_add(&set, i) == 1;
		assert_in_range(n, 800, 1200);
		all += n;
	}
	assert_int_equal(all, 4000);
}

#define WITH_BASE(f) cmocka_unit_test_setup_teardown(f, make_base, remove_base)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BASE(each_file_counts_for_its_first_tree),
		WITH_BASE(a_small_table_measures_the_same),
		WITH_BASE(what_cannot_be_read_is_said),
		cmocka_unit_test(a_full_table_says_so),
		cmocka_unit_test(parts_share_the_inodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
