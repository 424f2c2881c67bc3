#!/usr/bin/env bats
# Invariant 5: an unprivileged server keeps owners, modes, devices, ACLs and
# attributes, and they come back exactly.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

make_source() {
	some_files "$SRC/d" 3 500
	ln "$SRC/d/file0" "$SRC/hard"
	ln -s /etc/passwd "$SRC/outside"
	ln -s nowhere "$SRC/nowhere"
	ln "$SRC/nowhere" "$SRC/hardsym" 2>/dev/null || true
	mknod "$SRC/chr" c 5 1
	mknod "$SRC/blk" b 7 3
	mknod "$SRC/whiteout" c 0 0
	mkfifo -m 0604 "$SRC/fifo"
	echo secret >"$SRC/mode0"
	chmod 0 "$SRC/mode0"
	mkdir -m 0 "$SRC/dir0"
	echo x >"$SRC/dir0/below"
	mkdir -m 3777 "$SRC/sticky"
	echo suid >"$SRC/suid"
	chown 1000:1001 "$SRC/suid" "$SRC/fifo" "$SRC/sticky"
	chown -h 1000:1001 "$SRC/outside"
	chmod 6755 "$SRC/suid"
	setfattr -n user.mine -v "$(printf 'a\nb')" "$SRC/d/file1"
	setfattr -n trusted.root -v t "$SRC/d/file1"
	setfacl -m u:1234:rwx,g:77:r "$SRC/d/file2"
	setfacl -d -m u:1234:rwx "$SRC/d"
	truncate -s 3000000 "$SRC/sparse"
	echo end >>"$SRC/sparse"
	age "$SRC"
}

# restored: what a restore from HOST.full gives is the source.
restored() {
	rm -rf "$T/back"
	rsync -aHAX --numeric-ids -S -e "$T/sender" host:"$(full)/" "$T/back/"
	same "$SRC" "$T/back"
}

restore_setup() {
	cat >"$T/sender" <<-EOF
	#!/bin/bash
	shift 2
	cd /
	exec setpriv --reuid $ACCOUNT_ID --regid $ACCOUNT_ID --clear-groups \
	    rsync --server --sender --fake-super "\${@:3}"
	EOF
	chmod +x "$T/sender"
}

round_trip() {
	restore_setup
	make_source
	push "$WAY" -- -S
	restored
	chown 3:4 "$SRC/suid" "$SRC/chr"
	chmod 0111 "$SRC/mode0"
	rm "$SRC/blk"
	mknod "$SRC/blk" b 8 1
	setfacl -b "$SRC/d/file2"
	setfacl -k "$SRC/d"
	setfattr -x trusted.root "$SRC/d/file1"
	rm "$SRC/outside"
	ln -s elsewhere "$SRC/outside"
	remember
	push "$WAY" -- -S
	restored
	unchanged
	# Nothing in the store belongs to anybody else,
	[ -z "$(find "$ROOT" -mindepth 1 ! -user "$ACCOUNT_ID")" ]
	# and what would be a link, a device or setuid there is only noted.
	[ -z "$(find "$ROOT" -mindepth 2 ! -type f ! -type d)" ]
	[ -z "$(find "$ROOT" -mindepth 2 -perm /6000)" ]
	[ "$(stat -c %a "$ROOT/host.snaps")" = 700 ]
}

# bats test_tags=every_store
@test 'owners, modes, devices, ACLs and attributes come back' {
	store_setup account
	round_trip
}
