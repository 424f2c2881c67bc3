/* test_control.c: lines of the control socket.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include "unit.h"

#include "aoe/control.h"

static void
bad_lines_are_refused(void **state)
{
	static const struct { const char *line, *says; } rows[] = {
		{ "", "not JSON" }, { "status", "not JSON" },
		{ "{\"command\":\"status\"", "not JSON" },
		{ "{\"command\":\"status\"} x", "not JSON" },
		{ "{\"command\":\"stop\",\"command\":\"start\"}", "not JSON" },
		{ "[]", "not an object" }, { "[\"status\"]", "not an object" },
		{ "{}", "no command" }, { "{\"command\":1}", "no command" },
		{ "{\"command\":\"\"}", "unknown command" },
		{ "{\"command\":\"shutdown\"}", "unknown command" },
		{ "{\"command\":\"stop\",\"alias\":\"a\"}",
		    "unknown member" },
		{ "{\"command\":\"stop\",\"aliases\":\"a\"}", "not a list" },
		{ "{\"command\":\"stop\",\"aliases\":[\"a\",1]}",
		    "not a list" },
		{ "{\"command\":\"stop\",\"aliases\":null}", "not a list" },
		{ "{\"command\":\"disconnect\"}", "needs an alias" },
		{ "{\"command\":\"disconnect\",\"aliases\":[]}",
		    "needs an alias" },
		{ "{\"command\":\"log\"}", "level is not" },
		{ "{\"command\":\"log\",\"level\":\"loud\"}", "level is not" },
		{ "{\"command\":\"log\",\"level\":2}", "level is not" },
		{ "{\"command\":\"stop\",\"level\":\"info\"}",
		    "for log alone" },
	};
	struct control_request req;
	char msg[200];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		msg[0] = '\0';
		assert_int_equal(control_decode(rows[i].line,
		    strlen(rows[i].line), &req, msg, sizeof(msg)), -1);
		if (strstr(msg, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].line, msg);
		assert_null(req.aliases.v);
	}
}

static void
requests_are_read(void **state)
{
	static const struct {
		const char		*line;
		enum control_command	 command;
		size_t			 aliases;
	} rows[] = {
		{ "{\"command\":\"status\"}", CONTROL_STATUS, 0 },
		{ "{\"command\":\"stats\",\"aliases\":[]}", CONTROL_STATS, 0 },
		{ " {\"aliases\":[\"a\",\"b\"],\"command\":\"stop\"} ",
		    CONTROL_STOP, 2 },
		{ "{\"command\":\"start\",\"aliases\":[\"a\"]}",
		    CONTROL_START, 1 },
		{ "{\"command\":\"restart\"}", CONTROL_RESTART, 0 },
		{ "{\"command\":\"reload\"}", CONTROL_RELOAD, 0 },
		{ "{\"command\":\"check\"}", CONTROL_CHECK, 0 },
		{ "{\"command\":\"log\",\"level\":\"debug\"}",
		    CONTROL_LOG, 0 },
		{ "{\"command\":\"disconnect\",\"aliases\":[\"a\"]}",
		    CONTROL_DISCONNECT, 1 },
	};
	struct control_request req;
	char msg[200];
	size_t i;

	(void)state;
	for (i = 0; i < nitems(rows); i++) {
		assert_int_equal(control_decode(rows[i].line,
		    strlen(rows[i].line), &req, msg, sizeof(msg)), 0);
		assert_int_equal(req.command, rows[i].command);
		assert_int_equal(req.aliases.n, rows[i].aliases);
		if (req.aliases.n > 0)
			assert_string_equal(req.aliases.v[0], "a");
		strv_free(&req.aliases);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_lines_are_refused),
		cmocka_unit_test(requests_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
