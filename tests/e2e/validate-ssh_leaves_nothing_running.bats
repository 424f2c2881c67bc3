#!/usr/bin/env bats
# What a taken-over rsync left running is gone before the snapshot is made, in
# every way: nobody writes into one.

load helpers
load guard

setup() {
	guard_setup
	mkdir -p "$T/src"
	echo one >"$T/src/one"
	push "$T/src/" server:
	cp "$TOOLS/standin" "$T/rsync"
	RSYNC_KEY="rsync = '$T/rsync'"
}

teardown() {
	run_cleanup
}

# stays: does the newest snapshot stay as it is, and is no stand-in left?
stays() {
	run guard rsync --server -r --info=stray . "$CLIENT.full"
	[ "$status" = 0 ]
	[[ $output = *"keep running: no"* ]]
	run pgrep -f "$T/rsync"
	[ -z "$output" ]
	[ -s "$FULL/stray" ]
	manifest "$FULL/" >"$T/before"
	sleep 0.2
	manifest "$FULL/" | cmp "$T/before" -
}

@test "with the overlay" {
	policy '' "$RSYNC_KEY"
	stays
	snapshot_count 2
	confined
}

@test "with --link-dest" {
	policy 'way = "linkdest"' "$RSYNC_KEY"
	stays
	snapshot_count 2
	confined
}

@test "without namespaces" {
	no_namespaces
	policy '' "$RSYNC_KEY"
	stays
	snapshot_count 2
}
