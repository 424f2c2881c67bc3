/* checklive.c: is what the newest snapshot holds what the living files hold?
 *
 * rsync reads both sides whole (--checksum --dry-run) and says which files it
 * would send.  A file that was changed or replaced since shows that by its
 * times, which nobody but the kernel sets.  What differs without that was
 * damaged, here or there, or was changed behind everybody's back; and where
 * size and time are the same, the next backup would not see it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "json.h"
#include "log.h"
#include "look.h"
#include "term.h"

#define SAMPLE		200		/* files, unless said otherwise */
#define SAMPLE_MAX	1000000
#define ITEM		11		/* width of rsync's %i */

enum live
live_judge(const char *line, const struct stat *file,
    const struct stat *folder, time_t since)
{
	bool new;

	/* Only a file whose content would be sent. */
	if (strnlen(line, ITEM + 2) < ITEM + 2 || line[ITEM] != ' ' ||
	    (line[0] != '>' && line[0] != '<') || line[1] != 'f')
		return LIVE_SAME;
	new = line[2] == '+';
	if (file == NULL || new)
		return folder == NULL || folder->st_mtime >= since ?
		    LIVE_GONE : LIVE_MISSING;
	/* Size and time as they were: nothing that is meant to change a file
	 * leaves both. */
	if (line[3] != 's' && line[4] != 't' && line[4] != 'T')
		return LIVE_DAMAGED;
	return file->st_mtime >= since || file->st_ctime >= since ?
	    LIVE_CHANGED : LIVE_DAMAGED;
}

/* A random sample of a listing's files, by reservoir. */
struct sample {
	struct listing	 one;		/* the last line's entry */
	char		**v;
	size_t		 n;
	size_t		 most;
	uint64_t	 met;
	bool		 failed;
};

static void
sample_line(void *arg, const char *line)
{
	struct sample *s = arg;
	const char *path;
	uint64_t at;
	char *copy;

	listing_forget(&s->one);
	listing_line(&s->one, line);
	if (s->one.n == 0 || s->one.v[0].type != 'f' ||
	    strlen(s->one.v[0].path) <= STAMP_LEN)
		return;
	path = s->one.v[0].path + STAMP_LEN;
	s->met++;
	at = s->n < s->most ? s->n :
	    ((uint64_t)arc4random() << 32 | arc4random()) % s->met;
	if (at >= s->most)
		return;
	if ((copy = strdup(path)) == NULL) {
		s->failed = true;
		return;
	}
	if (at < s->n)
		free(s->v[at]);
	else
		s->n++;
	s->v[at] = copy;
}

static void
sample_free(struct sample *s)
{
	while (s->n > 0)
		free(s->v[--s->n]);
	free(s->v);
	listing_free(&s->one);
}

/* Choose files of a snapshot.  A status. */
static int
choose_sample(struct irsync *ir, const char *stamp, size_t most,
    struct strv *paths, uint64_t *of)
{
	struct sample s = { .most = most };
	struct strv names = { 0 };
	size_t i;
	int status = BS_FAIL;

	if ((s.v = calloc(most, sizeof(*s.v))) == NULL ||
	    strv_add(&names, stamp) == -1)
		log_warn("sample");
	else
		status = look_each(ir, &names, true, sample_line, &s);
	for (i = 0; status == BS_OK && i < s.n; i++)
		if (s.failed || strv_add(paths, s.v[i]) == -1)
			status = BS_FAIL;
	*of = s.met;
	sample_free(&s);
	strv_free(&names);
	return status;
}

struct checking {
	struct irsync		*ir;
	struct snapshot		 snap;
	struct rsync_counts	 counts;
	bool			 progress;
	struct run		 run;
	uint64_t		 looked;	/* entries */
	uint64_t		 of;		/* entries; 0: not known */
	time_t			 shown;		/* progress, last time */
	uint64_t		 found[LIVE_DAMAGED + 1];
	json_t			*list;
};

/* Once a second.  Each entry has a line, those that are alike too. */
static void
live_progress(struct checking *k)
{
	time_t now = time(NULL);
	char line[200], of[40] = "";

	if (now == k->shown)
		return;
	k->shown = now;
	if (k->of >= k->looked)
		snprintf(of, sizeof(of), " of %llu",
		    (unsigned long long)k->of);
	snprintf(line, sizeof(line), "%s: %llu%s entries compared, "
	    "%llu damaged", k->snap.stamp, (unsigned long long)k->looked, of,
	    (unsigned long long)k->found[LIVE_DAMAGED]);
	term_line(stderr, line);
	k->run.standing = true;
}

/* lstat(2) of a file and of the folder that it is in. */
static enum live
judge_now(const char *line, const char *path, time_t since)
{
	struct stat file, folder;
	char *copy, *slash;
	int have_file, have_folder = -1;

	have_file = lstat(path, &file);
	if ((copy = strdup(path)) != NULL &&
	    (slash = strrchr(copy, '/')) != NULL) {
		slash[slash == copy] = '\0';
		have_folder = stat(copy, &folder);
	}
	free(copy);
	return live_judge(line, have_file == 0 ? &file : NULL,
	    have_folder == 0 ? &folder : NULL, since);
}

static void
check_line(void *arg, const char *line)
{
	static const char *const texts[] = {
		"the same", "changed since", "deleted since",
		"is missing, though its folder has not changed since",
		"has another content, though nothing has changed it since",
	};
	struct checking *k = arg;
	struct rsync_progress pr;
	enum live live;
	char *path;

	if (out_parse(line, &k->counts, &pr) != OUT_ITEM)
		return;
	k->looked++;
	if (k->progress)
		live_progress(k);
	if (line[0] == '.' || asprintf(&path, "/%s", line + ITEM + 1) == -1)
		return;
	rsync_unescape(path);
	live = judge_now(line, path, k->snap.recorded && k->snap.started > 0 ?
	    k->snap.started : k->snap.time);
	k->found[live]++;
	if (live != LIVE_SAME)
		show_clear(&k->run.standing);
	if (live >= LIVE_MISSING)
		log_warnx("%s: %s %s", path, texts[live], k->snap.stamp);
	else if (live != LIVE_SAME)
		log_debug("%s: %s %s", path, texts[live], k->snap.stamp);
	if (live != LIVE_SAME)
		(void)json_array_append_new(k->list, json_pack(
		    "{s:o, s:s}", "path", json_text(path), "found",
		    live == LIVE_CHANGED ? "changed" : live == LIVE_GONE ?
		    "deleted" : live == LIVE_MISSING ? "missing" :
		    "damaged"));
	free(path);
}

static int
report(struct checking *k, uint64_t compared, uint64_t of)
{
	const uint64_t *f = k->found;
	uint64_t differ = f[LIVE_CHANGED] + f[LIVE_GONE] + f[LIVE_MISSING] +
	    f[LIVE_DAMAGED];
	int status = f[LIVE_MISSING] + f[LIVE_DAMAGED] > 0 ? BS_FAIL : BS_OK;
	json_t *j;

	if (!k->ir->json) {
		printf("%s: %llu of %llu files compared: %llu the same, %llu "
		    "changed and %llu deleted since, %llu missing, %llu "
		    "damaged\n", k->snap.stamp, (unsigned long long)compared,
		    (unsigned long long)of,
		    (unsigned long long)(compared > differ ?
		    compared - differ : 0),
		    (unsigned long long)f[LIVE_CHANGED],
		    (unsigned long long)f[LIVE_GONE],
		    (unsigned long long)f[LIVE_MISSING],
		    (unsigned long long)f[LIVE_DAMAGED]);
		return status;
	}
	j = json_pack("{s:s, s:o, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, "
	    "s:O}", "host", k->ir->conf.host, "storage",
	    json_text(k->ir->conf.storage->text), "snapshot", k->snap.stamp,
	    "exit", status, "files", (json_int_t)of,
	    "compared", (json_int_t)compared,
	    "changed", (json_int_t)f[LIVE_CHANGED],
	    "deleted", (json_int_t)f[LIVE_GONE],
	    "missing", (json_int_t)f[LIVE_MISSING],
	    "damaged", (json_int_t)f[LIVE_DAMAGED], "found", k->list);
	return json_print(stdout, j, JSON_INDENT(2)) == -1 ? BS_FAIL : status;
}

/* Compare these paths, or with none all. */
static int
compare(struct checking *k, const struct strv *paths, uint64_t of)
{
	struct restore_options o = { .dry_run = true, .in_place = true,
	    .checksum = true, .unchanged = k->progress };
	struct run *r = &k->run;
	char text[512];
	int status;

	*r = (struct run){ .path = k->ir->conf.rsync, .in = -1,
	    .each = check_line, .each_arg = k };
	/* With a sample, its folders have lines too. */
	if (paths->n == 0 && k->snap.recorded)
		k->of = k->snap.entries;
	if (paths->n > 0 && (r->in = look_names(paths, -1)) == -1) {
		log_warn("names");
		return BS_FAIL;
	}
	status = storage_restore(k->ir, k->snap.stamp, paths, "", &o, r);
	if (r->in != -1)
		close(r->in);
	if (status == BS_OK)
		return report(k, paths->n > 0 ? paths->n : k->counts.files,
		    paths->n > 0 ? of : k->counts.files);
	if (signal_caught() != 0)
		return status;
	failure_text(text, sizeof(text), r, status);
	log_warnx("%s: %s", k->snap.stamp, text);
	if (k->ir->json)
		look_json_error(k->ir, status, text);
	return status;
}

int
live_check(struct irsync *ir)
{
	struct checking k = { .ir = ir,
	    .progress = ir->progress && !ir->json };
	struct strv paths = { 0 };
	const char *err = NULL;
	size_t most = SAMPLE;
	uint64_t of = 0;
	int status;

	if (ir->sample != NULL)
		most = (size_t)strtonum(ir->sample, 1, SAMPLE_MAX, &err);
	if (err != NULL || (ir->sample != NULL && ir->all)) {
		log_warnx("--sample: a number of files from 1 to %d, without "
		    "--all", SAMPLE_MAX);
		return BS_USAGE;
	}
	if ((k.list = json_array()) == NULL)
		return BS_FAIL;
	status = look_choose(ir, "latest", &k.snap);
	if (status == BS_OK && !ir->all)
		status = choose_sample(ir, k.snap.stamp, most, &paths, &of);
	if (status == BS_OK && !ir->all && paths.n == 0)
		status = report(&k, 0, of);
	else if (status == BS_OK)
		status = compare(&k, &paths, of);
	strv_free(&paths);
	json_decref(k.list);
	return status;
}
