/* cmdline.c: SSH_ORIGINAL_COMMAND to words, without a shell.
 * In: bytes that a client chose.  Out: words, or what is wrong and where.
 * rsync 3.2.4 and later put a backslash before each byte that a shell would
 * take for its own (safe_arg() of rsync); older clients, and --old-args, send
 * names as they are.  No stock client sends a quotation mark that is not
 * escaped, so one is refused, not interpreted.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"

static int
bad(struct diag *d, size_t pos, const char *msg)
{
	d->line = 1;
	d->col = (unsigned)pos + 1;
	(void)strlcpy(d->msg, msg, sizeof(d->msg));
	return -1;
}

/* What a shell would do with this byte, or NULL where it is an ordinary one.
 * `first`: it would begin a word. */
static const char *
shell_meaning(unsigned char c, bool first)
{
	switch (c) {
	case '\0':
		return "NUL byte";
	case '\'':
	case '"':
		return "quotation marks are not understood here: rsync 3.2.4 "
		    "and later need none";
	case '$':
	case '`':
		return "no shell runs here: nothing is expanded";
	case ';':
	case '&':
	case '|':
	case '<':
	case '>':
	case '(':
	case ')':
		return "no shell runs here: only one command is possible";
	case '#':
		return first ? "no shell runs here: no comments" : NULL;
	default:
		return c < 0x20 || c == 0x7f ? "control character" : NULL;
	}
}

/* Copy one word, which begins at cmd[*pos], to `word`, which has room for all
 * that is left.  0 with *pos behind it, or -1 with *d. */
static int
take_word(const char *cmd, size_t len, size_t *pos, char *word,
    struct diag *d)
{
	const char *what;
	size_t i, n = 0;

	for (i = *pos; i < len && cmd[i] != ' ' && cmd[i] != '\t'; i++) {
		if (cmd[i] == '\\') {
			if (++i == len)
				return bad(d, i - 1,
				    "a backslash ends the command");
			if (cmd[i] == '\0')
				return bad(d, i, "NUL byte");
		} else if ((what = shell_meaning((unsigned char)cmd[i],
		    i == *pos)) != NULL)
			return bad(d, i, what);
		word[n++] = cmd[i];
	}
	word[n] = '\0';
	*pos = i;
	return 0;
}

int
cmdline_split(const char *cmd, size_t len, struct strv *words,
    struct diag *d)
{
	char *word;
	size_t pos = 0;
	int rc = -1;

	if (len > CMDLINE_MAX)
		return bad(d, CMDLINE_MAX, "the command is too long");
	if ((word = malloc(len + 1)) == NULL)
		return bad(d, 0, "out of memory");
	for (;;) {
		while (pos < len && (cmd[pos] == ' ' || cmd[pos] == '\t'))
			pos++;
		if (pos == len)
			break;
		if (words->n == CMDLINE_WORDS) {
			bad(d, pos, "too many words");
			goto out;
		}
		if (take_word(cmd, len, &pos, word, d) == -1)
			goto out;
		if (strv_add(words, word) == -1) {
			bad(d, pos, "out of memory");
			goto out;
		}
	}
	rc = 0;
out:
	free(word);
	return rc;
}
