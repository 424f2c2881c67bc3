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

# ordered OPTIONS ROUNDS: with four workers; on $DISK.
ordered() {
	echo "0 ${DISK:-$T/disk} $(client_mac 1) aoe0 one $1" >"$T/aoed.conf"
	start_aoed "$T/aoed.conf" -j 4
	client 1 "$TOOLS/aoeorder" -i aoe0 0.0 "$2" "$RANDOM"
}

@test "overlapping requests keep their order, acknowledged when stable" {
	ordered sync=always "$(for_long 150 4000)"
}

@test "overlapping requests keep their order, acknowledged at once" {
	ordered sync=none "$(for_long 600 20000)"
}

@test "overlapping requests keep their order, around the page cache" {
	# Not every file system has O_DIRECT, nor the same unit of it.
	dd if=/dev/zero of="$T/disk" bs=4k count=1 oflag=direct conv=notrunc \
	    status=none || skip "no O_DIRECT below $T"
	ordered sync=none,direct "$(for_long 300 10000)"
}

@test "overlapping requests keep their order, on a disk that takes its time" {
	need nbdkit nbdfuse
	[ -c /dev/fuse ] || skip '/dev/fuse is not there'
	mkdir "$T/slow"
	nbdfuse "$T/slow/nbd" --command nbdkit -s --filter=delay memory 4M \
	    rdelay=2ms wdelay=5ms </dev/null >"$T/slow.log" 2>&1 3>&- &
	on_exit kill_now $!
	on_exit umount -l "$T/slow"
	wait_until 10 test -s "$T/slow/nbd"
	DISK=$T/slow/nbd ordered sync=always "$(for_long 10 500)"
}
