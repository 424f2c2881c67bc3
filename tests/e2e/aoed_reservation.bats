#!/usr/bin/env bats
# Reserve/Release, AoEr11 3.4: clients share a disk by turns.

load helpers
load aoenet
load aoewords

setup() {
	setup_tmp
	aoe_net 3
	truncate -s 1M "$T/disk"
	echo "0 $T/disk FF:FF:FF:FF:FF:FF aoe0 all" >"$T/table"
	start_aoed "$T/table"
	head -c 512 /dev/urandom >"$T/sector"
}

teardown() {
	run_cleanup
}

@test "a reserved disk is used by those on the list alone: AoE error 6" {
	[ "$(reserve 1 read)" = 1800: ]
	aoe 3 write 0.0 0 <"$T/sector"
	[ "$(reserve 1 set 1 2)" = '1800:01 02' ]
	run aoe 3 read 0.0 0 1
	[ "$status" = 3 ]
	[[ $output = *'AoE error 6'* ]]
	run aoe 3 write 0.0 0 <"$T/sector"
	[ "$status" = 3 ]
	aoe 2 write 0.0 0 <"$T/sector"
	# Who is shut out still sees the disk and its lists.
	aoe 3 identify 0.0
	wait_until 5 aoe 3 -t 0.3 discover
	[ "$(reserve 3 read)" = '1800:01 02' ]
	aoectl --json stats | jq -e '[.workers[].refusals.reserved] | add == 2'
}

@test "only who is on the list may change it, but anybody may by force" {
	[ "$(reserve 1 set 2)" = '1800:02' ]
	[ "$(reserve 1 set 1)" = 1c06 ]
	[ "$(reserve 1 set)" = 1c06 ]
	[ "$(reserve 2 set 1 2)" = '1800:01 02' ]
	[ "$(reserve 1 set)" = 1800: ]
	[ "$(reserve 2 set 2)" = '1800:02' ]
	[ "$(reserve 3 force 3)" = '1800:03' ]
	aoe 3 read 0.0 0 1 | wc -c | grep -qx 512
	[ "$(reserve 3 force)" = 1800: ]
	aoe 1 read 0.0 0 1 | wc -c | grep -qx 512
	[ "$(words 1 3 0300 | cut -c1-4)" = 1c02 ]
}

@test "it outlives a kill -9" {
	[ "$(reserve 1 set 1)" = '1800:01' ]
	kill_now "$AOED_PID" || true
	start_aoed "$T/table"
	[ "$(reserve 2 set 2)" = 1c06 ]
	[ "$(reserve 2 read)" = '1800:01' ]
	run aoe 2 read 0.0 0 1
	[ "$status" = 3 ]
	aoectl --json status all |
	    jq -e '.exports[0].reserved == ["02:00:00:00:00:01"]'
	grep -q 'all: reserve list changed by 02:00:00:00:00:01: 1 addresses' \
	    "$T/aoed.log"
}

@test "a list of 255 goes over a large frame and not over a small one" {
	local all
	mapfile -t all < <(seq 1 255)
	reserve 1 set "${all[@]}" | grep -q 'fe ff$'
	ip -n "$AOE_NET-s" link set aoe0 mtu 1500
	aoectl reload
	[ "$(reserve 1 read)" = 1c03 ]
	[ "$(reserve 1 set 1)" = '1800:01' ]
}
