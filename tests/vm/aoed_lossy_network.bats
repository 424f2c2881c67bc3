#!/usr/bin/env bats
# 5 % of all frames dropped, doubled and reordered, in both directions: slow,
# and nothing wrong at the end.

load ../e2e/helpers
load ../e2e/aoenet
load vm

setup() {
	setup_tmp
	vm_build
	vm_more_tools
	SECONDS_OF_LOAD=$(for_long 8 60)
	# shellcheck disable=SC2034 # vm.bash's
	VM_TIMEOUT=$((600 + 4 * SECONDS_OF_LOAD))
}

teardown() {
	run_cleanup
}

@test "ext4 and verified writes at MTU 1500 while frames are lost and doubled" {
	aoe_net 0 1500
	truncate -s 64M "$T/disk"
	echo "0 $T/disk $(client_mac 1) aoe0 one" >"$T/aoed.conf"
	start_aoed "$T/aoed.conf"
	cat >"$T/script" <<-SCRIPT
	tools_up
	aoe_up e0.0
	exec 9</dev/etherd/e0.0
	mkfs.ext4 -q /dev/etherd/e0.0
	mount -t ext4 /dev/etherd/e0.0 /mnt
	lossy eth0 loss 5% duplicate 5% delay 1ms reorder 95% 50%
	fio_on /mnt/file 4 $SECONDS_OF_LOAD
	tar c -C /more bin | head -c 3000000 >/mnt/copy
	sync
	lossless eth0
	forget
	tar c -C /more bin | head -c 3000000 | cmp - /mnt/copy
	umount /mnt
	# Lost, and repeated: there was something to ride out.
	tc_lost
	! io_errors
	SCRIPT
	vm_run "$(client_mac 1)" "$T/script" "$T/out" || vm_failed "$T/out"
	cat "$T/out"
	[ "$(sed -n 's/^lost //p' "$T/out")" -ge 10 ]
	e2fsck -fn "$T/disk"
}
