/* metrics.h: a run as a textfile for Prometheus' node_exporter.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_METRICS_H
#define BACKSHELF_METRICS_H

#include "run.h"

/* Write the metrics of a run with that exit status into a file, which is
 * replaced whole: a reader sees the old one or the new.  0, or -1 with errno
 * and the old file as it was. */
int	metrics_write(const char *path, const struct run *, int status);

#endif
