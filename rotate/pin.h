/* pin.h: snapshots that an operator has said are to stay,
 * HOST.snaps/.pins/STAMP.  A client has no way to this folder.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_PIN_H
#define BACKSHELF_PIN_H

#include <time.h>

#include "store.h"
#include "strv.h"

#define PIN_TEXT	256	/* room for a reason or a name */
#define PIN_MAX		4096	/* bytes of a file; a longer one is damaged */

struct pin {
	char	reason[PIN_TEXT];	/* printable; "" if unreadable */
	char	by[PIN_TEXT];		/* who pinned it */
	time_t	since;
};

/* The pins of a store: v[i] is of stamps.v[i]; in no order.  Zero-initialise,
 * free with pins_free. */
struct pins {
	struct strv	 stamps;
	struct pin	*v;
};

/* Parse a pin's file.  Pure; any bytes give a pin.  0, or -1 with errno EINVAL
 * and a pin without a reason. */
int	pin_parse(const char *buf, size_t len, struct pin *);

/* Its text, one line; to be freed.  NULL with errno ENOMEM. */
char	*pin_format(const struct pin *);

/* All pins of a store.  One that cannot be read is still a pin.  0, or -1 with
 * errno: then nothing may be removed. */
int	pins_read(struct store *, struct pins *);

/* The pin of a snapshot, or NULL.  Borrowed. */
const struct pin	*pins_find(const struct pins *, const char *stamp);

void	pins_free(struct pins *);

/* Pin a snapshot, durably, or give its pin another reason.  No lock of the
 * store is needed, so a push may be running.  0, or -1 with errno (ENOENT: no
 * such snapshot). */
int	pin_set(struct store *, const char *stamp, const struct pin *);

/* Take a pin away.  0, or -1 with errno (ENOENT: there is none). */
int	pin_clear(struct store *, const char *stamp);

/* Is there a pin?  Asked under the lock of the snapshot's folder, this is
 * certain.  1, 0, or -1 with errno. */
int	pin_there(struct store *, const char *stamp);

#endif
