/* exits.c: which exit status an error of the system comes to.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>

#include "exits.h"

int
exit_of_errno(int error)
{
	switch (error) {
	case EWOULDBLOCK:
		return BS_BUSY;
	case ENOSPC:
	case EDQUOT:
		return BS_NOSPACE;
	case EIO:
		return BS_IO;
	}
	return BS_FAIL;
}
