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
	CFG_STR("timeout", NULL, CFGF_NODEFAULT)

/* Is storage written as sections here, `storage "name" { … }`?  libconfuse
 * wants to know before it parses. */
bool	storages_are_sections(const char *text);

/* Take all of them. */
void	take_storages(const struct section *top, bool sections,
	    struct irsync_conf *);

#endif
