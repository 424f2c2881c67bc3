#!/usr/bin/env bats
# A table of a thousand rows is served within seconds, every row of it, and a
# reload that turns it over is as well.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 2
	mkdir "$T/disks"
}

teardown() {
	run_cleanup
}

# table K: a thousand rows, four shelves full, for client K.
table() {
	local i mac
	mac=$(client_mac "$1")
	for ((i = 0; i < 1000; i++)); do
		echo "$((i / 250)).$((i % 250)) $T/disks/$i $mac aoe0 disk$i"
	done >"$T/aoed.conf"
}

# targets_are K N: that many answer client K.
targets_are() {
	[ "$(aoe "$1" -t 1 discover | cut -d' ' -f1 | sort -u | wc -l)" = "$2" ]
}

@test "a thousand rows are served, and turned over by a reload" {
	(cd "$T/disks" && truncate -s 1M {0..999})
	head -c 100K /dev/urandom >"$T/data"
	table 1
	start_aoed "$T/aoed.conf"
	wait_until 60 targets_are 1 1000
	[ "$(aoectl --json status | jq '[.exports[] |
	    select(.state == "serving")] | length')" = 1000 ]
	for i in 0 249 250 999; do
		aoe 1 write "$((i / 250)).$((i % 250))" 7 <"$T/data"
		cmp -n 102400 "$T/data" "$T/disks/$i" 0 3584
	done
	# Much of the memory is shared, and what is not used is not there.
	[ "$(awk '/VmRSS/ { print $2 }' "/proc/$AOED_PID/status")" -lt 204800 ] ||
	    [ -n "${SAN:-}" ]
	table 2
	aoectl reload
	wait_until 60 targets_are 2 1000
	run aoe 1 -t 0.3 discover
	[ "$status" = 1 ]
	aoe 2 read 3.249 7 200 | cmp - "$T/data"
}
