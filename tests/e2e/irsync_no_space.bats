#!/usr/bin/env bats
# A full disk at the storage: status 73, and the old snapshots stand.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq
	mkdir -p "$T/store" "$T/src"
	mount -t tmpfs -o size=4M store "$T/store"
	on_exit umount "$T/store"
	irsync_conf_local "$T/src"
}
teardown() { run_cleanup; }

@test "73: no space is left at the storage; the next backup works again" {
	head -c 1000000 /dev/urandom >"$T/src/first"
	irsync backup
	first=$(newest)
	head -c 9000000 /dev/urandom >"$T/src/big"
	run -73 irsync backup
	[[ ${lines[-1]} == *"no space is left"* ]]
	[ "$(newest)" = "$first" ]
	cmp "$T/src/first" "$T/store/client.example.net.full$T/src/first"
	rm "$T/src/big"
	echo small >"$T/src/small"
	irsync backup
	[ -f "$T/store/client.example.net.full$T/src/small" ]
}
