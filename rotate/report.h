/* report.h: what a rotation did, or would do, for people and for programs.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_REPORT_H
#define BACKSHELF_REPORT_H

#include <stdio.h>

#include "run.h"

/* A table for each client that something happened to (all: for each), and a
 * line that adds it up.  0, or -1 with errno. */
int	report_text(FILE *, const struct run *, bool all);

/* The same as one JSON object.  0, or -1 with errno. */
int	report_json(FILE *, const struct run *);

#endif
