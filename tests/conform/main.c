/* main.c: aoeconform: does a target do as AoEr11 says?
 *
 * usage: aoeconform -i iface -o other [-f first] [-t ms] shelf.slot
 *                   [section ...]
 *
 * One line for each clause, with tabs between: its number; ok, not ok or na;
 * the section of AoEr11; what it asks; what was seen.  Sections may be cut to
 * a prefix: 2, 3.4.  `other` is the address of a second client, which the
 * target must serve as well as the interface's own.  Sectors that are written
 * to are put back; config string, mask and reserve list must be empty, and are
 * so in the end.
 *
 * A target that a clause has brought down ends the run.  With -f it goes on
 * from another clause than the first.
 *
 * Exit status: 0 if every clause is ok or na, 1 if not, 2 if the target went
 * down, 64 for bad usage, 74 if the target does not answer at all.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conform.h"
#include "exits.h"

#define WAIT_MS	500

static void __attribute__((noreturn))
usage(void)
{
	fputs("usage: aoeconform -i iface -o other [-f first] [-t ms] "
	    "shelf.slot\n                  [section ...]\n", stderr);
	exit(BS_USAGE);
}

static bool
is_wanted(const char *section, char **wanted)
{
	if (*wanted == NULL)
		return true;
	for (; *wanted != NULL; wanted++)
		if (strncmp(section, *wanted, strlen(*wanted)) == 0)
			return true;
	return false;
}

struct run {
	char		**wanted;	/* sections */
	unsigned	first;		/* clause, from 1 */
	unsigned	number;		/* of the last one */
	unsigned	bad;		/* are not ok */
	bool		down;		/* the target is */
};

/* Does the target still answer? */
static bool
is_up(struct conform *c)
{
	begin(c, ME, AOE_CONFIG);
	put_zeros(c, 8);
	return answered(c, ME);
}

static void
clause_run(struct conform *c, const struct clause *cl, struct run *r)
{
	static const char *const names[] = {
		[OK] = "ok", [NOT_OK] = "not ok", [NA] = "na"
	};
	enum verdict v;
	char seen[sizeof(c->saw)];

	c->saw[0] = '\0';
	v = cl->check(c);
	strlcpy(seen, c->saw, sizeof(seen));
	r->bad += v == NOT_OK;
	r->down = v == NOT_OK && !is_up(c);
	printf("%u\t%s\t%s\t%s\t%s\n", r->number, names[v], cl->section,
	    cl->what, r->down ? "the target went down" : seen);
	fflush(stdout);
}

static void
chapter_run(struct conform *c, const struct clause *cl, struct run *r)
{
	for (; cl->check != NULL && !r->down; cl++)
		if (++r->number >= r->first &&
		    is_wanted(cl->section, r->wanted))
			clause_run(c, cl, r);
}

static void
wires_open(struct conform *c, const char *iface, const uint8_t *other)
{
	if (wire_open(&c->wire[ME], iface, NULL) == -1 ||
	    wire_open(&c->wire[OTHER], iface, other) == -1)
		err(BS_IO, "%s", iface);
	memcpy(c->to.mac, wire_broadcast, 6);
	if (!target_learn(c))
		errx(BS_IO, "e%u.%u: %s", c->to.shelf, c->to.slot, c->saw);
}

int
main(int argc, char **argv)
{
	static const struct clause *const chapters[] = {
		header_clauses, ata_clauses, config_clauses, mask_clauses,
		reserve_clauses
	};
	static struct conform c = { .wait_ms = WAIT_MS };
	const char *iface = NULL, *bad;
	uint8_t other[6];
	struct run r = { .first = 1 };
	bool has_other = false;
	size_t i;
	int ch;

	while ((ch = getopt(argc, argv, "f:i:o:t:")) != -1) {
		if (ch == 'f')
			r.first = (unsigned)strtonum(optarg, 1, 1000, &bad);
		else if (ch == 'i')
			iface = optarg;
		else if (ch == 'o' && mac_parse(optarg, other))
			has_other = true;
		else if (ch == 't')
			c.wait_ms = (int)strtonum(optarg, 1, 60000, &bad);
		else
			usage();
	}
	if (iface == NULL || !has_other || optind == argc || c.wait_ms == 0 ||
	    r.first == 0 ||
	    !address_parse(argv[optind], &c.to.shelf, &c.to.slot))
		usage();
	c.tag = (uint32_t)getpid() << 12;
	wires_open(&c, iface, other);
	r.wanted = argv + optind + 1;
	for (i = 0; i < sizeof(chapters) / sizeof(chapters[0]); i++)
		chapter_run(&c, chapters[i], &r);
	return r.down ? 2 : r.bad == 0 ? 0 : 1;
}
