#!/usr/bin/env bats
# An interface that comes late, is renamed or gets another MTU or MAC: rows wait
# for it, serve again by themselves, and tell their clients.

load helpers
load aoenet

setup() {
	need jq python3
	setup_tmp
	aoe_net 1
	truncate -s 4M "$T/disk"
	echo "0 $T/disk $(client_mac 1) aoe0 one" >"$T/table"
}

teardown() {
	run_cleanup
}

# sectors_are N: of one message, as the client is told.
sectors_are() {
	[ "$(aoe 1 -t 0.5 discover | cut -d' ' -f4)" = "$1" ]
}

port_mtu() {
	srv ip link set aoe0 mtu "$1"
}

@test "one that is missing at start is served when it comes" {
	sed -i 's/aoe0/late0/' "$T/table"
	start_aoed "$T/table"
	state_is one waiting
	[[ $(aoectl status 2>&1) = *'one: late0: No such device'* ]]
	srv ip link set aoe0 down
	srv ip link set aoe0 name late0
	wait_until 5 eval "aoectl status 2>&1 | grep -q 'late0: it is down'"
	state_is one waiting
	srv ip link set late0 up
	wait_until 5 state_is one serving
	aoe 1 identify 0.0 | grep -qx 'sectors 8192'
}

@test "one that is renamed away takes its rows out, and back, in" {
	start_aoed "$T/table"
	srv ip link set aoe0 down
	srv ip link set aoe0 name other0
	srv ip link set other0 up
	wait_until 5 state_is one waiting
	run aoe 1 -t 0.3 identify 0.0
	[ "$status" = 1 ]
	srv ip link set other0 down
	srv ip link set other0 name aoe0
	srv ip link set aoe0 up
	wait_until 5 state_is one serving
	aoe 1 identify 0.0 | grep -q sectors
}

@test "sector counts follow the MTU while it runs, and clients are told" {
	start_aoed "$T/table"
	wait_until 5 sectors_are 17
	listen 1
	for pair in 1500:2 4500:8 1582:3 9000:17; do
		port_mtu "${pair%:*}"
		wait_until 5 sectors_are "${pair#*:}"
		wait_until 5 grep -q "^e0.0 .* ${pair#*:}$" "$T/heard.1"
		head -c 1M /dev/urandom >"$T/data"
		aoe 1 write 0.0 0 <"$T/data"
		aoe 1 read 0.0 0 2048 | cmp - "$T/data"
	done
	port_mtu 1000
	wait_until 5 state_is one waiting
	[[ $(aoectl status 2>&1) = *'MTU of 1000 is too small'* ]]
	port_mtu 1500
	wait_until 5 state_is one serving
	wait_until 5 sectors_are 2
}

@test "maxsectors= caps what the MTU allows" {
	sed -i 's/$/ maxsectors=5/' "$T/table"
	start_aoed "$T/table"
	wait_until 5 sectors_are 5
	port_mtu 1500
	wait_until 5 sectors_are 2
}

@test "another MAC is answered from, and clients are told" {
	start_aoed "$T/table"
	listen 1
	srv ip link set aoe0 address 02:00:00:00:00:f1
	wait_until 5 grep -q '^e0.0 02:00:00:00:00:f1 ' "$T/heard.1"
	aoe 1 identify 0.0 | grep -q sectors
	aoe 1 -d 02:00:00:00:00:f1 read 0.0 0 8 | cmp -n 4096 - /dev/zero
}
