/* text.c: names from outside, made fit to be printed.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <vis.h>

#include "exits.h"
#include "text.h"

char *
text_escape(const char *s)
{
	char *out;

	if ((out = calloc(strlen(s) + 1, 4)) == NULL)
		err(BS_FAIL, NULL);
	strvis(out, s, VIS_OCTAL | VIS_TAB | VIS_NL);
	return out;
}

void
text_print(FILE *f, const char *s)
{
	char *safe = text_escape(s);

	fputs(safe, f);
	free(safe);
}

void
text_quote(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s != '\0'; s++)
		if (*s == '\n')
			fputs("\\n", f);
		else if (strchr("\"\\$", *s) != NULL)
			fprintf(f, "\\%c", *s);
		else
			fputc(*s, f);
	fputc('"', f);
}

int
text_is_plain(const char *s)
{
	return s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789/._-+@%,:")] == '\0';
}
