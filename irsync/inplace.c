/* inplace.c: a restore over the living files: what it would change is shown
 * first, and asked about.
 *
 * It deletes nothing: what is there now and was not then stays.  The folders
 * above what is restored stay as they are; those that are missing are made as
 * they were.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "human.h"
#include "log.h"
#include "look.h"

#define ITEM	11		/* width of rsync's %i */

char
item_parse(const char *line, const char **name, char *what, size_t size)
{
	static const struct {
		int		 at;
		char		 letter;
		const char	*text;
	} rows[] = {
		{ 2, 'c', "content" }, { 3, 's', "size" }, { 4, 't', "time" },
		{ 5, 'p', "mode" }, { 6, 'o', "owner" }, { 7, 'g', "group" },
		{ 9, 'a', "ACL" }, { 10, 'x', "attributes" },
	};
	size_t i;

	what[0] = '\0';
	if (strnlen(line, ITEM + 2) < ITEM + 2 || line[ITEM] != ' ' ||
	    strchr("<>ch.", line[0]) == NULL ||
	    strchr("fdLDS", line[1]) == NULL)
		return 0;
	*name = line + ITEM + 1;
	if (line[2] == '+')
		return '+';
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (line[rows[i].at] == rows[i].letter ||
		    (rows[i].letter == 't' && line[4] == 'T')) {
			if (what[0] != '\0')
				(void)strlcat(what, ", ", size);
			(void)strlcat(what, rows[i].text, size);
		}
	return what[0] == '\0' ? 0 : '*';
}

struct preview {
	unsigned long long	 created, changed;
};

/* A line of the dry run. */
static void
show_line(void *arg, const char *line)
{
	struct preview *p = arg;
	const char *name;
	char what[80], kind;

	if ((kind = item_parse(line, &name, what, sizeof(what))) == 0)
		return;
	printf("%c /", kind);
	look_print(name);
	if (kind == '+') {
		p->created++;
		putchar('\n');
	} else {
		p->changed++;
		printf("  (%s)\n", what);
	}
}

/* One transfer, tried or done.  `some`: of these paths, else of all. */
static int
transfer(struct irsync *ir, const char *stamp, const struct strv *paths,
    bool only_dirs, struct preview *try, struct run *r)
{
	struct restore_options o = { .in_place = true, .dry_run = try != NULL,
	    .only_dirs = only_dirs,
	    .progress = ir->progress && try == NULL };
	int status;

	*r = (struct run){ .path = ir->conf.rsync, .in = -1,
	    .items = ir->verbose, .progress = o.progress,
	    .each = try != NULL ? show_line : NULL, .each_arg = try };
	if (paths->n > 0 && (r->in = look_names(paths, -1)) == -1) {
		log_warn("names");
		return BS_FAIL;
	}
	status = storage_restore(ir, stamp, paths, "", &o, r);
	if (r->in != -1)
		close(r->in);
	return status;
}

/* rsync follows no symbolic link to where it writes; say so before it does. */
static int
check_links(const struct strv *paths)
{
	size_t i;
	int fd, rc = 0;

	if ((fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		return 0;
	for (i = 0; i < paths->n; i++)
		if (path_leads_out(fd, paths->v[i])) {
			log_warnx("%s: a folder above it is a symbolic link "
			    "now; restore with --to", paths->v[i]);
			rc = -1;
		}
	close(fd);
	return rc;
}

/* The folders above the paths that are not there, each above those below
 * it. */
static int
missing_above(const struct strv *paths, struct strv *dirs)
{
	struct stat st;
	char *copy, *p;
	size_t i;
	int rc = 0;

	for (i = 0; i < paths->n && rc == 0; i++) {
		if ((copy = strdup(paths->v[i])) == NULL)
			return -1;
		for (p = copy + strspn(copy, "/");
		    rc == 0 && (p = strchr(p, '/')) != NULL; p++) {
			*p = '\0';
			if (stat(copy, &st) == -1 && !strv_has(dirs, copy))
				rc = strv_add(dirs, copy);
			*p = '/';
		}
		free(copy);
	}
	return rc;
}

/* All of it: the folders above, then the paths. */
static int
run_both(struct irsync *ir, const char *stamp, const struct strv *dirs,
    const struct strv *paths, struct preview *try, struct run *r)
{
	struct run again;
	int status = BS_OK;

	if (dirs->n > 0)
		status = transfer(ir, stamp, dirs, true, try, r);
	if (status == BS_OK || status == BS_PARTIAL)
		status = status_worse(status,
		    transfer(ir, stamp, paths, false, try, r));
	/* What came into them has changed their times. */
	if (dirs->n > 0 && try == NULL &&
	    (status == BS_OK || status == BS_PARTIAL))
		status = status_worse(status,
		    transfer(ir, stamp, dirs, true, NULL, &again));
	return status;
}

/* Ask at the terminal. */
static bool
agreed(const struct preview *p)
{
	char answer[16];

	if (isatty(STDIN_FILENO) != 1) {
		log_warnx("nothing was changed: without a terminal to ask at, "
		    "say --yes");
		return false;
	}
	printf("Overwrite or change %llu and create %llu in place? [y/N] ",
	    p->changed, p->created);
	fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	log_warnx("nothing was changed");
	return false;
}

static int
finish(const char *stamp, const struct run *r, int status)
{
	char size[HUMAN_SIZE], text[512];

	if (signal_caught() != 0)
		return status;
	human_size(size, r->counts.transferred_size);
	if (status == BS_OK || status == BS_PARTIAL)
		printf("%s in place: %s: %llu entries, %llu file%s with %s "
		    "received\n", stamp, status == BS_OK ? "complete" :
		    "partial", (unsigned long long)r->counts.entries,
		    (unsigned long long)r->counts.transferred,
		    r->counts.transferred == 1 ? "" : "s", size);
	else {
		failure_text(text, sizeof(text), r, status);
		log_warnx("%s in place: %s", stamp, text);
	}
	return status;
}

int
restore_in_place(struct irsync *ir, const char *stamp,
    const struct strv *paths)
{
	struct strv dirs = { 0 };
	struct preview p = { 0, 0 };
	struct run r = { .in = -1 };
	int status = BS_FAIL;

	if (check_links(paths) == -1)
		return BS_FAIL;
	if (missing_above(paths, &dirs) == -1) {
		log_warn("%s", stamp);
		goto out;
	}
	status = run_both(ir, stamp, &dirs, paths, &p, &r);
	if (status != BS_OK) {
		(void)finish(stamp, &r, status == BS_PARTIAL ? BS_FAIL :
		    status);
		if (status == BS_PARTIAL)
			status = BS_FAIL;
		goto out;
	}
	if (p.created + p.changed == 0) {
		printf("%s: all of that is as it was then\n", stamp);
		goto out;
	}
	if (ir->dry_run)
		goto out;
	if (!ir->yes && !agreed(&p)) {
		status = BS_FAIL;
		goto out;
	}
	status = finish(stamp, &r, run_both(ir, stamp, &dirs, paths, NULL,
	    &r));
out:
	strv_free(&dirs);
	return status;
}
