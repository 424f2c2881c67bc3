/* pin.c: snapshots that are to stay, HOST.snaps/.pins/STAMP.
 *
 *   {"version": 1, "since": 179..., "by": "root", "reason": "before the move"}
 *
 * The file's name is what pins; what is in it is for people.  So a damaged one
 * still pins.  A pin is written with a shared lock on the snapshot's folder,
 * and prune_expire looks for it under the exclusive one: a snapshot that was
 * pinned successfully is not removed by a run that decided just before.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "pin.h"
#include "store_json.h"

#define PINS		".pins"
#define PIN_VERSION	1

int
pin_parse(const char *buf, size_t len, struct pin *pin)
{
	json_t *o = NULL;
	int64_t version, since;
	int rc = -1;

	memset(pin, 0, sizeof(*pin));
	if (len <= PIN_MAX && (o = json_object_parse(buf, len)) != NULL &&
	    json_get_int(o, "version", PIN_VERSION, PIN_VERSION,
	    &version) == 0 &&
	    json_get_int(o, "since", 0, INT64_MAX, &since) == 0 &&
	    json_get_text(o, "by", pin->by, sizeof(pin->by)) == 0 &&
	    json_get_text(o, "reason", pin->reason,
	    sizeof(pin->reason)) == 0) {
		pin->since = (time_t)since;
		rc = 0;
	}
	json_decref(o);
	if (rc == -1) {
		memset(pin, 0, sizeof(*pin));
		errno = EINVAL;
	}
	return rc;
}

char *
pin_format(const struct pin *pin)
{
	return json_line(json_pack("{si sI so so}",
	    "version", PIN_VERSION,
	    "since", (json_int_t)pin->since,
	    "by", json_ascii(pin->by),
	    "reason", json_ascii(pin->reason)));
}

/* A descriptor of .pins, or -1 with errno. */
static int
pins_open(struct store *s)
{
	return openat(store_fd(s), PINS,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int
pins_add(struct pins *pins, int fd, const char *stamp)
{
	struct pin *v;
	char *text;
	size_t len;

	v = reallocarray(pins->v, pins->stamps.n + 1, sizeof(*v));
	if (v == NULL)
		return -1;
	pins->v = v;
	memset(&v[pins->stamps.n], 0, sizeof(*v));
	if ((text = file_read_at(fd, stamp, PIN_MAX, &len)) != NULL)
		(void)pin_parse(text, len, &v[pins->stamps.n]);
	free(text);
	return strv_add(&pins->stamps, stamp);
}

int
pins_read(struct store *s, struct pins *pins)
{
	const struct dirent *e;
	int fd, rc = 0, saved;
	time_t t;
	DIR *d;

	memset(pins, 0, sizeof(*pins));
	if ((fd = pins_open(s)) == -1)
		return errno == ENOENT ? 0 : -1;
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL)
		if (stamp_parse(e->d_name, &t) == 0)
			rc = pins_add(pins, fd, e->d_name);
	saved = errno;
	if (rc == 0 && saved != 0)
		rc = -1;
	closedir(d);
	if (rc == -1)
		pins_free(pins);
	errno = saved;
	return rc;
}

const struct pin *
pins_find(const struct pins *pins, const char *stamp)
{
	size_t i;

	for (i = 0; i < pins->stamps.n; i++)
		if (strcmp(pins->stamps.v[i], stamp) == 0)
			return &pins->v[i];
	return NULL;
}

void
pins_free(struct pins *pins)
{
	strv_free(&pins->stamps);
	free(pins->v);
	memset(pins, 0, sizeof(*pins));
}

/* Make .pins, durably. */
static int
pins_make(struct store *s)
{
	if (mkdirat(store_fd(s), PINS, 0700) == -1)
		return errno == EEXIST ? 0 : -1;
	return dir_sync(store_fd(s));
}

int
pin_set(struct store *s, const char *stamp, const struct pin *pin)
{
	int held, fd = -1, rc = -1, saved;
	char *text = NULL;

	/* Held until the pin is durable. */
	if ((held = store_snapshot_open(s, stamp)) == -1)
		return -1;
	if ((text = pin_format(pin)) != NULL && pins_make(s) == 0 &&
	    (fd = pins_open(s)) != -1)
		rc = file_replace_at(fd, stamp, text, strlen(text), 0600,
		    true);
	saved = errno;
	free(text);
	if (fd != -1)
		close(fd);
	close(held);
	errno = saved;
	return rc;
}

int
pin_clear(struct store *s, const char *stamp)
{
	int fd, rc, saved;

	if ((fd = pins_open(s)) == -1)
		return -1;
	rc = unlinkat(fd, stamp, 0);
	if (rc == 0)
		rc = dir_sync(fd);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

int
pin_there(struct store *s, const char *stamp)
{
	struct stat st;
	int fd, rc, saved;

	if ((fd = pins_open(s)) == -1)
		return errno == ENOENT ? 0 : -1;
	rc = fstatat(fd, stamp, &st, AT_SYMLINK_NOFOLLOW) == 0 ? 1 :
	    errno == ENOENT ? 0 : -1;
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}
