/* dumps_mysql.c: MariaDB and MySQL, by mysql(1) and mysqldump(1).
 * Nothing is locked: each database is read in one transaction.  Credentials
 * come from an option file; the command lines hold none.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>

#include "dumps.h"
#include "log.h"

#define QUERY_TIMEOUT	60	/* seconds */
#define KIND		"mysql"
#define DONE		"-- Dump completed"

/* What the server makes up by itself. */
#define VIRTUAL		"'information_schema','performance_schema','sys'"

static const char query_databases[] =
    "SELECT HEX(SCHEMA_NAME), DEFAULT_CHARACTER_SET_NAME, "
    "DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA "
    "WHERE SCHEMA_NAME NOT IN (" VIRTUAL ") ORDER BY SCHEMA_NAME";

/* Tables that a transaction does not hold still. */
static const char query_unsafe[] =
    "SELECT HEX(TABLE_SCHEMA), HEX(TABLE_NAME), ENGINE "
    "FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' "
    "AND TABLE_SCHEMA NOT IN ('mysql'," VIRTUAL ") "
    "AND ENGINE NOT IN ('InnoDB','RocksDB','TokuDB','BLACKHOLE') "
    "ORDER BY TABLE_SCHEMA, TABLE_NAME";

static int
base_argv(struct strv *argv, const char *name, const struct db_conf *db)
{
	int rc = strv_add(argv, name);

	/* It must be the first option. */
	if (db->option_file != NULL)
		rc |= strv_addf(argv, "--defaults-extra-file=%s",
		    db->option_file);
	return rc | strv_add(argv, "--default-character-set=utf8mb4");
}

/* Run a query.  0 with the text, or -1 with why. */
static int
query(const struct db_conf *db, const char *sql, struct reply *r, char *why,
    size_t size)
{
	struct strv argv = { 0 };
	struct proc p = { .path = db->client, .argv = &argv, .out = reply_add,
	    .arg = r, .timeout = QUERY_TIMEOUT };
	int rc = -1;

	if (base_argv(&argv, "mysql", db) == 0 &&
	    strv_add(&argv, "--batch") == 0 &&
	    strv_add(&argv, "--skip-column-names") == 0 &&
	    strv_addf(&argv, "--execute=%s", sql) == 0 &&
	    proc_run(&p) == 0)
		rc = 0;
	else
		(void)proc_why(&p, why, size);
	strv_free(&argv);
	return rc;
}

/* The next field of a row, ended by a tab or the line's end. */
static char *
field(char **p)
{
	char *f = *p;

	if (f == NULL)
		return NULL;
	*p += strcspn(f, "\t");
	if (**p == '\0')
		*p = NULL;
	else
		*(*p)++ = '\0';
	return f;
}

/* CREATE DATABASE, for +database.sql; to be freed. */
static char *
create_text(const char *name, const char *charset, const char *collation)
{
	char *text = NULL;
	size_t len;
	FILE *f;

	if ((f = open_memstream(&text, &len)) == NULL)
		return NULL;
	fputs("CREATE DATABASE IF NOT EXISTS `", f);
	for (; *name != '\0'; name++)
		fprintf(f, *name == '`' ? "``" : "%c", *name);
	fprintf(f, "` CHARACTER SET %s COLLATE %s;\n", charset, collation);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void
dump_database(struct dumps *d, const char *name, const char *create)
{
	static const char *const options[] = { "--single-transaction",
	    "--quick", "--routines", "--events", "--triggers",
	    "--skip-lock-tables", "--skip-dump-date", "--hex-blob",
	    "--no-tablespaces", "--comments" };
	const struct db_conf *db = &d->c->mysql;
	struct strv argv = { 0 };
	struct proc p = { .path = db->dump, .argv = &argv };
	const struct dump_what what = { .kind = KIND, .name = name,
	    .done = DONE, .whole = !db->per_table, .prefix = create };
	size_t i;
	int rc;

	rc = base_argv(&argv, "mysqldump", db);
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		rc |= strv_add(&argv, options[i]);
	rc |= strv_add(&argv, "--") | strv_add(&argv, name);
	if (rc == 0)
		(void)dump_run(d, &p, &what, db);
	else
		dump_missing(d, &what, "no memory");
	strv_free(&argv);
}

/* One row of query_databases. */
static void
take_database(struct dumps *d, char *row, struct strv *keep)
{
	char *name = field(&row), *charset = field(&row);
	char *collation = field(&row), *create, file[DUMP_NAME];

	if (charset == NULL || collation == NULL || unhex(name) == -1 ||
	    !db_wanted(&d->c->mysql, name))
		return;
	create = create_text(name, charset, collation);
	dump_database(d, name, create);
	free(create);
	if (dump_file_name(file, name, strlen(name)) == 0)
		(void)strv_add(keep, file);
}

static void
warn_unsafe(const struct db_conf *db)
{
	struct reply r = { 0 };
	char *line, *rest, *db_name, *table, *engine, why[256];

	if (query(db, query_unsafe, &r, why, sizeof(why)) == -1)
		log_warnx(KIND ": cannot ask for the tables' engines: %s", why);
	for (rest = r.text; (line = strsep(&rest, "\n")) != NULL;) {
		db_name = field(&line);
		table = field(&line);
		engine = field(&line);
		if (engine != NULL && unhex(db_name) == 0 &&
		    unhex(table) == 0 && db_wanted(db, db_name))
			log_warnx(KIND ": table %s.%s is of the engine %s, "
			    "which knows no transactions: a dump of it may be "
			    "torn", db_name, table, engine);
	}
	free(r.text);
}

static void
warn_option_file(const struct db_conf *db)
{
	struct stat st;

	if (db->option_file != NULL && stat(db->option_file, &st) == 0 &&
	    (st.st_mode & (S_IRGRP | S_IROTH | S_IWGRP | S_IWOTH)) != 0)
		log_warnx("%s: may be read by others (mode %04o)",
		    db->option_file, (unsigned)st.st_mode & 07777);
}

void
mysql_dump_all(struct dumps *d)
{
	const struct db_conf *db = &d->c->mysql;
	struct strv keep = { 0 };
	struct reply r = { 0 };
	char *line, *rest, why[256];

	warn_option_file(db);
	if (query(db, query_databases, &r, why, sizeof(why)) == -1) {
		dumps_none(d, KIND, why);
		free(r.text);
		return;
	}
	warn_unsafe(db);
	for (rest = r.text; (line = strsep(&rest, "\n")) != NULL;)
		if (signal_caught() == 0)
			take_database(d, line, &keep);
	dumps_finish(d, KIND, db, &keep);
	strv_free(&keep);
	free(r.text);
}

int
mysql_login(const struct irsync_conf *c, char *why, size_t size)
{
	struct reply r = { 0 };
	int rc = query(&c->mysql, "SELECT 1", &r, why, size);

	free(r.text);
	return rc;
}
