/* test_export.c: from a row to an open, measured file.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "aoe/export.h"
#include "aoe/link.h"

static int
folder(void **state)
{
	char *dir = strdup("/tmp/test_export.XXXXXX");

	*state = dir;
	return dir != NULL && mkdtemp(dir) != NULL ? 0 : -1;
}

static int
folder_end(void **state)
{
	int rc = rmdir(*state);

	free(*state);
	return rc;
}

static void
make_file(char path[128], const char *dir, const char *name, off_t size)
{
	int fd;

	snprintf(path, 128, "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

/* One row over that file, with these options. */
static void
make_row(struct table *t, const char *path, const char *options)
{
	struct diags ds = { 0 };
	char text[300];

	snprintf(text, sizeof(text), "5.0 %s ff:ff:ff:ff:ff:ff lo a %s\n",
	    path, options);
	assert_int_equal(table_parse(text, strlen(text), t, &ds), 0);
}

/* As the parent opens it and the child takes it. */
static struct export *
export_open(const struct row *r, struct reason *why)
{
	struct image img;

	if (image_open(r, &img) == 0)
		return export_new(r, &img, why);
	export_reason(r, errno, why);
	return NULL;
}

static void
files_are_measured(void **state)
{
	static const struct {
		off_t		 size;
		const char	*options;
		uint64_t	 sectors;	/* 0: not to be served */
		const char	*says;
	} rows[] = {
		{ 0, "", 0, "none at offset 0" },
		{ 511, "", 0, "it has 0 sectors" },
		{ 512, "", 0, "smaller than 4 KiB" },
		{ 4095, "", 0, "smaller than 4 KiB" },
		{ 8192, "offset=16", 0, "none at offset 16" },
		{ 8192, "offset=9", 0, "smaller than 4 KiB" },
		{ 8192, "length=17", 0, "not 17" },
		{ 8192, "offset=8,length=9", 0, "8 sectors at offset 8" },
		{ 4096, "", 8, NULL }, { 8191, "", 8, NULL },
		{ 8192, "ro", 16, NULL }, { 8192, "offset=8", 8, NULL },
		{ 8192, "length=15", 8, NULL },
		{ 1 << 20, "offset=3,length=64", 64, NULL },
		{ (off_t)1 << 40, "", UINT64_C(1) << 31, NULL },
	};
	struct reason why;
	struct export *e;
	char path[128];
	struct table t;
	size_t i;

	for (i = 0; i < nitems(rows); i++) {
		make_file(path, *state, "image", rows[i].size);
		make_row(&t, path, rows[i].options);
		e = export_open(&t.rows[0], &why);
		assert_int_equal(unlink(path), 0);
		if (rows[i].sectors == 0) {
			assert_null(e);
			if (strstr(why.text, rows[i].says) == NULL)
				fail_msg("row %zu: %s", i, why.text);
		} else {
			assert_non_null(e);
			assert_true(e->disk.sectors == rows[i].sectors);
			assert_true(e->offset ==
			    (off_t)(t.rows[0].offset * 512));
			assert_int_equal(e->disk.ro, t.rows[0].ro);
		}
		export_free(e);
		table_free(&t);
	}
}

static void
what_is_no_disk_is_refused(void **state)
{
	char path[128], missing[128];
	struct reason why;
	struct table t;

	snprintf(missing, sizeof(missing), "%s/missing", (char *)*state);
	make_row(&t, missing, "");
	assert_null(export_open(&t.rows[0], &why));
	assert_non_null(strstr(why.text, "No such file"));
	table_free(&t);
	make_row(&t, *state, "ro");
	assert_null(export_open(&t.rows[0], &why));
	assert_non_null(strstr(why.text, "Is a directory"));
	table_free(&t);
	/* A FIFO must not hang whoever opens it. */
	snprintf(path, sizeof(path), "%s/fifo", (char *)*state);
	assert_int_equal(mkfifo(path, 0600), 0);
	make_row(&t, path, "ro");
	assert_null(export_open(&t.rows[0], &why));
	assert_non_null(strstr(why.text, "Block device required"));
	table_free(&t);
	assert_int_equal(unlink(path), 0);
	make_row(&t, "/dev/zero", "");
	assert_null(export_open(&t.rows[0], &why));
	table_free(&t);
}

static void
an_export_is_ready_to_wait(void **state)
{
	struct reason why;
	struct export *e;
	char path[128];
	struct table t;

	make_file(path, *state, "image", 4096);
	make_row(&t, path, "sync=none");
	e = export_open(&t.rows[0], &why);
	assert_int_equal(unlink(path), 0);
	assert_non_null(e);
	/* io_uring gives up on such a descriptor instead of waiting. */
	assert_int_equal(fcntl(e->fd, F_GETFL) & O_NONBLOCK, 0);
	assert_true(e->disk.cached);
	assert_int_equal(strlen(e->disk.serial), 16);
	export_free(e);
	table_free(&t);
}

/* The serial number is made of what is unique, and never changes. */
static void
serials_stay(void **state)
{
	struct reason why;
	struct export *e;
	char path[128];
	struct table t;

	make_file(path, *state, "image", 4096);
	make_row(&t, path, "");
	e = export_open(&t.rows[0], &why);
	assert_non_null(e);
	assert_string_equal(e->disk.serial, "F838B971D907905E");
	export_free(e);
	t.rows[0].alias[0] = 'b';
	e = export_open(&t.rows[0], &why);
	assert_non_null(e);
	assert_string_not_equal(e->disk.serial, "F838B971D907905E");
	export_free(e);
	table_free(&t);
	assert_int_equal(unlink(path), 0);
}

static void
messages_are_bounded(void **state)
{
	static const struct { unsigned row, mtu, sectors; } rows[] = {
		{ 0, 1500, 2 }, { 0, 9000, 17 }, { 0, 65535, 23 },
		{ 1, 9000, 1 }, { 16, 9000, 16 }, { 255, 9000, 17 },
	};
	struct export e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		e.row.maxsectors = rows[i].row;
		assert_int_equal(export_maxsectors(&e, rows[i].mtu),
		    rows[i].sectors);
	}
}

static void
checks_find_every_fault(void **state)
{
	static const char text[] = "0 /nowhere/at/all ff:ff:ff:ff:ff:ff "
	    "no-iface,lo,nor-this a\n";
	struct diags ds = { 0 };
	struct links links;
	struct table t;

	(void)state;
	assert_int_equal(table_parse(text, strlen(text), &t, &ds), 0);
	assert_int_equal(links_open(&links), 0);
	export_report(&t.rows[0], ENOENT, NULL, &ds);
	export_check_links(&t.rows[0], &links, &ds);
	links_close(&links);
	assert_int_equal(ds.n, 4);
	assert_int_equal(ds.v[0].col, 3);
	assert_int_equal(ds.v[1].col, 37);
	assert_int_equal(ds.v[2].col, 46);	/* lo is not Ethernet */
	assert_int_equal(ds.v[3].col, 49);
	diags_free(&ds);
	table_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_measured),
		cmocka_unit_test(what_is_no_disk_is_refused),
		cmocka_unit_test(an_export_is_ready_to_wait),
		cmocka_unit_test(serials_stay),
		cmocka_unit_test(messages_are_bounded),
		cmocka_unit_test(checks_find_every_fault),
	};

	return cmocka_run_group_tests(tests, folder, folder_end);
}
