#!/usr/bin/env bats
# The btrfs way: a snapshot is a subvolume, made in a moment, and read-only.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

on_btrfs() {
	need mkfs.btrfs losetup
	store_on_image 400M mkfs.btrfs -q
}

make_source() {
	local i
	for i in 1 2 3 4; do
		some_files "$SRC/dir$i/sub" 8 3000
		ln "$SRC/dir$i/sub/file0" "$SRC/dir$i/hard"
	done
	mkdir "$SRC/empty"
	ln -s nowhere "$SRC/link"
	age "$SRC"
}

change_source() {
	echo "$1" >"$SRC/dir1/sub/file1"
	chmod "$(printf '0%o' $((0600 + $1)))" "$SRC/dir2/sub/file2"
	rm -rf "$SRC/dir3/sub"
	mkdir -p "$SRC/dir3/new$1"
	echo new >"$SRC/dir3/new$1/file"
}

is_subvolume() {
	[ "$(stat -c %i "$1")" = 256 ]
}

fails_to_write() {
	! : >"$1/written" 2>/dev/null
}

@test 'a push becomes a subvolume that nobody can write to' {
	local s
	store_setup root
	on_btrfs
	make_source
	push best
	[ "$(field way)" = btrfs ]
	same "$SRC" "$(full)"
	change_source 1
	remember
	push best
	same "$SRC" "$(full)"
	[ "$(field moved)" = 4 ] || {
		cat "$T/record"
		false
	}
	[ "$(field linked)" = $(($(find "$SRC" ! -type d | wc -l) - 4)) ]
	[ "$(field entries)" = "$(find "$SRC" -mindepth 1 | wc -l)" ]
	[ "$(field bytes)" = "$(find "$SRC" -type f -printf '%s\n' |
	    awk '{ sum += $1 } END { print sum }')" ]
	push best
	[ "$(field moved) $(field dropped)" = '0 0' ]
	unchanged
	for s in $(stamps); do
		is_subvolume "$(snap "$s")"
		fails_to_write "$(snap "$s")"
		fails_to_write "$(snap "$s")/dir1"
	done
	[ -z "$(ls -A "$ROOT/host.snaps/.push")" ]
}

@test 'an account without rights pushes the same way' {
	store_setup account
	on_btrfs
	make_source
	push best
	[ "$(field way)" = btrfs ]
	change_source 2
	push best -- --stats
	same "$SRC" "$(full)" || {
		rsync -aHAX -M--fake-super --delete -n -i "$SRC/" "$(full)/"
	} >&2
	[ "$(field way) $(field moved)" = 'btrfs 4' ]
	# A push that is dropped, by one who may not delete subvolumes.
	fails push best -x 12
	jq '.boot_id = "another" | .synced = false' \
	    "$ROOT/host.snaps/.push/state" >"$T/state"
	cat "$T/state" >"$ROOT/host.snaps/.push/state"
	push best
	fails grep -q resumed "$T/out"
	[ ! -e "$ROOT/host.snaps/.gone" ]
}

@test 'a failed push is taken up, without what rsync left half done' {
	store_setup root
	on_btrfs
	make_source
	echo mine >"$SRC/.mine.abcdef"
	push best
	echo more >"$SRC/more"
	fails push best -x 12
	echo half >"$ROOT/host.snaps/.push/upper/.half.ABCDEF"
	push_plain best -- -aHAX --stats
	grep -q resumed "$T/out"
	grep -q '^Number of regular files transferred: 0' "$T/record"
	same "$SRC" "$(full)"
}

@test 'killed thirty times while a push or its commit runs' {
	local round before stage
	store_setup root
	on_btrfs
	make_source
	push best
	for ((round = 1; round <= $(for_long 12 50); round++)); do
		before=$(stamps)
		remember
		change_source $round
		stage=commit
		[ $((round % 2)) = 0 ] || stage=rsync
		killed_push $stage 30000 best || true
		full_is_listed
		[ "$(stamps | head -n "$(wc -l <<<"$before")")" = "$before" ]
		push best
		same "$SRC" "$(full)"
		fails_to_write "$(full)"
		[ $((round % 4)) != 0 ] || {
			unchanged
			rm -rf "$T"/ref/*
		}
	done
	[ -z "$(ls -A "$ROOT/host.snaps/.push")" ]
}

# Snapshots of a time when the store was kept otherwise, and back.
@test 'the way may change: every snapshot is what was pushed' {
	local way before=
	store_setup root
	on_btrfs
	make_source
	cp -a "$SRC/dir1" "$SRC/copies"
	for way in overlay btrfs linkdest btrfs overlay overlay btrfs best; do
		change_source $((${#before} % 60 + 1))
		remember
		push $way
		same "$SRC" "$(full)" || {
			echo "$before, then $way" >&2
			false
		}
		[ "$way" = best ] || [ "$(field way)" = $way ]
		before="$before $way"
	done
	unchanged
}

@test 'the disk fills while a push runs' {
	local before rc=0
	store_setup root
	need mkfs.btrfs losetup
	store_on_image 128M mkfs.btrfs -q
	some_files "$SRC/a" 10 10000
	push best
	before=$(stamps)
	remember
	some_files "$SRC/big" 60 3000000
	push best || rc=$?
	[ $rc = 73 ]
	[ "$(stamps)" = "$before" ]
	unchanged
	rm -r "$SRC/big"
	push best
	same "$SRC" "$(full)"
}
