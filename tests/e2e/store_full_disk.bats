#!/usr/bin/env bats
# A full disk leaves the old state and frees what the push took.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

free_kb() {
	sync -f "$ROOT"
	df --output=avail -k "$ROOT" | tail -n 1
}

# old_state: nothing of a push is left, and what was there still is.
old_state() {
	[ "$(stamps)" = "$1" ]
	full_is_listed
	unchanged
	[ "$(ls -A "$ROOT/host.snaps")" = "$(printf '%s\n' "$1" .lock .meta |
	    LC_ALL=C sort)" ] || {
		ls -lA "$ROOT/host.snaps" >&2
		return 1
	}
}

full_while_pushing() {
	local before rc=0 room
	export LC_ALL=C
	store_on_image 48M mkfs.ext4 -q -m 0
	some_files "$SRC/a" 10 10000
	push "$1"
	before=$(stamps)
	remember
	room=$(free_kb)
	some_files "$SRC/big" 30 2000000
	push "$1" || rc=$?
	cat "$T/out" >&2
	[ $rc = 73 ]
	old_state "$before"
	[ "$(free_kb)" -gt $((room - 200)) ]
	rm "$SRC"/big/file1*
	push "$1"
	same "$SRC" "$(full)"
	unchanged
}

@test 'overlay: the disk fills while a push runs' {
	store_setup root
	full_while_pushing overlay
}

@test 'linkdest: the disk fills while a push runs' {
	store_setup root
	full_while_pushing linkdest
}

# Inodes run out: linking needs none, but each folder of a snapshot does.
full_while_committing() {
	local before rc=0 i
	export LC_ALL=C
	store_on_image 16M mkfs.ext4 -q -m 0 -N 256
	for ((i = 0; i < 50; i++)); do
		mkdir -p "$SRC/old$i"
		echo $i >"$SRC/old$i/f"
	done
	push "$1"
	before=$(stamps)
	remember
	# What is pushed fits, the folders of the tree do not.
	some_files "$SRC/more" 90 10
	push_plain "$1" -- -aHAX --exclude='/old*' || rc=$?
	cat "$T/out" >&2
	[ $rc = 73 ]
	grep -q push_commit "$T/out"
	old_state "$before"
	rm -rf "$SRC/more"
	push "$1"
	same "$SRC" "$(full)"
	unchanged
}

@test 'overlay: the disk fills while a commit runs' {
	store_setup root
	full_while_committing overlay
}

@test 'linkdest: the disk fills while a commit runs' {
	store_setup root
	full_while_committing linkdest
}
