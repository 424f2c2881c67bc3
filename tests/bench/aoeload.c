/* aoeload.c: an initiator that loads a target and measures it.
 *
 *	aoeload -i IFACE [-n EXPORTS] [-w WINDOW] [-b BYTES] [-l LOAD]
 *	    [-o seq|rand] [-S SIZE_MIB] [-t SECONDS] [-j THREADS] [-Mz]
 *	    [-c MICROSECONDS] [-p PID,PID...]
 *	aoeload -i IFACE -n EXPORTS -f
 *	aoeload -m FILE -k EXPORT -S SIZE_MIB
 *
 * The first form keeps WINDOW requests of BYTES in flight to each of EXPORTS
 * exports, whose addresses aoepattern.h gives, for SECONDS after half a second
 * of warming up, and prints one line of JSON: throughput, latencies, fairness,
 * frames sent again, processor time and memory of the target's processes.
 * LOAD is read, write, a number: that many percent of writes, or verify: READ
 * VERIFY SECTORS, which has the target read and sends nothing.  -M gives each
 * export a client's MAC of its own.  -c is a pause after each answer, for a
 * client that has something else to do; -z has it sleep until answers come,
 * where it would look for them all the time.  Of every answer the first sector
 * is checked, of every eighth all of them; a wrong one ends the run.
 *
 * The second form only waits until all exports answer, and prints how many
 * seconds that took.
 *
 * The third form makes the image that an export of this number must have.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "aoepattern.h"
#include "aoemeter.h"
#include "tests/initiator/wire.h"

#define BATCH		64
#define ATA_DATA	(WIRE_HEAD + WIRE_ATA)
#define ETHER_MIN	60
#define RESEND_NS	300000000	/* no answer for so long: once more */
#define WARM_NS		500000000
#define WINDOW_LIMIT	64
#define WHOLE_EVERY	8	/* one frame of so many is checked whole */
#define MARK_LEN	(ATA_DATA + sizeof(struct pattern))

struct options {
	const char	*ifname;
	unsigned	 exports, window, bytes, writes, threads;
	uint64_t	 sectors;	/* of an export */
	bool		 random, macs, verify, sleeps;
	double		 seconds;
	unsigned	 pause_us;
	struct watched	 target;
};

struct slot {			/* one request in flight */
	uint64_t	lba;
	int64_t		sent;	/* ns */
	uint16_t	turn;	/* tells an answer from a late double */
	bool		write;
};

struct target {
	uint32_t	number;
	uint64_t	next;		/* lba, in sequence */
	uint64_t	done;		/* requests within the time measured */
	struct slot	slot[WINDOW_LIMIT];
};

struct thread {
	pthread_t	 id;
	unsigned	 index;
	const struct options *o;
	struct wire	 wire;
	struct target	*targets;	/* n, every o->threads'th export */
	unsigned	 n;
	uint64_t	 seed, again, writes;
	uint32_t	 round;
	struct histogram latency;
	struct mmsghdr	 in[BATCH], out[BATCH];
	struct iovec	 in_iov[BATCH], out_iov[BATCH][2];
	uint8_t		 frame[BATCH][WIRE_MAX];
	uint8_t		 head[BATCH][ATA_DATA + ETHER_MIN];
	uint8_t		 data[BATCH][WIRE_MAX];
	unsigned	 queued;
};

static _Atomic int64_t	measure_from, measure_to;	/* ns */
static uint8_t		target_mac[6];

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static uint64_t
dice(struct thread *t)
{
	t->seed ^= t->seed << 13;
	t->seed ^= t->seed >> 7;
	t->seed ^= t->seed << 17;
	return t->seed;
}

/* The client's MAC that an export's requests come from. */
static void
source_of(const struct thread *t, uint32_t export, uint8_t mac[6])
{
	static const uint8_t base[6] = { 0x02, 0xbe, 0, 0, 0, 0 };

	memcpy(mac, t->o->macs ? base : t->wire.mac, 6);
	if (t->o->macs) {
		mac[4] = (uint8_t)(export >> 8);
		mac[5] = (uint8_t)export;
	}
}

/* Only the answers to this thread's requests: the second byte of their tags is
 * its number. */
static void
only_mine(struct thread *t)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, AOE_RESPONSE, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x80 | t->index, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0x40000),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	if (setsockopt(t->wire.fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
	    sizeof(prog)) == -1)
		err(1, "filter");
}

static void
flush(struct thread *t)
{
	unsigned i = 0;
	int sent;

	while (i < t->queued) {
		sent = sendmmsg(t->wire.fd, t->out + i, t->queued - i, 0);
		/* A link that is down loses it, as the wire may. */
		if (sent == -1 && (errno == ENOBUFS || errno == ENETDOWN))
			sent = 1;
		if (sent == -1)
			err(1, "sendmmsg");
		i += (unsigned)sent;
	}
	t->queued = 0;
}

/* A tag: 0x80 | thread, then which target of the thread's, turn and slot. */
static uint32_t
tag_of(const struct thread *t, unsigned target, unsigned slot, unsigned turn)
{
	return (0x80U | t->index) << 24 | target << 12 | slot << 6 |
	    (turn & 0x3f);
}

/* Send, or send again, what a slot holds. */
static void
put(struct thread *t, unsigned target, unsigned slot)
{
	struct target *x = &t->targets[target];
	struct slot *s = &x->slot[slot];
	unsigned i = t->queued++, count = t->o->bytes / PATTERN_SECTOR;
	struct aoe f = {
		.shelf = BENCH_SHELF(x->number),
		.slot = BENCH_SLOT(x->number),
		.command = AOE_ATA,
		.tag = tag_of(t, target, slot, s->turn),
	};
	struct ata a = {
		.aflags = ATA_EXTENDED | (s->write ? ATA_WRITE : 0),
		.count = (uint8_t)count,
		.command = s->write ? 0x34 : t->o->verify ? 0x42 : 0x24,
		.lba = s->lba,
	};

	memcpy(f.dst, target_mac, 6);
	source_of(t, x->number, f.src);
	aoe_put(t->head[i], &f);
	ata_put(t->head[i] + WIRE_HEAD, &a);
	t->out_iov[i][0] = (struct iovec){ t->head[i],
	    s->write ? ATA_DATA : ETHER_MIN };
	t->out_iov[i][1] = (struct iovec){ t->data[i], t->o->bytes };
	if (s->write)
		pattern_put(t->data[i], x->number, s->lba, count, ++t->round);
	t->out[i].msg_hdr.msg_iov = t->out_iov[i];
	t->out[i].msg_hdr.msg_iovlen = s->write ? 2 : 1;
	s->sent = now_ns();
	if (t->queued == BATCH)
		flush(t);
}

/* The next request of a slot. */
static void
next(struct thread *t, unsigned target, unsigned slot)
{
	struct target *x = &t->targets[target];
	struct slot *s = &x->slot[slot];
	unsigned count = t->o->bytes / PATTERN_SECTOR;
	uint64_t places = t->o->sectors / count;

	if (t->o->random)
		s->lba = dice(t) % places * count;
	else
		s->lba = x->next++ % places * count;
	s->write = t->o->writes == 100 ||
	    (t->o->writes > 0 && dice(t) % 100 < t->o->writes);
	s->turn++;
	put(t, target, slot);
}

/* An answer, or what looks like one. */
static void
take(struct thread *t, const uint8_t *frame, size_t len, int64_t now,
    bool whole)
{
	unsigned count = t->o->bytes / PATTERN_SECTOR, target, slot;
	struct target *x;
	struct slot *s;
	struct aoe f;
	struct ata a;

	if (!aoe_get(frame, len, &f))
		return;
	target = f.tag >> 12 & 0xfff;
	slot = f.tag >> 6 & 0x3f;
	if (target >= t->n || slot >= t->o->window)
		return;
	x = &t->targets[target];
	s = &x->slot[slot];
	if (f.tag != tag_of(t, target, slot, s->turn))
		return;			/* answered already */
	if ((f.flags & AOE_ERROR) || !ata_get(&f, &a) ||
	    (a.command & ATA_FAILED))
		errx(1, "export %u: error %u, status %#x", x->number, f.error,
		    frame[WIRE_HEAD + 3]);
	if (!s->write && !t->o->verify && (len < ATA_DATA + t->o->bytes ||
	    !pattern_is(frame + ATA_DATA, x->number, s->lba,
	    whole ? count : 1)))
		errx(1, "export %u: wrong sectors at %" PRIu64, x->number,
		    s->lba);
	if (now >= atomic_load(&measure_from) &&
	    now < atomic_load(&measure_to)) {
		x->done++;
		t->writes += s->write;
		histogram_add(&t->latency, (uint64_t)(now - s->sent));
	}
	if (t->o->pause_us > 0)
		usleep(t->o->pause_us);
	next(t, target, slot);
}

static void
send_again(struct thread *t, int64_t now)
{
	unsigned i, k;

	for (i = 0; i < t->n; i++)
		for (k = 0; k < t->o->window; k++)
			if (now - t->targets[i].slot[k].sent > RESEND_NS) {
				put(t, i, k);
				t->again++;
			}
}

/* Unless told to, it never sleeps, as clients that are other machines would
 * not: what is measured is the target.  Of most frames only the first sector's
 * mark is copied. */
static void
listen_once(struct thread *t)
{
	struct pollfd v = { .fd = t->wire.fd, .events = POLLIN };
	int got, i;
	int64_t now;

	if (t->o->sleeps)
		(void)poll(&v, 1, RESEND_NS / 4000000);
	for (i = 0; i < BATCH; i++) {
		t->in_iov[i] = (struct iovec){ t->frame[i],
		    i % WHOLE_EVERY == 0 ? WIRE_MAX : MARK_LEN };
		t->in[i].msg_hdr.msg_iov = &t->in_iov[i];
		t->in[i].msg_hdr.msg_iovlen = 1;
	}
	got = recvmmsg(t->wire.fd, t->in, BATCH, MSG_DONTWAIT | MSG_TRUNC,
	    NULL);
	now = now_ns();
	for (i = 0; i < got; i++)
		take(t, t->frame[i], t->in[i].msg_len, now,
		    i % WHOLE_EVERY == 0);
}

static void *
run(void *arg)
{
	struct thread *t = arg;
	int64_t now, look = 0;
	unsigned i, k;

	for (i = 0; i < t->n; i++)
		for (k = 0; k < t->o->window; k++)
			next(t, i, k);
	flush(t);
	while ((now = now_ns()) < atomic_load(&measure_to)) {
		listen_once(t);
		if (now - look > RESEND_NS / 4) {
			send_again(t, now);
			look = now;
		}
		flush(t);
	}
	return NULL;
}

static struct thread *
prepare(const struct options *o, unsigned index)
{
	struct thread *t;
	unsigned i;

	if ((t = calloc(1, sizeof(*t))) == NULL ||
	    (t->targets = calloc(o->exports, sizeof(*t->targets))) == NULL)
		err(1, NULL);
	t->o = o;
	t->index = index;
	t->seed = 0x9e3779b97f4a7c15 + index;
	for (i = index; i < o->exports; i += o->threads)
		t->targets[t->n++].number = i;
	for (i = 0; i < t->n; i++)	/* not all at the same place */
		t->targets[i].next = t->targets[i].number * 977UL;
	if (wire_open(&t->wire, o->ifname, NULL) == -1)
		err(1, "%s", o->ifname);
	only_mine(t);
	return t;
}

/* Learn the target's MAC from the first export, and whether all are there. */
static void
find(const struct options *o)
{
	uint8_t frame[ETHER_MIN] = { 0 }, in[WIRE_MAX];
	int64_t until = now_ms() + 30000;
	struct wire w;
	struct aoe f, r;
	unsigned k = 0;
	ssize_t n;

	if (wire_open(&w, o->ifname, NULL) == -1)
		err(1, "%s", o->ifname);
	while (k < o->exports) {
		f = (struct aoe){ .shelf = BENCH_SHELF(k),
		    .slot = BENCH_SLOT(k), .command = AOE_CONFIG,
		    .tag = 0xff000000 | k };
		memcpy(f.dst, wire_broadcast, 6);
		memcpy(f.src, w.mac, 6);
		aoe_put(frame, &f);
		if (wire_send(&w, frame, sizeof(frame)) == -1)
			err(1, "send");
		while ((n = wire_recv(&w, in, sizeof(in), 20)) > 0)
			if (aoe_get(in, (size_t)n, &r) && r.tag == f.tag) {
				memcpy(target_mac, r.src, 6);
				k++;
				break;
			}
		if (now_ms() > until)
			errx(1, "export %u does not answer", k);
	}
	close(w.fd);
}

static void
report(const struct options *o, struct thread **ts, const struct usage *used)
{
	uint64_t all = 0, again = 0, writes = 0, lo = UINT64_MAX, hi = 0;
	struct histogram h = { 0 };
	unsigned i, k;

	for (i = 0; i < o->threads; i++) {
		again += ts[i]->again;
		writes += ts[i]->writes;
		histogram_merge(&h, &ts[i]->latency);
		for (k = 0; k < ts[i]->n; k++) {
			uint64_t n = ts[i]->targets[k].done;

			all += n;
			lo = n < lo ? n : lo;
			hi = n > hi ? n : hi;
		}
	}
	printf("{\"exports\": %u, \"window\": %u, \"bytes\": %u, "
	    "\"writes\": %.3f, \"mb_s\": %.1f, \"per_s\": %.0f, "
	    "\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, "
	    "\"p999_us\": %.1f, \"max_us\": %.1f, \"fairness\": %.3f, "
	    "\"again\": %" PRIu64 ", \"cpu\": %.2f, \"mib\": %.1f}\n",
	    o->exports, o->window, o->bytes,
	    all ? (double)writes / (double)all : 0,
	    (double)all * o->bytes / o->seconds / 1e6,
	    (double)all / o->seconds, histogram_at(&h, 0.5) / 1e3,
	    histogram_at(&h, 0.9) / 1e3, histogram_at(&h, 0.99) / 1e3,
	    histogram_at(&h, 0.999) / 1e3, histogram_at(&h, 1) / 1e3,
	    hi ? (double)lo / (double)hi : 0, again,
	    used->cpu / o->seconds, used->mib);
}

static void
load(const struct options *o)
{
	struct usage before, after;
	struct thread **ts;
	unsigned i;

	find(o);
	if ((ts = calloc(o->threads, sizeof(*ts))) == NULL)
		err(1, NULL);
	for (i = 0; i < o->threads; i++)
		ts[i] = prepare(o, i);
	atomic_store(&measure_from, now_ns() + WARM_NS);
	atomic_store(&measure_to, measure_from + (int64_t)(o->seconds * 1e9));
	for (i = 0; i < o->threads; i++)
		if (pthread_create(&ts[i]->id, NULL, run, ts[i]) != 0)
			errx(1, "thread");
	usleep(WARM_NS / 1000);
	usage_read(&o->target, &before);
	usleep((useconds_t)(o->seconds * 1e6));
	usage_read(&o->target, &after);
	for (i = 0; i < o->threads; i++)
		pthread_join(ts[i]->id, NULL);
	after.cpu -= before.cpu;
	report(o, ts, &after);
}

/* In pieces such as clients write: of what is written by the megabyte, ext4
 * keeps so large parts together in memory that it spends most of a small
 * write's time on looking for its place there. */
static void
make_image(const char *path, uint32_t export, uint64_t sectors)
{
	enum { CHUNK = 16 };
	uint8_t *data;
	uint64_t lba;
	int fd;

	if ((data = calloc(CHUNK, PATTERN_SECTOR)) == NULL)
		err(1, NULL);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600)) == -1)
		err(1, "%s", path);
	for (lba = 0; lba < sectors; lba += CHUNK) {
		pattern_put(data, export, lba, CHUNK, 0);
		if (write(fd, data, CHUNK * PATTERN_SECTOR) !=
		    CHUNK * PATTERN_SECTOR)
			err(1, "%s", path);
	}
	close(fd);
	free(data);
}

static unsigned
number(const char *text, unsigned max)
{
	const char *why;
	unsigned n = (unsigned)strtonum(text, 0, max, &why);

	if (why != NULL)
		errx(64, "%s: %s", text, why);
	return n;
}

int
main(int argc, char **argv)
{
	struct options o = { .exports = 1, .window = 4, .bytes = 8192,
	    .threads = 1, .seconds = 2, .sectors = 64 * 2048 };
	const char *image = NULL;
	unsigned export = 0;
	bool only_find = false;
	int64_t began = now_ns();
	int ch;

	while ((ch = getopt(argc, argv, "i:n:w:b:l:o:S:t:j:Mzc:p:m:k:f")) != -1)
		switch (ch) {
		case 'i': o.ifname = optarg; break;
		case 'n': o.exports = number(optarg, 4000); break;
		case 'w': o.window = number(optarg, WINDOW_LIMIT); break;
		case 'b': o.bytes = number(optarg, 127 * 1024); break;
		case 'l':
			o.verify = strcmp(optarg, "verify") == 0;
			o.writes = o.verify || strcmp(optarg, "read") == 0 ? 0 :
			    strcmp(optarg, "write") == 0 ? 100 :
			    number(optarg, 100);
			break;
		case 'o': o.random = strcmp(optarg, "rand") == 0; break;
		case 'S': o.sectors = number(optarg, 1 << 20) * 2048UL; break;
		case 't': o.seconds = atof(optarg); break;
		case 'j': o.threads = number(optarg, 64); break;
		case 'M': o.macs = true; break;
		case 'z': o.sleeps = true; break;
		case 'c': o.pause_us = number(optarg, 1000000); break;
		case 'p': watched_parse(&o.target, optarg); break;
		case 'm': image = optarg; break;
		case 'f': only_find = true; break;
		case 'k': export = number(optarg, 60000); break;
		default: return 64;
		}
	if (image != NULL) {
		make_image(image, export, o.sectors);
		return 0;
	}
	if (o.ifname == NULL || optind != argc || o.exports == 0 ||
	    o.window == 0 || o.threads == 0 || o.seconds <= 0 ||
	    o.bytes == 0 || o.bytes % PATTERN_SECTOR != 0 || o.sectors == 0 ||
	    (!o.verify && o.bytes > WIRE_MAX - ATA_DATA))
		errx(64, "usage: aoeload -i IFACE ...; see its source");
	if (only_find) {
		find(&o);
		printf("%.3f\n", (double)(now_ns() - began) / 1e9);
	} else
		load(&o);
	return 0;
}
