#!/usr/bin/env bats
# A push of which little has changed takes little of the quota, although all of
# the base is linked, or cloned, meanwhile.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load guard
teardown() { run_cleanup; }

fits() {
	local i
	policy 'quota = "40M"'
	mkdir "$T/src"
	for ((i = 0; i < 30; i++)); do
		head -c 1000000 /dev/urandom >"$T/src/file$i"
	done
	push "$T/src/" server:
	for i in 1 2 3; do
		echo "$i" >"$T/src/small"
		push "$T/src/" server:
	done
	grep -q "($1)" "$GUARD_LOG"
	snapshot_count 4
	head -c 15000000 /dev/urandom >"$T/src/large"
	run push "$T/src/" server:
	[ "$status" != 0 ]
	snapshot_count 4
}

@test 'the overlay way' {
	guard_setup
	fits overlay
}

@test 'the btrfs way' {
	local dev
	guard_setup
	need mkfs.btrfs losetup
	truncate -s 400M "$T/image"
	mkfs.btrfs -q "$T/image" >"$T/mkfs.log" 2>&1
	dev=$(losetup --find --show "$T/image") || skip 'no loop devices here'
	on_exit losetup -d "$dev"
	mount "$dev" "$STORE"
	on_exit umount -l "$STORE"
	chown "$ACCOUNT_ID:$ACCOUNT_ID" "$STORE"
	fits btrfs
}
