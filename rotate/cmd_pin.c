/* cmd_pin.c: irsync-rotate pin, unpin and list.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "exits.h"
#include "human.h"
#include "json.h"
#include "log.h"
#include "owner.h"
#include "pin.h"
#include "store_json.h"

/* Open a client's store with its owner's rights.  NULL: it was said why. */
static struct store *
open_store(const struct retention_conf *conf, const char *host)
{
	struct store *s;

	if ((s = store_open(conf->root, host, 0)) == NULL) {
		if (errno == EINVAL || errno == ENOENT)
			warnx("%s: no such client in %s", host, conf->root);
		else
			warn("%s/%s.snaps", conf->root, host);
		return NULL;
	}
	if (owner_enter(store_fd(s)) == 0)
		return s;
	warnx("%s: its store belongs to another account", host);
	store_close(s);
	return NULL;
}

static void
close_store(struct store *s)
{
	owner_leave();
	store_close(s);
}

/* Who is at the keyboard. */
static void
who(char buf[PIN_TEXT])
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = getpwuid(getuid());

	if (sudo != NULL && *sudo != '\0')
		(void)strlcpy(buf, sudo, PIN_TEXT);
	else if (pw != NULL)
		(void)strlcpy(buf, pw->pw_name, PIN_TEXT);
	else
		snprintf(buf, PIN_TEXT, "%u", (unsigned)getuid());
}

/* Is this a reason that can be read again? */
static bool
reason_fits(const char *reason)
{
	const char *p;

	if (*reason == '\0' || strlen(reason) >= PIN_TEXT)
		return false;
	for (p = reason; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			return false;
	return true;
}

int
cmd_pin(const struct options *o, const struct retention_conf *conf, int argc,
    char **argv)
{
	struct pin pin = { .since = time(NULL) };
	struct store *s;
	time_t t;
	int rc;

	(void)o;
	(void)argc;
	if (!reason_fits(argv[2])) {
		warnx("a reason is 1 to %d printable ASCII characters",
		    PIN_TEXT - 1);
		return BS_USAGE;
	}
	if (stamp_parse(argv[1], &t) == -1) {
		warnx("%s: not a stamp such as 2026-11-22T040201Z", argv[1]);
		return BS_USAGE;
	}
	(void)strlcpy(pin.reason, argv[2], sizeof(pin.reason));
	who(pin.by);
	if ((s = open_store(conf, argv[0])) == NULL)
		return BS_FAIL;
	if ((rc = pin_set(s, argv[1], &pin)) == 0)
		log_info("%s: %s pinned by %s: %s", argv[0], argv[1], pin.by,
		    pin.reason);
	else if (errno == ENOENT)
		warnx("%s: %s: no such snapshot", argv[0], argv[1]);
	else
		warn("%s: %s", argv[0], argv[1]);
	close_store(s);
	return rc == 0 ? BS_OK : BS_FAIL;
}

int
cmd_unpin(const struct options *o, const struct retention_conf *conf, int argc,
    char **argv)
{
	char by[PIN_TEXT];
	struct store *s;
	time_t t;
	int rc;

	(void)o;
	(void)argc;
	if (stamp_parse(argv[1], &t) == -1) {
		warnx("%s: not a stamp such as 2026-11-22T040201Z", argv[1]);
		return BS_USAGE;
	}
	if ((s = open_store(conf, argv[0])) == NULL)
		return BS_FAIL;
	who(by);
	if ((rc = pin_clear(s, argv[1])) == 0)
		log_info("%s: %s unpinned by %s", argv[0], argv[1], by);
	else if (errno == ENOENT)
		warnx("%s: %s: not pinned", argv[0], argv[1]);
	else
		warn("%s: %s", argv[0], argv[1]);
	close_store(s);
	return rc == 0 ? BS_OK : BS_FAIL;
}

/* One snapshot of a listing. */
static void
list_text(const char *host, const struct snapshot *s, const struct pin *pin)
{
	char bytes[HUMAN_SIZE], brought[HUMAN_SIZE];

	human_size(bytes, s->bytes);
	human_size(brought, s->bytes_new);
	printf("%s  %s  %-8s  %10s  %10s%s%s\n", host, s->stamp,
	    s->recorded ? snapshot_status_name(s->status) : "?",
	    s->recorded ? bytes : "?", s->recorded ? brought : "?",
	    pin == NULL ? "" : "  pinned: ",
	    pin == NULL ? "" : *pin->reason == '\0' ? "?" : pin->reason);
}

static json_t *
list_json(const char *host, const struct snapshot *s, const struct pin *pin)
{
	json_t *o = json_pack("{ss ss ss}", "client", host, "stamp", s->stamp,
	    "status", s->recorded ? snapshot_status_name(s->status) :
	    "unknown");

	if (s->recorded) {
		json_object_set_new(o, "bytes",
		    json_integer((json_int_t)s->bytes));
		json_object_set_new(o, "bytes_new",
		    json_integer((json_int_t)s->bytes_new));
	}
	json_object_set_new(o, "pin", pin == NULL ? json_null() :
	    json_pack("{ss ss sI}", "reason", pin->reason, "by", pin->by,
	    "since", (json_int_t)pin->since));
	return o;
}

/* List one client: to stdout, or to the array if that is given. */
static int
list_host(const struct retention_conf *conf, const char *host, json_t *all)
{
	struct snapshot *snaps = NULL;
	struct pins pins = { 0 };
	const struct pin *pin;
	struct store *s;
	size_t i, n = 0;
	int rc = -1;

	if ((s = open_store(conf, host)) == NULL)
		return -1;
	if (pins_read(s, &pins) == -1 || store_list(s, &snaps, &n) == -1)
		warn("%s", host);
	else
		rc = 0;
	for (i = 0; rc == 0 && i < n; i++) {
		pin = pins_find(&pins, snaps[i].stamp);
		if (all == NULL)
			list_text(host, &snaps[i], pin);
		else
			json_array_append_new(all,
			    list_json(host, &snaps[i], pin));
	}
	free(snaps);
	pins_free(&pins);
	close_store(s);
	return rc;
}

int
cmd_pins(const struct options *o, const struct retention_conf *conf, int argc,
    char **argv)
{
	struct strv hosts = { 0 };
	json_t *all = o->json ? json_array() : NULL;
	int status = BS_OK;
	size_t i;

	if ((argc == 1 ? strv_add(&hosts, argv[0]) :
	    store_hosts(conf->root, &hosts)) == -1)
		err(BS_FAIL, "%s", conf->root);
	for (i = 0; i < hosts.n; i++)
		if (list_host(conf, hosts.v[i], all) == -1)
			status = BS_FAIL;
	strv_free(&hosts);
	if (all != NULL && json_print(stdout, json_pack("{si so so}",
	    "version", 1, "root", json_text(conf->root), "snapshots", all),
	    JSON_INDENT(2)) == -1)
		status = BS_FAIL;
	return status;
}
