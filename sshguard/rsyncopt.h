/* rsyncopt.h: what a client's rsync asks of the server's.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_RSYNCOPT_H
#define BACKSHELF_RSYNCOPT_H

#include <stdbool.h>

#include "diag.h"
#include "strv.h"

#define RSYNC_LETTERS_MAX	96	/* of all clusters together */
#define RSYNC_CAPS_MAX		48	/* of the capability string */
#define RSYNC_VALUE_MAX		1024	/* of an option's value */

/* What our side must know of the options; the rest is only passed on. */
enum rsync_effects {
	RSYNC_DELETE	= 1 << 0,	/* any of --delete…  */
	RSYNC_INPLACE	= 1 << 1,	/* --inplace, --append */
	RSYNC_VERBOSE	= 1 << 2,	/* -v, -i or --stats */
	RSYNC_DRY_RUN	= 1 << 3,	/* -n */
	RSYNC_RECURSE	= 1 << 4,	/* -r */
	RSYNC_FILES_FROM = 1 << 5,	/* names come over the wire */
	RSYNC_RELATIVE	= 1 << 6,	/* -R */
	RSYNC_LOOKS_BACK = 1 << 7	/* does one thing or another by what
					 * the destination holds already */
};

/* Zero-initialise; free with rsync_request_free. */
struct rsync_request {
	bool		sender;		/* a pull: --sender was given */
	bool		secluded;	/* -s: the rest comes on the stream */
	unsigned	effects;	/* rsync_effects */
	unsigned	timeout;	/* --timeout, seconds; 0: none given */
	unsigned	bwlimit;	/* --bwlimit, KiB a second; 0: none */
	char		letters[RSYNC_LETTERS_MAX];	/* of the clusters */
	char		caps[RSYNC_CAPS_MAX];	/* behind "e", with the dot;
						 * "" if there was no e */
	struct strv	opts;		/* the long options, written anew,
					 * each as one word */
	struct strv	args;		/* what followed the "." */
};

/* Read the words of a command, "rsync --server …".  Only what the table of
 * server options (options.c of rsync 3.5, server_options()) allows gets
 * through; everything else is an error that names it.
 * With -s (--secluded-args) a command has no names and not all of the options;
 * `rest` are the words that the client sends for it on its stream, beginning
 * with "rsync" (send_protected_args() of rsync), or NULL while they have not
 * been read: then the request is `secluded` and not whole.
 * words and rest are borrowed.  0, or -1 with *d filled (no place: words have
 * none). */
int	rsync_request_parse(const struct strv *words, const struct strv *rest,
	    struct rsync_request *, struct diag *d);
void	rsync_request_free(struct rsync_request *);

#endif
