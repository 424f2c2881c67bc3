/* conf_int.h: reading irsync.conf(5), between its files.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef IRSYNC_CONF_INT_H
#define IRSYNC_CONF_INT_H

#include "conf.h"
#include "irsync.h"

/* One section, or the top, of a configuration that libconfuse has parsed. */
struct section {
	cfg_t		*cfg;
	const char	*text;	/* the whole file */
	unsigned	 line;	/* where the section begins, from 1 */
	struct diags	*ds;
};

/* Report an error about a value of a key: at the value if it can be found,
 * else at the key, else at the section.  value may be NULL. */
void	complain(const struct section *, const char *key, const char *value,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void	complain_memory(const struct section *);

/* The sections of this kind; begin at `from` with the line of their title. */
struct section	section_nth(const struct section *, const char *kind,
		    unsigned i);

/* Was the key set in this section?  Only for keys with CFGF_NODEFAULT. */
bool	is_set(const struct section *, const char *key);

/* NULL, or what is wrong with an absolute path. */
const char	*path_fault(const char *);

/* A copy without doubled and trailing slashes, or NULL. */
char	*path_tidy(const char *);

/* Take the value of a key if it is set and right; complain otherwise. */
void	take_file(const struct section *, const char *key, char **out);
void	take_text(const struct section *, const char *key, char **out);
void	take_number(const struct section *, const char *key, long min,
	    long max, unsigned *out);
void	take_seconds(const struct section *, const char *key, unsigned min,
	    unsigned *out);
void	take_rate(const struct section *, const char *key, uint64_t *out);

void	take_bool(const struct section *, const char *key, bool *out);

/* Take a list; each value must pass `fault`, which says what is wrong. */
void	take_list(const struct section *, const char *key,
	    const char *(*fault)(const char *), struct strv *out);

/* conf_storage.c */

/* The keys of a connection, at the top and in a storage's section. */
#define CONNECTION_KEYS							\
	CFG_STR("identity", NULL, CFGF_NODEFAULT),			\
	CFG_INT("port", 0, CFGF_NODEFAULT),				\
	CFG_STR("ssh_config", NULL, CFGF_NODEFAULT),			\
	CFG_STR_LIST("ssh_options", NULL, CFGF_NODEFAULT),		\
	CFG_STR("bwlimit", NULL, CFGF_NODEFAULT),			\
	CFG_STR("rate", NULL, CFGF_NODEFAULT),				\
	CFG_STR("timeout", NULL, CFGF_NODEFAULT),			\
	CFG_BOOL("unmanaged", cfg_false, CFGF_NODEFAULT)

/* Is storage written as sections here, `storage "name" { … }`?  libconfuse
 * wants to know before it parses. */
bool	storages_are_sections(const char *text);

/* Take all of them. */
void	take_storages(const struct section *top, bool sections,
	    struct irsync_conf *);

/* conf_paths.c */

/* The keys of paths at the top, and of a path's section. */
#define PATHS_KEYS							\
	CFG_STR_LIST("paths", NULL, CFGF_NONE),				\
	CFG_STR_LIST("exclude", NULL, CFGF_NODEFAULT),			\
	CFG_STR_LIST("exclude_from", NULL, CFGF_NODEFAULT),		\
	CFG_BOOL("one_file_system", cfg_false, CFGF_NODEFAULT),		\
	CFG_BOOL("cachedir_tag", cfg_false, CFGF_NODEFAULT),		\
	CFG_STR_LIST("skip_marked", NULL, CFGF_NODEFAULT)
#define PATH_KEYS							\
	CFG_STR_LIST("exclude", NULL, CFGF_NODEFAULT),			\
	CFG_STR_LIST("exclude_from", NULL, CFGF_NODEFAULT),		\
	CFG_BOOL("one_file_system", cfg_false, CFGF_NODEFAULT),		\
	CFG_BOOL("optional", cfg_false, CFGF_NODEFAULT)

void	take_paths(const struct section *top, struct irsync_conf *);
void	path_conf_free(struct path_conf *);

/* conf_extra.c: databases, hooks, notifications */

#define MYSQL_KEYS							\
	CFG_STR("option_file", NULL, CFGF_NODEFAULT),			\
	CFG_STR_LIST("databases", NULL, CFGF_NODEFAULT),		\
	CFG_STR_LIST("skip", NULL, CFGF_NODEFAULT),			\
	CFG_STR("per", NULL, CFGF_NODEFAULT),				\
	CFG_STR("compress", NULL, CFGF_NODEFAULT),			\
	CFG_STR("timeout", NULL, CFGF_NODEFAULT),			\
	CFG_STR("client", NULL, CFGF_NODEFAULT),			\
	CFG_STR("dump", NULL, CFGF_NODEFAULT)
#define POSTGRESQL_KEYS							\
	CFG_STR("user", NULL, CFGF_NODEFAULT),				\
	CFG_STR("password_file", NULL, CFGF_NODEFAULT),			\
	CFG_STR_LIST("databases", NULL, CFGF_NODEFAULT),		\
	CFG_STR_LIST("skip", NULL, CFGF_NODEFAULT),			\
	CFG_STR_LIST("options", NULL, CFGF_NODEFAULT),			\
	CFG_STR("compress", NULL, CFGF_NODEFAULT),			\
	CFG_STR("timeout", NULL, CFGF_NODEFAULT),			\
	CFG_STR("psql", NULL, CFGF_NODEFAULT),				\
	CFG_STR("pg_dump", NULL, CFGF_NODEFAULT),			\
	CFG_STR("pg_dumpall", NULL, CFGF_NODEFAULT)
#define EXTRA_KEYS							\
	CFG_STR_LIST("before", NULL, CFGF_NODEFAULT),			\
	CFG_STR_LIST("after", NULL, CFGF_NODEFAULT),			\
	CFG_STR("hook_timeout", NULL, CFGF_NODEFAULT),			\
	CFG_INT("nice", 0, CFGF_NODEFAULT),				\
	CFG_STR("ionice", NULL, CFGF_NODEFAULT),			\
	CFG_STR("prometheus", NULL, CFGF_NODEFAULT),			\
	CFG_STR("ping", NULL, CFGF_NODEFAULT),				\
	CFG_STR("mail", NULL, CFGF_NODEFAULT),				\
	CFG_STR("curl", NULL, CFGF_NODEFAULT),				\
	CFG_STR("sendmail", NULL, CFGF_NODEFAULT),			\
	CFG_STR("tc", NULL, CFGF_NODEFAULT),				\
	CFG_STR("ip", NULL, CFGF_NODEFAULT)

/* Set what is not set in the file.  0, or -1. */
int	extra_defaults(struct irsync_conf *);

void	take_extra(const struct section *top, struct irsync_conf *);
void	extra_free(struct irsync_conf *);

#endif
