/* cmd.h: what irsync-rotate(8) can be told to do.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_CMD_H
#define BACKSHELF_CMD_H

#include <signal.h>
#include <stdbool.h>

#include "retention.h"

/* The command line. */
struct options {
	const char	*conf;
	const char	*html;		/* usage: a file, "-": stdout; or NULL */
	const char	*metrics;	/* a file, or NULL: the configuration's */
	double		 max_load;	/* 0: any */
	unsigned	 rate;		/* files a second; 0: any */
	unsigned	 jobs;		/* 0: as many as processors */
	bool		 dry;
	bool		 verbose;
	bool		 json;
	bool		 walk;		/* usage: trust no earlier figures */
	const volatile sig_atomic_t *stop;
};

/* Each: do it and give the exit status.  argv: what follows the command's
 * name, argc words; wrong ones are BS_USAGE, without the usage. */
int	cmd_rotate(const struct options *, const struct retention_conf *,
	    int argc, char **argv);
int	cmd_pin(const struct options *, const struct retention_conf *,
	    int argc, char **argv);
int	cmd_unpin(const struct options *, const struct retention_conf *,
	    int argc, char **argv);
int	cmd_pins(const struct options *, const struct retention_conf *,
	    int argc, char **argv);
int	cmd_usage(const struct options *, const struct retention_conf *,
	    int argc, char **argv);

#endif
