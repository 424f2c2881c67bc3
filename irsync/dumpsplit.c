/* dumpsplit.c: the stream of mysqldump(1), divided at the comments that it
 * puts before each table, view, and so on.
 * In: bytes; rows may hold anything, but a row's line never begins with "--",
 * and the bodies of triggers and routines stand between two DELIMITER lines.
 * Out: calls of a sink.  Nothing is kept but the beginning of a line.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdio.h>
#include <string.h>

#include "dumpsplit.h"

static bool
is_plain(unsigned char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '$' || c >= 0x80 ||
	    (c == '-' && !first) || (c == '.' && !first);
}

int
dump_file_name(char buf[DUMP_NAME], const char *name, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len && n < 240; i++)
		if (is_plain((unsigned char)name[i], i == 0))
			buf[n++] = name[i];
		else
			n += (size_t)snprintf(buf + n, 4, "%%%02X",
			    (unsigned char)name[i]);
	buf[n] = '\0';
	return i == len && n > 0 && n <= 240 ? 0 : -1;
}

/* The name in `backquotes` at p, where each of its own is doubled. */
static int
quoted_name(const char *p, char file[DUMP_NAME])
{
	char name[DUMP_NAME];
	size_t n = 0;

	if (*p++ != '`')
		return -1;
	for (; *p != '\0'; p++) {
		if (*p == '`' && *++p != '`')
			break;
		name[n++] = *p;
	}
	return dump_file_name(file, name, n);
}

/* Does this line begin another part?  Its file. */
static bool
part_begins(const char *line, char file[DUMP_NAME])
{
	static const struct {
		const char	*text, *file;
	} rows[] = {
		{ "-- Table structure for table ", NULL },
		{ "-- Temporary table structure for view ", "+views" },
		{ "-- Temporary view structure for view ", "+views" },
		{ "-- Final view structure for view ", "+views" },
		{ "-- Sequence structure for ", "+sequences" },
		{ "-- Dumping events for database ", "+events" },
		{ "-- Dumping routines for database ", "+routines" },
	};
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i].text);
		if (strncmp(line, rows[i].text, n) != 0)
			continue;
		if (rows[i].file != NULL) {
			(void)snprintf(file, DUMP_NAME, "%s", rows[i].file);
			return true;
		}
		return quoted_name(line + n, file) == 0;
	}
	return false;
}

static int
begin(struct dumpsplit *d, const char *file)
{
	d->in_part = true;
	return d->sink.begin(d->sink.arg, file);
}

/* A line, or the beginning of a long one, is in head. */
static int
take_line(struct dumpsplit *d)
{
	char file[DUMP_NAME];

	d->head[d->nhead] = '\0';
	/* pg_dump(1) may have something to say behind its last line. */
	if (strcmp(d->head, "\n") != 0 && strcmp(d->head, "--\n") != 0 &&
	    strncmp(d->head, "\\unrestrict ", 12) != 0)
		d->complete = !d->in_body &&
		    strncmp(d->head, d->done, strlen(d->done)) == 0;
	if (strncmp(d->head, "DELIMITER ", 10) == 0)
		d->in_body = strncmp(d->head + 10, ";\n", 2) != 0;
	if (!d->in_part && begin(d, d->whole ? "dump" : "+header") == -1)
		return -1;
	if (!d->whole && !d->in_body && part_begins(d->head, file) &&
	    begin(d, file) == -1)
		return -1;
	if (d->sink.data(d->sink.arg, d->head, d->nhead) == -1)
		return -1;
	d->nhead = 0;
	return 0;
}

int
dumpsplit_feed(struct dumpsplit *d, const char *buf, size_t len)
{
	const char *nl;
	size_t n, room;

	for (; len > 0; buf += n, len -= n) {
		nl = memchr(buf, '\n', len);
		n = nl != NULL ? (size_t)(nl - buf) + 1 : len;
		if (d->in_line) {
			if (d->sink.data(d->sink.arg, buf, n) == -1)
				return -1;
		} else {
			room = sizeof(d->head) - 1 - d->nhead;
			if (n > room) {
				n = room;
				nl = NULL;
			}
			memcpy(d->head + d->nhead, buf, n);
			d->nhead += n;
			if (nl == NULL && n < room)
				continue;
			if (take_line(d) == -1)
				return -1;
		}
		d->in_line = nl == NULL;
	}
	return 0;
}

int
dumpsplit_end(struct dumpsplit *d)
{
	if (d->nhead == 0)
		return 0;
	return take_line(d);
}
