#!/usr/bin/env bats
# MAC Mask List, AoEr11 3.3: clients say who else is listened to.

load helpers
load aoenet
load aoewords

setup() {
	setup_tmp
	aoe_net 3
	truncate -s 1M "$T/disk" "$T/other"
	cat >"$T/table" <<-TABLE
	0 $T/disk FF:FF:FF:FF:FF:FF aoe0 all
	1 $T/other $(client_mac 1),$(client_mac 2) aoe0 two
	TABLE
	start_aoed "$T/table"
}

teardown() {
	run_cleanup
}

@test "an empty list lets everybody in, another those who are on it" {
	[ "$(mask 1)" = 1800: ]
	aoe 3 identify 0.0
	[ "$(mask 1 +1 +2)" = '1800:01 02' ]
	[ "$(mask 2)" = '1800:01 02' ]
	WAIT=0.4 run mask 3
	[ "$status" = 1 ]
	run aoe 3 -t 0.4 identify 0.0
	[ "$status" = 1 ]
	run aoe 3 -t 0.4 discover
	[ "$status" = 1 ]
	aoe 2 identify 0.0
	aoectl --json stats | jq -e '[.workers[].drops.masked] | add >= 3'
	[ "$(mask 2 -1 -2)" = 1800: ]
	aoe 3 identify 0.0
}

@test "directives are followed until one cannot be" {
	[ "$(mask 1 +1 !2 +3)" = '1800 error 02 1' ]
	[ "$(mask 1)" = '1800:01' ]
	[ "$(mask 1 .2 +2 -7 +1)" = '1800:01 02' ]
	# Neither read nor edit.
	[ "$(words 1 2 00020000 | cut -c1-4)" = 1c02 ]
}

@test "the list is full where its reading would not fit into a frame" {
	local i edits=()
	ip -n "$AOE_NET-s" link set aoe0 mtu 1500
	aoectl reload
	for ((i = 1; i <= 184; i++)); do edits+=("+$i"); done
	mask 1 "${edits[@]}" | grep -q 'b7 b8$'
	[ "$(mask 1 +185 +186)" = '1800 error 03 1' ]
	mask 1 -4 +186 | grep -q 'b9 ba$'
	# A list that was longer before the interface's MTU became smaller.
	ip -n "$AOE_NET-s" link set aoe0 mtu 1100
	aoectl reload
	[ "$(mask 1)" = '1800 error 01 0' ]
}

@test "it outlives a kill -9, and the table's clients bound it" {
	export ADDRESS=000001
	[ "$(mask 1 +2 +3)" = '1800:02 03' ]
	kill_now "$AOED_PID" || true
	start_aoed "$T/table"
	[ "$(mask 2)" = '1800:02 03' ]
	WAIT=0.4 run mask 1
	[ "$status" = 1 ]
	WAIT=0.4 run mask 3
	[ "$status" = 1 ]
	aoectl --json status two | jq -e '.exports[0].mask ==
	    ["02:00:00:00:00:02", "02:00:00:00:00:03"]'
	ADDRESS=000000 mask 3
}

@test "a list that cannot be kept is not followed: AoE error 3" {
	# Its size may be being noted there just now.
	mv "$T/state" "$T/gone"
	[ "$(words 1 2 0001000100010200000000aa | cut -c1-4)" = 1c03 ]
	[ "$(mask 2)" = 1800: ]
}

@test "a damaged state file keeps its row from being served, and says why" {
	[ "$(mask 1 +1)" = '1800:01' ]
	stop_aoed
	echo '{"config":"","mask":["02:00"],"reserved":[]}' >"$T/state/all.json"
	start_aoed "$T/table"
	aoectl --json status all | jq -e '.exports[0] | .state == "failed" and
	    (.why | endswith("all.json: mask: not a list of at most 255 MAC addresses"))'
	aoe 1 identify 0.1
	rm "$T/state/all.json"
	aoectl start all
	aoe 3 identify 0.0
}
