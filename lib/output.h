/* output.h: the last look at standard output.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_OUTPUT_H
#define BACKSHELF_OUTPUT_H

/* Write out what stdio still holds for standard output, when a program is about
 * to end with this status.  Returns the status; but where it was BS_OK and not
 * all has been written, a line on standard error says so, and it is BS_FAIL. */
int	output_end(int status);

#endif
