/* conf_paths.c: irsync.conf(5): what is backed up, and what is left out.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>

#include "conf_int.h"

static void
add_path(const struct section *s, const char *value, struct irsync_conf *c)
{
	const char *why;
	char *tidy;

	if ((why = path_fault(value)) != NULL) {
		complain(s, "paths", value, "paths: %s: %s", value, why);
		return;
	}
	if ((tidy = path_tidy(value)) == NULL)
		complain_memory(s);
	else if (strv_has(&c->paths, tidy))
		complain(s, "paths", value, "paths: %s stands there twice",
		    tidy);
	else if (strv_add(&c->paths, tidy) == -1)
		complain_memory(s);
	free(tidy);
}

/* A pattern "!" would clear the list that our own rules stand in. */
static const char *
pattern_fault(const char *value)
{
	if (value[0] == '\0' || strcmp(value, "!") == 0 ||
	    strpbrk(value, "\n\r") != NULL)
		return "not a pattern";
	return NULL;
}

static const char *
file_fault(const char *value)
{
	return value[0] != '/' || strpbrk(value, "\n\r") != NULL ?
	    "not an absolute path" : NULL;
}

/* The name of a file, without folders. */
static const char *
name_fault(const char *value)
{
	if (value[0] == '\0' || strpbrk(value, "/\n\r*?[\\") != NULL ||
	    strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
		return "not the name of a file";
	return NULL;
}

/* `path "/x" { … }`: backed up too, and what is told of it. */
static void
take_path(const struct section *s, struct irsync_conf *c)
{
	const char *title = cfg_title(s->cfg);
	struct path_conf *v, *p;

	if (path_fault(title) != NULL) {
		complain(s, "path", title, "path: %s: %s", title,
		    path_fault(title));
		return;
	}
	if ((v = reallocarray(c->path, c->npath + 1, sizeof(*v))) == NULL) {
		complain_memory(s);
		return;
	}
	c->path = v;
	p = &v[c->npath++];
	memset(p, 0, sizeof(*p));
	p->one_file_system = c->one_file_system;
	if ((p->path = path_tidy(title)) == NULL || (!strv_has(&c->paths,
	    p->path) && strv_add(&c->paths, p->path) == -1)) {
		complain_memory(s);
		return;
	}
	take_list(s, "exclude", pattern_fault, &p->exclude);
	take_list(s, "exclude_from", file_fault, &p->exclude_from);
	take_bool(s, "one_file_system", &p->one_file_system);
	take_bool(s, "optional", &p->optional);
}

void
take_paths(const struct section *top, struct irsync_conf *c)
{
	struct section s;
	unsigned i;

	take_list(top, "exclude", pattern_fault, &c->exclude);
	take_list(top, "exclude_from", file_fault, &c->exclude_from);
	take_list(top, "skip_marked", name_fault, &c->skip_marked);
	take_bool(top, "one_file_system", &c->one_file_system);
	take_bool(top, "cachedir_tag", &c->cachedir_tag);
	for (i = 0; i < cfg_size(top->cfg, "paths"); i++)
		add_path(top, cfg_getnstr(top->cfg, "paths", i), c);
	for (i = 0; i < cfg_size(top->cfg, "path"); i++) {
		s = section_nth(top, "path", i);
		take_path(&s, c);
	}
	if (cfg_size(top->cfg, "paths") == 0 && i == 0)
		complain(top, "paths", NULL, "paths is not set: nothing would "
		    "be backed up");
}

void
path_conf_free(struct path_conf *p)
{
	free(p->path);
	strv_free(&p->exclude);
	strv_free(&p->exclude_from);
	memset(p, 0, sizeof(*p));
}
