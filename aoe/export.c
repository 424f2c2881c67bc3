/* export.c: from a row of the table and its open file to what is served.
 * What is done with it then is its worker's.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "export.h"
#include "link.h"
#include "net.h"

/* The sectors that the row serves of a file of that size, whole pages of
 * 4 KiB: a client with an odd number falls to single sectors.  *cut is what
 * that leaves out.  0 with why->text if there are none. */
static uint64_t
measure(const struct row *r, uint64_t bytes, unsigned *cut,
    struct reason *why)
{
	uint64_t all = bytes / SECTOR, n;

	if (r->offset >= all) {
		snprintf(why->text, sizeof(why->text),
		    "%s: it has %" PRIu64 " sectors, none at offset %" PRIu64,
		    r->file, all, r->offset);
		return 0;
	}
	n = all - r->offset;
	if (r->length > n) {
		snprintf(why->text, sizeof(why->text),
		    "%s: it has %" PRIu64 " sectors at offset %" PRIu64
		    ", not %" PRIu64, r->file, n, r->offset, r->length);
		return 0;
	}
	if (r->length != 0)
		n = r->length;
	*cut = (unsigned)(n % 8);
	n -= *cut;
	if (n == 0)
		snprintf(why->text, sizeof(why->text),
		    "%s: smaller than 4 KiB", r->file);
	return n;
}

/* The same for ever, and another for each export: it is made of the alias
 * and the shelf, which are unique, the one here, the other on the network. */
static void
make_serial(const struct row *r, char serial[21])
{
	char name[TABLE_ALIAS_MAX + 8];

	snprintf(name, sizeof(name), "%u/%s", r->shelf, r->alias);
	snprintf(serial, 21, "%016" PRIX64,
	    (uint64_t)XXH64(name, strlen(name), 0));
}

/* The same for the same file, offset and length. */
static uint64_t
make_window(const struct row *r)
{
	const uint64_t part[] = { r->offset, r->length };

	return XXH64(part, sizeof(part), XXH64(r->file, strlen(r->file), 0));
}

static void
export_init(struct export *e)
{
	e->fd = e->fd_plain = -1;
	order_init(&e->order);
	TAILQ_INIT(&e->ready);
	TAILQ_INIT(&e->written);
	TAILQ_INIT(&e->syncing);
	TAILQ_INIT(&e->writes);
}

struct export *
export_new(const struct row *r, struct image *img, struct reason *why)
{
	struct export *e;

	if ((e = calloc(1, sizeof(*e))) == NULL) {
		image_close(img);
		goto fail_errno;
	}
	export_init(e);
	e->fd = img->fd;
	e->fd_plain = img->fd_plain;
	img->fd = img->fd_plain = -1;
	if (row_copy(&e->row, r) == -1)
		goto fail_errno;
	if ((e->disk.sectors = measure(r, img->bytes, &e->cut, why)) == 0)
		goto fail;
	atomic_store(&e->sectors, e->disk.sectors);
	e->dev = img->dev;
	e->ino = img->ino;
	e->regular = img->regular;
	e->fuse = img->fuse;
	e->can_nowait = !img->fuse;
	e->offset = (off_t)(r->offset * SECTOR);
	e->disk.ro = r->ro;
	e->disk.cached = r->sync == SYNC_NONE && !r->ro;
	e->cache_on = e->disk.cached;
	make_serial(r, e->disk.serial);
	e->window = make_window(r);
	return e;
fail_errno:
	export_reason(r, errno, why);
fail:
	export_free(e);
	return NULL;
}

void
export_reason(const struct row *r, int err, struct reason *why)
{
	snprintf(why->text, sizeof(why->text), "%s: %s", r->file,
	    err == ETIMEDOUT ? "the disk does not answer" : strerror(err));
}

static off_t
length_of(const struct export *e)
{
	return (off_t)(atomic_load_explicit(&e->sectors,
	    memory_order_relaxed) * SECTOR);
}

/* A lock of the open file, not of the process: that one would end when any
 * descriptor of the file is closed, a check's too. */
int
export_lock(const struct export *e)
{
	struct flock fl = {
		.l_type = e->row.ro ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = e->offset,
		.l_len = length_of(e),
	};

	return fcntl(e->fd, F_OFD_SETLK, &fl);
}

void
export_unlock(const struct export *e)
{
	struct flock fl = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (e->fd != -1)
		(void)fcntl(e->fd, F_OFD_SETLK, &fl);
}

bool
export_overlaps(const struct export *a, const struct export *b)
{
	return a->dev == b->dev && a->ino == b->ino &&
	    a->offset < b->offset + length_of(b) &&
	    b->offset < a->offset + length_of(a);
}

void
export_free(struct export *e)
{
	if (e == NULL)
		return;
	if (e->fd != -1)
		close(e->fd);
	if (e->fd_plain != -1)
		close(e->fd_plain);
	free(e->links);
	free(e->ifaces);
	row_free(&e->row);
	free(e);
}

/* Where a name of a comma-separated column stands. */
static unsigned
item_column(const struct row *r, enum table_column c, size_t n)
{
	unsigned col = r->col[c];
	size_t i;

	for (i = 0; i < n; i++)
		col += (unsigned)strlen(r->ifaces.v[i]) + 1;
	return col;
}

uint64_t
export_measure(const struct row *r, int fd, struct reason *why)
{
	struct image img = IMAGE_NONE;
	unsigned cut;

	img.fd = fd;
	if (image_measure(&img) == -1) {
		export_reason(r, errno, why);
		return 0;
	}
	return measure(r, img.bytes, &cut, why);
}

void
export_check_links(const struct row *r, const struct links *ls,
    struct diags *ds)
{
	struct reason why;
	size_t i;

	for (i = 0; i < r->ifaces.n && r->bad == NULL; i++) {
		links_unfit(ls, r->ifaces.v[i], false, why.text,
		    sizeof(why.text));
		if (why.text[0] != '\0')
			diags_add(ds, r->line, item_column(r, COL_IFACE, i),
			    "%s", why.text);
	}
}

void
export_report(const struct row *r, int err, const struct image *img,
    struct diags *ds)
{
	struct reason why;
	unsigned cut;

	if (r->bad != NULL)
		return;
	why.text[0] = '\0';
	if (err != 0)
		export_reason(r, err, &why);
	else
		(void)measure(r, img->bytes, &cut, &why);
	if (why.text[0] != '\0')
		diags_add(ds, r->line, r->col[COL_FILE], "%s", why.text);
}

unsigned
export_maxsectors(const struct export *e, unsigned mtu)
{
	unsigned n = frame_sectors(mtu);

	if (n > EXPORT_SECTORS_MAX)
		n = EXPORT_SECTORS_MAX;
	if (e->row.maxsectors != 0 && n > e->row.maxsectors)
		n = e->row.maxsectors;
	return n;
}
