/* aoectl.c: aoectl(8): sends one request to aoed(8) and shows the answer.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aoectl.h"
#include "control.h"
#include "exits.h"
#include "human.h"
#include "import.h"
#include "json.h"
#include "option.h"
#include "output.h"
#include "version.h"

#define PATIENCE_S	15	/* for a daemon that says nothing */
#define WATCH_MAX	86400	/* seconds between two looks */

/* What a command takes behind its name. */
enum arguments {
	ARGS_NONE,
	ARGS_ALIASES,		/* none means all */
	ARGS_ALIAS,		/* one at least */
	ARGS_LEVEL
};

static const enum arguments arguments[] = {
	[CONTROL_STATUS] = ARGS_ALIASES, [CONTROL_STATS] = ARGS_NONE,
	[CONTROL_START] = ARGS_ALIASES, [CONTROL_STOP] = ARGS_ALIASES,
	[CONTROL_RESTART] = ARGS_ALIASES, [CONTROL_RELOAD] = ARGS_NONE,
	[CONTROL_CHECK] = ARGS_NONE, [CONTROL_DISCONNECT] = ARGS_ALIAS,
	[CONTROL_LOG] = ARGS_LEVEL,
};

struct options {
	const char	*path;
	bool		 json;
	unsigned	 watch;		/* seconds; 0: once */
};

static void
usage(FILE *f)
{
	fprintf(f, "usage: aoectl [--json] [-s socket] status|start|stop|"
	    "restart [alias ...]\n"
	    "       aoectl [--json] [-s socket] stats [--watch[=time]]\n"
	    "       aoectl [--json] [-s socket] disconnect alias ...\n"
	    "       aoectl [--json] [-s socket] reload|check\n"
	    "       aoectl [--json] [-s socket] log warn|info|debug\n"
	    "       aoectl [--json] import [path ...]\n");
}

static void __attribute__((noreturn))
usage_error(void)
{
	usage(stderr);
	exit(BS_USAGE);
}

/* Do the arguments fit the command? */
static bool
arguments_fit(enum control_command c, char **argv, int n)
{
	enum log_level level;

	switch (arguments[c]) {
	case ARGS_NONE:
		return operands_check(n, argv, 0, 0) == 0;
	case ARGS_ALIASES:
		return true;
	case ARGS_ALIAS:
		return operands_check(n, argv, 1, OPERANDS_ANY) == 0;
	case ARGS_LEVEL:
		if (operands_check(n, argv, 1, 1) == -1)
			return false;
		if (control_level_find(argv[0], &level) == 0)
			return true;
		warnx("%s: no such level", argv[0]);
		return false;
	}
	return false;
}

/* The request as a line. */
static char *
make_request(enum control_command c, char **argv, int n)
{
	json_t *list = json_array(), *o;
	char *text, *line = NULL;
	int i;

	o = json_pack("{s:s}", "command", control_command_name(c));
	if (o == NULL || list == NULL)
		errx(BS_FAIL, "out of memory");
	if (arguments[c] == ARGS_LEVEL) {
		(void)json_object_set_new(o, "level", json_string(argv[0]));
		n = 0;
	}
	for (i = 0; i < n; i++)
		if (json_array_append_new(list, json_string(argv[i])) == -1)
			errx(BS_USAGE, "%s: not UTF-8", argv[i]);
	(void)json_object_set_new(o, "aliases", list);
	if ((text = json_dumps(o, JSON_COMPACT)) == NULL ||
	    asprintf(&line, "%s\n", text) == -1)
		errx(BS_FAIL, "out of memory");
	json_decref(o);
	free(text);
	return line;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = PATIENCE_S };
	int fd;

	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		errx(BS_USAGE, "%s: too long", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
	    sizeof(limit)) == -1 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO,
	    &limit, sizeof(limit)) == -1)
		err(BS_FAIL, "%s", path);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		if (errno == EAGAIN)
			errx(BS_UNREACHABLE, "%s: it is busy", path);
		err(BS_UNREACHABLE, "%s", path);
	}
	return fd;
}

/* A daemon that has hung up may have said why: what could not be sent is no
 * reason not to listen. */
static void
send_line(int fd, const char *line)
{
	size_t len = strlen(line);
	ssize_t n;

	for (; len > 0; line += n, len -= (size_t)n)
		if ((n = send(fd, line, len, MSG_NOSIGNAL)) == -1)
			return;
}

json_t *
ask(const char *path, const char *request)
{
	int fd = connect_to(path);
	json_error_t error;
	json_t *answer;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *f;

	send_line(fd, request);
	if ((f = fdopen(fd, "r")) == NULL)
		err(BS_FAIL, "%s", path);
	if ((len = getline(&line, &size, f)) <= 0)
		errx(BS_UNREACHABLE, "%s: no answer", path);
	if ((answer = json_loadb(line, (size_t)len, 0, &error)) == NULL)
		errx(BS_FAIL, "%s: %s", path, error.text);
	free(line);
	fclose(f);
	return answer;
}

static void
show(enum control_command c, const json_t *answer)
{
	const char *why;

	why = json_string_value(json_object_get(answer, "error"));
	if (why != NULL) {
		warnx("%s", why);
		return;
	}
	switch (c) {
	case CONTROL_STATUS:
		show_status(answer);
		break;
	case CONTROL_STATS:
		show_stats(answer);
		break;
	case CONTROL_START:
	case CONTROL_STOP:
	case CONTROL_RESTART:
	case CONTROL_DISCONNECT:
		show_results(answer);
		break;
	case CONTROL_LOG:
		break;
	case CONTROL_RELOAD:
	case CONTROL_CHECK:
		show_errors(answer);
		break;
	}
}

/* Carry out a command of the daemon's.  An exit status. */
static int
command_run(const struct options *o, enum control_command c, char **argv,
    int n)
{
	char *request = make_request(c, argv, n);
	json_t *answer;
	bool ok;

	if (o->watch != 0)
		watch(o->path, request, o->watch, o->json);
	answer = ask(o->path, request);
	free(request);
	ok = json_is_true(json_object_get(answer, "ok"));
	if (o->json)
		(void)json_print(stdout, json_incref(answer), JSON_INDENT(2));
	else
		show(c, answer);
	json_decref(answer);
	return output_end(ok ? BS_OK : BS_FAIL);
}

static unsigned
parse_seconds(const char *text)
{
	uint64_t n;

	if (text == NULL)
		return 1;
	if (human_parse_duration(text, 1, &n) == 0 && n >= 1 && n <= WATCH_MAX)
		return (unsigned)n;
	warnx("--watch: %s: not a time of 1s to 1d", text);
	usage_error();
}

static const struct option longs[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "version", no_argument, NULL, 'V' },
	{ "watch", optional_argument, NULL, 'w' },
	{ NULL, 0, NULL, 0 }
};

/* Where the options end. */
static int
parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "s:", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			o->path = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case 'w':
			o->watch = parse_seconds(optarg);
			break;
		case 'h':
			usage(stdout);
			exit(output_end(BS_OK));
		case 'V':
			puts(BACKSHELF_VERSION);
			exit(output_end(BS_OK));
		default:
			usage_error();
		}
	}
	return optind;
}

int
main(int argc, char **argv)
{
	struct options o = { .path = CONTROL_SOCKET };
	enum control_command c = CONTROL_STATUS;
	bool import;
	int n;

	n = parse_options(argc, argv, &o);
	argc -= n;
	argv += n;
	if (operands_check(argc, argv, 1, OPERANDS_ANY) == -1)
		usage_error();
	import = strcmp(argv[0], "import") == 0;
	if (!import && control_command_find(argv[0], &c) == -1) {
		warnx("%s: no such command", argv[0]);
		usage_error();
	}
	if (o.watch != 0 && (import || c != CONTROL_STATS)) {
		option_misfit(longs, 'w');
		usage_error();
	}
	if (import)
		return import_print(argv + 1, argc - 1, o.json, false);
	if (!arguments_fit(c, argv + 1, argc - 1))
		usage_error();
	return command_run(&o, c, argv + 1, argc - 1);
}
