#!/usr/bin/env bats
# The btrfs way: a snapshot is a subvolume, made in a moment, and read-only.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

setup() {
	only_fs btrfs
	: "${STORE_FS:=btrfs}" "${STORE_WAY:=btrfs}"
	only_way btrfs
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

# verified: every file of every snapshot is what its commit took a checksum of.
verified() {
	"$BIN/irsync" --store "$ROOT" verify --json >"$T/verified" || true
	[ "$(jq -c '.exit, (.clients[] | [.unknown, .damaged, .unreadable])' \
	    "$T/verified")" = $'0\n[0,0,0]' ] || {
		cat "$T/verified" >&2
		return 1
	}
}

# A clone gives out the numbers behind the highest that it has: also one that an
# older snapshot has.
@test 'checksums: a number given out again, and content changed in place' {
	local file=dir1/sub/file3 ino
	store_setup root
	make_source
	push "$WAY"
	echo last >"$SRC/last"
	push "$WAY"
	ino=$(stat -c %i "$(full)/last")
	rm "$SRC/last"
	push "$WAY"
	echo other >"$SRC/other"
	push "$WAY"
	[ "$(stat -c %i "$(full)/other")" = "$ino" ]
	verified
	# The same size and time, and only --checksum sees it.
	ino=$(stat -c %i "$(full)/$file")
	cp -p "$SRC/$file" "$T/was"
	head -c 3000 /dev/urandom >"$SRC/$file"
	touch -r "$T/was" "$SRC/$file"
	push "$WAY" -- --checksum --inplace
	[ "$(stat -c %i "$(full)/$file")" = "$ino" ]
	cmp "$SRC/$file" "$(full)/$file"
	verified
}

# Snapshots of a time when the store was kept otherwise, and back.
@test 'the way may change: every snapshot is what was pushed' {
	local way before=
	store_setup root
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
