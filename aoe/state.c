/* state.c: an export's memory on disk, one small JSON file for each alias,
 * replaced by rename so that a crash leaves the old one or the new one.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mac.h"
#include "state.h"

#define NAME_SIZE	(63 + sizeof(".json.new"))
#define STATE_SECTORS_MAX (INT64_MAX / 512)
#define WINDOW_DIGITS	16

static int
hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p == NULL ? -1 : (int)(p - digits);
}

static int
from_hex(const char *s, struct config *c)
{
	size_t i, n = strlen(s);
	int hi, lo;

	if (n % 2 != 0 || n / 2 > sizeof(c->bytes))
		return -1;
	for (i = 0; i < n; i += 2) {
		if ((hi = hex_value(s[i])) == -1 ||
		    (lo = hex_value(s[i + 1])) == -1)
			return -1;
		c->bytes[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	c->len = (uint16_t)(n / 2);
	return 0;
}

static int
read_config(const json_t *v, struct state *st)
{
	const char *hex = json_string_value(v);

	return hex == NULL ? -1 : from_hex(hex, &st->config);
}

static int
read_macs(const json_t *v, struct maclist *l)
{
	const json_t *item;
	const char *text;
	uint64_t mac;
	size_t i;

	if (!json_is_array(v))
		return -1;
	json_array_foreach(v, i, item) {
		text = json_string_value(item);
		if (text == NULL || mac_parse(text, strlen(text), &mac) == -1 ||
		    !maclist_add(l, MACLIST_MAX, mac))
			return -1;
	}
	return 0;
}

static int
read_mask(const json_t *v, struct state *st)
{
	return read_macs(v, &st->mask);
}

static int
read_reserved(const json_t *v, struct state *st)
{
	return read_macs(v, &st->reserved);
}

static int
read_sectors(const json_t *v, struct state *st)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > STATE_SECTORS_MAX)
		return -1;
	st->sectors = (uint64_t)n;
	return 0;
}

static int
read_window(const json_t *v, struct state *st)
{
	const char *text = json_string_value(v);
	int digit;

	if (text == NULL || strlen(text) != WINDOW_DIGITS)
		return -1;
	for (; *text != '\0'; text++) {
		if ((digit = hex_value(*text)) == -1)
			return -1;
		st->window = st->window << 4 | (uint64_t)digit;
	}
	return 0;
}

static const struct member {
	const char	*name;
	int		(*read)(const json_t *, struct state *);
	const char	*what;
} members[] = {
	{ "config", read_config, "at most 1024 bytes as hexadecimal digits" },
	{ "mask", read_mask, "a list of at most 255 MAC addresses" },
	{ "reserved", read_reserved, "a list of at most 255 MAC addresses" },
	{ "sectors", read_sectors, "a number of sectors" },
	{ "window", read_window, "16 hexadecimal digits" },
};

static const struct member *
member_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (strcmp(members[i].name, name) == 0)
			return &members[i];
	return NULL;
}

/* A member that is not there is empty: older files have fewer. */
static void
read_members(json_t *root, struct state *st, struct diags *ds)
{
	const struct member *m;
	const char *name;
	json_t *v;

	if (!json_is_object(root))
		diags_add(ds, 0, 0, "not a JSON object");
	json_object_foreach(root, name, v) {
		if ((m = member_find(name)) == NULL)
			diags_add(ds, 0, 0, "%s: not known", name);
		else if (m->read(v, st) == -1)
			diags_add(ds, 0, 0, "%s: not %s", name, m->what);
	}
}

int
state_parse(const char *text, size_t len, struct state *st,
    struct diags *ds)
{
	json_error_t err;
	json_t *root;
	size_t before = ds->n;

	memset(st, 0, sizeof(*st));
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &err);
	if (root == NULL)
		diags_add(ds, err.line > 0 ? (unsigned)err.line : 0,
		    err.column > 0 ? (unsigned)err.column : 0, "%s", err.text);
	else
		read_members(root, st, ds);
	json_decref(root);
	if (ds->n == before && ds->dropped == 0)
		return 0;
	memset(st, 0, sizeof(*st));
	return -1;
}

static json_t *
hex_of(const struct config *c)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * FRAME_CONFIG_MAX + 1];
	size_t i;

	for (i = 0; i < c->len; i++) {
		hex[2 * i] = digits[c->bytes[i] >> 4];
		hex[2 * i + 1] = digits[c->bytes[i] & 15];
	}
	hex[2 * i] = '\0';
	return json_string(hex);
}

static json_t *
macs_of(const struct maclist *l)
{
	json_t *list = json_array();
	char mac[MAC_TEXT];
	unsigned i;

	for (i = 0; i < l->n; i++) {
		mac_format(mac, l->v[i]);
		if (json_array_append_new(list, json_string(mac)) == -1) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

char *
state_format(const struct state *st)
{
	char *text = NULL, window[WINDOW_DIGITS + 1];
	json_t *root;

	snprintf(window, sizeof(window), "%016" PRIx64, st->window);
	root = json_pack("{s:o, s:o, s:o, s:I, s:s}", "config",
	    hex_of(&st->config), "mask", macs_of(&st->mask), "reserved",
	    macs_of(&st->reserved), "sectors", (json_int_t)st->sectors,
	    "window", window);
	if (root != NULL)
		text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	if (text == NULL)
		errno = ENOMEM;
	return text;
}

static int
dir_open(const char *dir)
{
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

ssize_t
state_read(const char *dir, const char *alias, char *buf, size_t size)
{
	char name[NAME_SIZE];
	int dfd, fd, saved;
	ssize_t n = -1;

	snprintf(name, sizeof(name), "%s.json", alias);
	if ((dfd = dir_open(dir)) == -1)
		return errno == ENOENT ? 0 : -1;
	fd = openat(dfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1) {
		n = errno == ENOENT ? 0 : -1;
	} else if ((n = read(fd, buf, size)) == 0) {
		errno = ENODATA;	/* it is never left empty */
		n = -1;
	}
	saved = errno;
	if (fd != -1)
		close(fd);
	close(dfd);
	errno = saved;
	return n;
}

/* Write all and make it stable.  Not file_replace_at(): the new file has one
 * fixed name, so that what a killed helper leaves is overwritten by the next,
 * and never piles up. */
static int
write_new(int dfd, const char *name, const char *text, size_t len)
{
	int fd, rc = -1, saved;

	fd = openat(dfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	errno = ENOSPC;		/* what a short write means */
	if (write(fd, text, len) == (ssize_t)len && fsync(fd) == 0)
		rc = 0;
	saved = errno;
	if (close(fd) == -1 && rc == 0) {
		saved = errno;
		rc = -1;
	}
	errno = saved;
	return rc;
}

int
state_write(const char *dir, const char *alias, const char *text, size_t len)
{
	char name[NAME_SIZE], tmp[NAME_SIZE];
	int dfd, rc = -1, saved;

	snprintf(name, sizeof(name), "%s.json", alias);
	snprintf(tmp, sizeof(tmp), "%s.json.new", alias);
	if ((dfd = dir_open(dir)) == -1)
		return -1;
	if (write_new(dfd, tmp, text, len) == 0 &&
	    renameat(dfd, tmp, dfd, name) == 0 && fsync(dfd) == 0)
		rc = 0;
	saved = errno;
	close(dfd);
	errno = saved;
	return rc;
}
