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
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aoectl.h"
#include "control.h"
#include "exits.h"
#include "version.h"

static void
usage(FILE *f)
{
	fprintf(f, "usage: aoectl [--json] [-s socket] status|stats|start|"
	    "stop|restart [alias ...]\n"
	    "       aoectl [--json] [-s socket] reload|check\n");
}

/* The request as a line. */
static char *
make_request(enum control_command c, char **aliases, int n)
{
	json_t *list = json_array(), *o;
	char *text, *line = NULL;
	int i;

	for (i = 0; i < n; i++)
		if (json_array_append_new(list, json_string(aliases[i])) == -1)
			errx(BS_USAGE, "%s: not UTF-8", aliases[i]);
	o = json_pack("{s:s, s:o}", "command", control_command_name(c),
	    "aliases", list);
	if (o == NULL || (text = json_dumps(o, JSON_COMPACT)) == NULL ||
	    asprintf(&line, "%s\n", text) == -1)
		errx(BS_FAIL, "out of memory");
	json_decref(o);
	free(text);
	return line;
}

static FILE *
connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	FILE *f;
	int fd;

	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		errx(BS_USAGE, "%s: too long", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(BS_UNREACHABLE, "%s", path);
	if ((f = fdopen(fd, "r+")) == NULL)
		err(BS_FAIL, "%s", path);
	return f;
}

/* Send the request and wait for the answer. */
static json_t *
ask(const char *path, const char *request)
{
	FILE *f = connect_to(path);
	json_error_t error;
	json_t *answer;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (fputs(request, f) == EOF || fflush(f) == EOF)
		err(BS_UNREACHABLE, "%s", path);
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
		show_results(answer);
		break;
	case CONTROL_RELOAD:
	case CONTROL_CHECK:
		show_errors(answer);
		break;
	}
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	const char *path = CONTROL_SOCKET;
	enum control_command command;
	json_t *answer;
	char *request;
	bool json = false, ok;
	int c;

	while ((c = getopt_long(argc, argv, "s:", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			path = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			usage(stdout);
			return BS_OK;
		case 'V':
			puts(BACKSHELF_VERSION);
			return BS_OK;
		default:
			usage(stderr);
			return BS_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc < 1 || control_command_find(argv[0], &command) == -1 ||
	    (argc > 1 && (command == CONTROL_RELOAD ||
	    command == CONTROL_CHECK))) {
		usage(stderr);
		return BS_USAGE;
	}
	request = make_request(command, argv + 1, argc - 1);
	answer = ask(path, request);
	free(request);
	if (json) {
		(void)json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else
		show(command, answer);
	ok = json_is_true(json_object_get(answer, "ok"));
	json_decref(answer);
	if (fflush(stdout) == EOF)
		err(BS_FAIL, "stdout");
	return ok ? BS_OK : BS_FAIL;
}
