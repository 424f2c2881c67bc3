/* keys.h: the lines of authorized_keys for a policy's clients.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_KEYS_H
#define BACKSHELF_SSHGUARD_KEYS_H

#include <stddef.h>

#include "diag.h"
#include "policy.h"

/* One public key, as ssh-keygen(1) writes it. */
struct pubkey {
	char	*blob;		/* "ssh-ed25519 AAAA…" */
	char	*comment;	/* printable; "" if there is none */
};

/* Read a line: type, base64, perhaps a comment.  Options before the type are
 * refused: whoever sent the key does not say what it may do.  1 with *k to be
 * freed by pubkey_free, 0 if there is none (blank, comment), -1 with d->msg. */
int	pubkey_parse(const char *line, struct pubkey *k, struct diag *d);
void	pubkey_free(struct pubkey *);

/* Print the lines for public key files named CLIENT.pub.  policy_file: for -f
 * of the forced command, or NULL.  0; -1 with every error said on standard
 * error, and then nothing is printed. */
int	keys_print(const struct policy *, const char *policy_file,
	    char *names[]);

#endif
