/* control_decode.c: a line of the control socket into a request.  Pure.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdio.h>
#include <string.h>

#include "control.h"

static const char *const names[] = {
	[CONTROL_STATUS] = "status", [CONTROL_STATS] = "stats",
	[CONTROL_START] = "start", [CONTROL_STOP] = "stop",
	[CONTROL_RESTART] = "restart", [CONTROL_RELOAD] = "reload",
	[CONTROL_CHECK] = "check", [CONTROL_DISCONNECT] = "disconnect",
	[CONTROL_LOG] = "log",
};

static const char *const levels[] = {
	[LOG_LEVEL_WARN] = "warn", [LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

const char *
control_command_name(enum control_command c)
{
	return names[c];
}

int
control_command_find(const char *name, enum control_command *c)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0) {
			*c = (enum control_command)i;
			return 0;
		}
	return -1;
}

int
control_level_find(const char *name, enum log_level *level)
{
	size_t i;

	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(levels[i], name) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	return -1;
}

static int
decode_aliases(const json_t *list, struct strv *aliases, const char **why)
{
	const json_t *item;
	size_t i;

	if (list == NULL)
		return 0;
	*why = "aliases is not a list of texts";
	if (!json_is_array(list))
		return -1;
	json_array_foreach(list, i, item) {
		if (!json_is_string(item))
			return -1;
		if (strv_add(aliases, json_string_value(item)) == -1) {
			*why = "out of memory";
			return -1;
		}
	}
	return 0;
}

/* Only log has a level, and it must. */
static int
decode_level(const json_t *level, struct control_request *req,
    const char **why)
{
	const char *name = json_string_value(level);

	*why = "level is for log alone";
	if (req->command != CONTROL_LOG)
		return level == NULL ? 0 : -1;
	*why = "level is not warn, info or debug";
	return name == NULL ? -1 : control_level_find(name, &req->level);
}

static int
decode_object(json_t *root, struct control_request *req, const char **why)
{
	const char *name;
	void *it;

	*why = "not an object";
	if (!json_is_object(root))
		return -1;
	*why = "unknown member";
	for (it = json_object_iter(root); it != NULL;
	    it = json_object_iter_next(root, it)) {
		name = json_object_iter_key(it);
		if (strcmp(name, "command") != 0 &&
		    strcmp(name, "aliases") != 0 &&
		    strcmp(name, "level") != 0)
			return -1;
	}
	*why = "no command";
	name = json_string_value(json_object_get(root, "command"));
	if (name == NULL)
		return -1;
	*why = "unknown command";
	if (control_command_find(name, &req->command) == -1)
		return -1;
	if (decode_aliases(json_object_get(root, "aliases"), &req->aliases,
	    why) == -1)
		return -1;
	*why = "disconnect needs an alias";
	if (req->command == CONTROL_DISCONNECT && req->aliases.n == 0)
		return -1;
	return decode_level(json_object_get(root, "level"), req, why);
}

int
control_decode(const char *line, size_t len, struct control_request *req,
    char *msg, size_t size)
{
	json_error_t error;
	const char *why;
	json_t *root;
	int rc;

	memset(req, 0, sizeof(*req));
	root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		snprintf(msg, size, "not JSON: %s", error.text);
		return -1;
	}
	if ((rc = decode_object(root, req, &why)) == -1) {
		strv_free(&req->aliases);
		(void)snprintf(msg, size, "%s", why);
	}
	json_decref(root);
	return rc;
}
