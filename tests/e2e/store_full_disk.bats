#!/usr/bin/env bats
# A full disk leaves the old state and frees what the push took.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

# roomy KB: has that much been freed?  btrfs does it in its own time.
roomy() {
	sync -f "$ROOT"
	[ "$(store_free_kb)" -gt "$1" ]
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
	store_on_small
	some_files "$SRC/a" 10 10000
	push "$WAY"
	before=$(stamps)
	remember
	sync -f "$ROOT"
	room=$(store_free_kb)
	some_files "$SRC/big" 30 2000000
	push "$WAY" || rc=$?
	cat "$T/out" >&2
	[ $rc = 73 ]
	old_state "$before"
	wait_until 40 roomy $((room - 400))
	rm "$SRC"/big/file1*
	push "$WAY"
	same "$SRC" "$(full)"
	unchanged
}

# bats test_tags=every_store
@test 'the disk fills while a push runs' {
	store_setup root unmounted
	full_while_pushing
}

# Inodes run out, where their number is fixed: linking needs none, but each folder
# of a snapshot does.
full_while_committing() {
	local before rc=0 i
	export LC_ALL=C
	store_on_image 16M mkfs.ext4 -q -m 0 -N 256
	for ((i = 0; i < 50; i++)); do
		mkdir -p "$SRC/old$i"
		echo $i >"$SRC/old$i/f"
	done
	push "$WAY"
	before=$(stamps)
	remember
	# What is pushed fits, the folders of the tree do not.
	some_files "$SRC/more" 90 10
	push_plain "$WAY" -- -aHAX --exclude='/old*' || rc=$?
	cat "$T/out" >&2
	[ $rc = 73 ]
	grep -q push_commit "$T/out"
	old_state "$before"
	rm -rf "$SRC/more"
	push "$WAY"
	same "$SRC" "$(full)"
	unchanged
}

@test 'the disk fills while a commit runs' {
	only_fs ext4
	only_way overlay linkdest
	store_setup root unmounted
	full_while_committing
}
