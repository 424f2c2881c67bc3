#!/usr/bin/env bats
# A row that cannot be served is reported with its place and takes no other
# down.

load helpers
load aoenet

setup() {
	setup_tmp
	truncate -s 1M "$T/disk"
	cat >"$T/table" <<-END
	SHELF="2"
	0 $T/disk $(client_mac 1) aoe0 good
	1 $T/nothing $(client_mac 1) aoe0 nofile
	2 $T/disk $(client_mac 1) nowhere0 noiface ro
	3 $T/disk 00:16:E6:D3:ED:E51 aoe0 badmac
	END
}

teardown() {
	run_cleanup
}

@test "aoed -n names file, line and column of every fault, and fails" {
	aoe_net 1
	run srv "$BIN/aoed" -n -f "$T/table"
	[ "$status" = 1 ]
	[[ ${lines[0]} = "$T/table:3:3: $T/nothing: No such file"* ]]
	[[ ${lines[1]} = "$T/table:4:"*": nowhere0: No such device" ]]
	[[ ${lines[2]} = "$T/table:5:"*": bad MAC '00:16:E6:D3:ED:E51'"* ]]
	[ "${#lines[@]}" = 3 ]
	head -n 2 "$T/table" >"$T/good"
	run srv "$BIN/aoed" -n -f "$T/good"
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "the good row is served, the bad ones are shown with their reasons" {
	aoe_net 1
	start_aoed "$T/table"
	aoe 1 identify 2.0 | grep -qx 'sectors 2048'
	aoectl --json status >"$T/status"
	jq -e '[.exports[].state] == ["serving", "failed", "waiting", "failed"]' \
	    "$T/status"
	jq -e '.exports[1].why | contains("No such file")' "$T/status"
	jq -e '.exports[2].why | contains("nowhere0: No such device")' \
	    "$T/status"
	jq -e '.exports[3].why | contains("bad MAC")' "$T/status"
}

@test "what was missing is served by a later start" {
	aoe_net 1
	start_aoed "$T/table"
	run aoectl start nofile
	[ "$status" = 1 ]
	truncate -s 2M "$T/nothing"
	aoectl start nofile
	aoe 1 identify 2.1 | grep -qx 'sectors 4096'
	run aoectl start noiface
	[ "$status" = 1 ]
	[[ $output = *'nowhere0: No such device'* ]]
}

@test "a table that cannot be understood is refused" {
	printf 'SHELF=x\n0 /a %s aoe0 a\n' "$(client_mac 1)" >"$T/table"
	run "$BIN/aoed" -d -f "$T/table" -s "$T/sock" -S "$T/state"
	[ "$status" = 78 ]
	[[ ${lines[0]} = "$T/table:1:7: bad SHELF 'x'"* ]]
	run "$BIN/aoed" -d -f "$T/none" -s "$T/sock" -S "$T/state"
	[ "$status" = 78 ]
	run "$BIN/aoed" -n -f "$T/none"
	[ "$status" = 1 ]
}

@test "two rows for one frame: both lines are named" {
	printf '%s\n' "0 $T/disk $(client_mac 1) lo a" \
	    "2.0 $T/disk FF:FF:FF:FF:FF:FF lo b" \
	    "SHELF=2" "2.0 $T/disk $(client_mac 1) lo c" >"$T/table"
	run "$BIN/aoed" -n -f "$T/table"
	[ "$status" = 1 ]
	[[ $output = *"$T/table:4:1: 2.0 for $(client_mac 1) on lo is already in line 1"* ]]
}
