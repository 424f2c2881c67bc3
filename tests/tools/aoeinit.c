/* aoeinit.c: an AoE initiator for tests and the demo, in user space: it looks
 * for targets, identifies, reads, writes and flushes them, and sends frames as
 * they are given.  tests/initiator has what it does them with.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vis.h>

#include "exits.h"
#include "tests/initiator/session.h"

#define TARGETS_MAX	4096
#define READ_MAX	(1 << 22)	/* sectors: 2 GiB */
#define LISTEN_MS	2000	/* for whatever there is */
#define ANSWER_MS	30000	/* for what must come, however busy both sides are */

static void __attribute__((noreturn))
usage(void)
{
	fputs("usage: aoeinit -i iface [-bv] [-c inflight] [-d mac] "
	    "[-n sectors]\n"
	    "               [-r seconds] [-s source] [-t seconds] command "
	    "[argument ...]\n"
	    "commands: discover | identify s.t | read s.t lba count |\n"
	    "          write s.t lba | flush s.t | raw hexframe ...\n", stderr);
	exit(BS_USAGE);
}

static void
config_print(const struct aoe *f, const struct config *c)
{
	char text[4 * 1024 + 1];

	strvisx(text, (const char *)c->string, c->len < 1024 ? c->len : 1024,
	    VIS_WHITE | VIS_OCTAL);
	printf("e%u.%u %02x:%02x:%02x:%02x:%02x:%02x %u %u %u %s\n", f->shelf,
	    f->slot, f->src[0], f->src[1], f->src[2], f->src[3], f->src[4],
	    f->src[5], c->buffers, c->sectors, c->firmware, text);
	fflush(stdout);
}

/* True if the answer's target is new; it is kept in seen[]. */
static bool
target_new(struct target *seen, size_t *n, const struct aoe *f)
{
	struct target t = { .shelf = f->shelf, .slot = f->slot };
	size_t i;

	memcpy(t.mac, f->src, 6);
	for (i = 0; i < *n; i++)
		if (seen[i].shelf == t.shelf && seen[i].slot == t.slot &&
		    memcmp(seen[i].mac, t.mac, 6) == 0)
			return false;
	if (*n < TARGETS_MAX)
		seen[(*n)++] = t;
	return true;
}

/* Ask everybody, listen for the whole time. */
static int
cmd_discover(struct init *in, char **argv)
{
	uint8_t frame[WIRE_HEAD + 8] = { 0 }, buf[WIRE_MAX];
	static struct target seen[TARGETS_MAX];
	int64_t end = now_ms() + in->timeout_ms;
	struct config c;
	struct aoe f;
	size_t n = 0;
	uint32_t tag;

	(void)argv;
	in->to.shelf = SHELF_ALL;
	in->to.slot = SLOT_ALL;
	tag = request_put(in, frame, AOE_CONFIG);
	transmit(in, frame, sizeof(frame));
	while (receive(in, buf, &f, end))
		if (f.tag == tag && config_get(&f, &c) &&
		    target_new(seen, &n, &f))
			config_print(&f, &c);
	return n > 0 ? 0 : EXIT_TIMEOUT;
}

static unsigned
word(const uint8_t *id, unsigned n)
{
	return id[2 * n] | id[2 * n + 1] << 8;
}

/* A string of IDENTIFY: two characters a word, the first in the high byte,
 * filled up with spaces. */
static void
identify_string(const char *name, const uint8_t *id, unsigned from,
    unsigned words)
{
	char raw[64], text[4 * sizeof(raw) + 1];
	unsigned i;

	for (i = 0; i < words; i++) {
		raw[2 * i] = id[2 * (from + i) + 1];
		raw[2 * i + 1] = id[2 * (from + i)];
	}
	for (i = 2 * words; i > 0 && raw[i - 1] == ' '; i--)
		continue;
	strvisx(text, raw, i, VIS_NL | VIS_OCTAL);
	printf("%s %s\n", name, text);
}

static int
cmd_identify(struct init *in, char **argv)
{
	const struct ata ata = { .count = 1, .command = 0xec };
	uint64_t sectors, sectors48;
	uint8_t buf[WIRE_MAX];
	const uint8_t *id;
	struct aoe f;

	target_find(in, argv[0]);
	ata_ask(in, &ata, buf, &f);
	if (f.body_len < WIRE_ATA + WIRE_SECTOR)
		errx(BS_IO, "%s: a short reply", argv[0]);
	id = f.body + WIRE_ATA;
	sectors = word(id, 60) | (uint64_t)word(id, 61) << 16;
	sectors48 = word(id, 100) | (uint64_t)word(id, 101) << 16 |
	    (uint64_t)word(id, 102) << 32 | (uint64_t)word(id, 103) << 48;
	printf("sectors %llu\n", (unsigned long long)
	    (word(id, 83) & 1 << 10 ? sectors48 : sectors));
	printf("sectors28 %llu\n", (unsigned long long)sectors);
	printf("lba48 %s\n", word(id, 83) & 1 << 10 ? "yes" : "no");
	identify_string("serial", id, 10, 10);
	identify_string("firmware", id, 23, 4);
	identify_string("model", id, 27, 20);
	return 0;
}

static int
cmd_flush(struct init *in, char **argv)
{
	const struct ata ata = { .command = in->lba28 ? 0xe7 : 0xea,
	    .aflags = in->lba28 ? 0 : ATA_EXTENDED };
	uint8_t buf[WIRE_MAX];
	struct aoe f;

	target_find(in, argv[0]);
	ata_ask(in, &ata, buf, &f);
	return 0;
}

static uint64_t
number(const char *text, long long max)
{
	const char *errstr;
	long long n = strtonum(text, 0, max, &errstr);

	if (errstr != NULL)
		errx(BS_USAGE, "%s: %s", text, errstr);
	return n;
}

static int
cmd_read(struct init *in, char **argv)
{
	uint64_t lba = number(argv[1], 1LL << 48);
	uint64_t count = number(argv[2], READ_MAX);
	uint8_t *data = calloc(count + 1, WIRE_SECTOR);

	if (data == NULL)
		err(BS_IO, NULL);
	target_find(in, argv[0]);
	transfer(in, false, lba, count, data);
	if (fwrite(data, WIRE_SECTOR, count, stdout) != count ||
	    fflush(stdout) != 0)
		err(BS_IO, "stdout");
	free(data);
	return 0;
}

static int
cmd_write(struct init *in, char **argv)
{
	uint64_t lba = number(argv[1], 1LL << 48);
	size_t n = 0, cap = 1 << 20;
	uint8_t *data = NULL;

	do {
		cap *= 2;
		data = realloc(data, cap);
		if (data == NULL)
			err(BS_IO, NULL);
		n += fread(data + n, 1, cap - n, stdin);
	} while (n == cap);
	if (ferror(stdin) || n % WIRE_SECTOR != 0)
		errx(BS_USAGE, "stdin: not whole sectors");
	target_find(in, argv[0]);
	transfer(in, true, lba, n / WIRE_SECTOR, data);
	free(data);
	return 0;
}

/* Hexadecimal digits -> bytes; their number. */
static size_t
hex_parse(const char *text, uint8_t *buf, size_t cap)
{
	size_t n = 0;

	for (; *text != '\0' && n < cap; text += 2)
		if (sscanf(text, "%2hhx", &buf[n++]) != 1 || text[1] == '\0')
			errx(BS_USAGE, "%s: not hexadecimal", text);
	return n;
}

/* Frames as given, from the byte behind the Ethernet header on, in one burst;
 * then what is answered, the same way. */
static int
cmd_raw(struct init *in, char **argv)
{
	uint8_t frame[WIRE_MAX], buf[WIRE_MAX];
	int64_t end = now_ms() + in->timeout_ms;
	unsigned left = 0;
	struct aoe f;
	size_t i, n;

	request_put(in, frame, 0);
	for (; *argv != NULL; argv++, left++) {
		n = hex_parse(*argv, frame + 14, sizeof(frame) - 14);
		transmit(in, frame, 14 + n);
	}
	for (; left > 0 && receive(in, buf, &f, end); left--) {
		for (i = 14; i < WIRE_HEAD + f.body_len; i++)
			printf("%02x", buf[i]);
		putchar('\n');
	}
	return left == 0 ? 0 : EXIT_TIMEOUT;
}

static const struct {
	const char	*name;
	int		 argc;		/* -1: one or more */
	unsigned	 timeout_ms;	/* where -t says nothing */
	int		(*run)(struct init *, char **);
} commands[] = {
	{ "discover",	0,	LISTEN_MS, cmd_discover },
	{ "identify",	1,	ANSWER_MS, cmd_identify },
	{ "read",	3,	ANSWER_MS, cmd_read },
	{ "write",	2,	ANSWER_MS, cmd_write },
	{ "flush",	1,	ANSWER_MS, cmd_flush },
	{ "raw",	-1,	ANSWER_MS, cmd_raw },
};

static int
command_run(struct init *in, int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[0], commands[i].name) == 0 &&
		    (commands[i].argc == argc - 1 ||
		    (commands[i].argc == -1 && argc > 1))) {
			if (in->timeout_ms == 0)
				in->timeout_ms = commands[i].timeout_ms;
			return commands[i].run(in, argv + 1);
		}
	usage();
}

int
main(int argc, char **argv)
{
	struct init in = { .tag = getpid() << 12 };
	const char *iface = NULL;
	uint8_t source[6];
	bool spoof = false, verbose = false;
	int c, rc;

	memcpy(in.to.mac, wire_broadcast, 6);
	while ((c = getopt(argc, argv, "bc:d:i:n:r:s:t:v")) != -1) {
		if (c == 'b')
			in.lba28 = true;
		else if (c == 'c')
			in.window = number(optarg, WINDOW_MAX);
		else if (c == 'd' && mac_parse(optarg, in.to.mac))
			continue;
		else if (c == 'i')
			iface = optarg;
		else if (c == 'n')
			in.sectors = number(optarg,
			    (WIRE_MAX - WIRE_HEAD - WIRE_ATA) / WIRE_SECTOR);
		else if (c == 'r')
			in.retry_ms = strtod(optarg, NULL) * 1000;
		else if (c == 's' && mac_parse(optarg, source))
			spoof = true;
		else if (c == 't')
			in.timeout_ms = strtod(optarg, NULL) * 1000;
		else if (c == 'v')
			verbose = true;
		else
			usage();
	}
	if (iface == NULL || optind == argc)
		usage();
	if (wire_open(&in.wire, iface, spoof ? source : NULL) == -1)
		err(BS_IO, "%s", iface);
	rc = command_run(&in, argc - optind, argv + optind);
	if (verbose)
		warnx("%lu frames sent, %lu of them again", in.sent, in.again);
	return rc;
}
