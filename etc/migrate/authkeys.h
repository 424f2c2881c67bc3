/* authkeys.h: lines of authorized_keys(5) with the old forced commands.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_MIGRATE_AUTHKEYS_H
#define BACKSHELF_MIGRATE_AUTHKEYS_H

#include <stdbool.h>

#include "diag.h"

enum authkey_kind {
	AUTHKEY_OTHER,		/* blank, comment, or a key with no old
				 * command: none of our business */
	AUTHKEY_VALIDATE,	/* validate-ssh.sh */
	AUTHKEY_RRSYNC
};

struct authkey {
	enum authkey_kind kind;
	char	*blob;		/* "ssh-ed25519 AAAA…" */
	char	*comment;
	char	*client;	/* as the line suggests it, or NULL */
	char	*folder;	/* rrsync's, or NULL */
	char	*from;		/* value of from="", or NULL */
	char	*more;		/* other options that stay, each with a comma
				 * before it; or NULL */
	bool	 push;
	bool	 pull;
};

/* Read one line.  0 with *k to be freed; -1 with d->msg: it has an old command,
 * but cannot be made a new line. */
int	authkey_parse(const char *line, struct authkey *k, struct diag *d);
void	authkey_free(struct authkey *);

#endif
