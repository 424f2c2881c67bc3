/* cmd_status.c: irsync status: for monitoring, one line in the convention of
 * its plug-ins: of a client, each of its storages; with --store, on a server,
 * each of its clients.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "health.h"
#include "human.h"
#include "json.h"
#include "log.h"
#include "look.h"

#define MAX_AGE		(26 * 3600)	/* seconds: a day, and a late one */

struct row {
	char		*name;
	struct health	 h;
};

struct board {
	struct row	*v;
	size_t		 n;
	uint64_t	 max_age;
	const char	*what;		/* "client" or "storage" */
};

static int
board_add(struct board *b, const char *name, const struct health_facts *f)
{
	struct row *more;

	if ((more = reallocarray(b->v, b->n + 1, sizeof(*more))) == NULL)
		return -1;
	b->v = more;
	if ((more[b->n].name = strdup(name)) == NULL)
		return -1;
	health_judge(f, &more[b->n].h);
	b->n++;
	return 0;
}

static void
board_free(struct board *b)
{
	while (b->n > 0)
		free(b->v[--b->n].name);
	free(b->v);
}

int
status_unknown(const struct irsync *ir, const char *why)
{
	if (ir->json)
		(void)json_print(stdout, json_pack("{s:s, s:i, s:o}",
		    "status", level_name(LEVEL_UNKNOWN),
		    "exit", (int)LEVEL_UNKNOWN, "error", json_text(why)),
		    JSON_INDENT(2));
	else
		printf("IRSYNC UNKNOWN - %s\n", why);
	return LEVEL_UNKNOWN;
}

/* Name those of one level. */
static void
print_level(const struct board *b, enum level level, const char **between)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->v[i].h.level == level) {
			fputs(*between, stdout);
			look_print(b->v[i].name);
			printf("%s %s", b->v[i].name[label_len(
			    b->v[i].name)] == ':' ? "" : ":", b->v[i].h.text);
			*between = "; ";
		}
}

static void
print_board(const struct board *b, enum level worst)
{
	static const enum level order[] = {
		LEVEL_CRITICAL, LEVEL_WARNING, LEVEL_UNKNOWN, LEVEL_OK
	};
	const char *between = "";
	char perf[1200];
	size_t i, fine = 0;

	for (i = 0; i < b->n; i++)
		fine += b->v[i].h.level == LEVEL_OK;
	printf("IRSYNC %s - ", level_name(worst));
	if (b->n > 1) {
		printf("%zu of %zu %ss are well", fine, b->n, b->what);
		between = "; ";
	}
	/* Of many, those that are well are only counted. */
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (order[i] != LEVEL_OK || b->n == 1)
			print_level(b, order[i], &between);
	fputs(" |", stdout);
	for (i = 0; i < b->n; i++) {
		health_perfdata(perf, sizeof(perf), b->v[i].name, &b->v[i].h,
		    b->max_age);
		fputs(perf, stdout);
	}
	putchar('\n');
}

static json_t *
row_json(const struct row *r)
{
	const struct health *h = &r->h;

	return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, "
	    "s:o}", "name", json_text(r->name), "status",
	    level_name(h->level), "text", h->text,
	    "snapshot", h->stamp[0] != '\0' ? json_string(h->stamp) :
	    json_null(),
	    "age", h->age >= 0 ? json_integer(h->age) : json_null(),
	    "size", h->measured ? json_integer((json_int_t)h->size) :
	    json_null(),
	    "bytes_new", h->measured ?
	    json_integer((json_int_t)h->bytes_new) : json_null(),
	    "seconds", h->measured ? json_integer((json_int_t)h->seconds) :
	    json_null(),
	    "usual_size", (json_int_t)h->usual_size,
	    "usual_seconds", (json_int_t)h->usual_seconds,
	    "error", h->error[0] != '\0' ? json_text(h->error) :
	    json_null());
}

static void
print_json(const struct irsync *ir, const struct board *b, enum level worst)
{
	json_t *all = json_array(), *top;
	size_t i;

	for (i = 0; i < b->n; i++)
		(void)json_array_append_new(all, row_json(&b->v[i]));
	top = json_pack("{s:o*, s:o*, s:s, s:i, s:o}",
	    "host", ir->conf.host != NULL ? json_text(ir->conf.host) : NULL,
	    "store", ir->store != NULL ? json_text(ir->store) : NULL,
	    "status", level_name(worst), "exit", (int)worst,
	    strcmp(b->what, "client") == 0 ? "clients" : "storages", all);
	if (json_print(stdout, top, JSON_INDENT(2)) == -1)
		log_warn("cannot write the JSON");
}

/* One client's store on this machine. */
static int
add_store(struct irsync *ir, struct board *b, const char *host)
{
	struct health_facts f = { .now = time(NULL), .max_age = b->max_age };
	struct snapshot *v = NULL;
	struct store *st;
	int rc;

	if ((st = store_open(ir->store, host, 0)) == NULL ||
	    store_list(st, &v, &f.n) == -1)
		f.trouble = strerror(errno);
	f.v = v;
	rc = board_add(b, host, &f);
	free(v);
	store_close(st);
	return rc;
}

static int
add_stores(struct irsync *ir, struct board *b, const struct strv *args)
{
	struct strv hosts = { 0 };
	size_t i;
	int rc;

	b->what = "client";
	rc = args->n > 0 ? strv_addall(&hosts, args) :
	    store_hosts(ir->store, &hosts);
	for (i = 0; rc == 0 && i < hosts.n; i++)
		rc = add_store(ir, b, hosts.v[i]);
	strv_free(&hosts);
	return rc;
}

/* One storage of this client; ir->conf.storage is it. */
static int
add_storage(struct irsync *ir, struct board *b, const struct laststate *last)
{
	struct health_facts f = { .max_age = b->max_age };
	struct run r = { .path = ir->conf.rsync, .in = -1,
	    .quiet = !ir->verbose };
	struct snapshot *v = NULL;
	char why[512];
	int status, rc;

	f.last = laststate_find(last, ir->conf.storage->name);
	if ((status = storage_list(ir, &r, &v, &f.n)) != 0) {
		failure_text(why, sizeof(why), &r, status);
		f.trouble = why;
	}
	f.v = v;
	f.now = time(NULL);
	rc = board_add(b, ir->conf.storage->name, &f);
	free(v);
	return rc;
}

static int
add_storages(struct irsync *ir, struct board *b)
{
	struct laststate last = { .n = 0 };
	char *path;
	size_t i;
	int rc = 0;

	b->what = "storage";
	/* What cannot be read is not known; the storages are asked anyway. */
	if (ir->from == NULL &&
	    (path = irsync_conf_laststate(&ir->conf)) != NULL) {
		if (laststate_read(path, &last) == -1)
			log_warn("%s", path);
		free(path);
	}
	if (ir->storage_name != NULL)
		rc = add_storage(ir, b, &last);
	for (i = 0; ir->storage_name == NULL && i < ir->conf.nstorages &&
	    rc == 0 && signal_caught() == 0; i++) {
		ir->conf.storage = &ir->conf.storages[i];
		rc = add_storage(ir, b, &last);
	}
	laststate_free(&last);
	return rc;
}

int
cmd_status(struct irsync *ir, const struct strv *args)
{
	struct board b = { .max_age = MAX_AGE };
	enum level worst = LEVEL_OK;
	size_t i;
	int rc;

	if (ir->max_age != NULL && (human_parse_duration(ir->max_age, 3600,
	    &b.max_age) == -1 || b.max_age == 0))
		return status_unknown(ir, "--max-age: not a duration, as 26h is");
	if (ir->store == NULL && args->n > 0)
		return status_unknown(ir, "hosts go with --store");
	rc = ir->store != NULL ? add_stores(ir, &b, args) :
	    add_storages(ir, &b);
	if (rc == -1)
		log_warn("%s", ir->store != NULL ? ir->store : "status");
	for (i = 0; i < b.n; i++)
		worst = level_worse(worst, b.v[i].h.level);
	if (rc == -1 || b.n == 0)
		worst = status_unknown(ir, rc == -1 ? "it cannot be looked "
		    "at" : "there is no client");
	else if (ir->json)
		print_json(ir, &b, worst);
	else
		print_board(&b, worst);
	board_free(&b);
	return (int)worst;
}
