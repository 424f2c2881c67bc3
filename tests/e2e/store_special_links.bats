#!/usr/bin/env bats
# Pipes, sockets, devices and symlinks of several names stay one when they get
# another name.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

new_names() {
	local n
	store_setup root
	mkdir "$SRC/a" "$SRC/b"
	mkfifo "$SRC/a/pipe"
	mknod "$SRC/a/disk" b 3 4
	ln -s away "$SRC/a/link"
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$SRC/a/sock"
	for n in pipe disk link sock; do
		ln -P "$SRC/a/$n" "$SRC/b/$n"
	done
	push "$WAY"
	mkdir "$SRC/c"
	for n in pipe disk link sock; do
		ln -P "$SRC/a/$n" "$SRC/c/$n"
	done
	push "$WAY"
	same "$SRC" "$(full)"
	# The attributes count as well.
	setfacl -m u:5:rw- "$SRC/a/disk" "$SRC/a/pipe"
	push "$WAY"
	for n in pipe disk; do
		setfacl -m u:6:rw- -x u:5 "$SRC/a/$n"
		ln "$SRC/a/$n" "$SRC/d-$n"
	done
	push "$WAY"
	same "$SRC" "$(full)"
}

# bats test_tags=every_store
@test 'new names for what is no regular file' {
	new_names
}
