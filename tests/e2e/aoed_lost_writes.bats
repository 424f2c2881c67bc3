#!/usr/bin/env bats
# A disk that loses writes: the client gets errors, the export has failed and
# stays so until the operator restarts it; nothing is said to be safe that is
# not.  The disk is a loop device whose file cannot grow on its file system.

load helpers
load aoenet

setup() {
	need losetup
	setup_tmp
	mkdir "$T/small"
	mount -t tmpfs -o size=4M none "$T/small"
	on_exit umount "$T/small"
	truncate -s 32M "$T/small/backing"
	truncate -s 1M "$T/disk"
	LOOP=$(losetup -f --show "$T/small/backing") ||
	    skip 'no loop device to be had'
	on_exit losetup -d "$LOOP"
	aoe_net 1
	echo "0 $LOOP $(client_mac 1) aoe0 lossy" >"$T/table"
	echo "1 $T/disk $(client_mac 1) aoe0 sound" >>"$T/table"
	start_aoed "$T/table" -j 1
	head -c 8M /dev/urandom >"$T/data"
}

teardown() {
	run_cleanup
}

state_is() {
	aoectl --json status lossy | jq -e ".exports[0].state == \"$1\""
}

@test "a failed fdatasync fails the export, a restart serves it again" {
	aoe 1 write 0.0 0 < <(head -c 4096 /dev/zero)
	run aoe 1 write 0.0 0 <"$T/data"
	[ "$status" = 2 ]
	[[ $output = *'status 0x51 error 0x40'* ]]
	state_is failed
	aoectl --json status lossy | jq -e '.exports[0].why |
	    contains("writes were lost")'
	grep -q 'lossy: .*fdatasync' "$T/aoed.log"
	# Neither a read nor a flush is answered as if all were well.
	run aoe 1 read 0.0 0 8
	[ "$status" = 2 ]
	run aoe 1 flush 0.0
	[ "$status" = 2 ]
	aoe 1 read 0.1 0 2048 | cmp - "$T/disk"
	run aoectl start lossy
	[ "$status" = 1 ]
	mount -o remount,size=64M "$T/small"
	aoectl restart lossy
	state_is serving
	aoe 1 write 0.0 0 <"$T/data"
	stop_aoed
	cmp -n 8388608 "$LOOP" "$T/data"
}
