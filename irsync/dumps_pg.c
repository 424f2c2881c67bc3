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

/* Run a dumper in a database. */
static void
dump(struct dumps *d, const char *program, const char *database,
    struct strv *argv, const struct dump_what *what)
{
	const struct db_conf *db = &d->c->postgresql;
	struct strv env = { 0 };
	struct proc p = { .path = program, .argv = argv, .env = &env,
	    .user = db->user };

	if (environment(&env, db, database) == 0 &&
	    strv_add(argv, "--no-password") == 0 &&
	    strv_addall(argv, &db->options) == 0)
		(void)dump_run(d, &p, what, db);
	else
		dump_missing(d, what, "no memory");
	strv_free(&env);
}

/* What belongs to no database: accounts and table spaces. */
static void
dump_globals(struct dumps *d, bool restricted, struct strv *keep)
{
	const struct dump_what what = { .kind = KIND, .name = "globals",
	    .folder = GLOBALS, .whole = true,
	    .done = "-- PostgreSQL database cluster dump complete" };
	struct strv argv = { 0 };

	if (strv_add(&argv, "pg_dumpall") == 0 &&
	    strv_add(&argv, "--globals-only") == 0 &&
	    (!restricted || strv_add(&argv, "--restrict-key=irsync") == 0))
		dump(d, d->c->postgresql.dumpall, "postgres", &argv, &what);
	strv_free(&argv);
	(void)strv_add(keep, GLOBALS);
}

static void
dump_database(struct dumps *d, const char *name, bool restricted)
{
	const struct dump_what what = { .kind = KIND, .name = name,
	    .whole = true, .done = "-- PostgreSQL database dump complete" };
	struct strv argv = { 0 };

	if (strv_add(&argv, "pg_dump") == 0 &&
	    strv_add(&argv, "--format=plain") == 0 &&
	    (!restricted || strv_add(&argv, "--restrict-key=irsync") == 0))
		dump(d, d->c->postgresql.dump, name, &argv, &what);
	strv_free(&argv);
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
		dumps_none(d, KIND, why);
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
	dumps_finish(d, KIND, db, &keep);
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
