#!/usr/bin/env bats
# On btrfs, pushes through validate-ssh become read-only subvolumes; rsync sees
# the writable one and nothing else of the store.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load guard
teardown() { run_cleanup; }

setup() {
	local dev
	guard_setup
	need mkfs.btrfs losetup
	truncate -s 300M "$T/image"
	mkfs.btrfs -q "$T/image" >"$T/mkfs.log" 2>&1
	dev=$(losetup --find --show "$T/image") || skip 'no loop devices here'
	on_exit losetup -d "$dev"
	mount "$dev" "$STORE"
	on_exit umount -l "$STORE"
	chown "$ACCOUNT_ID:$ACCOUNT_ID" "$STORE"
	mkdir "$T/src"
	cp -a /etc/security /etc/init.d "$T/src/"
}

is_subvolume() {
	[ "$(stat -c %i "$1")" = 256 ]
}

fails_to_write() {
	! : >"$1/written"
}

pushes() {
	local s
	push --delete "$T/src/" server:
	echo more >"$T/src/more"
	ln -s /usr/lib "$T/src/link"
	push --delete "$T/src/" server:
	push --delete "$T/src/init.d/" "server:$CLIENT.full/below/"
	grep -q '(btrfs)' "$GUARD_LOG"
	[ "$(snapshots | wc -w)" = 3 ]
	for s in $(snapshots); do
		is_subvolume "$SNAPS/$s"
		fails_to_write "$SNAPS/$s"
	done
	mkdir "$T/back"
	push "server:$CLIENT.full/" "$T/back/"
	"$HELPERS_DIR/sametree.py" "$T/src/security" "$T/back/security"
	[ "$(cat "$T/back/more")" = more ]
	diff -r "$T/src/init.d" "$T/back/below"
}

@test 'through a jail' {
	pushes
}

@test 'where there are no namespaces' {
	no_namespaces
	pushes
}

@test 'irsync-rotate removes them' {
	push --delete "$T/src/" server:
	push --delete "$T/src/" server:
	push --delete "$T/src/" server:
	printf 'root = "%s"\nkeep-last = 1\n' "$STORE" >"$T/rotate.conf"
	as_account "$BIN/irsync-rotate" -f "$T/rotate.conf"
	[ "$(snapshots | wc -w)" = 1 ]
	[ -z "$(ls -d "$SNAPS"/.expired* 2>/dev/null)" ]
}
