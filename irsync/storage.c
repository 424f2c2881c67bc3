/* storage.c: the two kinds of storage behind one interface.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <unistd.h>

#include "irsync.h"

int
storage_push(struct irsync *ir, const struct push_options *o, struct run *r)
{
	if (ir->conf.storage->unmanaged && ir->conf.storage->remote)
		return unmanaged_push(ir, o, r);
	return ir->conf.storage->remote ? remote_push(ir, o, r) :
	    local_push(ir, o, r);
}

int
storage_list(struct irsync *ir, struct run *r, struct snapshot **v, size_t *n)
{
	return ir->conf.storage->remote ? remote_list(ir, r, v, n) :
	    local_list(ir, r, v, n);
}

int
storage_restore(struct irsync *ir, const char *stamp,
    const struct strv *paths, const char *dest, struct restore_options *o,
    struct run *r)
{
	o->as_root = geteuid() == 0;
	return ir->conf.storage->remote ?
	    remote_restore(ir, stamp, paths, dest, o, r) :
	    local_restore(ir, stamp, paths, dest, o, r);
}
