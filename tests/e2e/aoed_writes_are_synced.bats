#!/usr/bin/env bats
# sync=always: an answered write has been followed by an fdatasync; one of
# those serves many writes.  sync=none: only a flush does.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 1
	truncate -s 8M "$T/disk1" "$T/disk2"
	echo "0 $T/disk1 $(client_mac 1) aoe0 always" >"$T/table"
	echo "1 $T/disk2 $(client_mac 1) aoe0 none sync=none" >>"$T/table"
	start_aoed "$T/table"
}

teardown() {
	run_cleanup
}

syncs() {
	aoectl --json status "$1" | jq '.exports[0].syncs'
}

@test "one write, one sync; many in flight, fewer syncs than writes" {
	head -c 512 /dev/urandom | aoe 1 write 0.0 0
	[ "$(syncs always)" = 1 ]
	head -c 4M /dev/urandom | aoe 1 -n 16 -c 64 write 0.0 0
	n=$(syncs always)
	echo "$n syncs"
	[ "$n" -gt 1 ]
	[ "$n" -lt 400 ]	# of 513 writes
}

@test "sync=none syncs when it is asked to" {
	head -c 4M /dev/urandom | aoe 1 write 0.1 0
	[ "$(syncs none)" = 0 ]
	aoe 1 flush 0.1
	[ "$(syncs none)" = 1 ]
	aoe 1 -b flush 0.1
	[ "$(syncs none)" = 2 ]
}

@test "a clean end loses nothing that was answered" {
	head -c 8M /dev/urandom >"$T/data"
	aoe 1 write 0.1 0 <"$T/data"
	stop_aoed
	cmp "$T/disk2" "$T/data"
	grep -q 'none: e0.1 has ended' "$T/aoed.log"
}
