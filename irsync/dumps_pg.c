/* dumps_pg.c: PostgreSQL, by psql(1), pg_dump(1) and pg_dumpall(1), as the
 * server's own account.  Each database is read in one transaction.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>

#include "dumps.h"
#include "log.h"

#define QUERY_TIMEOUT	60	/* seconds */
#define KIND		"postgresql"
#define GLOBALS		"+globals"

static const char query_databases[] =
    "SELECT encode(convert_to(datname, 'UTF8'), 'hex') FROM pg_database "
    "WHERE datallowconn AND NOT datistemplate ORDER BY datname";

/* The database stands in the environment: on a command line a name with a '='
 * would be taken for more than a name. */
static int
environment(struct strv *env, const struct db_conf *db, const char *database)
{
	int rc = strv_addf(env, "PGDATABASE=%s", database) |
	    strv_add(env, "PGCLIENTENCODING=UTF8");

	if (db->option_file != NULL)
		rc |= strv_addf(env, "PGPASSFILE=%s", db->option_file);
	return rc;
}

/* Run one of the programs in a database.  Its status. */
static int
run(struct proc *p, const struct db_conf *db, struct strv *argv,
    const char *database)
{
	struct strv env = { 0 };
	int rc = -1;

	p->argv = argv;
	p->env = &env;
	p->user = db->user;
	if (p->timeout == 0)
		p->timeout = QUERY_TIMEOUT;
	if (environment(&env, db, database) == 0 &&
	    strv_add(argv, "--no-password") == 0 &&
	    strv_addall(argv, &db->options) == 0)
		rc = proc_run(p);
	p->env = NULL;
	strv_free(&env);
	return rc;
}

static int
query(const struct db_conf *db, const char *sql, struct reply *r, char *why,
    size_t size)
{
	struct strv argv = { 0 };
	struct proc p = { .path = db->client, .out = reply_add, .arg = r };
	int rc = -1;

	if (strv_add(&argv, "psql") == 0 && strv_add(&argv, "-XAtq") == 0 &&
	    strv_addf(&argv, "--command=%s", sql) == 0 &&
	    run(&p, db, &argv, "postgres") == 0)
		rc = 0;
	else
		(void)proc_why(&p, why, size);
	strv_free(&argv);
	return rc;
}

/* Since its security fix of August 2025 pg_dump puts a random word into each
 * dump, which would make every one a new one, unless it is told a word. */
static bool
has_restrict_key(const struct db_conf *db)
{
	struct strv argv = { 0 };
	struct reply r = { 0 };
	struct proc p = { .path = db->dump, .argv = &argv, .out = reply_add,
	    .arg = &r, .timeout = QUERY_TIMEOUT };
	bool has = strv_add(&argv, "pg_dump") == 0 &&
	    strv_add(&argv, "--help") == 0 && proc_run(&p) == 0 &&
	    r.text != NULL && strstr(r.text, "--restrict-key") != NULL;

	strv_free(&argv);
	free(r.text);
	return has;
}

static int
dump(struct dumps *d, const char *name, const struct strv *options,
    const char *program, const char *done)
{
	const struct db_conf *db = &d->c->postgresql;
	struct strv argv = { 0 }, env = { 0 };
	struct proc p = { .path = program, .argv = &argv, .env = &env,
	    .user = db->user };
	int rc = -1;

	if (environment(&env, db, strcmp(name, GLOBALS) == 0 ? "postgres" :
	    name) == 0 && strv_addall(&argv, options) == 0 &&
	    strv_add(&argv, "--no-password") == 0 &&
	    strv_addall(&argv, &db->options) == 0)
		rc = dump_run(d, &p, KIND, name, db, done, true, NULL);
	else
		dump_missing(d, KIND, name, "no memory");
	strv_free(&argv);
	strv_free(&env);
	return rc;
}

static void
dump_globals(struct dumps *d, bool restricted, struct strv *keep)
{
	struct strv o = { 0 };
	char file[DUMP_NAME];

	if (strv_add(&o, "pg_dumpall") == 0 &&
	    strv_add(&o, "--globals-only") == 0 &&
	    (!restricted || strv_add(&o, "--restrict-key=irsync") == 0))
		(void)dump(d, GLOBALS, &o, d->c->postgresql.dumpall,
		    "-- PostgreSQL database cluster dump complete");
	strv_free(&o);
	if (dump_file_name(file, GLOBALS, strlen(GLOBALS)) == 0)
		(void)strv_add(keep, file);
}

static void
dump_database(struct dumps *d, const char *name, bool restricted)
{
	struct strv o = { 0 };

	if (strv_add(&o, "pg_dump") == 0 &&
	    strv_add(&o, "--format=plain") == 0 &&
	    (!restricted || strv_add(&o, "--restrict-key=irsync") == 0))
		(void)dump(d, name, &o, d->c->postgresql.dump,
		    "-- PostgreSQL database dump complete");
	strv_free(&o);
}

static void
miss_absent(struct dumps *d, const struct strv *keep)
{
	const struct db_conf *db = &d->c->postgresql;
	char file[DUMP_NAME];
	size_t i;

	for (i = 0; i < db->databases.n; i++)
		if (dump_file_name(file, db->databases.v[i],
		    strlen(db->databases.v[i])) == -1 ||
		    !strv_has(keep, file))
			dump_missing(d, KIND, db->databases.v[i],
			    "there is no such database");
}

void
pg_dump_all(struct dumps *d)
{
	const struct db_conf *db = &d->c->postgresql;
	struct strv keep = { 0 };
	struct reply r = { 0 };
	char *line, *rest, why[256], file[DUMP_NAME];
	bool restricted;

	if (query(db, query_databases, &r, why, sizeof(why)) == -1) {
		if (signal_caught() == 0)
			dumps_forget(d, KIND, &keep);
		dump_missing(d, KIND, "all", why);
		free(r.text);
		return;
	}
	restricted = has_restrict_key(db);
	dump_globals(d, restricted, &keep);
	for (rest = r.text; (line = strsep(&rest, "\n")) != NULL;) {
		if (line[0] == '\0' || unhex(line) == -1 ||
		    !db_wanted(db, line) || signal_caught() != 0)
			continue;
		dump_database(d, line, restricted);
		if (dump_file_name(file, line, strlen(line)) == 0)
			(void)strv_add(&keep, file);
	}
	if (signal_caught() == 0) {
		miss_absent(d, &keep);
		dumps_forget(d, KIND, &keep);
	}
	strv_free(&keep);
	free(r.text);
}

int
pg_login(const struct irsync_conf *c, char *why, size_t size)
{
	struct reply r = { 0 };
	int rc = query(&c->postgresql, "SELECT 1", &r, why, size);

	free(r.text);
	return rc;
}
