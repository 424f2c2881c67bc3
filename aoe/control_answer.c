/* control_answer.c: what the control socket answers, as JSON objects.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <vis.h>

#include "control.h"
#include "mac.h"
#include "service.h"
#include "worker.h"

json_t *
control_error(const char *msg)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", msg);
}

static void
set(json_t *o, const char *key, json_t *value)
{
	/* It frees the value also when it fails; an answer that memory was
	 * short for lacks a member. */
	(void)json_object_set_new(o, key, value);
}

static json_t *
addresses(const uint64_t *macs, size_t n)
{
	json_t *list = json_array();
	char mac[MAC_TEXT];
	size_t i;

	for (i = 0; i < n; i++) {
		mac_format(mac, macs[i]);
		(void)json_array_append_new(list, json_string(mac));
	}
	return list;
}

/* What clients have had the export remember.  A client wrote the string. */
static void
add_state(json_t *o, const struct state *st)
{
	char text[4 * FRAME_CONFIG_MAX + 1];

	strvisx(text, (const char *)st->config.bytes, st->config.len,
	    VIS_OCTAL | VIS_TAB | VIS_NL);
	set(o, "config", json_string(text));
	set(o, "mask", addresses(st->mask.v, st->mask.n));
	set(o, "reserved", addresses(st->reserved.v, st->reserved.n));
}

static json_t *
names(const struct strv *sv)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < sv->n; i++)
		(void)json_array_append_new(list, json_string(sv->v[i]));
	return list;
}

static json_t *
number(const _Atomic uint64_t *c)
{
	return json_integer((json_int_t)atomic_load_explicit(c,
	    memory_order_relaxed));
}

static void
add_counters(json_t *o, const struct supervisor *sv, const struct service *s)
{
	struct export_stats sum, *st = &sum;
	double read, written;
	int64_t heard;

	service_stats(sv, s, st);
	service_rate(sv, s, &read, &written);
	heard = atomic_load_explicit(&st->heard, memory_order_relaxed);
	set(o, "reads", number(&st->reads));
	set(o, "writes", number(&st->writes));
	set(o, "flushes", number(&st->flushes));
	set(o, "bytes_read", number(&st->bytes_read));
	set(o, "bytes_written", number(&st->bytes_written));
	set(o, "read_rate", json_integer((json_int_t)read));
	set(o, "write_rate", json_integer((json_int_t)written));
	set(o, "syncs", number(&st->syncs));
	set(o, "errors", number(&st->errors));
	set(o, "dropped", number(&st->dropped));
	set(o, "heard", heard == 0 ? json_null() : json_integer(heard));
}

static void
add_row(json_t *o, const struct row *r)
{
	char address[16];

	snprintf(address, sizeof(address), "e%u.%u", r->shelf, r->slot);
	set(o, "alias", json_string(r->alias));
	set(o, "line", json_integer(r->line));
	if (r->bad != NULL)
		return;
	set(o, "address", json_string(address));
	set(o, "clients", addresses(r->macs, r->nmacs));
	set(o, "interfaces", names(&r->ifaces));
	set(o, "file", json_string(r->file));
	set(o, "ro", json_boolean(r->ro));
	set(o, "direct", json_boolean(r->direct));
	set(o, "sync", json_string(r->sync == SYNC_NONE ? "none" : "always"));
	set(o, "buffers", json_integer(r->buffers));
}

static json_t *
describe(struct supervisor *sv, const struct service *s)
{
	const struct export *e = s->export;
	enum service_state state;
	struct reason why;
	json_t *o = json_object();

	state = service_state(sv, s, &why);
	add_row(o, &s->row);
	set(o, "state", json_string(service_state_name(state)));
	if (why.text[0] != '\0')
		set(o, "why", json_string(why.text));
	if (e != NULL) {
		set(o, "sectors", json_integer((json_int_t)
		    atomic_load(&e->sectors)));
		set(o, "serial", json_string(e->disk.serial));
		set(o, "worker", json_integer(e->owner));
		add_state(o, &e->kept);
	}
	add_counters(o, sv, s);
	return o;
}

/* Call f for each service that the request names, and append what it makes to
 * a list under `key`.  "ok" is whether every alias was known and f never said
 * "ok": false. */
static json_t *
for_each(struct supervisor *sv, const struct control_request *req,
    const char *key, json_t *(*f)(struct supervisor *, const struct service *,
    enum control_command))
{
	json_t *list = json_array(), *o;
	bool ok = true;
	size_t i, n;

	n = req->aliases.n > 0 ? req->aliases.n : sv->n;
	for (i = 0; i < n; i++) {
		const struct service *s = req->aliases.n == 0 ?
		    &sv->services[i] : service_find(sv, req->aliases.v[i]);

		if (s != NULL)
			o = f(sv, s, req->command);
		else
			o = json_pack("{s:s, s:b, s:s}", "alias",
			    req->aliases.v[i], "ok", 0, "why",
			    "no such alias");
		if (json_is_false(json_object_get(o, "ok")))
			ok = false;
		(void)json_array_append_new(list, o);
	}
	return json_pack("{s:b, s:o}", "ok", ok, key, list);
}

static json_t *
status_of(struct supervisor *sv, const struct service *s,
    enum control_command c)
{
	(void)c;
	return describe(sv, s);
}

static json_t *
counters_of_all(const struct supervisor *sv)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < sv->n; i++) {
		o = json_pack("{s:s}", "alias", sv->services[i].row.alias);
		add_counters(o, sv, &sv->services[i]);
		(void)json_array_append_new(list, o);
	}
	return list;
}

static json_t *
stats(struct supervisor *sv)
{
	struct worker_stats *st;
	json_t *list, *o, *drops, *refusals;
	unsigned i;
	int d;

	if ((st = calloc(sv->nworkers, sizeof(*st))) == NULL)
		return control_error("out of memory");
	workers_stats(sv->workers, sv->nworkers, st);
	list = json_array();
	for (i = 0; i < sv->nworkers; i++) {
		o = json_pack("{s:i, s:I, s:I, s:I, s:I}", "worker", (int)i,
		    "frames", (json_int_t)st[i].frames,
		    "answers", (json_int_t)st[i].answers,
		    "handed", (json_int_t)st[i].handed,
		    "kept", (json_int_t)st[i].kept);
		drops = json_object();
		for (d = 0; d < DROPS; d++)
			set(drops, drop_name((enum drop)d),
			    json_integer((json_int_t)st[i].drops[d]));
		set(o, "drops", drops);
		refusals = json_object();
		for (d = AOE_OK + 1; d < AOE_ERRORS; d++)
			set(refusals, refusal_name((enum aoe_error)d),
			    json_integer((json_int_t)st[i].refusals[d]));
		set(o, "refusals", refusals);
		(void)json_array_append_new(list, o);
	}
	free(st);
	return json_pack("{s:b, s:o, s:o}", "ok", 1, "workers", list,
	    "exports", counters_of_all(sv));
}

/* The findings about the table, "ok" being whether there are none. */
static json_t *
findings(struct supervisor *sv, const struct diags *ds)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < ds->n; i++)
		(void)json_array_append_new(list, json_pack("{s:i, s:i, s:s}",
		    "line", (int)ds->v[i].line, "column", (int)ds->v[i].col,
		    "message", ds->v[i].msg));
	return json_pack("{s:b, s:s, s:o}", "ok", !diags_any(ds), "file",
	    sv->table_path, "errors", list);
}

static void
operate(struct supervisor *sv, const struct control_request *req)
{
	struct service *s;
	size_t i, n;

	n = req->aliases.n > 0 ? req->aliases.n : sv->n;
	for (i = 0; i < n; i++) {
		s = req->aliases.n == 0 ? &sv->services[i] :
		    service_find(sv, req->aliases.v[i]);
		if (s == NULL)
			continue;
		if (req->command == CONTROL_START)
			service_start(sv, s);
		else if (req->command == CONTROL_STOP)
			service_stop(sv, s);
		else if (req->command == CONTROL_DISCONNECT)
			service_disconnect(sv, s);
		else
			service_restart(sv, s);
	}
	services_turn(sv);
}

json_t *
control_carry_out(struct supervisor *sv, struct control_request *req)
{
	switch (req->command) {
	case CONTROL_STATUS:
		return for_each(sv, req, "exports", status_of);
	case CONTROL_STATS:
		return stats(sv);
	case CONTROL_RELOAD:
	case CONTROL_CHECK:
		req->survey = services_survey(sv,
		    req->command == CONTROL_RELOAD);
		services_turn(sv);
		break;
	case CONTROL_START:
	case CONTROL_STOP:
	case CONTROL_RESTART:
	case CONTROL_DISCONNECT:
		operate(sv, req);
		break;
	case CONTROL_LOG:
		log_setlevel(req->level);
		return json_pack("{s:b}", "ok", 1);
	}
	return NULL;	/* its result comes when all has settled */
}

static bool
table_settled(const struct supervisor *sv, const struct control_request *req)
{
	const struct diags *ds;
	size_t i;

	if (!services_surveyed(sv, req->survey, &ds))
		return false;
	if (req->command == CONTROL_CHECK || diags_any(ds))
		return true;
	for (i = 0; i < sv->n; i++)
		if (service_pending(sv, &sv->services[i]))
			return false;
	return services_adopted(sv) && sv->measuring == 0;
}

bool
control_settled(struct supervisor *sv, const struct control_request *req)
{
	const struct service *s;
	size_t i, n;

	if (req->command == CONTROL_RELOAD || req->command == CONTROL_CHECK)
		return table_settled(sv, req);
	if (!services_adopted(sv))
		return false;
	n = req->aliases.n > 0 ? req->aliases.n : sv->n;
	for (i = 0; i < n; i++) {
		s = req->aliases.n == 0 ? &sv->services[i] :
		    service_find(sv, req->aliases.v[i]);
		if (s != NULL && service_pending(sv, s))
			return false;
	}
	return true;
}

static json_t *
result_of(struct supervisor *sv, const struct service *s,
    enum control_command c)
{
	enum service_state state, wanted;
	struct reason why;
	json_t *o;

	wanted = c == CONTROL_STOP ? STATE_STOPPED : STATE_SERVING;
	state = service_state(sv, s, &why);
	/* What cannot be served is stopped as well as can be. */
	if (c == CONTROL_STOP && state == STATE_FAILED)
		wanted = state;
	o = json_pack("{s:s, s:b, s:s}", "alias", s->row.alias, "ok",
	    state == wanted, "state", service_state_name(state));
	if (why.text[0] != '\0')
		set(o, "why", json_string(why.text));
	return o;
}

/* What a reload has not brought about yet. */
static json_t *
pending(const struct supervisor *sv)
{
	json_t *list = json_array();
	struct reason why;
	size_t i;

	for (i = 0; i < sv->n; i++) {
		const struct service *s = &sv->services[i];
		enum service_state state = service_state(sv, s, &why);

		if (service_pending(sv, s) || state == STATE_WAITING)
			(void)json_array_append_new(list, json_pack(
			    "{s:s, s:s, s:s}", "alias", s->row.alias, "state",
			    service_state_name(state), "why", why.text));
	}
	return list;
}

static json_t *
table_result(struct supervisor *sv, const struct control_request *req)
{
	const struct diags *ds;
	json_t *o;

	if (!services_surveyed(sv, req->survey, &ds))
		return control_error("the table is still being looked at");
	o = findings(sv, ds);
	if (req->command == CONTROL_RELOAD && !diags_any(ds))
		set(o, "pending", pending(sv));
	return o;
}

json_t *
control_result(struct supervisor *sv, const struct control_request *req)
{
	if (req->command == CONTROL_RELOAD || req->command == CONTROL_CHECK)
		return table_result(sv, req);
	return for_each(sv, req, "results", result_of);
}
