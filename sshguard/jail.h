/* jail.h: the root folder that a confined rsync sees.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef BACKSHELF_SSHGUARD_JAIL_H
#define BACKSHELF_SSHGUARD_JAIL_H

#include <sys/types.h>

#include <stdbool.h>
#include <time.h>

struct push;

/* One thing in the jail.  A name is at most two components, from the root,
 * without a leading slash. */
struct jail_entry {
	char	*name;
	char	*path;		/* of the folder that is shown, absolute */
	int	 fd;		/* of the same, to know it by; -1: an empty one
				 * is shown.  Belongs to the jail. */
	bool	 writable;
	time_t	 time;		/* of an empty one */
};

/* Zero-initialise; free with jail_free. */
struct jail {
	const char		*rsync;	/* absolute path of the program; it is
					 * there under the same path */
	const struct push	*push;	/* its overlay is mounted at `at`, or
					 * NULL */
	const char		*at;
	uid_t			 uid;	/* the user outside */
	gid_t			 gid;
	struct jail_entry	*v;
	size_t			 n;
};

/* Put a folder into the jail: that which fd is open on and which will still
 * be found as `path`.  Takes fd, also when it fails (ENOMEM). */
int	jail_add(struct jail *, const char *name, int fd, const char *path,
	    bool writable);

/* Put an empty folder with this time into the jail.  0, or -1 (ENOMEM). */
int	jail_add_empty(struct jail *, const char *name, time_t);

void	jail_free(struct jail *);

/* The namespaces that a process must have begun in to call jail_enter: flags
 * of clone(2). */
int	jail_namespaces(void);

/* Make the jail and go into it: afterwards the process's root holds the
 * entries, the program, the libraries and /dev/null, and no path leads out.
 * All but writable entries is read-only; no file in it but the program and the
 * libraries can be run.  0, or -1 with errno and *what naming the step. */
int	jail_enter(const struct jail *, const char **what);

#endif
