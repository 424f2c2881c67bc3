/* scratch.c: a folder for a moment, which goes again whatever happens: in the
 * end, or, where that was a SIGKILL, with the next run.  Its owner holds a lock
 * on it, so that one whose owner lives is left alone.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "scratch.h"
#include "store_tree.h"

#define PREFIX	"irsync."
#define RANDOM	"XXXXXX"
#define STALE	60	/* seconds: its owner has locked it since */

/* Has nobody a lock on it, whose folder it was? */
static bool
is_left(int parent, const char *name)
{
	struct stat st;
	bool left;
	int fd;

	if ((fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1)
		return false;
	left = fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    (st.st_mode & 077) == 0 && st.st_mtime < time(NULL) - STALE &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return left;
}

/* What cannot be removed is the next run's affair, too. */
static void
sweep(const char *tmp, int parent)
{
	struct dirent *de;
	DIR *dir;

	if ((dir = opendir(tmp)) == NULL)
		return;
	while ((de = readdir(dir)) != NULL)
		if (strncmp(de->d_name, PREFIX, strlen(PREFIX)) == 0 &&
		    strlen(de->d_name) == strlen(PREFIX RANDOM) &&
		    is_left(parent, de->d_name))
			(void)tree_remove(parent, de->d_name);
	closedir(dir);
}

static void
scratch_free(struct scratch *s)
{
	if (s->fd != -1)
		close(s->fd);
	if (s->parent != -1)
		close(s->parent);
	free(s->path);
	s->path = NULL;
	s->fd = s->parent = -1;
}

int
scratch_make(struct scratch *s)
{
	const char *tmp = getenv("TMPDIR");

	memset(s, 0, sizeof(*s));
	s->fd = s->parent = -1;
	if (tmp == NULL || tmp[0] != '/')
		tmp = "/tmp";
	/* The parent is opened first: what is removed may be a mount point's,
	 * but nothing that is mounted. */
	if (asprintf(&s->path, "%s/" PREFIX RANDOM, tmp) == -1)
		s->path = NULL;
	else if ((s->parent = open(tmp, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) != -1) {
		sweep(tmp, s->parent);
		if (mkdtemp(s->path) != NULL && (s->fd = open(s->path,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) != -1 &&
		    flock(s->fd, LOCK_EX | LOCK_NB) == 0) {
			s->name = strrchr(s->path, '/') + 1;
			return 0;
		}
	}
	log_warn("%s", s->path != NULL ? s->path : tmp);
	scratch_free(s);
	return -1;
}

void
scratch_remove(struct scratch *s)
{
	if (tree_remove(s->parent, s->name) == -1)
		log_warn("%s", s->path);
	scratch_free(s);
}
