#!/usr/bin/env bats
# Requests that overlap take effect in the order in which they arrived: a late
# double of a write never undoes a newer one, and a read between two writes
# answers what the first wrote.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 1
	truncate -s 4M "$T/disk"
}

teardown() {
	run_cleanup
}

# ordered OPTIONS ROUNDS
ordered() {
	echo "0 $T/disk $(client_mac 1) aoe0 one $1" >"$T/aoed.conf"
	start_aoed "$T/aoed.conf"
	client 1 "$TOOLS/aoeorder" -i aoe0 0.0 "$2" "$RANDOM"
}

@test "overlapping requests keep their order, acknowledged when stable" {
	ordered sync=always 150
}

@test "overlapping requests keep their order, acknowledged at once" {
	ordered sync=none 600
}

@test "overlapping requests keep their order, around the page cache" {
	# Not every file system has O_DIRECT, nor the same unit of it.
	dd if=/dev/zero of="$T/disk" bs=4k count=1 oflag=direct conv=notrunc \
	    status=none || skip "no O_DIRECT below $T"
	ordered sync=none,direct 300
}
