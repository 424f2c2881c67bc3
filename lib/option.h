/* option.h: what may be wrong with a command line, in the same words in every
 * program.  Each writes one line to standard error, as err(3) does; the caller
 * shows the usage and ends with BS_USAGE.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_OPTION_H
#define BACKSHELF_OPTION_H

#include <getopt.h>

#define OPERANDS_ANY	2147483647	/* as many as there are */

/* Are there min to max operands?  0, or -1 with the first that is too many, or
 * the lack of one, told. */
int	operands_check(int n, char *const *v, int min, int max);

/* A whole number from 1 to max, as the value of that option.  0, or -1 told. */
int	option_number(const char *option, const char *text, unsigned max,
	    unsigned *n);

/* Tell that the option for which getopt_long(3) returned ch does not go with
 * what else was asked for. */
void	option_misfit(const struct option *, int ch);

#endif
