#!/usr/bin/env bats
# A reload changes what changed in the table and nothing else.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 2
	truncate -s 8M "$T/disk1" "$T/disk2"
	echo "0 $T/disk1 $(client_mac 1) aoe0 one" >"$T/table"
}

teardown() {
	run_cleanup
}

add_row() {
	echo "0 $T/disk2 $(client_mac 2) aoe0 two $1" >>"$T/table"
}

drop_row() {
	sed -i '/ two /d' "$T/table"
}

@test "rows are added, altered and removed" {
	start_aoed "$T/table"
	run aoe 2 -t 0.3 identify 0.0
	[ "$status" = 1 ]
	add_row
	aoectl reload
	aoe 2 identify 0.0 | grep -qx 'sectors 16384'
	drop_row
	add_row length=2048,ro
	kill -HUP "$AOED_PID"
	wait_until 5 eval "aoe 2 identify 0.0 | grep -qx 'sectors 2048'"
	drop_row
	aoectl reload
	run aoe 2 -t 0.3 identify 0.0
	[ "$status" = 1 ]
	aoectl --json status | jq -e '.exports | length == 1'
}

@test "a bad table changes nothing and says why" {
	start_aoed "$T/table"
	echo "0 $T/disk2 nonsense aoe0 two" >>"$T/table"
	run aoectl reload
	[ "$status" = 1 ]
	[[ $output = *"$T/table:2:"*"bad MAC 'nonsense'"* ]]
	drop_row
	echo "0 $T/none $(client_mac 2) aoe0 two" >"$T/table"
	run aoectl reload
	[ "$status" = 1 ]
	[[ $output = *"$T/table:1:3: $T/none: No such file"* ]]
	: >"$T/table"
	echo "SHELF=1 SHELF=2" >"$T/table"
	kill -HUP "$AOED_PID"
	wait_until 5 grep -q 'nothing has changed' "$T/aoed.log"
	aoe 1 identify 0.0 | grep -qx 'sectors 16384'
	aoectl --json status | jq -e '[.exports[].alias] == ["one"]'
}

# Every frame that the client sent came to a worker, and none was dropped.
@test "an export whose row did not change loses no frame to forty reloads" {
	start_aoed "$T/table"
	head -c 8M /dev/urandom >"$T/data"
	for _ in {1..8}; do
		aoe 1 -v -c 8 write 0.0 0 <"$T/data" 2>>"$T/sent"
		aoe 1 -v -c 8 read 0.0 0 16384 2>>"$T/sent" | cmp - "$T/data"
	done 3>&- &
	traffic=$!
	for _ in {1..10}; do
		add_row
		aoectl reload
		drop_row
		aoectl reload
		sed -i '1i # a line more' "$T/table"
		aoectl reload
		sed -i 1d "$T/table"
		aoectl reload
	done
	wait $traffic
	cmp "$T/disk1" "$T/data"
	[ "$(grep -c 'frames sent' "$T/sent")" = 16 ]
	sent=$(awk '{ n += $2 } END { print n }' "$T/sent")
	aoectl --json stats >"$T/stats"
	jq -e "[.workers[].frames] | add == $sent" "$T/stats"
	jq -e '[.workers[].drops[]] | add == 0' "$T/stats"
	jq -e '([.workers[].answers] | add) >= ([.workers[].frames] | add)' \
	    "$T/stats"
	# One descriptor all the while: the counters went on.
	aoectl --json status one |
	    jq -e '.exports[0].bytes_written >= 8 * 8388608'
}
