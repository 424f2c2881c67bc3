#!/usr/bin/env bats
# The storage network of the tests: its clients have addresses of their own,
# and the initiator does with the reference target what AoE promises.

load helpers
load aoenet

setup() {
	need /usr/sbin/vblade
	setup_tmp
}

teardown() {
	run_cleanup
}

@test "each client has its own address and the wire is quiet" {
	aoe_net 2
	client 1 ip link show aoe0 | grep -q 02:00:00:00:00:01
	client 2 ip link show aoe0 | grep -q 02:00:00:00:00:02
	[ -z "$(client 1 ip -6 address show)" ]
}

@test "what is written to vblade is read back, in windows and out of them" {
	aoe_net 2
	truncate -s 16M "$T/disk"
	head -c 3M /dev/urandom >"$T/data"
	start_vblade 3 1 "$T/disk"
	aoe 1 write 3.1 9 <"$T/data"
	aoe 2 read 3.1 9 6144 | cmp - "$T/data"
	aoe 2 -b -c 1 -n 3 read 3.1 9 6144 | cmp - "$T/data"
	cmp -n 3145728 "$T/disk" "$T/data" 4608
}

@test "the initiator says why it failed" {
	aoe_net 1
	truncate -s 1M "$T/disk"
	start_vblade 0 0 "$T/disk"
	run aoe 1 read 0.0 2047 2
	[ "$status" = 2 ]
	[[ $output = *'ATA status 0x41 error 0x10'* ]]
	run aoe 1 -t 0.3 identify 0.1
	[ "$status" = 1 ]
	run aoe 1 identify 0
	[ "$status" = 64 ]
}
