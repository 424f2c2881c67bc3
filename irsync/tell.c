/* tell.c: who is told of a backup: Prometheus' node exporter by a file, a
 * monitor in the manner of healthchecks.io by curl(1), a person by mail.
 * Nothing here makes a backup fail.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <stdlib.h>
#include <string.h>
#include <vis.h>

#include "exits.h"
#include "file.h"
#include "irsync.h"
#include "log.h"
#include "proc.h"
#include "version.h"

#define PING_TIMEOUT	30	/* seconds, all tries together */
#define MAIL_TIMEOUT	60

void
said_add(char *said, const char *line)
{
	char safe[1024];
	size_t have = strlen(said), n;

	/* Cut first: four bytes for each. */
	(void)strnvis(safe, line, sizeof(safe) - 1,
	    VIS_OCTAL | VIS_TAB | VIS_NL | VIS_NOSLASH);
	(void)strlcat(safe, "\n", sizeof(safe));
	n = strlen(safe);
	if (have + n >= SAID) {
		memmove(said, said + n, have - n + 1);
		have -= n;
	}
	memcpy(said + have, safe, n + 1);
}

/* A label's value (prometheus.io, text format). */
static void
put_label(FILE *f, const char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '\\' || *s == '"')
			fprintf(f, "\\%c", *s);
		else
			fputc(*s == '\n' ? ' ' : *s, f);
}

static uint64_t
metric_value(const struct laststate_storage *s, size_t which)
{
	const struct laststate_run *r = &s->runs[s->n - 1];
	const uint64_t values[] = { (uint64_t)r->started, (uint64_t)r->ended,
	    (uint64_t)s->complete, (uint64_t)(r->exit < 0 ? 255 : r->exit),
	    r->msecs, r->entries, r->size, r->sent, r->bytes_new };

	return values[which];
}

/* The metrics of all storages, as Prometheus' text; to be freed. */
static char *
metrics_format(const struct laststate *ls)
{
	static const struct {
		const char	*name, *help;
	} rows[] = {
		{ "last_start_timestamp_seconds", "When it began" },
		{ "last_end_timestamp_seconds", "When it ended; 0: not yet" },
		{ "last_complete_timestamp_seconds",
		    "When the newest complete backup ended; 0: never" },
		{ "last_exit_status", "Exit status; 255: it has not ended" },
		{ "last_duration_milliseconds", "How long it took" },
		{ "last_entries", "Names in the snapshot" },
		{ "last_size_bytes", "Size of all its files" },
		{ "last_sent_bytes", "Sent over the connection" },
		{ "last_new_bytes", "Room that it took" },
	};
	char *text = NULL;
	size_t i, j, len;
	FILE *f;

	if ((f = open_memstream(&text, &len)) == NULL)
		return NULL;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fprintf(f, "# HELP irsync_%s %s.\n# TYPE irsync_%s gauge\n",
		    rows[i].name, rows[i].help, rows[i].name);
		for (j = 0; j < ls->n; j++) {
			if (ls->v[j].n == 0)
				continue;
			fprintf(f, "irsync_%s{host=\"", rows[i].name);
			put_label(f, ls->host);
			fputs("\",storage=\"", f);
			put_label(f, ls->v[j].name);
			fprintf(f, "\"} %llu\n", (unsigned long long)
			    metric_value(&ls->v[j], i));
		}
	}
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

static void
write_metrics(const struct irsync_conf *c, const struct laststate *ls)
{
	char *text;

	if (c->prometheus == NULL)
		return;
	if ((text = metrics_format(ls)) == NULL ||
	    file_replace(c->prometheus, text, strlen(text), 0644,
	    false) == -1)
		log_warn("%s", c->prometheus);
	free(text);
}

/* A value of curl's configuration file (curl(1), --config). */
static void
put_quoted(FILE *f, const char *key, const char *text, const char *more)
{
	fprintf(f, "%s = \"", key);
	for (; *text != '\0' || *more != '\0'; text++) {
		if (*text == '\0') {
			text = more;
			more = "";
		}
		if (*text == '"' || *text == '\\')
			fprintf(f, "\\%c", *text);
		else if (*text == '\n')
			fputs("\\n", f);
		else
			fputc(*text, f);
	}
	fputs("\"\n", f);
}

/* The URL is as good as a password: it stands on no command line. */
static void
ping(const struct irsync_conf *c, const char *suffix, const char *body)
{
	struct strv argv = { 0 };
	struct proc p = { .path = c->curl, .argv = &argv,
	    .timeout = PING_TIMEOUT, .detached = true };
	char *config = NULL, why[256];
	FILE *f;

	if (c->ping == NULL)
		return;
	if ((f = open_memstream(&config, &p.input_len)) == NULL)
		return;
	put_quoted(f, "url", c->ping, suffix);
	put_quoted(f, "data-raw", body, "");
	put_quoted(f, "user-agent", BACKSHELF_VERSION, "");
	fputs("header = \"Content-Type: text/plain\"\nfail\nsilent\n"
	    "show-error\nmax-time = 10\nretry = 2\nretry-max-time = 25\n"
	    "output = \"/dev/null\"\n", f);
	if (fclose(f) == 0 && strv_add(&argv, "curl") == 0 &&
	    strv_add(&argv, "--disable") == 0 &&
	    strv_add(&argv, "--config") == 0 && strv_add(&argv, "-") == 0) {
		p.input = config;
		if (proc_run(&p) != 0)
			log_warnx("ping: %s", proc_why(&p, why, sizeof(why)));
	}
	strv_free(&argv);
	free(config);
}

void
tell_start(const struct irsync_conf *c)
{
	ping(c, "/start", "");
}

/* One line for each storage, the cause first. */
static char *
story(const struct irsync_conf *c, const struct laststate *ls, int status,
    const char *why, const char *said)
{
	const struct laststate_run *r;
	char *text = NULL, safe[4 * 512 + 1];
	size_t i, len;
	FILE *f;

	if ((f = open_memstream(&text, &len)) == NULL)
		return NULL;
	(void)strnvis(safe, why, sizeof(safe), VIS_OCTAL | VIS_TAB | VIS_NL |
	    VIS_NOSLASH);
	fprintf(f, "irsync of %s: %s%s%s\n\n", c->host, status_text(status),
	    safe[0] != '\0' ? ": " : "", safe);
	for (i = 0; i < ls->n; i++) {
		if (ls->v[i].n == 0)
			continue;
		r = &ls->v[i].runs[ls->v[i].n - 1];
		fprintf(f, "%.*s: %s%s%s; the newest complete snapshot is "
		    "%s\n", (int)label_len(ls->v[i].name), ls->v[i].name,
		    r->exit < 0 ? "not ended" :
		    status_text(r->exit), r->error[0] != '\0' ? ": " : "",
		    r->error, ls->v[i].complete_stamp[0] != '\0' ?
		    ls->v[i].complete_stamp : "not there");
	}
	if (said[0] != '\0')
		fprintf(f, "\nThe end of what rsync and the server said:\n%s",
		    said);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

static void
mail(const struct irsync_conf *c, int status, const char *why,
    const char *body)
{
	struct strv argv = { 0 };
	struct proc p = { .path = c->sendmail, .argv = &argv,
	    .timeout = MAIL_TIMEOUT, .detached = true };
	char *message = NULL, cause[4 * 120 + 1], said[256];
	FILE *f;

	if (c->mail == NULL)
		return;
	if ((f = open_memstream(&message, &p.input_len)) == NULL)
		return;
	/* A header is one line, and ASCII. */
	(void)strnvis(cause, why, sizeof(cause), VIS_OCTAL | VIS_TAB |
	    VIS_NL | VIS_NOSLASH);
	fprintf(f, "To: %s\nSubject: irsync of %s: %s%s%.200s\n"
	    "MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n"
	    "Auto-Submitted: auto-generated\n\n%s", c->mail, c->host,
	    status_text(status), cause[0] != '\0' ? ": " : "", cause, body);
	if (fclose(f) == 0 && strv_add(&argv, "sendmail") == 0 &&
	    strv_add(&argv, "-i") == 0 && strv_add(&argv, "--") == 0 &&
	    strv_add(&argv, c->mail) == 0) {
		p.input = message;
		if (proc_run(&p) != 0)
			log_warnx("mail to %s: %s", c->mail, proc_why(&p,
			    said, sizeof(said)));
	}
	strv_free(&argv);
	free(message);
}

void
tell_end(const struct irsync_conf *c, const struct laststate *ls, int status,
    const char *why, const char *said)
{
	bool good = status == BS_OK || status == BS_VANISHED;
	char *body;

	write_metrics(c, ls);
	if (c->ping == NULL && (c->mail == NULL || good))
		return;
	if ((body = story(c, ls, status, why, said)) == NULL) {
		log_warn("ping and mail");
		return;
	}
	ping(c, good ? "" : "/fail", body);
	if (!good)
		mail(c, status, why, body);
	free(body);
}
