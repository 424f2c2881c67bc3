#!/usr/bin/env bats
# Disks are served on bridges, VLAN devices and bonds as on any interface.

load helpers
load aoenet

setup() {
	need jq
	setup_tmp
	aoe_net 1
	truncate -s 4M "$T/disk"
	head -c 1M /dev/urandom >"$T/data"
}

teardown() {
	run_cleanup
}

# make_link NAME ARGUMENTS...: in the server; skip where the kernel cannot.
make_link() {
	srv ip link add "$@" 2>"$T/no" || skip "no such link: $(cat "$T/no")"
}

# serve_on IFACE [CLIENT'S]: serve the disk there and move data over it.
serve_on() {
	echo "0 $T/disk $(client_mac 1) $1 one" >"$T/table"
	start_aoed "$T/table"
	wait_until 10 state_is one serving
	client 1 "$TOOLS/aoeinit" -i "${2:-aoe0}" write 0.0 0 <"$T/data"
	client 1 "$TOOLS/aoeinit" -i "${2:-aoe0}" read 0.0 0 2048 |
	    cmp - "$T/data"
	cmp -n 1048576 "$T/disk" "$T/data"
}

@test "a bridge; a port of it is refused by name" {
	make_link br9 type bridge
	srv ip link set br9 up
	srv ip link set aoe0 master br9
	serve_on br9
	echo "1 $T/data $(client_mac 1) aoe0 two" >>"$T/table"
	run aoectl reload
	[ "$status" = 1 ]
	[[ $output = *'aoe0: it is a port of a bridge'*'name the bridge'* ]]
	run srv "$BIN/aoed" -n -f "$T/table"
	[ "$status" = 1 ]
	[[ $output = *':2:'*'aoe0: it is a port of a bridge'* ]]
}

@test "a VLAN device; its parent answers none of its frames" {
	make_link link aoe0 name aoe0.5 type vlan id 5
	client 1 ip link add link aoe0 name aoe0.5 type vlan id 5
	srv ip link set aoe0.5 up
	client 1 ip link set aoe0.5 up
	serve_on aoe0.5 aoe0.5
	run aoe 1 -t 0.3 identify 0.0
	[ "$status" = 1 ]
	stop_aoed
	echo "0 $T/disk $(client_mac 1) aoe0 one" >"$T/table"
	start_aoed "$T/table"
	aoe 1 identify 0.0 | grep -q sectors
	run client 1 "$TOOLS/aoeinit" -i aoe0.5 -t 0.3 identify 0.0
	[ "$status" = 1 ]
}

@test "a bond, also when it has just got its port" {
	make_link bond9 type bond mode active-backup miimon 100
	echo "0 $T/disk $(client_mac 1) bond9 one" >"$T/table"
	srv ip link set bond9 mtu 9000 up
	start_aoed "$T/table"
	state_is one waiting
	srv ip link set aoe0 down
	srv ip link set aoe0 master bond9
	srv ip link set aoe0 up
	wait_until 10 state_is one serving
	aoe 1 write 0.0 0 <"$T/data"
	aoe 1 read 0.0 0 2048 | cmp - "$T/data"
}
