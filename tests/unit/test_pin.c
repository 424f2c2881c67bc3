/* test_pin.c: pins, their files and the lock that makes them certain.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "one_store.h"
#include "rotate/pin.h"
#include "rotate/prune.h"

static void
damaged_files_have_no_reason(void **state)
{
	static const char *const rows[] = {
		"", "{", "[]", "{}", "\"x\"",
		"{\"version\": 2, \"since\": 1, \"by\": \"a\", "
		    "\"reason\": \"b\"}",
		"{\"version\": 1, \"since\": -1, \"by\": \"a\", "
		    "\"reason\": \"b\"}",
		"{\"version\": 1, \"since\": 1, \"by\": \"a\"}",
		"{\"version\": 1, \"since\": 1, \"by\": \"a\", "
		    "\"reason\": \"b\\u001b[2J\"}",
	};
	struct pin pin;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		assert_int_equal(pin_parse(rows[i], strlen(rows[i]), &pin),
		    -1);
		assert_string_equal(pin.reason, "");
	}
}

static void
what_is_written_is_read(void **state)
{
	struct pin pin = { .reason = "before the \"move\"", .by = "root",
	    .since = 1790000000 }, back;
	char *text;

	(void)state;
	text = pin_format(&pin);
	assert_non_null(text);
	assert_int_equal(pin_parse(text, strlen(text), &back), 0);
	assert_string_equal(back.reason, pin.reason);
	assert_string_equal(back.by, "root");
	assert_int_equal(back.since, pin.since);
	free(text);
}

static void
a_pin_stops_what_was_decided_before(void **state)
{
	struct pin pin = { .reason = "why", .by = "me", .since = 1 };
	struct pins pins;

	(void)state;
	assert_int_equal(pin_there(store, STAMP), 0);
	assert_int_equal(pin_set(store, "2026-11-21T040201Z", &pin), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(pin_set(store, STAMP, &pin), 0);
	assert_int_equal(pin_there(store, STAMP), 1);
	assert_int_equal(prune_expire(store, STAMP), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(pins_read(store, &pins), 0);
	assert_int_equal(pins.stamps.n, 1);
	assert_string_equal(pins_find(&pins, STAMP)->reason, "why");
	assert_null(pins_find(&pins, "2026-11-21T040201Z"));
	pins_free(&pins);
	assert_int_equal(pin_clear(store, STAMP), 0);
	assert_int_equal(pin_clear(store, STAMP), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(prune_expire(store, STAMP), 0);
	assert_int_equal(pin_set(store, STAMP, &pin), -1);
	assert_int_equal(errno, ENOENT);
}

/* Whatever became of its file, and whatever else lies there. */
static void
a_damaged_pin_is_a_pin(void **state)
{
	struct pins pins;

	(void)state;
	assert_int_equal(mkdirat(store_fd(store), ".pins", 0700), 0);
	assert_int_equal(mkdirat(store_fd(store), ".pins/" STAMP, 0700), 0);
	close(openat(store_fd(store), ".pins/2026-11-20T040201Z",
	    O_CREAT | O_WRONLY, 0600));
	close(openat(store_fd(store), ".pins/" STAMP ".tmp",
	    O_CREAT | O_WRONLY, 0600));
	assert_int_equal(pins_read(store, &pins), 0);
	assert_int_equal(pins.stamps.n, 2);
	assert_string_equal(pins_find(&pins, STAMP)->reason, "");
	pins_free(&pins);
	assert_int_equal(prune_expire(store, STAMP), -1);
}

/* Pins that cannot be read: nobody knows what may go. */
static void
pins_that_are_no_folder_are_an_error(void **state)
{
	struct pins pins;

	(void)state;
	close(openat(store_fd(store), ".pins", O_CREAT | O_WRONLY, 0600));
	assert_int_equal(pins_read(store, &pins), -1);
	assert_int_equal(prune_expire(store, STAMP), -1);
	assert_int_equal(errno, ENOTDIR);
}

#define WITH_STORE(f) cmocka_unit_test_setup_teardown(f, make_store, \
	remove_store)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_files_have_no_reason),
		cmocka_unit_test(what_is_written_is_read),
		WITH_STORE(a_pin_stops_what_was_decided_before),
		WITH_STORE(a_damaged_pin_is_a_pin),
		WITH_STORE(pins_that_are_no_folder_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
