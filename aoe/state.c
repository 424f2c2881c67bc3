/* state.c: an export's memory on disk, one small JSON file for each alias,
 * replaced by rename so that a crash leaves the old one or the new one.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state.h"

#define NAME_SIZE	(63 + sizeof(".json.new"))

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

int
state_parse(const char *text, size_t len, struct config *c)
{
	const char *hex;
	json_t *root;
	int rc = -1;

	c->len = 0;
	if ((root = json_loadb(text, len, JSON_REJECT_DUPLICATES,
	    NULL)) == NULL)
		return -1;
	hex = json_string_value(json_object_get(root, "config"));
	if (hex != NULL)
		rc = from_hex(hex, c);
	json_decref(root);
	return rc;
}

char *
state_format(const struct config *c)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * FRAME_CONFIG_MAX + 1], *text;
	size_t i;

	for (i = 0; i < c->len; i++) {
		hex[2 * i] = digits[c->bytes[i] >> 4];
		hex[2 * i + 1] = digits[c->bytes[i] & 15];
	}
	hex[2 * i] = '\0';
	if (asprintf(&text, "{\"config\":\"%s\"}\n", hex) == -1)
		return NULL;
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
		errno = EINVAL;		/* it is never left empty */
		n = -1;
	}
	saved = errno;
	if (fd != -1)
		close(fd);
	close(dfd);
	errno = saved;
	return n;
}

int
state_load(const char *dir, const char *alias, struct config *c)
{
	char buf[STATE_MAX];
	ssize_t n;

	c->len = 0;
	if ((n = state_read(dir, alias, buf, sizeof(buf))) <= 0)
		return (int)n;
	if (state_parse(buf, (size_t)n, c) == -1) {
		c->len = 0;
		errno = EINVAL;
		return -1;
	}
	return 0;
}

/* Write all and make it stable. */
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

int
state_save(const char *dir, const char *alias, const struct config *c)
{
	char *text;
	int rc;

	if ((text = state_format(c)) == NULL)
		return -1;
	rc = state_write(dir, alias, text, strlen(text));
	free(text);
	return rc;
}
