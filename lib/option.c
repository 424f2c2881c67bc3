/* option.c: what may be wrong with a command line, in the same words in every
 * program.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <stdlib.h>

#include "option.h"

int
operands_check(int n, char *const *v, int min, int max)
{
	if (n < min)
		warnx("an operand is missing");
	else if (n > max)
		warnx("extra operand '%s'", v[max]);
	else
		return 0;
	return -1;
}

int
option_number(const char *option, const char *text, unsigned max, unsigned *n)
{
	const char *wrong;

	*n = (unsigned)strtonum(text, 1, max, &wrong);
	if (wrong == NULL)
		return 0;
	warnx("%s: %s: %s", option, text, wrong);
	return -1;
}

void
option_misfit(const struct option *longs, int ch)
{
	for (; longs->name != NULL && longs->val != ch; longs++)
		;
	if (longs->name != NULL)
		warnx("--%s does not go with this", longs->name);
	else
		warnx("-%c does not go with this", ch);
}
